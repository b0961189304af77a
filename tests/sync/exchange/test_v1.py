"""A station of the release before goes on with an upgraded hub, and with itself once it is upgraded too: nothing is
lost, and nothing is done twice."""

import hmac
import json
import sqlite3
import struct
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import msgspec
import pytest
import zstandard
from sqlite_utils import Database

from sado.cases import service
from sado.cases.residents import consultation
from sado.cases.service import Cases, Opened
from sado.store import Keyring, Store, Transaction, migrations
from sado.store.tables import cases as rows
from sado.store.tables import identity, lanes, stations
from sado.store.tables import outbox as entries
from sado.store.tables.events import Event
from sado.store.tables.lanes import LANES
from sado.sync import outbox
from sado.sync.codes import Cause
from sado.sync.errors import LineDownError, RepeatedExchangeError, UnknownStationError
from sado.sync.exchange import server, v1
from sado.sync.exchange.client import Caller
from sado.sync.link.frame_size import Pace
from sado.sync.wire import frame
from sado.sync.wire.frame import LARGEST, FrameError, Mark, Message
from tests.support.one_by_one import OneByOne
from tests.support.pairs import Side
from tests.support.stations import APPEAL, START_S, Clock, Station, keys_in, open_station, shipped_law

HUB, VILLAGE = 1, 7
PEER = outbox.station(VILLAGE)
URGENT, NORMAL, _ = LANES
NOW = int(START_S * 1000)
POLL = "poll.certificate"
FIRST_OF_THIS_RELEASE = "m012_exchange"
MOST_EXCHANGES = 20


def old_frame(key: bytes, payload: bytes, station: int = VILLAGE, direction: bytes = b"U") -> bytes:
    """A frame with any payload, as the release before made it."""
    head = struct.pack(">5scHI", b"SADO1", direction, station, len(payload))
    return head + payload + hmac.digest(key, head + payload, "sha256")[:16]


def old_request(key: bytes, exchange_number: int, seen: dict[str, int], runs: dict[str, Any]) -> bytes:
    content = json.dumps({"exchange": exchange_number, "seen": seen, "lanes": runs}, ensure_ascii=False)
    return old_frame(key, zstandard.compress(content.encode(), 9))


def old_answer(key: bytes, packed: bytes) -> dict[str, Any]:
    """What an answer says to the release before. Raises ValueError for one that it could not read."""
    magic, direction, station, length = struct.unpack_from(">5scHI", packed)
    payload, mac = packed[12 : 12 + length], packed[12 + length :]
    if (magic, direction, station) != (b"SADO1", b"D", VILLAGE):
        raise ValueError("not an answer")
    if mac != hmac.digest(key, packed[: 12 + length], "sha256")[:16]:
        raise ValueError("the MAC is wrong")
    plain = zstandard.ZstdDecompressor().stream_reader(payload).read(LARGEST + 1)
    if len(plain) > LARGEST:
        raise ValueError("the frame grows too large")
    return dict(json.loads(plain))


def old_database(folder: Path, number: int) -> sqlite3.Connection:
    """The database of a station of the release before."""
    folder.mkdir(exist_ok=True)
    connection = sqlite3.connect(folder / "station.db", isolation_level=None)
    migrations.schema().apply(Database(connection), stop_before=FIRST_OF_THIS_RELEASE)
    connection.execute("INSERT INTO identity VALUES ('number', ?), ('incarnation', 'abcd1234')", [str(number)])
    return connection


def opened_as(reference: str, number: int) -> Opened:
    """The appeal that the village files as this case."""
    return Opened(
        **msgspec.structs.asdict(APPEAL),
        event=f"{VILLAGE:03}.abcd1234.{number}",
        reference=reference,
        station=VILLAGE,
        received_at=NOW,
    )


