"""The agency officer's pages: the cases of the own agency, and each move that a case allows now.

The resident's MSISDN is on none of them: the channel, not the officer, writes to the phone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from sado.cases import statuses, terms, views
from sado.cases.audit import Action
from sado.cases.errors import NoOtherAgencyError
from sado.cases.law import Law
from sado.cases.service import Cases
from sado.desk import asked, people, recording
from sado.desk.asked import AllAsked
from sado.desk.case_view import agency_name, case_view, history, other_agencies
from sado.desk.language import N_, _, local_date, now
from sado.desk.officer.api import LONGEST_TEXT
from sado.desk.people import People
from sado.desk.signin import person
from sado.menus.pack import Pack
from sado.store import Store, Transaction
from sado.store.tables import cases as rows
from sado.store.tables.cases import CaseRow, EventRow

LISTED = 50
TABS = {
    "new": (N_("New"), statuses.NEW),
    "work": (N_("In work"), statuses.IN_WORK),
    "done": (N_("Done"), statuses.DONE),
    "forwarded": (N_("Forwarded"), ()),
}
WAITS_FOR = {
    statuses.RECEIVED: N_("to be registered"),
    statuses.FORWARDED: N_("to be registered"),
    statuses.REOPENED: N_("to be registered"),
    statuses.REGISTERED: N_("to be taken into review"),
    statuses.EXTENDED: N_("to be answered"),
    "in_review": N_("to be answered"),
    "documents_needed": N_("for documents from the resident"),
}
# The buttons, in the order in which a case usually goes.
BUTTONS = {
    statuses.REGISTERED: N_("Register"),
    "in_review": N_("Take into review"),
    statuses.ANSWERED: N_("Answer"),
    "documents_needed": N_("Ask for documents"),
    statuses.REFUSED: N_("Refuse with reason"),
    statuses.EXTENDED: N_("Extend the term"),
    statuses.FORWARDED: N_("Forward"),
    statuses.CLOSED: N_("Close"),
    statuses.REOPENED: N_("Reopen"),
}
KEPT = N_("It is kept, and the resident will be told.")
NO_WORDS = N_("Write the words first: the resident reads them.")
TOO_LONG = N_("The text is too long: {n} characters at most.")
NO_AGENCY = N_("Choose the agency that the case goes to.")
TERMS = {
    terms.ForwardTooLateError: N_("The days for forwarding are over. Answer the case, or refuse it with the reason."),
    terms.NoExtensionError: N_("The term of this case cannot be extended any more."),
    terms.NoShortTermError: N_("There is no short term for this kind of case."),
}


@dataclass(frozen=True)
class Typed:
    """What was sent and not taken, and why; it is shown again. `status` is the page's HTTP status."""

    text: str = ""
    fault: str = ""
    status: int = 200


@dataclass(frozen=True)
class Seen:
    """What the agency sees of a case, how it will `stand` if the hub takes what was asked for, and the moves that the
    agency may make on that."""

    case: CaseRow
    events: list[EventRow]
    stands: CaseRow
    moves: frozenset[str]
    asked: AllAsked
    people: People


@dataclass(frozen=True)
class Dates:
    """The last days that the page names, each in words; empty where there is none."""

    register: str = ""
    answer: str = ""
    answer_short: str = ""
    forward: str = ""
    extended: str = ""


def create(store: Store, cases: Cases, pack: Pack) -> Blueprint:
    """The officer's blueprint."""
    blueprint = Blueprint("officer", __name__, url_prefix="/agency")
    views = _Views(store, cases, pack)
    blueprint.add_url_rule("", view_func=views.index, strict_slashes=False)
    blueprint.add_url_rule("/cases/<reference>", view_func=views.case)
    blueprint.add_url_rule("/cases/<reference>/events", view_func=views.record, methods=["POST"])
    blueprint.add_url_rule("/cases/<reference>/requests/<request_id>", view_func=views.resolve, methods=["POST"])
    return blueprint


