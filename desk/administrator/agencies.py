"""Agencies: which systems have a token for the API, a new one, and none any more."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from sado.cases.audit import Action
from sado.desk import recording
from sado.desk.administration.agencies import Agencies
from sado.desk.administration.errors import RefusedError
from sado.desk.administrator.answers import TICK, in_words, is_confirmed, shown_once
from sado.desk.case_view import agency_name
from sado.desk.language import _
from sado.menus.pack import Pack
from sado.store import Store


def create(store: Store, pack: Pack) -> Blueprint:
    """The blueprint of the pages."""
    blueprint = Blueprint("agencies", __name__, url_prefix="/administrator/agencies")
    views = _Views(Agencies(store, lambda: pack), pack)
    blueprint.add_url_rule("", view_func=views.index, strict_slashes=False)
    blueprint.add_url_rule("/<code>", view_func=views.show)
    blueprint.add_url_rule("/<code>/token", view_func=views.token, methods=["POST"])
    blueprint.add_url_rule("/<code>/revoke", view_func=views.revoke, methods=["POST"])
    return blueprint


@dataclass(frozen=True)
class _Views:
    """The views, and what they need."""

    agencies: Agencies
    pack: Pack

    @recording.recorded(Action.ADMINISTRATION_READ)
    def index(self) -> ResponseReturnValue:
        """Every agency, and whether its system has a token."""
        listed = sorted(((self._name(one.code), one) for one in self.agencies.every()), key=lambda pair: pair[0])
        return render_template("desk/agencies.html", agencies=listed)

    @recording.recorded(Action.ADMINISTRATION_READ)
    def show(self, code: str) -> ResponseReturnValue:
        """One agency."""
        return self._page(code, "")

    @recording.recorded(Action.TOKEN_CHANGED, "code", says="new")
    def token(self, code: str) -> ResponseReturnValue:
        """Give its system a new token, which is shown once."""
        if not is_confirmed():
            return self._unticked(code)
        try:
            token = self.agencies.renew_token(code)
        except RefusedError as refused:
            return self._page(code, in_words(refused)), 400
        said = _("The token of {agency}, for its system alone. An earlier one is refused.", agency=self._name(code))
        return shown_once(said, token, url_for("agencies.index"))

    @recording.recorded(Action.TOKEN_CHANGED, "code", says="revoked")
    def revoke(self, code: str) -> ResponseReturnValue:
        """Let its system in no more."""
        if not is_confirmed():
            return self._unticked(code)
        try:
            self.agencies.revoke_token(code)
        except RefusedError as refused:
            return self._page(code, in_words(refused)), 400
        flash(_("No system speaks for {agency} any more.", agency=self._name(code)))
        return redirect(url_for("agencies.index"))

    def _unticked(self, code: str) -> ResponseReturnValue:
        flash(_(TICK))
        return redirect(url_for("agencies.show", code=code))

    def _page(self, code: str, fault: str) -> str:
        agency = next((one for one in self.agencies.every() if one.code == code), None) or abort(404)
        return render_template("desk/agency.html", agency=agency, name=self._name(code), fault=fault)

    def _name(self, code: str) -> str:
        return agency_name(self.pack, code)