@dataclass
class OldStation:
    """A station of the release before, as far as its side of the exchange goes. The SQL is that release's own."""

    folder: Path
    number: int = VILLAGE
    told: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.database = old_database(self.folder, self.number)
        self._keys: Keyring = keys_in(self.folder)

    def count(self, counter: str) -> int:
        add = "INSERT INTO counters VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value"
        (value,) = self.database.execute(add, [counter]).fetchone()
        return int(value)

    def put(self, destination: str, lane: str, kind: str, reference: str, body: str) -> None:
        entry = self.count("outbox")
        self.database.execute(
            "INSERT INTO outbox (id, destination, lane, number, kind, reference, body, state, attempts, due_at,"
            " lease_until, reason, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, 'queued', 0, ?, 0, '', ?)",
            [entry, destination, lane, self.count(f"lane {destination} {lane}"), kind, reference]
            + [self._keys.seal(body, f"outbox.body:{entry}"), NOW, NOW],
        )

    def file(self) -> str:
        """A case; its reference."""
        number = self.count("files")
        reference = f"{self.number:03}{number:07}"
        opened = opened_as(reference, number)
        self.keep(opened)
        self.put(outbox.UPSTREAM, URGENT, service.OPENED, reference, msgspec.json.encode(opened).decode())
        return reference

    def keep(self, opened: Opened) -> None:
        sealed = {
            name: self._keys.seal(getattr(opened, name), f"cases.{name}:{opened.reference}")
            for name in ("msisdn", "name", "text")
        }
        self.database.execute(
            "INSERT INTO cases (reference, number, station, kind, topic, place, agency, status, language, subscriber,"
            " msisdn, name, text, received_at, updated_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, 'received', ?, ?, ?, ?, ?, ?, ?)",
            [
                opened.reference,
                self.count("cases"),
                opened.station,
                opened.kind,
                opened.topic,
                opened.place,
                opened.agency,
            ]
            + [opened.language, self._keys.lookup(opened.msisdn), *sealed.values(), NOW, NOW],
        )
        self.log(opened.event, opened.reference, "received")

    def log(self, event: str, reference: str, kind: str) -> bool:
        """Note an event in the history of its case; False when it was there."""
        add = (
            "INSERT INTO events (id, reference, number, kind, actor, at) SELECT ?, ?, COUNT(*) + 1, ?, '', ?"
            " FROM events WHERE reference = ? ON CONFLICT (id) DO NOTHING RETURNING id"
        )
        return self.database.execute(add, [event, reference, kind, NOW, reference]).fetchone() is not None

    def vote(self, choice: str) -> None:
        """A vote, which travels without a name by which it could be known again."""
        body = msgspec.json.encode(consultation.Counted(POLL, choice)).decode()
        self.put(outbox.UPSTREAM, NORMAL, consultation.COUNTED, "", body)

    def request(self, key: bytes) -> bytes:
        """The frame of the next exchange."""
        waiting: dict[str, list[Any]] = {}
        rows = self.database.execute(
            "SELECT lane, number, kind, reference, id, body FROM outbox WHERE destination = 'upstream'"
            " AND state = 'queued' ORDER BY number"
        )
        for lane, number, kind, reference, entry, body in rows:
            run = waiting.setdefault(lane, [number, []])
            run[1].append([kind, reference, self._keys.unseal(body, f"outbox.body:{entry}")])
        seen = dict(self.database.execute("SELECT lane, received FROM lanes WHERE peer = 'upstream'"))
        return old_request(key, self.count("exchange"), seen, waiting)

    def hear(self, down: dict[str, Any]) -> None:
        """Take an answer."""
        for lane, upto in down["ack"].items():
            self.database.execute(
                "UPDATE outbox SET state = 'acked', finished_at = ? WHERE destination = 'upstream' AND lane = ?"
                " AND number <= ?",
                [NOW, lane, upto],
            )
        for lane, (first, events) in down["lanes"].items():
            found = "SELECT received FROM lanes WHERE peer = 'upstream' AND lane = ?"
            (cursor,) = self.database.execute(found, [lane]).fetchone() or (0,)
            if first > cursor + 1:
                continue
            for kind, _, body in events[cursor + 1 - first :]:
                self.move(kind, body)
            self.database.execute(
                "INSERT INTO lanes VALUES ('upstream', ?, ?) ON CONFLICT (peer, lane) DO UPDATE SET"
                " received = excluded.received",
                [lane, max(cursor, first + len(events) - 1)],
            )

    def move(self, kind: str, body: str) -> None:
        """The agency has moved a case."""
        assert kind == service.MOVED
        moved = msgspec.json.decode(body)
        if self.log(moved["event"], moved["reference"], moved["kind"]):
            self.told.append(moved["kind"])
            self.database.execute(
                "UPDATE cases SET status = ? WHERE reference = ?", [moved["kind"], moved["reference"]]
            )

    def waits(self) -> int:
        query = "SELECT COUNT(*) FROM outbox WHERE destination = 'upstream' AND state = 'queued'"
        return int(self.database.execute(query).fetchone()[0])


