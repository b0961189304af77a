"""The page of the first account: there is one for as long as no account was made, and then none ever again."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from sado.cases import audit
from sado.cases.audit import Action
from sado.desk import passwords, recording
from sado.desk.administration import first
from sado.desk.administration.errors import RefusedError
from sado.desk.language import _
from sado.store import Store


def create(store: Store) -> Blueprint:
    """The blueprint of the page."""
    blueprint = Blueprint("first", __name__, url_prefix="/first")
    blueprint.before_request(lambda: None if first.is_open(store) else abort(404))
    views = _Views(store)
    blueprint.add_url_rule("", view_func=views.show, strict_slashes=False)
    blueprint.add_url_rule("", view_func=views.make, methods=["POST"], strict_slashes=False)
    return blueprint


@dataclass(frozen=True)
class _Views:
    """The views, and what they need."""

    store: Store

    @recording.shows_nothing
    def show(self) -> ResponseReturnValue:
        """The form."""
        return self._form("")

    @recording.recorded(Action.ACCOUNT_CHANGED, is_late=True)
    def make(self) -> ResponseReturnValue:
        """Make the first account, and go on to signing in."""
        code, name, full_name = (request.form.get(field, "").strip() for field in ("code", "name", "full_name"))
        try:
            first.make(self.store, code, name, full_name, request.form.get("password", ""))
        except RefusedError as refused:
            return self._form(_(refused.sentence, **refused.values)), 403
        recording.note(Action.ACCOUNT_CHANGED, name, "first", who=audit.person(name))
        flash(_("The account is made. Sign in with it, and let the others in."))
        return redirect(url_for("desk.sign_in"))

    def _form(self, fault: str) -> str:
        return render_template("desk/first.html", fault=fault, typed=request.form, shortest=passwords.SHORTEST)
