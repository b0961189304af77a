"""The agency's door for machines: its own cases and nobody else's, each event once, each refusal a problem document."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from sado.cases import statuses
from sado.cases.payloads import NOTIFIED, OPENED, Appeal, Notified, Opened
from sado.desk import recording
from sado.desk.officer import api
from sado.menus.reading import pack
from sado.store import DiskError, Store
from sado.store.tables import accounts
from sado.store.tables.events import Event
from sado.sync import outbox
from tests.support.stations import APPEAL, Clock, Station, open_station

PATH = "/agency/v1"
TOKENS = {"HCU": "token of the water agency", "ELC": "token of the electricity agency"}
REFERENCE = "0074829130"
OTHER_REFERENCE = "0110000013"
PACK = pack.load("tajikistan")
APPEAL_TO_HCU = msgspec.structs.replace(APPEAL, agency="HCU", place="KT-YOV")


@dataclass
class Agency:
    """An agency's system: a client with its token."""

    client: FlaskClient
    token: str

    def get(self, path: str = "/cases", **query: Any) -> TestResponse:
        return self.client.get(PATH + path, query_string=query, headers=self._headers())

    def post(self, reference: str, **event: Any) -> TestResponse:
        return self.client.post(f"{PATH}/cases/{reference}/events", json=event, headers=self._headers())

    def send(self, reference: str, content: bytes, content_type: str = "application/json") -> TestResponse:
        path = f"{PATH}/cases/{reference}/events"
        return self.client.post(path, data=content, content_type=content_type, headers=self._headers())

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def hub(tmp_path: Path, clock: Clock) -> Iterator[Station]:
    with open_station(tmp_path, 0, has_upstream=False, clock=clock) as station:
        for agency, token in TOKENS.items():
            station.store.write(partial(accounts.save_token, agency=agency, token=token))
        yield station


@pytest.fixture
def client(hub: Station) -> FlaskClient:
    app = Flask("test")
    recording.install(app, hub.store, lambda: "")
    app.register_blueprint(api.create(hub.store, hub.cases, PACK))
    return app.test_client()


@pytest.fixture
def water(client: FlaskClient) -> Agency:
    return Agency(client, TOKENS["HCU"])


@pytest.fixture
def electricity(client: FlaskClient) -> Agency:
    return Agency(client, TOKENS["ELC"])


VILLAGE = outbox.station(7)


@pytest.fixture
def case(hub: Station) -> str:
    """A case of the water agency that station 7 filed a minute before it came to the hub."""
    arrive(hub, APPEAL_TO_HCU, REFERENCE)
    return REFERENCE


def arrive(hub: Station, appeal: Appeal, reference: str) -> None:
    filed_at = hub.store.now() - 60_000
    opened = Opened(
        **msgspec.structs.asdict(appeal), event="007.x.1", reference=reference, station=7, received_at=filed_at
    )
    sent = msgspec.json.encode(opened).decode()
    hub.store.write(lambda tx: hub.cases.apply(tx, VILLAGE, Event(OPENED, reference, sent)))


def open_many(hub: Station, count: int) -> list[str]:
    return [hub.store.write(lambda tx: hub.cases.open(tx, APPEAL_TO_HCU)).reference for _ in range(count)]


def body(answer: TestResponse) -> Any:
    return answer.json


def references(answer: TestResponse) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [case["reference"] for case in body(answer)["cases"]]


def detail(answer: TestResponse, status: int) -> str:
    """What the problem document says; it is one, of this status."""
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json"), answer.text
    assert body(answer)["status"] == status
    assert body(answer)["type"] == "about:blank"
    return str(body(answer)["detail"])


def test_the_list_shows_a_case_without_its_phone_number(water: Agency, case: str) -> None:
    answer = water.get()
    assert answer.json == {
        "cases": [
            {
                "reference": case,
                "status": "received",
                "kind": "complaint",
                "topic": "water",
                "place": "KT-YOV",
                "place_name": "ноҳияи Ёвон",
                "agency": "HCU",
                "language": "tg",
                "name": APPEAL.name,
                "text": APPEAL.text,
                "received_at": "2027-01-15T07:59:00.000Z",
                "registered_at": None,
                "due_at": None,
                "withdrawn": False,
                "updated_at": "2027-01-15T08:00:00.000Z",
            }
        ],
        "next": None,
    }
    assert APPEAL.msisdn not in answer.text