@dataclass
class World:
    """An old village and an upgraded hub."""

    village: OldStation
    hub: Side
    key: bytes
    closing: ExitStack
    clock: Clock
    applied: list[tuple[str, str]] = field(default_factory=list)

    def answer(self, packed: bytes, timeout_s: float = 0) -> bytes:
        def note(tx: Transaction, peer: str, event: Event) -> None:
            self.hub.events.apply(tx, peer, event)
            self.applied.append((event.kind, event.body))

        return server.answer(self.hub.store, packed, note)

    def call(self) -> dict[str, Any]:
        """One exchange of the old village; what the hub said."""
        down = old_answer(self.key, self.answer(self.village.request(self.key)))
        self.village.hear(down)
        return down

    def settle(self) -> None:
        for _ in range(MOST_EXCHANGES):
            if not self.call()["lanes"] and not self.village.waits():
                return
        raise AssertionError("The two never come to an end.")

    def record(self, reference: str, kind: str) -> None:
        self.hub.store.write(lambda tx: self.hub.cases.record(tx, APPEAL.agency, reference, kind, f"{kind}, in words"))

    def upgrade(self) -> "Upgraded":
        """The village's program is replaced by this release's."""
        self.village.database.close()
        store = Store(self.village.folder / "station.db", keys_in(self.village.folder), self.clock)
        self.closing.callback(store.close)
        who = store.read(identity.find)
        assert who is not None
        side = Side(Station(store, Cases(who, True, shipped_law)), True)
        return Upgraded(side, Caller(store, VILLAGE, self.key, OneByOne(self.answer), side.events.apply, Pace()))

    def tallies(self) -> dict[str, int]:
        found = self.hub.store.read(lambda tx: tx.all("SELECT choice, votes FROM tallies WHERE subject = :s", s=POLL))
        return dict(found)

    def statuses(self) -> dict[str, str]:
        return dict(self.hub.store.read(lambda tx: tx.all("SELECT reference, status FROM cases")))

    def history(self, side: Side, reference: str) -> list[str]:
        return [event.kind for event in side.store.read(lambda tx: rows.events_of(tx, reference))]


@dataclass
class Upgraded:
    """The village with this release."""

    side: Side
    caller: Caller

    def settle(self) -> None:
        for _ in range(MOST_EXCHANGES):
            if not self.caller.call():
                return
        raise AssertionError("The two never come to an end.")

    def status(self, reference: str) -> str:
        return self.side.store.read(lambda tx: self.side.cases.get(tx, reference)).status

    def file(self) -> str:
        return self.side.store.write(lambda tx: self.side.cases.open(tx, APPEAL)).reference


@pytest.fixture
def closing() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def world(tmp_path: Path, closing: ExitStack) -> World:
    clock = Clock()
    village = OldStation(tmp_path / "village")
    closing.callback(village.database.close)
    hub = closing.enter_context(open_station(tmp_path / "hub", HUB, has_upstream=False, clock=clock))
    key = hub.store.write(lambda tx: stations.add(tx, VILLAGE))
    return World(village, Side(hub, False), key, closing, clock)


@pytest.fixture
def old_world(tmp_path: Path, closing: ExitStack) -> tuple[World, str]:
    """A hub and a village that exchanged under the release before, the hub upgraded since; and the case on which it
    has told everything but one thing: three events of a lane, of which the last waits."""
    clock, village = Clock(), OldStation(tmp_path / "village")
    closing.callback(village.database.close)
    reference = village.file()
    hub = OldStation(tmp_path / "hub", HUB)
    for number, kind in enumerate(("registered", "documents_needed", "in_progress"), 1):
        body = {"event": f"001.old.{number}", "reference": reference, "kind": kind}
        hub.put(PEER, URGENT, service.MOVED, reference, json.dumps(body | {"actor": "a", "text": "t", "at": NOW}))
    hub.database.execute("UPDATE outbox SET state = 'acked', finished_at = ? WHERE number < 3", [NOW])
    for number in (1, 2):
        village.log(f"001.old.{number}", reference, "registered")
    village.database.execute("INSERT INTO lanes VALUES ('upstream', 'u', 2)")
    hub.database.execute("INSERT INTO lanes VALUES (?, 'u', 1), (?, 'n', 0)", [PEER, PEER])
    village.database.execute("UPDATE outbox SET state = 'acked', finished_at = ?", [NOW])
    hub.keep(opened_as(reference, 1))
    hub.database.close()
    upgraded = closing.enter_context(open_station(tmp_path / "hub", HUB, has_upstream=False, clock=clock))
    key = upgraded.store.write(lambda tx: stations.add(tx, VILLAGE))
    return World(village, Side(upgraded, False), key, closing, clock), reference


