"""The agency officer's pages: the cases of the own agency, and each move that a case allows now.

The resident's MSISDN is on none of them: the channel, not the officer, writes to the phone.
"""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from cases import statuses
from cases.service import Cases, UnknownCaseError
from desk import language, words
from desk.agency_api import EVENTS, LONGEST_TEXT, case_of
from desk.language import N_, _
from desk.operator import actor, case_view
from desk.signin import needs_role
from menus.pack import Pack
from store import Store, Transaction
from store import cases as rows
from store.cases import CaseRow, EventRow

LISTED = 50
TABS = {
    "new": (N_("New"), (statuses.RECEIVED,)),
    "work": (N_("In work"), ("registered", "in_review", "documents_needed")),
    "done": (N_("Done"), (statuses.ANSWERED, statuses.REFUSED, "closed")),
}
WAITS_FOR = {
    statuses.RECEIVED: N_("to be registered"),
    "registered": N_("to be taken into review"),
    "in_review": N_("to be answered"),
    "documents_needed": N_("for documents from the resident"),
}
# The buttons, in the order in which a case usually goes.
BUTTONS = {
    "registered": N_("Register"),
    "in_review": N_("Take into review"),
    statuses.ANSWERED: N_("Answer"),
    "documents_needed": N_("Ask for documents"),
    statuses.REFUSED: N_("Refuse with reason"),
    "closed": N_("Close"),
}
KEPT = N_("It is kept, and the resident will be told.")
NO_WORDS = N_("Write the words first: the resident reads them.")
TOO_LONG = N_("The text is too long: {n} characters at most.")
MOVED_ON = N_("This cannot follow now. The status above says where the case stands; choose again.")


@dataclass(frozen=True)
class Typed:
    """What was sent and not taken, and why; it is shown again."""

    text: str = ""
    fault: str = ""


def create(store: Store, cases: Cases, pack: Pack) -> Blueprint:
    """The officer's blueprint."""
    blueprint = Blueprint("officer", __name__, url_prefix="/agency")

    @blueprint.get("", strict_slashes=False)
    @needs_role("agency")
    def index() -> ResponseReturnValue:
        tab = request.args.get("show", "new")
        among = TABS[tab][1] if tab in TABS else abort(404)
        agency, after = current_user.agency, _cursor(request.args.get("after", ""))
        found = store.read(lambda tx: rows.of_agency(tx, agency, among, after, LISTED + 1))
        return _list_page(pack, tab, found)

    @blueprint.get("/cases/<reference>")
    @needs_role("agency")
    def case(reference: str) -> ResponseReturnValue:
        return _case_page(store, pack, reference, Typed())

    @blueprint.post("/cases/<reference>/events")
    @needs_role("agency")
    def record(reference: str) -> ResponseReturnValue:
        typed, status = _record(store, cases, reference)
        if typed.fault:
            return _case_page(store, pack, reference, typed), status
        flash(_(KEPT))
        return redirect(url_for("officer.case", reference=reference))

    return blueprint


def _list_page(pack: Pack, tab: str, found: list[CaseRow]) -> str:
    shown = [(case_view(pack, case), _waits_for(case.status)) for case in found[:LISTED]]
    return render_template(
        "desk/agency_list.html",
        agency=_agency(pack),
        tabs=[(name, _(title)) for name, (title, _statuses) in TABS.items()],
        tab=tab,
        cases=shown,
        following=found[LISTED - 1].number if len(found) > LISTED else None,
    )


def _record(store: Store, cases: Cases, reference: str) -> tuple[Typed, int]:
    """Make the move that the form asks for. With a fault, nothing was changed."""
    kind = request.form.get("kind", "")
    text = request.form.get("text", "").replace("\r\n", "\n").strip()
    agency = current_user.agency
    if kind not in EVENTS:
        abort(400)
    if len(text) > LONGEST_TEXT:
        return Typed(text, _(TOO_LONG, n=LONGEST_TEXT)), 400
    try:
        store.write(lambda tx: cases.record(tx, agency, reference, kind, text))
    except UnknownCaseError:
        abort(404)
    except statuses.WordsMissingError:
        return Typed(text, _(NO_WORDS)), 422
    except statuses.IllegalMoveError:
        return Typed(text, _(MOVED_ON)), 409
    return Typed(), 200


def _case_page(store: Store, pack: Pack, reference: str, typed: Typed) -> str:
    """The case as it stands now, with what was typed into its form."""
    agency = current_user.agency
    try:
        found, events = store.read(lambda tx: _case(tx, agency, reference))
    except UnknownCaseError:
        abort(404)
    moves = [(kind, _(title)) for kind, title in BUTTONS.items() if kind in statuses.MOVES[found.status]]
    return render_template(
        "desk/agency_case.html",
        it=case_view(pack, found),
        reads=language.NAMES.get(found.language, found.language),
        history=[(words.event(event.kind), actor(pack, event), event) for event in events],
        plain=[move for move in moves if move[0] not in statuses.WITH_WORDS],
        wordy=[move for move in moves if move[0] in statuses.WITH_WORDS],
        longest=LONGEST_TEXT,
        typed=typed,
    )


def _case(tx: Transaction, agency: str, reference: str) -> tuple[CaseRow, list[EventRow]]:
    return case_of(tx, agency, reference), rows.events_of(tx, reference)


def _waits_for(status: str) -> str:
    """What the agency's clock waits for; nothing once the case is answered."""
    return _(WAITS_FOR[status]) if status in WAITS_FOR else ""


def _agency(pack: Pack) -> str:
    code = current_user.agency
    return pack.agencies[code].names.get(language.current(), code) if code in pack.agencies else code


def _cursor(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 16 else 0
