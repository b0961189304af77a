"""The API for agencies' own systems: their own cases and their moves, as JSON, described by openapi.yaml."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any

import msgspec
import yaml
from flask import Blueprint, Response, abort, g, request
from msgspec import UNSET, Meta, UnsetType
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from sado.cases import audit, statuses, views
from sado.cases.audit import Action
from sado.cases.errors import NoOtherAgencyError, PassedOnError, UnknownCaseError
from sado.cases.service import Cases
from sado.cases.terms import TermError
from sado.desk import people, recording
from sado.desk.people import People
from sado.menus.invisible import marked
from sado.menus.pack import Pack
from sado.store import DiskError, Store, StoreError, Transaction
from sado.store.tables import accounts, requests
from sado.store.tables import cases as rows
from sado.store.tables.cases import CaseRow, EventRow
from sado.store.tables.requests import RequestRow

log = logging.getLogger(__name__)

PREFIX = "/agency/v1"
LARGEST = 64 * 1024
LONGEST_TEXT = 4000
LISTED, MOST_LISTED = 50, 200
PARAMETERS = frozenset({"status", "after", "limit"})
DOCUMENT = Path(__file__).with_name("openapi.yaml")
NO_CASE = "Your agency has no case with this reference."

_PLAIN = ("reference", "status", "kind", "topic", "place", "agency", "language", "name", "text")
_CURSOR = re.compile(r"[0-9a-f]{1,15}")
_LIMIT = re.compile(r"[0-9]{1,3}")


class NewEvent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an agency posts: where its case moves, and the words for the resident. `short` belongs to a registration,
    `agency` to a forward and only there."""

    kind: str
    text: Annotated[str, Meta(max_length=LONGEST_TEXT)] = ""
    short: bool | UnsetType = UNSET
    agency: str | UnsetType = UNSET


def create(store: Store, cases: Cases, pack: Pack) -> Blueprint:
    """The blueprint for agencies' own systems. Every answer that is not a success is a problem document."""
    blueprint = Blueprint("agency_api", __name__, url_prefix=PREFIX)
    views = _Views(store, cases, pack)
    blueprint.before_app_request(_unrouted)
    blueprint.before_request(views.identify)
    blueprint.before_request(recording.begin)
    blueprint.after_request(recording.finish(_broken))
    blueprint.add_url_rule("/openapi.json", view_func=views.openapi)
    blueprint.add_url_rule("/cases", view_func=views.index)
    blueprint.add_url_rule("/cases/<reference>", view_func=views.show)
    blueprint.add_url_rule("/cases/<reference>/events", view_func=views.record, methods=["POST"])
    blueprint.register_error_handler(UnknownCaseError, lambda _: _problem(404, NO_CASE))
    for conflict in (statuses.IllegalMoveError, TermError, PassedOnError, NoOtherAgencyError):
        blueprint.register_error_handler(conflict, lambda error: _problem(409, str(error)))
    blueprint.register_error_handler(statuses.WordsMissingError, lambda error: _problem(422, str(error)))
    blueprint.register_error_handler(HTTPException, _refused)
    blueprint.register_error_handler(DiskError, _broken)
    blueprint.register_error_handler(StoreError, _broken)
    return blueprint


@dataclass(frozen=True)
class _Views:
    """The views, and what they need."""

    store: Store
    cases: Cases
    pack: Pack

    def identify(self) -> Response | None:
        """Find whose token came with the request; only the description is for everyone."""
        if request.endpoint == "agency_api.openapi":
            return None
        given = request.authorization
        token = given.token if given is not None and given.type == "bearer" else None
        g.agency = token and self.store.read(lambda tx: accounts.agency_of(tx, token))
        if g.agency:
            return None
        recording.refused(Action.REFUSED, str(request.endpoint), "token")
        answer = _problem(401, "Send the token of your agency as Authorization: Bearer.")
        answer.headers["WWW-Authenticate"] = "Bearer"
        return answer

    @recording.shows_nothing
    def openapi(self) -> Response:
        """The description of all this."""
        document = json.dumps(_document(self.pack), ensure_ascii=False)
        return Response(document, content_type="application/json")

    @recording.recorded(Action.CASES_LISTED)
    def index(self) -> Response:
        """A page of the agency's cases."""
        among, after, limit = _filter()
        listed = self.store.read(lambda tx: rows.of_agency(tx, g.agency, among, after, limit + 1))
        shown = [_shown(case, self.pack) for case in listed[:limit]]
        return _answer({"cases": shown, "next": f"{listed[limit - 1].number:x}" if len(listed) > limit else None})

    @recording.recorded(Action.CASE_READ, "reference")
    def show(self, reference: str) -> Response:
        """One case with its events and requests."""
        return _answer(self.store.read(lambda tx: self._whole(tx, g.agency, reference)))

    @recording.recorded(Action.CASE_MOVED, is_late=True)
    def record(self, reference: str) -> Response:
        """Make a move. One that changed nothing, for it was made before, is answered as the case that it is (200)."""
        # Read here: the job runs in the writer's thread, which knows nothing of this request.
        agency, event = g.agency, _event(self.pack)
        recording.note(Action.CASE_MOVED, audit.case(reference), event.kind)
        who = recording.asking()
        is_new, case = self.store.write(lambda tx: self._record(tx, agency, reference, event, who))
        new = 202 if self.cases.has_upstream else 201
        return _answer(case, new if is_new else 200)

    def _record(
        self, tx: Transaction, agency: str, reference: str, event: NewEvent, who: str
    ) -> tuple[bool, dict[str, Any]]:
        before = self._whole(tx, agency, reference)
        to, is_short = event.agency or "", bool(event.short)
        self.cases.record(tx, agency, reference, event.kind, event.text, to=to, is_short=is_short, person=who)
        after = self._whole(tx, agency, reference)
        return after != before, after

    def _whole(self, tx: Transaction, agency: str, reference: str) -> dict[str, Any]:
        case, events = views.seen_by(tx, agency, reference)
        asked = requests.of_case(tx, reference) if case.agency == agency else []
        who = people.of(tx, [*events, *asked])
        return {
            **_shown(case, self.pack),
            "events": [_shown_event(event, who) for event in events],
            "requests": [_shown_request(request, who) for request in asked],
        }