# An old station and an upgraded hub


def test_it_files_a_case_is_acknowledged_and_gets_its_answer(world: World) -> None:
    reference = world.village.file()
    assert world.call()["ack"][URGENT] == 1
    assert world.village.waits() == 0
    case = world.hub.store.read(lambda tx: world.hub.cases.get(tx, reference))
    assert (case.text, case.name, case.msisdn, case.station) == (APPEAL.text, APPEAL.name, APPEAL.msisdn, VILLAGE)
    for kind in ("registered", "answered"):
        world.record(reference, kind)
    assert world.call()["lanes"][URGENT][0] == 1
    assert world.village.told == ["registered", "answered"]
    world.call()
    assert world.hub.store.read(entries.counts) == {}, "the hub knows that the village has it"
    assert world.call()["lanes"] == {}


def test_it_may_ask_for_an_answer_again_and_again(world: World) -> None:
    reference = world.village.file()
    world.village.vote("yes")
    for _ in range(3):
        world.answer(world.village.request(world.key))
    world.settle()
    world.record(reference, "registered")
    for _ in range(3):
        world.answer(world.village.request(world.key))
    world.settle()
    assert (world.statuses(), world.tallies()) == ({reference: "registered"}, {"yes": 1})
    assert (len(world.applied), world.village.told) == (2, ["registered"])


def test_its_equal_votes_all_count(world: World) -> None:
    for choice in ("yes", "yes", "no", "yes"):
        world.village.vote(choice)
        world.settle()
    assert world.tallies() == {"yes": 3, "no": 1}


def test_a_repeated_request_of_it_is_refused_and_applied_once(world: World) -> None:
    world.village.vote("yes")
    packed = world.village.request(world.key)
    assert old_answer(world.key, world.answer(packed))["ack"][NORMAL] == 1
    with pytest.raises(RepeatedExchangeError):
        world.answer(packed)
    assert world.tallies() == {"yes": 1}


def test_an_answer_is_never_larger_than_it_reads(world: World) -> None:
    filed = [world.village.file() for _ in range(300)]
    world.settle()
    words = "Об нест, лутфан ёрӣ диҳед. " * 140
    for reference in filed:
        world.hub.store.write(
            lambda tx, reference=reference: world.hub.cases.record(tx, APPEAL.agency, reference, "registered", words)
        )
    world.settle()
    assert len(world.village.told) == 300


def test_a_gap_in_its_numbers_is_not_applied(world: World) -> None:
    event = [consultation.COUNTED, "", msgspec.json.encode(consultation.Counted(POLL, "yes")).decode()]
    for number, first in enumerate((2, 1000), 1):
        down = old_answer(world.key, world.answer(old_request(world.key, number, {}, {NORMAL: [first, [event]]})))
        assert (down["ack"][NORMAL], world.tallies()) == (0, {})
    down = old_answer(world.key, world.answer(old_request(world.key, 3, {}, {NORMAL: [1, [event]]})))
    assert (down["ack"][NORMAL], world.tallies()) == (1, {"yes": 1})


def test_a_hub_that_was_upgraded_goes_on_with_its_numbers(old_world: tuple[World, str]) -> None:
    world, reference = old_world
    world.settle()
    assert world.village.told == ["in_progress"], "what waited at the upgrade, and nothing that it had"
    world.record(reference, "registered")
    world.village.file()
    world.settle()
    assert world.village.told == ["in_progress", "registered"]
    assert len(world.statuses()) == 2


# Frames that are not whole


def test_its_frame_cut_at_any_byte_changes_nothing(world: World) -> None:
    world.village.file()
    packed = world.village.request(world.key)
    assert len(packed) > 200
    for size in range(len(packed)):
        with pytest.raises(FrameError):
            world.answer(packed[:size])
    assert (world.applied, world.statuses()) == ([], {})
    world.answer(packed)
    assert len(world.applied) == 1


