"""Stations that exchange with this one: a list, a new one, and what can be changed of one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from sado.cases.audit import Action
from sado.desk import language, recording
from sado.desk.administration.errors import RefusedError
from sado.desk.administration.stations import MOST_NUMBER, NO_NUMBER, Stations
from sado.desk.administrator.answers import TICK, in_words, is_confirmed, shown_once
from sado.desk.language import _
from sado.menus.pack import Pack
from sado.store import Store


def create(store: Store, pack: Pack, publisher: Callable[[], bytes | None]) -> Blueprint:
    """The blueprint of the pages; `publisher` gives the public key that a station behind this one goes by."""
    blueprint = Blueprint("stations", __name__, url_prefix="/administrator/stations")
    views = _Views(Stations(store, lambda: pack), pack, publisher)
    blueprint.add_url_rule("", view_func=views.index, strict_slashes=False)
    blueprint.add_url_rule("/new", view_func=views.new)
    blueprint.add_url_rule("/new", view_func=views.add, methods=["POST"])
    blueprint.add_url_rule("/<int:number>", view_func=views.show)
    blueprint.add_url_rule("/<int:number>/rekey", view_func=views.rekey, methods=["POST"])
    blueprint.add_url_rule("/<int:number>/revoke", view_func=views.revoke, methods=["POST"])
    blueprint.add_url_rule("/<int:number>/drop-votes", view_func=views.drop_votes, methods=["POST"])
    return blueprint


@dataclass(frozen=True)
class _Views:
    """The views, and what they need. The publisher's key is looked for before a station's is made: should it not be
    had, nothing was changed."""

    stations: Stations
    pack: Pack
    publisher: Callable[[], bytes | None]

    @recording.recorded(Action.ADMINISTRATION_READ)
    def index(self) -> ResponseReturnValue:
        """Every station that is admitted."""
        return render_template("desk/stations.html", stations=self.stations.every(), districts=self._districts)

    @recording.shows_nothing
    def new(self) -> ResponseReturnValue:
        """The form for a new one."""
        return self._form("")

    @recording.recorded(Action.STATION_CHANGED, "number", says="add")
    def add(self) -> ResponseReturnValue:
        """Admit one. Its key is shown once; one behind another has none here."""
        public = self.publisher()
        try:
            number, through = _number(request.form.get("number", "")), _way(request.form.get("through", ""))
            key = self.stations.add(number, request.form.getlist("district"), through)
        except RefusedError as refused:
            return self._form(in_words(refused)), 400
        if key:
            return _upstream_key(number, key, public)
        flash(_("Station {number} is reached through station {way}.", number=f"{number:03}", way=f"{through:03}"))
        return redirect(url_for("stations.index"))

    @recording.recorded(Action.ADMINISTRATION_READ)
    def show(self, number: int) -> ResponseReturnValue:
        """One station; one that is admitted no more still has votes in the results."""
        return self._page(number, "")

    @recording.recorded(Action.STATION_CHANGED, "number", says="rekey")
    def rekey(self, number: int) -> ResponseReturnValue:
        """Give it a new key, which is shown once."""
        if not is_confirmed():
            return _unticked(number)
        public = self.publisher()
        try:
            return _upstream_key(number, self.stations.rekey(number), public)
        except RefusedError as refused:
            return self._page(number, in_words(refused)), 400

    @recording.recorded(Action.STATION_CHANGED, "number", says="revoke")
    def revoke(self, number: int) -> ResponseReturnValue:
        """Admit it no more."""
        if not is_confirmed():
            return _unticked(number)
        try:
            self.stations.revoke(number)
        except RefusedError as refused:
            return self._page(number, in_words(refused)), 400
        flash(_("Station {number} is not admitted any more.", number=f"{number:03}"))
        return redirect(url_for("stations.show", number=number))

    @recording.recorded(Action.STATION_CHANGED, "number", says="drop-votes")
    def drop_votes(self, number: int) -> ResponseReturnValue:
        """Take its votes out of the results."""
        if not is_confirmed():
            return _unticked(number)
        flash(_("Votes that count no more: {n}.", n=self.stations.drop_votes(number)))
        return redirect(url_for("stations.show", number=number))

    def _page(self, number: int, fault: str) -> str:
        if number > MOST_NUMBER:
            abort(404)
        station = next((one for one in self.stations.every() if one.number == number), None)
        return render_template(
            "desk/station.html", number=number, station=station, districts=self._districts, fault=fault
        )

    def _form(self, fault: str) -> str:
        named = [(self._name(place.code), place.code) for place in self.pack.gazetteer]
        return render_template("desk/station_new.html", districts=sorted(named), fault=fault, typed=request.form)

    def _districts(self, codes: tuple[str, ...]) -> str:
        return ", ".join(self._name(code) for code in codes) or _("all districts")

    def _name(self, code: str) -> str:
        return self.pack.gazetteer.name(code, language.current())


def _upstream_key(number: int, key: str, public: bytes | None) -> str:
    """The lines for a station's upstream.key."""
    said = _("The lines for upstream.key of station {number}. An earlier key is refused.", number=f"{number:03}")
    return shown_once(said, "\n".join([key, public.hex()] if public else [key]), url_for("stations.index"))


def _number(typed: str) -> int:
    """The number of a station. Raises RefusedError."""
    if not (typed.strip().isascii() and typed.strip().isdigit() and len(typed) < 10):
        raise RefusedError(NO_NUMBER, most=MOST_NUMBER)
    return int(typed)


def _way(typed: str) -> int | None:
    return _number(typed) if typed.strip() else None


def _unticked(number: int) -> ResponseReturnValue:
    flash(_(TICK))
    return redirect(url_for("stations.show", number=number))
