"""The operator's page of one case: where it stands, what an operator may do about it, and what was asked of the hub.

Somebody comes to the counter and wants no more SMS about her case, or wants a closed one looked at again: the
operator does it here for her. A case that went to the wrong agency can be passed on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from sado.cases import statuses
from sado.cases.audit import Action
from sado.cases.service import Cases
from sado.desk import asked, people, recording, words
from sado.desk.case_view import case_view, history, other_agencies
from sado.desk.language import N_, _
from sado.desk.operator.outbox import entry_rows
from sado.menus.pack import Pack
from sado.store import Store, Transaction
from sado.store.tables import cases as rows
from sado.store.tables import deliveries

DONE = {
    statuses.WITHDRAWN: N_("It is kept. No SMS about this case is sent any more."),
    statuses.REOPENED: N_("It is kept, and the agency has to register the case anew."),
    statuses.FORWARDED: N_("It is kept, and the resident will be told."),
}


def create(store: Store, cases: Cases, pack: Pack) -> Blueprint:
    """The blueprint of the page."""
    blueprint = Blueprint("case", __name__, url_prefix="/operator/case")
    views = _Views(store, cases, pack)
    blueprint.add_url_rule("/<number>", view_func=views.show)
    blueprint.add_url_rule("/<number>/wishes", view_func=views.wish, methods=["POST"])
    blueprint.add_url_rule("/<number>/requests/<request_id>", view_func=views.resolve, methods=["POST"])
    return blueprint


@dataclass(frozen=True)
class _Views:
    """The views, and what they need."""

    store: Store
    cases: Cases
    pack: Pack

    @recording.recorded(Action.CASE_READ, "number")
    def show(self, number: str, fault: str = "") -> str:
        """The case as it stands now, and why what was asked for could not be done."""
        seen = self.store.read(lambda tx: self._seen(tx, number))
        return render_template("desk/case.html", words=words, fault=fault, **seen)

    @recording.recorded(Action.CASE_MOVED, "number", "kind")
    def wish(self, number: str) -> ResponseReturnValue:
        """Do what the resident wishes, or pass the case on."""
        kind, to = request.form.get("kind", ""), request.form.get("agency", "")
        if kind not in DONE or (to and to not in self.pack.agencies):
            abort(400)
        agency, who = to if kind == statuses.FORWARDED else "", recording.asking()
        try:
            self.store.write(lambda tx: self.cases.wish(tx, number, kind, agency, who))
        except asked.REFUSED:
            return self.show(number, _(asked.CANNOT)), 409
        flash(_(asked.ASKED if self.cases.has_upstream else DONE[kind]))
        return redirect(url_for("case.show", number=number))

    @recording.recorded(Action.REQUEST_DECIDED, "number", "decision")
    def resolve(self, number: str, request_id: str) -> ResponseReturnValue:
        """Decide on a request, for the agency."""
        if fault := asked.decide(self.store, self.cases, number, request_id):
            return self.show(number, fault), 409
        return redirect(url_for("case.show", number=number))

    def _seen(self, tx: Transaction, number: str) -> dict[str, Any]:
        """What the page shows, read at one moment."""
        case, pack = self.cases.get(tx, number), self.pack
        events = rows.events_of(tx, number)
        return {
            "view": case_view(pack, case, events),
            "history": history(pack, events, people.of(tx, events)),
            "sent": entry_rows(tx, number, pack),
            "told": deliveries.of_case(tx, number),
            "asked": asked.of_case(tx, self.cases, pack, case),
            "wishes": self.cases.wishes(tx, case),
            "agencies": other_agencies(pack, case.agency),
        }