@pytest.mark.parametrize("bit", [0, 7])
def test_its_frame_changed_at_any_byte_changes_nothing(world: World, bit: int) -> None:
    world.village.file()
    packed = world.village.request(world.key)
    for at in range(len(packed)):
        changed = packed[:at] + bytes([packed[at] ^ 1 << bit]) + packed[at + 1 :]
        with pytest.raises((FrameError, UnknownStationError)):
            world.answer(changed)
    assert world.applied == []


def test_an_answer_to_it_cut_or_changed_at_any_byte_is_not_one(world: World) -> None:
    world.village.file()
    packed = world.answer(world.village.request(world.key))
    for at in range(len(packed)):
        for broken in (packed[:at], packed[:at] + bytes([packed[at] ^ 1]) + packed[at + 1 :]):
            with pytest.raises((ValueError, struct.error)):
                old_answer(world.key, broken)


@pytest.mark.parametrize("tail", [b"\0", b"SADO1"])
def test_its_frame_with_something_behind_it_is_refused(world: World, tail: bytes) -> None:
    with pytest.raises(FrameError):
        world.answer(world.village.request(world.key) + tail)


def test_another_key_is_refused(world: World) -> None:
    with pytest.raises(FrameError, match="MAC is wrong"):
        world.answer(world.village.request(bytes(32)))


def test_a_station_that_is_not_admitted_is_refused(world: World) -> None:
    with pytest.raises(UnknownStationError, match="sado station add 8"):
        world.answer(old_frame(world.key, b"", 8))


def test_an_answer_thrown_back_is_no_request(world: World) -> None:
    with pytest.raises(FrameError, match="MAC is wrong"):
        world.answer(world.answer(world.village.request(world.key)))


BOMB = b'{"exchange":99,"seen":{},"lanes":{}}' + b" " * 4 * LARGEST


def test_a_bomb_is_refused(world: World) -> None:
    packer = zstandard.ZstdCompressor(level=9).compressobj()
    with pytest.raises(FrameError, match="too large"):
        world.answer(old_frame(world.key, packer.compress(BOMB) + packer.flush()))


def test_a_bomb_that_says_its_size_is_refused(world: World) -> None:
    with pytest.raises(FrameError, match="too large"):
        world.answer(old_frame(world.key, zstandard.ZstdCompressor(level=9).compress(BOMB)))


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"exchange":"1","seen":{},"lanes":{}}', b"\xff"])
def test_content_of_another_shape_is_refused(world: World, content: bytes) -> None:
    with pytest.raises(FrameError, match="cannot be read"):
        world.answer(old_frame(world.key, zstandard.compress(content)))


@pytest.mark.parametrize("number", [-1, 1 << 62, 1 << 70])
def test_numbers_that_no_database_keeps_are_refused(world: World, number: int) -> None:
    for packed in (
        old_request(world.key, number, {}, {}),
        old_request(world.key, 9, {"u": number}, {}),
        old_request(world.key, 9, {}, {"n": [number, [["tally.counted", "", "{}"]]]}),
    ):
        with pytest.raises(FrameError, match="cannot be read"):
            world.answer(packed)


def test_what_is_read_from_a_frame_is_what_was_said(world: World) -> None:
    packed = old_request(world.key, 9, {"u": 3}, {"n": [5, [["tally.counted", "", "{}"]]]})
    assert v1.is_v1(packed) and not v1.is_v1(frame.pack(frame.UP, VILLAGE, world.key, Message(1)))
    up = v1.unpack(world.key, packed)
    assert (up.exchange, up.marks, up.incarnation) == (9, {"u": Mark(3, b"")}, b"")
    assert [(run.first, run.events[0].kind) for run in up.runs.values()] == [(5, "tally.counted")]


# The old station is upgraded


def test_upgraded_it_goes_on_and_nothing_is_lost_or_done_twice(world: World) -> None:
    first = world.village.file()
    world.village.vote("yes")
    world.settle()
    world.record(first, "registered")
    world.settle()
    second = world.village.file()
    world.village.vote("yes")
    world.record(first, "answered")

    village = world.upgrade()
    third = village.file()
    village.settle()
    for reference in (second, third):
        world.record(reference, "registered")
    village.settle()

    assert world.statuses() == {first: "answered", second: "registered", third: "registered"}
    assert {reference: village.status(reference) for reference in world.statuses()} == world.statuses()
    assert (
        world.history(world.hub, first) == world.history(village.side, first) == ["received", "registered", "answered"]
    )
    assert world.tallies() == {"yes": 2}
    assert len(world.applied) == len({*world.applied}) + 1 == 5, "the votes are alike, and nothing else is"


