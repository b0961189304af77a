"""People: a list, somebody new, and what can be changed of somebody's account."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from sado.cases.audit import Action
from sado.desk import language, recording, words
from sado.desk.administration.accounts import LANGUAGES, Accounts, Listed
from sado.desk.administration.errors import RefusedError
from sado.desk.administrator.answers import TICK, in_words, is_confirmed, shown_once
from sado.desk.case_view import agency_name, other_agencies
from sado.desk.language import _
from sado.desk.roles import Role
from sado.menus.pack import Pack
from sado.store import Store

FIELDS = ("full_name", "role", "agency", "language")


def create(store: Store, pack: Pack) -> Blueprint:
    """The blueprint of the pages."""
    blueprint = Blueprint("people", __name__, url_prefix="/administrator/people")
    views = _Views(Accounts(store, lambda: pack), pack)
    blueprint.add_url_rule("", view_func=views.index, strict_slashes=False)
    blueprint.add_url_rule("/new", view_func=views.new)
    blueprint.add_url_rule("/new", view_func=views.add, methods=["POST"])
    blueprint.add_url_rule("/person", view_func=views.show)
    signing_in = (views.password, views.disable, views.enable, views.end_sessions, views.totp_off)
    for change in (views.edit, *signing_in, views.remove):
        blueprint.add_url_rule(f"/{change.__name__.replace('_', '-')}", view_func=change, methods=["POST"])
    return blueprint


@dataclass(frozen=True)
class _Views:
    """The views, and what they need. A name may have any letters, so it is a field and no part of an address."""

    accounts: Accounts
    pack: Pack

    @recording.recorded(Action.ADMINISTRATION_READ)
    def index(self) -> ResponseReturnValue:
        """Everybody who may sign in."""
        return render_template(
            "desk/people.html",
            people=self.accounts.every(),
            words=words,
            agency=lambda code: agency_name(self.pack, code),
        )

    @recording.shows_nothing
    def new(self) -> ResponseReturnValue:
        """The form for somebody new."""
        return self._form("", {})

    @recording.recorded(Action.ACCOUNT_CHANGED, "name", "role", says="add")
    def add(self) -> ResponseReturnValue:
        """Let somebody in; her password is shown once."""
        typed = {field: request.form.get(field, "").strip() for field in ("name", *FIELDS)}
        try:
            password = self.accounts.add(**typed)
        except RefusedError as refused:
            return self._form(in_words(refused), typed), 400
        said = _("{name} may sign in with this password.", name=typed["name"])
        return shown_once(said, password, url_for("people.index"))

    @recording.recorded(Action.ADMINISTRATION_READ)
    def show(self) -> ResponseReturnValue:
        """Somebody's account."""
        return self._page(request.args.get("name", ""), "")

    @recording.recorded(Action.ACCOUNT_CHANGED, "name", "role", says="edit")
    def edit(self) -> ResponseReturnValue:
        """Say anew who she is."""
        typed = {field: request.form.get(field, "").strip() for field in FIELDS}
        return self._done(lambda name: self.accounts.change(name, **typed), _("It is kept, and counts at once."))

    @recording.recorded(Action.ACCOUNT_CHANGED, "name", says="password")
    def password(self) -> ResponseReturnValue:
        """Give her a new password, which is shown once."""
        name = request.form.get("name", "")
        try:
            password = self.accounts.renew_password(name)
        except RefusedError as refused:
            return self._page(name, in_words(refused)), 400
        said = _("{name} is signed out everywhere, and signs in with this password.", name=name)
        return shown_once(said, password, url_for("people.show", name=name))

    @recording.recorded(Action.ACCOUNT_CHANGED, "name", says="disable")
    def disable(self) -> ResponseReturnValue:
        """Let her in no more."""
        return self._done(self.accounts.disable, _("She is signed out, and may sign in no more."))

    @recording.recorded(Action.ACCOUNT_CHANGED, "name", says="enable")
    def enable(self) -> ResponseReturnValue:
        """Let her in again."""
        return self._done(self.accounts.enable, _("She may sign in again."))

    @recording.recorded(Action.ACCOUNT_CHANGED, "name", says="end sign-ins")
    def end_sessions(self) -> ResponseReturnValue:
        """Sign her out everywhere."""
        return self._done(self.accounts.end_sessions, _("She is signed out everywhere, and may sign in again."))

    @recording.recorded(Action.ACCOUNT_CHANGED, "name", says="codes off")
    def totp_off(self) -> ResponseReturnValue:
        """Ask her for no code any more: her phone is lost."""
        return self._done(self.accounts.totp_off, _("She signs in with the password alone."))

    @recording.recorded(Action.ACCOUNT_CHANGED, "name", says="remove")
    def remove(self) -> ResponseReturnValue:
        """Take her account away, once that was confirmed."""
        name = request.form.get("name", "")
        if not is_confirmed():
            flash(_(TICK))
            return redirect(url_for("people.show", name=name))
        try:
            self.accounts.remove(name)
        except RefusedError as refused:
            return self._page(name, in_words(refused)), 400
        flash(_("{name} has no account any more.", name=name))
        return redirect(url_for("people.index"))

    def _done(self, change: Callable[[str], object], said: str) -> ResponseReturnValue:
        """Make a change, and go back to her page."""
        name = request.form.get("name", "")
        try:
            change(name)
        except RefusedError as refused:
            return self._page(name, in_words(refused)), 400
        flash(said)
        return redirect(url_for("people.show", name=name))

    def _page(self, name: str, fault: str) -> str:
        person = self._find(name)
        return render_template("desk/person.html", person=person, fault=fault, **self._choices())

    def _find(self, name: str) -> Listed:
        return next((one for one in self.accounts.every() if one.name == name), None) or abort(404)

    def _form(self, fault: str, typed: dict[str, str]) -> str:
        return render_template("desk/person_new.html", person=typed, fault=fault, **self._choices())

    def _choices(self) -> dict[str, object]:
        return {
            "words": words,
            "roles": [role.value for role in Role],
            "agencies": other_agencies(self.pack, ""),
            "spoken": [(code, language.own_name(code, language.LOCALES)) for code in LANGUAGES],
        }