def test_a_place_that_the_pack_does_not_know_shows_as_its_code(hub: Station, water: Agency) -> None:
    arrive(hub, msgspec.structs.replace(APPEAL_TO_HCU, place="XX-NEW"), REFERENCE)
    assert body(water.get())["cases"][0]["place_name"] == "XX-NEW"


def test_another_agency_sees_nothing_of_it(electricity: Agency, case: str) -> None:
    assert references(electricity.get()) == []


def test_the_list_goes_on_where_it_ended(hub: Station, water: Agency) -> None:
    filed = open_many(hub, 5)
    first = water.get(limit=2)
    second = water.get(limit=2, after=body(first)["next"])
    third = water.get(limit=2, after=body(second)["next"])
    assert [references(first), references(second), references(third)] == [filed[:2], filed[2:4], filed[4:]]
    assert body(third)["next"] is None


def test_a_list_that_ends_with_the_page_has_no_next(hub: Station, water: Agency) -> None:
    open_many(hub, 2)
    assert body(water.get(limit=2))["next"] is None


@pytest.mark.parametrize("query", [{"status": "registered,closed"}, {"status": ["registered", "closed"]}])
def test_statuses_are_repeated_or_parted_by_commas(hub: Station, water: Agency, query: dict[str, Any]) -> None:
    first, _second = open_many(hub, 2)
    water.post(first, kind="registered")
    assert references(water.get(**query)) == [first]


@pytest.mark.parametrize(
    "query",
    [
        {"status": "open"},
        {"status": ""},
        {"status": "received,"},
        {"after": "-1"},
        {"after": ""},
        {"after": "f" * 16},
        {"limit": "0"},
        {"limit": "201"},
        {"limit": "ten"},
        {"limit": "٥"},
        {"limit": ["1", "2"]},
        {"stauts": "received"},
    ],
)
def test_a_list_that_is_asked_for_wrongly_is_refused(water: Agency, query: dict[str, Any]) -> None:
    assert detail(water.get(**query), 400)


def test_a_case_comes_with_its_history(hub: Station, water: Agency, case: str) -> None:
    water.post(case, kind="registered")
    told = msgspec.json.encode(Notified("007.x.2", case, hub.store.now())).decode()
    hub.store.write(lambda tx: hub.cases.apply(tx, VILLAGE, Event(NOTIFIED, case, told)))
    events = body(water.get(f"/cases/{case}"))["events"]
    assert [(event["kind"], event["actor"]) for event in events] == [
        ("received", "resident"),
        ("registered", "agency:HCU"),
        ("notified", "channel"),
    ]


def test_an_event_moves_the_case_and_starts_the_term(water: Agency, case: str, clock: Clock) -> None:
    clock.move(3600)
    answer = water.post(case, kind="registered")
    assert answer.status_code == 201
    assert body(answer)["status"] == "registered"
    assert body(answer)["registered_at"] == "2027-01-15T09:00:00.000Z"
    assert answer.json == water.get(f"/cases/{case}").json


def test_the_last_day_is_told_after_the_registration(water: Agency, case: str) -> None:
    assert body(water.post(case, kind="registered"))["due_at"] == "2027-02-15T18:59:59.999Z"
    assert body(water.post(case, kind="extended", text="Харита нест."))["due_at"] == "2027-03-16T18:59:59.999Z"


def test_a_case_is_registered_for_the_short_term(water: Agency, case: str) -> None:
    assert body(water.post(case, kind="registered", short=True))["due_at"] == "2027-02-01T18:59:59.999Z"
    assert water.post(case, kind="registered", short=True).status_code == 200
    detail(water.post(case, kind="registered"), 409)


def test_a_second_extension_is_a_conflict(water: Agency, case: str) -> None:
    for event in ("registered", "extended", "in_review"):
        assert water.post(case, kind=event, text="Харита нест.").status_code == 201
    assert "cannot be extended" in detail(water.post(case, kind="extended", text="Боз."), 409)