@dataclass(frozen=True)
class _Views:
    """The views, and what they need."""

    store: Store
    cases: Cases
    pack: Pack

    @recording.recorded(Action.CASES_LISTED)
    def index(self) -> ResponseReturnValue:
        """The cases of one tab, a page of them."""
        tab = request.args.get("show", "new")
        if tab not in TABS:
            abort(404)
        return self._forwarded() if tab == "forwarded" else self._list(tab)

    @recording.recorded(Action.CASE_READ, "reference")
    def case(self, reference: str) -> ResponseReturnValue:
        """One case and its buttons."""
        return self._page(reference, Typed())

    @recording.recorded(Action.CASE_MOVED, "reference", "kind")
    def record(self, reference: str) -> ResponseReturnValue:
        """Make the move that the form asks for; with a fault nothing is changed, and what was typed is kept."""
        typed = self._record(reference)
        if typed.fault:
            return self._page(reference, typed), typed.status
        flash(_(asked.ASKED if self.cases.has_upstream else KEPT))
        return redirect(url_for("officer.case", reference=reference))

    @recording.recorded(Action.REQUEST_DECIDED, "reference", "decision")
    def resolve(self, reference: str, request_id: str) -> ResponseReturnValue:
        """Decide on a request that was kept beside a case."""
        if fault := asked.decide(self.store, self.cases, reference, request_id, person().agency):
            return self._page(reference, Typed("", fault)), 409
        return redirect(url_for("officer.case", reference=reference))

    def _list(self, tab: str) -> str:
        agency, after = person().agency, _cursor(request.args.get("after", ""))
        listed = self.store.read(lambda tx: rows.of_agency(tx, agency, TABS[tab][1], after, LISTED + 1))
        marks = self.store.read(lambda tx: asked.marks(tx, self.cases, listed))
        return render_template(
            "desk/agency_list.html",
            agency=agency_name(self.pack, agency),
            tabs=_tabs(),
            tab=tab,
            cases=[(case_view(self.pack, case), _waits_for(case.status)) for case in listed[:LISTED]],
            marks=marks,
            following=listed[LISTED - 1].number if len(listed) > LISTED else None,
        )

    def _forwarded(self) -> str:
        """What the agency passed on, the latest first: where to and when, and nothing that came after."""
        agency = person().agency
        forwards = self.store.read(lambda tx: views.passed_on(tx, agency, LISTED))
        return render_template(
            "desk/agency_forwarded.html",
            agency=agency_name(self.pack, agency),
            tabs=_tabs(),
            tab="forwarded",
            forwards=[(event, agency_name(self.pack, event.agency)) for event in forwards],
            listed=LISTED,
        )

    def _record(self, reference: str) -> Typed:
        """Make the move that the form asks for. With a fault, nothing was changed."""
        kind = request.form.get("kind", "")
        text = request.form.get("text", "").replace("\r\n", "\n").strip()
        to = request.form.get("agency", "") if kind == statuses.FORWARDED else ""
        agency, is_short, who = person().agency, request.form.get("term") == "short", recording.asking()
        if kind not in statuses.EVENTS:
            abort(400)
        if len(text) > LONGEST_TEXT:
            return Typed(text, _(TOO_LONG, n=LONGEST_TEXT), 400)
        if to and to not in self.pack.agencies:
            return Typed(text, _(NO_AGENCY), 422)
        try:
            self.store.write(
                lambda tx: self.cases.record(tx, agency, reference, kind, text, to=to, is_short=is_short, person=who)
            )
        except statuses.WordsMissingError:
            return Typed(text, _(NO_WORDS), 422)
        except NoOtherAgencyError:
            return Typed(text, _(NO_AGENCY), 422)
        except terms.TermError as error:
            return Typed(text, _(TERMS[type(error)]), 409)
        except asked.REFUSED:
            return Typed(text, _(asked.CANNOT), 409)
        return Typed()

    def _page(self, reference: str, typed: Typed) -> str:
        """The case as it stands now, with what was typed into its form."""
        agency, pack = person().agency, self.pack
        seen = self.store.read(lambda tx: self._seen(tx, agency, reference))
        case, stands = seen.case, seen.stands
        moves = [(kind, _(title)) for kind, title in BUTTONS.items() if kind in seen.moves]
        return render_template(
            "desk/agency_case.html",
            view=case_view(pack, case, seen.events),
            reads=pack.languages.names.get(case.language, case.language),
            history=history(pack, seen.events, seen.people),
            asked=seen.asked,
            is_ours=case.agency == agency,
            moves=dict(moves),
            plain=[(kind, title) for kind, title in moves if kind in ("in_review", statuses.CLOSED, statuses.REOPENED)],
            wordy=[(kind, title) for kind, title in moves if kind in statuses.WITH_WORDS],
            dates=_dates(self.cases.law(), stands),
            agencies=other_agencies(pack, agency),
            is_in_work=stands.status in statuses.IN_WORK,
            longest=LONGEST_TEXT,
            fault=typed.fault,
            typed=typed,
        )

    def _seen(self, tx: Transaction, agency: str, reference: str) -> Seen:
        """What the agency sees of the case, read at one moment."""
        case, events = views.seen_by(tx, agency, reference)
        if case.agency != agency:
            return Seen(case, events, case, frozenset(), asked.nothing(), people.of(tx, events))
        requests = asked.of_case(tx, self.cases, self.pack, case)
        stands, moves = self.cases.stands(tx, case), self.cases.moves(tx, case)
        return Seen(case, events, stands, moves, requests, people.of(tx, events))


def _tabs() -> list[tuple[str, str]]:
    return [(name, _(title)) for name, (title, _statuses) in TABS.items()]


def _dates(law: Law, case: CaseRow) -> Dates:
    """What the law would make of a registration now, and what it allows of a case that is registered."""

    def shown(day: date | None) -> str:
        return "" if day is None else local_date(law.end_of(day))

    if case.status in statuses.NEW:
        short = law.due_on(now(), case.kind, is_short=True) if law.has_short_term(case.kind) else None
        return Dates(
            register=shown(law.acknowledge_by(case.updated_at)),
            answer=shown(law.due_on(now(), case.kind)),
            answer_short=shown(short),
        )
    if case.registered_at is None:
        return Dates()
    extended = law.due_on(case.registered_at, case.kind, case.is_short, case.extensions + 1)
    return Dates(forward=shown(law.forward_by(case.registered_at)), extended=shown(extended))


def _waits_for(status: str) -> str:
    """What the agency's clock waits for; nothing once the case is answered."""
    return _(WAITS_FOR[status]) if status in WAITS_FOR else ""


def _cursor(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 16 else 0
