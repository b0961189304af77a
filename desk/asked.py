"""What stations asked of the hub about a case, in words: what waits, what lies beside it and why, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import flash, request

from sado.cases import conflicts
from sado.cases.errors import DecidedError, PassedOnError
from sado.cases.moving import REFUSALS
from sado.cases.requests import Clash
from sado.cases.service import Cases
from sado.desk import people, recording, words
from sado.desk.case_view import agency_name, done_by, history
from sado.desk.language import N_, _
from sado.desk.people import People
from sado.menus.pack import Pack
from sado.store import Store, Transaction
from sado.store.tables import requests
from sado.store.tables.cases import CaseRow, EventRow
from sado.store.tables.requests import RequestRow

ASKED = N_("It is sent to the hub, which decides. Until then it is not certain, and the resident is told nothing.")
TAKEN = N_("It is taken, and the resident will be told.")
SET_ASIDE = N_("It is set aside. The case stays as it was, and what was asked for stays on this page.")
CANNOT = N_("This cannot follow now. The status above says where the case stands; choose again.")
MARKS = {
    ("waiting", True): N_("sent to the hub, not yet decided"),
    ("hard", True): N_("not taken: the agency decides at the hub"),
    ("hard", False): N_("two changes at once: decide"),
}
# What may keep a decision or a wish from being done; the page then says CANNOT.
REFUSED = (*REFUSALS, PassedOnError, DecidedError)


@dataclass(frozen=True)
class Asked:
    """One request in words."""

    request: RequestRow
    what: str
    who: str
    state: str


@dataclass(frozen=True)
class Sides:
    """A request that a person has to decide, beside what came of the case meanwhile."""

    asked: Asked
    since: list[tuple[str, str, EventRow]]
    can_take: bool


@dataclass(frozen=True)
class AllAsked:
    """What the pages of one case show of its requests. `notes` say of a version of the case that it was asked for, and
    where."""

    waiting: list[Asked]
    clashes: list[Sides]
    beside: list[Asked]
    notes: dict[int, str]


def of_case(tx: Transaction, cases: Cases, pack: Pack, case: CaseRow) -> AllAsked:
    """Everything that was asked for this case and still says something."""
    rows = requests.of_case(tx, case.reference)
    clashes = [] if cases.has_upstream else cases.clashes(tx, case)
    who = people.of(tx, [*rows, *(event for clash in clashes for event in clash.since)])
    lie = ("hard", "set_aside") if cases.has_upstream else ("set_aside",)
    return AllAsked(
        waiting=[_asked(pack, row, who) for row in rows if row.outcome == requests.WAITING],
        clashes=[_sides(pack, clash, who) for clash in clashes],
        beside=[_asked(pack, row, who) for row in rows if row.outcome in lie],
        notes={row.version: _note(row) for row in rows if row.version},
    )


def nothing() -> AllAsked:
    """For an agency that passed the case on: what is asked now is not its business."""
    return AllAsked([], [], [], {})


def marks(tx: Transaction, cases: Cases, listed: Sequence[CaseRow]) -> dict[str, str]:
    """Reference → the mark that a list gives it; only those with a request that is not decided."""
    outcomes = requests.open_among(tx, [case.reference for case in listed])
    return {
        reference: _(MARKS[outcome, cases.has_upstream])
        for reference, outcome in outcomes.items()
        if (outcome, cases.has_upstream) in MARKS
    }


def decide(store: Store, cases: Cases, reference: str, request_id: str, agency: str = "") -> str:
    """Take a request after all or set it aside, as the form that came says; the words for why that cannot be, or
    nothing once it is done. Raises UnknownCaseError."""
    is_taken, who = request.form.get("decision") == "take", recording.asking()
    try:
        store.write(lambda tx: cases.resolve(tx, reference, request_id, is_taken, agency, who))
    except REFUSED:
        return _(CANNOT)
    flash(_(TAKEN if is_taken else SET_ASIDE))
    return ""


def _note(row: RequestRow) -> str:
    alone, beside = N_("asked at station {number}"), N_("asked at station {number}, at the same time as another change")
    return _(beside if row.outcome == conflicts.SOFT else alone, number=f"{row.station:03}")


def _asked(pack: Pack, row: RequestRow, who: People) -> Asked:
    what = words.event(row.kind)
    if row.agency:
        what = _("Forwarded to: {agency}", agency=agency_name(pack, row.agency))
    return Asked(row, what, done_by(pack, row, who), words.outcome(row.outcome))


def _sides(pack: Pack, clash: Clash, who: People) -> Sides:
    return Sides(_asked(pack, clash.request, who), history(pack, clash.since, who), clash.can_take)