def test_a_forwarded_case_is_the_other_agencys(water: Agency, electricity: Agency, case: str) -> None:
    water.post(case, kind="registered")
    left = water.post(case, kind="forwarded", agency="ELC")
    assert (left.status_code, body(left)["status"], body(left)["agency"]) == (201, "forwarded", "ELC")
    assert body(left)["events"][-1]["agency"] == "ELC"
    assert (references(water.get()), references(electricity.get(status="forwarded"))) == ([], [case])
    assert body(electricity.post(case, kind="registered"))["status"] == "registered"
    assert water.get(f"/cases/{case}").json == left.json


def test_a_forward_sent_again_changes_nothing(water: Agency, electricity: Agency, case: str) -> None:
    water.post(case, kind="registered")
    left = water.post(case, kind="forwarded", agency="ELC")
    electricity.post(case, kind="registered")
    again = water.post(case, kind="forwarded", agency="ELC")
    assert (again.status_code, again.json) == (200, left.json)
    assert "passed this case on to ELC" in detail(water.post(case, kind="closed"), 409)
    assert body(electricity.get(f"/cases/{case}"))["status"] == "registered"


def test_after_five_days_a_case_is_not_forwarded(water: Agency, case: str, clock: Clock) -> None:
    water.post(case, kind="registered")
    clock.move(6 * 24 * 3600)
    assert "until 2027-01-20" in detail(water.post(case, kind="forwarded", agency="ELC"), 409)


@pytest.mark.parametrize(
    ("event", "status"),
    [
        ({"kind": "forwarded"}, 400),
        ({"kind": "forwarded", "agency": ""}, 400),
        ({"kind": "forwarded", "agency": "XXX"}, 400),
        ({"kind": "forwarded", "agency": "ELC", "short": True}, 400),
        ({"kind": "forwarded", "agency": "HCU"}, 409),
        ({"kind": "in_review", "agency": "ELC"}, 400),
        ({"kind": "in_review", "short": False}, 400),
    ],
)
def test_what_belongs_to_another_event_is_refused(water: Agency, case: str, event: dict[str, Any], status: int) -> None:
    water.post(case, kind="registered")
    assert detail(water.post(case, **event), status)
    assert body(water.get(f"/cases/{case}"))["status"] == "registered"


def test_an_event_sent_again_changes_nothing(water: Agency, case: str, clock: Clock) -> None:
    first = water.post(case, kind="registered")
    clock.move(60)
    again = water.post(case, kind="registered")
    assert again.status_code == 200
    assert again.json == first.json


def test_an_answer_with_other_words_is_no_repeat(water: Agency, case: str) -> None:
    water.post(case, kind="registered")
    water.post(case, kind="answered", text="Об омад.")
    assert "What can come next: closed" in detail(water.post(case, kind="answered", text="Об наомад."), 409)
    assert body(water.get(f"/cases/{case}"))["events"][-1]["text"] == "Об омад."


@pytest.mark.parametrize("event", sorted(statuses.STATUSES))
def test_a_move_that_the_table_lacks_is_a_conflict(water: Agency, case: str, event: str) -> None:
    if event == "registered":
        assert water.post(case, kind=event).status_code == 201
    elif event == "received":
        assert "kind is one of" in detail(water.post(case, kind=event), 400)
    else:
        to = {"agency": "ELC"} if event == "forwarded" else {}
        assert "What can come next: registered" in detail(water.post(case, kind=event, text="Об омад.", **to), 409)


@pytest.mark.parametrize("event", sorted(statuses.WITH_WORDS))
@pytest.mark.parametrize("words", [{}, {"text": ""}, {"text": " \n"}])
def test_what_the_resident_reads_needs_words(water: Agency, case: str, event: str, words: dict[str, str]) -> None:
    water.post(case, kind="registered")
    assert "needs a text" in detail(water.post(case, kind=event, **words), 422)
    assert body(water.get(f"/cases/{case}"))["status"] == "registered"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b"\xff",
        b'{"kind": null}',
        b'{"kind": "approved"}',
        b'{"kind": "registered", "at": "2026-07-14"}',
        b'{"kind": "registered", "text": 1}',
        b'{"kind": "registered", "text": "\\ud800"}',
        b'{"kind": "registered", "text": "%s"}' % (b"a" * 4001),
    ],
)
def test_what_is_no_event_is_refused(water: Agency, case: str, content: bytes) -> None:
    assert detail(water.send(case, content), 400)
    assert body(water.get(f"/cases/{case}"))["status"] == "received"