def test_what_was_taken_and_not_acknowledged_before_the_upgrade_is_not_taken_again(world: World) -> None:
    for choice in ("yes", "no"):
        world.village.vote(choice)
        world.settle()
    world.village.vote("yes")
    world.village.vote("yes")
    reference = world.village.file()

    world.answer(world.village.request(world.key))  # and the answer is lost
    village = world.upgrade()
    village.settle()

    assert world.tallies() == {"yes": 3, "no": 1}
    assert world.statuses() == {reference: "received"}
    assert len(world.applied) == 5
    village.side.store.write(lambda tx: village.side.consultation.count(tx, POLL, "yes", "+992900000009"))
    village.settle()
    assert world.tallies() == {"yes": 4, "no": 1}


def test_what_was_told_and_not_acknowledged_before_the_upgrade_is_told_once(world: World) -> None:
    reference = world.village.file()
    world.settle()
    world.record(reference, "registered")
    down = old_answer(world.key, world.answer(world.village.request(world.key)))
    world.village.hear(down)  # and before it could say so
    village = world.upgrade()
    village.settle()
    assert world.history(village.side, reference) == ["received", "registered"]
    notices = village.side.store.read(lambda tx: entries.in_lane(tx, outbox.SMS, URGENT, 0, 9))
    assert notices == [], "the resident was told by the release before"


def test_a_request_of_its_old_program_that_comes_after_the_upgrade_changes_nothing(world: World) -> None:
    world.village.vote("yes")
    world.settle()
    world.village.vote("yes")
    late = world.village.request(world.key)
    village = world.upgrade()
    village.settle()
    with pytest.raises(RepeatedExchangeError):
        world.answer(late)
    forged = old_request(world.key, 1000, {}, {NORMAL: [2, [[consultation.COUNTED, "", "{}"]]]})
    with pytest.raises(RepeatedExchangeError):
        world.answer(forged)  # It has left that life.
    assert world.tallies() == {"yes": 2}


def test_what_waited_at_both_ends_for_the_upgrade_of_both_crosses(old_world: tuple[World, str]) -> None:
    world, reference = old_world
    other = world.village.file()
    world.village.vote("yes")
    village = world.upgrade()
    village.settle()
    assert (village.status(reference), world.tallies()) == ("in_progress", {"yes": 1})
    assert {*world.statuses()} == {reference, other}
    for store, peer in ((village.side.store, outbox.UPSTREAM), (world.hub.store, PEER)):
        waits = store.read(entries.counts)
        assert [state for to, state in waits if to == peer] == []


def test_acknowledged_entries_of_all_lanes_survive_the_upgrade_until_they_are_old(world: World) -> None:
    for _ in range(2):
        world.village.file()
        world.village.vote("yes")
    world.settle()
    village = world.upgrade()
    count = "SELECT COUNT(*) FROM outbox WHERE state = 'acked'"
    assert village.side.store.read(lambda tx: tx.value(count)) == 4
    village.settle()
    assert world.tallies() == {"yes": 2}
    world.clock.move(outbox.KEEP_MS / 1000 + 1)
    village.side.store.write(outbox.forget_old)
    assert village.side.store.read(lambda tx: tx.value(count)) == 0


def test_a_line_that_is_down_at_the_upgrade_loses_nothing(world: World) -> None:
    reference = world.village.file()
    village = world.upgrade()

    def lose(packed: bytes, timeout_s: float) -> NoReturn:
        raise LineDownError(Cause.UPSTREAM_SILENT)

    dead = Caller(village.side.store, VILLAGE, world.key, OneByOne(lose), village.side.events.apply, Pace())
    for _ in range(3):
        with pytest.raises(LineDownError):
            dead.call()
    village.settle()
    assert world.statuses() == {reference: "received"}
    lane = village.side.store.write(lambda tx: lanes.find(tx, outbox.UPSTREAM, URGENT))
    assert lane.acked == lane.numbered > 0
