"""The upstream's door: what is not a whole, new frame of a station that is admitted gets problem details."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from sado.store import DiskError, Store, Transaction
from sado.store.tables import lanes, quarantine, stations
from sado.store.tables.events import Apply, Event
from sado.sync import outbox
from sado.sync.codes import Cause
from sado.sync.endpoint import Endpoint
from sado.sync.exchange import server
from sado.sync.wire import frame
from sado.sync.wire.frame import PATH, Mark, Message, Run
from sado.sync.wire.records import Wired
from tests.support.stations import open_store

VILLAGE, STRANGER = 7, 8
PEER = outbox.station(VILLAGE)
INCARNATION = b"a life.."
BEGIN = lanes.beginning(INCARNATION, outbox.URGENT)


@dataclass(frozen=True)
class Hub:
    """The hub's endpoint, its store, the village's key, and the bodies of the events applied."""

    client: FlaskClient
    store: Store
    key: bytes
    applied: list[str]

    def post(self, packed: bytes) -> TestResponse:
        return self.client.post(PATH, data=packed)

    def frame(self, number: int, *bodies: str) -> bytes:
        """What the village sends: its first urgent events."""
        return frame.pack(frame.UP, VILLAGE, self.key, self.said(number, *bodies))

    def said(self, number: int, *bodies: str) -> Message:
        runs = {"u": Run(1, BEGIN, [Wired("case.opened", "", body) for body in bodies])} if bodies else {}
        return Message(number, self.store.now(), {}, runs, INCARNATION)

    def answered(self, response: TestResponse) -> Message:
        """What the hub's answer says."""
        return frame.unpack(frame.DOWN, self.key, response.data)

    def received(self) -> int:
        return self.store.write(lambda tx: lanes.find(tx, PEER, "u")).received


def hub_of(store: Store, apply: Apply, applied: list[str]) -> Hub:
    """A hub that has admitted the village; behind the door is an application that answers the rest."""
    key = store.write(lambda tx: stations.add(tx, VILLAGE))
    app = Flask("hub")
    app.add_url_rule("/elsewhere", view_func=lambda: "the rest", methods=["GET", "POST"])
    app.wsgi_app = Endpoint(app.wsgi_app, store, apply)  # type: ignore[method-assign]
    return Hub(app.test_client(), store, key, applied)


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Hub]:
    applied: list[str] = []

    def apply(tx: Transaction, peer: str, event: Event) -> None:
        if event.body == "full":
            raise DiskError("database or disk is full")
        applied.append(event.body)

    with open_store(tmp_path) as store:
        yield hub_of(store, apply, applied)


def is_problem(response: TestResponse, status: int, cause: Cause) -> bool:
    """Whether this is the problem document that RFC 9457 asks for."""
    body = response.get_json()
    assert response.content_type == "application/problem+json"
    assert set(body) == {"type", "title", "status", "detail", "code"}
    return (response.status_code, body["status"], body["title"], body["code"]) == (
        status,
        status,
        cause.value,
        cause.name,
    )


def test_a_whole_frame_is_taken_and_acknowledged(door: Hub) -> None:
    response = door.post(door.frame(1, "one", "two"))

    assert (response.status_code, [name for name, _ in response.headers]) == (200, ["Content-Length"])
    down, ours = door.answered(response), door.store.write(lambda tx: lanes.find(tx, PEER, "u"))
    assert (down.exchange, down.fault, down.runs) == (1, 0, {})
    assert down.marks["u"] == Mark(2, ours.received_hash)
    assert door.applied == ["one", "two"]


def test_what_is_not_for_the_door_goes_to_the_application_behind_it(door: Hub) -> None:
    for path in ("/elsewhere", "/elsewhere?x=1"):
        assert door.client.post(path, data=door.frame(1, "one")).text == "the rest"
    assert door.client.get("/x/").status_code == 404
    assert door.applied == []


def test_nothing_but_a_post_is_taken(door: Hub) -> None:
    assert is_problem(door.client.get(PATH), 405, Cause.UPSTREAM_REFUSES)
    assert is_problem(door.client.put(PATH, data=door.frame(1, "one")), 405, Cause.UPSTREAM_REFUSES)
    assert door.applied == []


def test_a_frame_cut_at_any_byte_changes_nothing(door: Hub) -> None:
    packed = door.frame(1, "one")

    for cut in range(len(packed)):
        assert is_problem(door.post(packed[:cut]), 400, Cause.NOT_A_FRAME if cut < frame.SHORTEST else Cause.MAC_WRONG)
    assert (door.applied, door.received()) == ([], 0)
    assert door.post(packed).status_code == 200