def test_the_longest_text_is_kept_whole(water: Agency, case: str) -> None:
    water.post(case, kind="registered")
    answer = water.post(case, kind="answered", text="ҷ" * 4000)
    assert answer.status_code == 201
    assert body(answer)["events"][-1]["text"] == "ҷ" * 4000


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded", "application/xml"])
def test_only_json_is_taken(water: Agency, case: str, content_type: str) -> None:
    assert "as application/json" in detail(water.send(case, b'{"kind": "registered"}', content_type), 415)
    assert body(water.get(f"/cases/{case}"))["status"] == "received"


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8"])
def test_json_is_taken(water: Agency, case: str, content_type: str) -> None:
    assert water.send(case, b'{"kind": "registered"}', content_type).status_code == 201


def test_a_large_request_is_refused(water: Agency, case: str) -> None:
    largest = b'{"kind": "registered"}'.rjust(api.LARGEST)
    assert "exceeds the capacity limit" in detail(water.send(case, b" " + largest), 413)
    assert water.send(case, largest).status_code == 201


@pytest.mark.parametrize("reference", [OTHER_REFERENCE, "0074829131", "1", "abc", "%00", "٠٠٧٤٨٢٩١٣٠"])
def test_an_unknown_case_and_another_agencys_read_the_same(electricity: Agency, case: str, reference: str) -> None:
    assert detail(electricity.get(f"/cases/{reference}"), 404) == detail(electricity.get(f"/cases/{case}"), 404)
    unknown, foreign = electricity.post(reference, kind="registered"), electricity.post(case, kind="registered")
    assert detail(unknown, 404) == detail(foreign, 404)
    assert unknown.data == foreign.data


def test_another_agency_moves_nothing(water: Agency, electricity: Agency, case: str) -> None:
    electricity.post(case, kind="registered")
    assert body(water.get(f"/cases/{case}"))["status"] == "received"


@pytest.mark.parametrize(
    "header", [None, "Bearer", "Bearer ", "Bearer wrong", "Basic dXNlcjpw", f"Token {TOKENS['HCU']}"]
)
@pytest.mark.parametrize("path", ["/cases", f"/cases/{REFERENCE}", f"/cases/{REFERENCE}/events"])
def test_without_a_token_nothing_is_shown(client: FlaskClient, case: str, header: str | None, path: str) -> None:
    method = "POST" if path.endswith("events") else "GET"
    headers = {} if header is None else {"Authorization": header}
    answer = client.open(PATH + path, method=method, json={"kind": "registered"}, headers=headers)
    detail(answer, 401)
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_new_token_takes_the_place_of_the_old_one(hub: Station, water: Agency) -> None:
    hub.store.write(lambda tx: accounts.save_token(tx, "HCU", "a newer token"))
    assert "Send the token of your agency" in detail(water.get(), 401)
    assert Agency(water.client, "a newer token").get().status_code == 200


@pytest.mark.parametrize("path", ["", "/", "/nothing", "/cases/1/events/2"])
def test_an_unknown_address_is_a_problem_document_too(water: Agency, path: str) -> None:
    assert "not found" in detail(water.get(path), 404)


@pytest.mark.parametrize(
    ("method", "path", "allowed"), [("DELETE", "/cases", "GET"), ("GET", "/cases/1/events", "POST")]
)
def test_a_wrong_method_is_told_the_right_one(client: FlaskClient, method: str, path: str, allowed: str) -> None:
    answer = client.open(PATH + path, method=method)
    detail(answer, 405)
    assert allowed in answer.headers["Allow"]


def test_addresses_outside_are_left_to_others(client: FlaskClient) -> None:
    assert client.get("/agency/v10").content_type.startswith("text/html")


def test_a_failing_disk_is_told_as_such(client: FlaskClient, water: Agency, hub: Station) -> None:
    app = Flask("test")
    recording.install(app, hub.store, lambda: "")
    app.register_blueprint(api.create(BrokenStore(hub.store), hub.cases, PACK))
    assert "again later" in detail(Agency(app.test_client(), water.token).post(REFERENCE, kind="registered"), 503)


class BrokenStore(Store):
    """A store whose disk is full."""

    def __init__(self, store: Store) -> None:
        self.read = store.read  # type: ignore[method-assign]

    def write(self, job: Any) -> Any:
        raise DiskError("database or disk is full")
