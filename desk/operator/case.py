"""The operator's page of one case: where it stands, what an operator may do about it, and what was asked of the hub.

Somebody comes to the counter and wants no more SMS about her case, or wants a closed one looked at again: the
operator does it here for her. A case that went to the wrong agency can be passed on.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from sado.cases import statuses
from sado.cases.errors import UnknownCaseError
from sado.cases.service import Cases
from sado.desk import asked, words
from sado.desk.case_view import agency_name, case_view, history
from sado.desk.language import N_, _
from sado.desk.operator.outbox import entry_rows
from sado.desk.signin import needs_role
from sado.menus.pack import Pack
from sado.store import Store, Transaction
from sado.store.tables import cases as rows
from sado.store.tables import deliveries

DONE = {
    statuses.WITHDRAWN: N_("It is kept. No SMS about this case is sent any more."),
    statuses.REOPENED: N_("It is kept, and the agency has to register the case anew."),
    statuses.FORWARDED: N_("It is kept, and the resident will be told."),
}


def add(blueprint: Blueprint, store: Store, cases: Cases, pack: Pack) -> None:
    """Add the page to the operator's blueprint."""

    def page(number: str, fault: str = "") -> str:
        try:
            seen = store.read(lambda tx: _seen(tx, cases, pack, number))
        except UnknownCaseError:
            abort(404)
        return render_template("desk/case.html", words=words, fault=fault, **seen)

    @blueprint.get("/case/<number>")
    @needs_role("operator")
    def case(number: str) -> ResponseReturnValue:
        return page(number)

    @blueprint.post("/case/<number>/wishes")
    @needs_role("operator")
    def wish(number: str) -> ResponseReturnValue:
        kind, to = request.form.get("kind", ""), request.form.get("agency", "")
        if kind not in DONE or (to and to not in pack.agencies):
            abort(400)
        try:
            store.write(lambda tx: cases.wish(tx, number, kind, to if kind == statuses.FORWARDED else ""))
        except UnknownCaseError:
            abort(404)
        except asked.REFUSED:
            return page(number, _(asked.CANNOT)), 409
        flash(_(asked.ASKED if cases.has_upstream else DONE[kind]))
        return redirect(url_for("operator.case", number=number))

    @blueprint.post("/case/<number>/requests/<request_id>")
    @needs_role("operator")
    def resolve(number: str, request_id: str) -> ResponseReturnValue:
        is_taken = asked.wants_to_take()
        try:
            store.write(lambda tx: cases.resolve(tx, number, request_id, is_taken))
        except UnknownCaseError:
            abort(404)
        except asked.REFUSED:
            return page(number, _(asked.CANNOT)), 409
        flash(_(asked.TAKEN if is_taken else asked.SET_ASIDE))
        return redirect(url_for("operator.case", number=number))


def _seen(tx: Transaction, cases: Cases, pack: Pack, number: str) -> dict[str, Any]:
    """What the page shows, read at one moment."""
    case = cases.get(tx, number)
    events = rows.events_of(tx, number)
    return {
        "view": case_view(pack, case, events),
        "history": history(pack, events),
        "sent": entry_rows(tx, number, pack),
        "told": deliveries.of_case(tx, number),
        "asked": asked.of_case(tx, cases, pack, case),
        "wishes": cases.wishes(tx, case),
        "agencies": sorted((agency_name(pack, code), code) for code in pack.agencies if code != case.agency),
    }