def test_a_frame_with_any_byte_changed_changes_nothing(door: Hub) -> None:
    packed = door.frame(1, "one")
    station_bytes = [1]

    for at in set(range(len(packed))) - set(station_bytes):
        changed = packed[:at] + bytes([packed[at] ^ 1]) + packed[at + 1 :]
        assert is_problem(door.post(changed), 400, Cause.NOT_A_FRAME if at == 0 else Cause.MAC_WRONG)
    for at in station_bytes:
        changed = packed[:at] + bytes([packed[at] ^ 1]) + packed[at + 1 :]
        assert is_problem(door.post(changed), 403, Cause.STATION_UNKNOWN)
    assert (door.applied, door.received()) == ([], 0)


def test_a_frame_of_a_later_version_is_refused_with_what_to_do(door: Hub) -> None:
    content = frame.content(VILLAGE, door.said(1, "one"))
    response = door.post(frame.sealed(frame.UP, door.key, bytes([content[0] + 1]) + content[1:]))

    assert is_problem(response, 400, Cause.OTHER_VERSION)
    assert "update the upstream first and then its stations: 2 / 1" in response.get_json()["detail"]
    assert (door.applied, door.received()) == ([], 0)


def test_what_follows_a_frame_is_refused_with_it(door: Hub) -> None:
    assert is_problem(door.post(door.frame(1, "one") + b"x"), 400, Cause.MAC_WRONG)


def test_a_repeated_exchange_is_refused_and_applied_once(door: Hub) -> None:
    packed = door.frame(1, "one")

    assert door.post(packed).status_code == 200
    repeated = door.post(packed)
    assert repeated.status_code == 200
    assert door.answered(repeated) == Message(1, want=1, fault=server.REPEATED)
    assert door.applied == ["one"]


def test_an_earlier_exchange_that_comes_late_is_refused(door: Hub) -> None:
    assert door.post(door.frame(2)).status_code == 200

    assert door.answered(door.post(door.frame(1, "one"))) == Message(1, want=2, fault=server.REPEATED)
    assert door.applied == []


def test_who_introduces_itself_to_nobody_is_asked_to(door: Hub) -> None:
    strange = replace(door.said(1, "one"), incarnation=b"")
    down = door.answered(door.post(frame.pack(frame.UP, VILLAGE, door.key, strange)))

    assert down == Message(1, fault=server.STRANGE)
    assert (door.applied, door.received()) == ([], 0)
    door.post(door.frame(2, "one"))
    assert door.applied == ["one"]


def test_events_sent_again_in_a_new_exchange_are_applied_once(door: Hub) -> None:
    door.post(door.frame(1, "one"))
    door.post(door.frame(2, "one", "two"))

    assert (door.applied, door.received()) == (["one", "two"], 2)


def test_a_station_that_is_not_admitted_is_told_how_it_would_be(door: Hub) -> None:
    response = door.post(frame.pack(frame.UP, STRANGER, secrets.token_bytes(32), Message(1)))

    assert is_problem(response, 403, Cause.STATION_UNKNOWN)
    assert "sado station add 8" in response.get_json()["detail"]


def test_another_stations_key_does_not_open_this_ones_frame(door: Hub) -> None:
    door.store.write(lambda tx: stations.add(tx, STRANGER))
    packed = door.frame(1, "one")
    assert packed[1] == VILLAGE
    as_stranger = packed[:1] + bytes([STRANGER]) + packed[2:]

    assert is_problem(door.post(as_stranger), 400, Cause.MAC_WRONG)


def test_our_own_answer_sent_back_is_not_a_request(door: Hub) -> None:
    answer = frame.pack(frame.DOWN, VILLAGE, door.key, Message(1))

    assert is_problem(door.post(answer), 400, Cause.MAC_WRONG)


def test_a_frame_that_is_too_large_is_refused_unread(door: Hub) -> None:
    assert is_problem(door.post(b"x" * (frame.LARGEST + 1)), 413, Cause.FRAME_TOO_LARGE)


def test_a_small_frame_that_grows_without_end_is_refused(door: Hub) -> None:
    bomb = door.frame(1, "0" * (2 * frame.LARGEST))

    assert len(bomb) < 4096
    assert is_problem(door.post(bomb), 400, Cause.FRAME_UNREADABLE)


def test_a_full_disk_is_told_so_and_nothing_is_taken(door: Hub) -> None:
    assert is_problem(door.post(door.frame(1, "one", "full")), 503, Cause.UPSTREAM_STORE_FAILED)
    assert door.received() == 0
    door.applied.clear()

    assert door.post(door.frame(1, "one")).status_code == 200
    assert door.applied == ["one"]


def test_an_event_that_cannot_be_applied_is_kept_aside_and_the_lane_goes_on(tmp_path: Path) -> None:
    def apply(tx: Transaction, peer: str, event: Event) -> None:
        if event.body == "strange":
            raise ValueError(event.body)

    with open_store(tmp_path) as store:
        door = hub_of(store, apply, [])

        assert door.post(door.frame(1, "strange", "two")).status_code == 200

        assert door.received() == 2
        assert [one.reason for one in store.read(lambda tx: quarantine.listed(tx, 9))] == ["EVENT_UNREADABLE"]