def _document(pack: Pack) -> dict[str, Any]:
    """The description, with the codes of the agencies that this pack has."""
    document: dict[str, Any] = yaml.safe_load(DOCUMENT.read_text("utf-8"))
    document["components"]["schemas"]["AgencyCode"]["enum"] = sorted(pack.agencies)
    return document


def _filter() -> tuple[tuple[str, ...], int, int]:
    """The list that is asked for. A name or a value that is not understood is refused, not passed over:
    a caller that misspells `status` would take the whole list for the part it wanted."""
    unknown = request.args.keys() - PARAMETERS
    if unknown:
        abort(400, f"There is no such parameter: {', '.join(sorted(unknown))}.")
    among = tuple(status for value in request.args.getlist("status") for status in value.split(","))
    if not set(among) <= set(statuses.STATUSES):
        abort(400, f"status is one of: {', '.join(statuses.STATUSES)}.")
    after, limit = _once("after", "0"), _once("limit", str(LISTED))
    if not _CURSOR.fullmatch(after):
        abort(400, "after is the value that next had in an earlier answer.")
    if not (_LIMIT.fullmatch(limit) and 1 <= int(limit) <= MOST_LISTED):
        abort(400, f"limit is a number from 1 to {MOST_LISTED}.")
    return tuple(dict.fromkeys(among)), int(after, 16), int(limit)


def _once(name: str, default: str) -> str:
    given = request.args.getlist(name) or [default]
    if len(given) > 1:
        abort(400, f"{name} was given more than once.")
    return given[0]


def _event(pack: Pack) -> NewEvent:
    request.max_content_length = LARGEST
    content = request.get_data()
    if request.mimetype != "application/json":
        abort(415, "Send the event as application/json.")
    try:
        event = msgspec.json.decode(content, type=NewEvent)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        abort(400, f"This is not an event: {error}")
    if event.kind not in statuses.EVENTS:
        abort(400, f"kind is one of: {', '.join(sorted(statuses.EVENTS))}.")
    if event.short is not UNSET and event.kind != statuses.REGISTERED:
        abort(400, f"short goes with {statuses.REGISTERED} alone.")
    if (event.agency is UNSET) is (event.kind == statuses.FORWARDED):
        abort(400, f"agency says where a case is {statuses.FORWARDED}, and goes with that alone.")
    if event.agency is not UNSET and event.agency not in pack.agencies:
        abort(400, f"agency is one of: {', '.join(sorted(pack.agencies))}.")
    return event


def _shown(case: CaseRow, pack: Pack) -> dict[str, Any]:
    """The case without the resident's MSISDN: the channel, not the agency, writes to the phone."""
    return {
        **_marked({name: getattr(case, name) for name in _PLAIN}),
        "place_name": pack.gazetteer.name(case.place, pack.languages.default),
        "received_at": _time(case.received_at),
        "registered_at": None if case.registered_at is None else _time(case.registered_at),
        "due_at": None if case.due_at is None else _time(case.due_at),
        "withdrawn": case.is_withdrawn,
        "updated_at": _time(case.updated_at),
    }


def _shown_event(event: EventRow, who: People) -> dict[str, str]:
    shown = _marked({"kind": event.kind, "actor": event.actor, "text": event.text, "at": _time(event.at)})
    return {**shown, **_person(event, who), **({"agency": event.agency} if event.agency else {})}


def _shown_request(request: RequestRow, who: People) -> dict[str, Any]:
    shown = _marked({"kind": request.kind, "actor": request.actor, "text": request.text, "at": _time(request.at)})
    to = {"agency": request.agency} if request.agency else {}
    return {**shown, **_person(request, who), **to, "station": f"{request.station:03}", "outcome": request.outcome}


def _person(made: EventRow | RequestRow, who: People) -> dict[str, str]:
    """Who made it, where that is known."""
    named = who.get(made.person)
    return {"person": named.name} if named and named.name else {}


def _marked(texts: Mapping[str, str]) -> dict[str, str]:
    """As the pages show it: what nobody sees is marked, whoever wrote it."""
    return {name: marked(text) for name, text in texts.items()}


def _time(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _answer(content: dict[str, Any], status: int = 200) -> Response:
    return Response(msgspec.json.encode(content), status, content_type="application/json")


def _problem(status: int, detail: str) -> Response:
    """Problem details for a machine (RFC 9457), without anything personal."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return Response(json.dumps(body), status, content_type="application/problem+json")


def _refused(error: HTTPException) -> Response:
    """Keep what the error says and its headers (405 names the methods that are allowed)."""
    answer = _problem(error.code or 500, error.description or "")
    answer.headers.extend((name, value) for name, value in error.get_headers() if name != "Content-Type")
    return answer


def _unrouted() -> Response | None:
    """Answer for a path or method that no rule has: Flask leaves those to the whole program, whose answer is
    a page for people."""
    error = request.routing_exception
    if isinstance(error, NotFound | MethodNotAllowed) and f"{request.path}/".startswith(f"{PREFIX}/"):
        return _refused(error)
    return None


def _broken(error: Exception) -> Response:
    log.error("agency: the store failed", exc_info=error)
    return _problem(503, "The station could not read or keep its data now. Send it again later.")
