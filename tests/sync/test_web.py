"""The upstream's door: what is not a whole, new frame of a station that is admitted gets problem details."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from store import DiskError, Store, Transaction, lanes, stations
from sync import line, outbox, web, wire
from tests.stations import open_store

VILLAGE, STRANGER = 7, 8


@dataclass(frozen=True)
class Door:
    """The hub's endpoint, its store, the village's key, and the bodies of the events applied."""

    client: FlaskClient
    store: Store
    key: bytes
    applied: list[str]

    def post(self, frame: bytes) -> TestResponse:
        return self.client.post(line.PATH, data=frame, content_type=line.CONTENT_TYPE)

    def frame(self, exchange: int, *bodies: str) -> bytes:
        """What the village sends: its first urgent events."""
        runs = {"u": wire.Run(1, [wire.Event("case.opened", "", body) for body in bodies])} if bodies else {}
        return wire.pack(wire.UP, VILLAGE, self.key, wire.Up(exchange, {}, runs))

    def received(self) -> int:
        return self.store.read(lambda tx: lanes.cursor(tx, outbox.station(VILLAGE), "u"))


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    applied: list[str] = []

    def apply(tx: Transaction, peer: str, kind: str, body: str) -> None:
        if body == "full":
            raise DiskError("database or disk is full")
        applied.append(body)

    with open_store(tmp_path) as store:
        key = store.write(lambda tx: stations.add(tx, VILLAGE))
        app = Flask("hub")
        app.register_blueprint(web.create(store, apply))
        yield Door(app.test_client(), store, key, applied)


def is_problem(response: TestResponse, status: int, title: str) -> bool:
    """Whether this is the problem document that RFC 9457 asks for."""
    body = response.get_json()
    assert response.content_type == "application/problem+json"
    assert set(body) == {"type", "title", "status", "detail"}
    return (response.status_code, body["status"], body["title"]) == (status, status, title)


def test_a_whole_frame_is_taken_and_acknowledged(door: Door) -> None:
    response = door.post(door.frame(1, "one", "two"))

    assert (response.status_code, response.content_type) == (200, line.CONTENT_TYPE)
    assert wire.unpack_down(response.data, door.key) == wire.Down(1, {"u": 2}, {})
    assert door.applied == ["one", "two"]


def test_a_frame_cut_at_any_byte_changes_nothing(door: Door) -> None:
    frame = door.frame(1, "one")

    assert all(is_problem(door.post(frame[:cut]), 400, "Not a whole frame") for cut in range(len(frame)))
    assert (door.applied, door.received()) == ([], 0)
    assert door.post(frame).status_code == 200


def test_a_frame_with_any_byte_changed_changes_nothing(door: Door) -> None:
    frame = door.frame(1, "one")
    station_bytes = range(6, 8)

    for at in set(range(len(frame))) - set(station_bytes):
        changed = frame[:at] + bytes([frame[at] ^ 1]) + frame[at + 1 :]
        assert is_problem(door.post(changed), 400, "Not a whole frame")
    for at in station_bytes:
        changed = frame[:at] + bytes([frame[at] ^ 1]) + frame[at + 1 :]
        assert is_problem(door.post(changed), 403, "Unknown station")
    assert (door.applied, door.received()) == ([], 0)


def test_what_follows_a_frame_is_refused_with_it(door: Door) -> None:
    assert is_problem(door.post(door.frame(1, "one") + b"x"), 400, "Not a whole frame")


def test_a_repeated_exchange_is_refused_and_applied_once(door: Door) -> None:
    frame = door.frame(1, "one")

    assert door.post(frame).status_code == 200
    assert is_problem(door.post(frame), 409, "Repeated exchange")
    assert door.applied == ["one"]


def test_an_earlier_exchange_that_comes_late_is_refused(door: Door) -> None:
    assert door.post(door.frame(2)).status_code == 200

    assert is_problem(door.post(door.frame(1, "one")), 409, "Repeated exchange")
    assert door.applied == []


def test_events_sent_again_in_a_new_exchange_are_applied_once(door: Door) -> None:
    door.post(door.frame(1, "one"))
    door.post(door.frame(2, "one", "two"))

    assert (door.applied, door.received()) == (["one", "two"], 2)


def test_a_station_that_is_not_admitted_is_told_how_it_would_be(door: Door) -> None:
    frame = wire.pack(wire.UP, STRANGER, secrets.token_bytes(32), wire.Up(1, {}, {}))

    response = door.post(frame)

    assert is_problem(response, 403, "Unknown station")
    assert "sado station add 8" in response.get_json()["detail"]


def test_another_stations_key_does_not_open_this_ones_frame(door: Door) -> None:
    door.store.write(lambda tx: stations.add(tx, STRANGER))
    frame = door.frame(1, "one")
    as_stranger = frame[:6] + STRANGER.to_bytes(2, "big") + frame[8:]

    assert is_problem(door.post(as_stranger), 400, "Not a whole frame")


def test_our_own_answer_sent_back_is_not_a_request(door: Door) -> None:
    answer = wire.pack(wire.DOWN, VILLAGE, door.key, wire.Down(1, {}, {}))

    assert is_problem(door.post(answer), 400, "Not a whole frame")


def test_a_frame_that_is_too_large_is_refused_unread(door: Door) -> None:
    assert is_problem(door.post(b"x" * (wire.LARGEST + 1)), 413, "The frame is too large")


def test_a_small_frame_that_grows_without_end_is_refused(door: Door) -> None:
    bomb = door.frame(1, "0" * (2 * wire.LARGEST))

    assert len(bomb) < 4096
    assert is_problem(door.post(bomb), 400, "Not a whole frame")


def test_a_full_disk_is_told_so_and_nothing_is_taken(door: Door) -> None:
    assert is_problem(door.post(door.frame(1, "one", "full")), 503, "The store failed")
    assert door.received() == 0

    assert door.post(door.frame(1, "one")).status_code == 200


def test_an_event_that_cannot_be_applied_is_kept_aside_and_the_lane_goes_on(tmp_path: Path) -> None:
    def apply(tx: Transaction, peer: str, kind: str, body: str) -> None:
        if body == "strange":
            raise ValueError(body)

    with open_store(tmp_path) as store:
        key = store.write(lambda tx: stations.add(tx, VILLAGE))
        app = Flask("hub")
        app.register_blueprint(web.create(store, apply))
        door = Door(app.test_client(), store, key, [])

        assert door.post(door.frame(1, "strange", "two")).status_code == 200

        assert door.received() == 2
        assert [one.reason for one in store.read(lambda tx: lanes.quarantined(tx, 9))] == ["ValueError: "]
