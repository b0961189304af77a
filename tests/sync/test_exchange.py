"""Events cross the line exactly once, wherever it is cut."""

import sqlite3
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import msgspec
import pytest
import zstandard

from cases import service
from store import Store, Transaction, cases, entries, lanes, stations
from sync import exchange, outbox, wire
from sync.exchange import Apply, LineDownError, Post, RepeatedExchangeError, UnknownStationError
from sync.wire import FrameError, Run, Up
from tests.stations import APPEAL, Clock, Station, open_station

HUB, VILLAGE = 1, 7
MOST_EXCHANGES = 50
PEER = outbox.station(VILLAGE)


def counting(apply: Apply) -> Apply:
    """`apply`, with a count kept beside its effects of how often each event was applied."""

    def apply_and_count(tx: Transaction, peer: str, kind: str, body: str) -> None:
        apply(tx, peer, kind, body)
        tx.next_number(f"applied {msgspec.json.decode(body)['event']}")

    return apply_and_count


@dataclass(frozen=True)
class Pair:
    """A village station and its hub."""

    village: Station
    hub: Station
    key: bytes

    def answer(self, frame: bytes) -> bytes:
        """The hub's answer to a frame."""
        return exchange.answer(self.hub.store, frame, counting(self.hub.cases.apply))

    def call(self, post: Post | None = None) -> bool:
        """One exchange, over a clean line unless `post` is another."""
        apply = counting(self.village.cases.apply)
        return exchange.call_upstream(self.village.store, VILLAGE, self.key, post or self.answer, apply)

    def settle(self) -> int:
        """Exchange until nothing waits; how many exchanges it took."""
        for taken in range(1, MOST_EXCHANGES):
            if not self.call():
                return taken
        raise AssertionError("The two never come to an end.")

    def file(self) -> str:
        """A case filed in the village; its reference."""
        return self.village.store.write(lambda tx: self.village.cases.open(tx, APPEAL)).reference

    def record(self, reference: str, kind: str) -> None:
        """The agency, at the hub, moves a case."""
        self.hub.store.write(lambda tx: self.hub.cases.record(tx, APPEAL.agency, reference, kind, f"{kind}, in words"))

    def request(self) -> bytes:
        """The frame of the village's next exchange, which nobody answers."""
        frames: list[bytes] = []

        def lose(frame: bytes) -> NoReturn:
            frames.append(frame)
            raise LineDownError("nobody answers")

        with pytest.raises(LineDownError):
            self.call(lose)
        return frames[0]


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    clock = Clock()
    with (
        open_station(tmp_path / "village", VILLAGE, clock=clock) as village,
        open_station(tmp_path / "hub", HUB, has_upstream=False, clock=clock) as hub,
    ):
        yield Pair(village, hub, hub.store.write(lambda tx: stations.add(tx, VILLAGE)))


@pytest.fixture
def busy(pair: Pair) -> Pair:
    """A pair with events waiting on both sides."""
    known = pair.file()
    pair.settle()
    pair.record(known, "registered")
    pair.record(known, "answered")
    pair.file()
    pair.file()
    return pair


# The ledger


def made_at(store: Store, number: int) -> set[str]:
    """The events made by this station that are in this store."""
    return {
        row[0] for row in store.read(lambda tx: tx.all("SELECT id FROM events")) if row[0].startswith(f"{number:03}.")
    }


def applied_at(store: Store) -> dict[str, int]:
    """How often each event of another station was applied in this store."""
    rows = store.read(lambda tx: tx.all("SELECT name, value FROM counters WHERE name LIKE 'applied %'"))
    return {name.removeprefix("applied "): value for name, value in rows}


def check_ledger(pair: Pair) -> None:
    """Every event that one side made was applied once by the other, in order, and is acknowledged."""
    for maker, number, taker in ((pair.village, VILLAGE, pair.hub), (pair.hub, HUB, pair.village)):
        made = made_at(maker.store, number)
        assert made
        assert applied_at(taker.store) == dict.fromkeys(made, 1)
        assert made_at(taker.store, number) == made
    assert all_cases(pair.village) == all_cases(pair.hub)
    check_lanes(pair.village.store, outbox.UPSTREAM, pair.hub.store, PEER)
    check_lanes(pair.hub.store, PEER, pair.village.store, outbox.UPSTREAM)


def check_lanes(sender: Store, destination: str, receiver: Store, peer: str) -> None:
    """A lane's numbers are 1, 2, 3 … without a gap, all acknowledged, and the receiver's cursor is the last."""
    sent = "SELECT lane, COUNT(*), MIN(number), MAX(number) FROM outbox WHERE destination = :to GROUP BY lane"
    rows = sender.read(lambda tx: tx.all(sent, to=destination))
    assert all((first, last) == (1, count) for _, count, first, last in rows)
    assert receiver.read(lambda tx: lanes.cursors(tx, peer)) == {lane: last for lane, _, _, last in rows}
    waiting = sender.read(entries.counts)
    assert [state for to, state in waiting if to == destination] == []


def all_cases(station: Station) -> list[tuple[str, str]]:
    return station.store.read(lambda tx: tx.all("SELECT reference, status FROM cases ORDER BY reference"))


def dump(store: Store) -> list[str]:
    """Every row of a store, as text."""

    def job(tx: Transaction) -> list[str]:
        names = [row[0] for row in tx.all("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        return [repr((name, tx.all(f"SELECT * FROM {name}"))) for name in names]

    return store.read(job)


# Both ways over a clean line


def test_a_case_crosses_with_all_its_words(pair: Pair) -> None:
    reference = pair.file()
    pair.settle()
    case = pair.hub.store.read(lambda tx: pair.hub.cases.get(tx, reference))
    assert (case.text, case.name, case.msisdn, case.station) == (APPEAL.text, APPEAL.name, APPEAL.msisdn, VILLAGE)


def test_the_agency_s_answer_comes_back_as_a_notice(pair: Pair) -> None:
    reference = pair.file()
    pair.settle()
    pair.record(reference, "registered")
    pair.settle()
    notices = pair.village.store.read(lambda tx: entries.in_lane(tx, outbox.SMS, outbox.URGENT, 0, 9))
    assert [(entry.kind, entry.reference) for entry in notices] == [("notice", reference)]
    assert pair.village.store.read(lambda tx: pair.village.cases.get(tx, reference)).status == "registered"


def test_the_hub_learns_that_the_resident_was_told(busy: Pair) -> None:
    busy.settle()
    reference = next(reference for reference, status in all_cases(busy.village) if status == "answered")
    busy.village.store.write(lambda tx: busy.village.cases.notified(tx, reference))
    busy.settle()
    assert busy.hub.store.read(lambda tx: cases.events_of(tx, reference))[-1].kind == "notified"
    check_ledger(busy)


def test_after_a_clean_exchange_the_ledger_is_even(busy: Pair) -> None:
    busy.settle()
    check_ledger(busy)


def test_nothing_more_waits_after_the_last_exchange(busy: Pair) -> None:
    busy.settle()
    assert busy.settle() == 1


def test_many_events_take_several_exchanges(busy: Pair) -> None:
    busy.village.store.write(lambda tx: [busy.village.cases.open(tx, APPEAL) for _ in range(2 * exchange.MOST_EVENTS)])
    assert busy.settle() >= 3
    check_ledger(busy)


def test_an_exchange_is_bounded_in_bytes(busy: Pair) -> None:
    long = msgspec.structs.replace(APPEAL, text="Об нест. " * 4000)
    busy.village.store.write(lambda tx: [busy.village.cases.open(tx, long) for _ in range(5)])
    up = wire.unpack_up(busy.request(), busy.key)
    assert sum(len(event.body) for event in up.lanes[outbox.URGENT].events) <= exchange.MOST_BYTES
    busy.settle()
    check_ledger(busy)


# A cut at every byte


def cut_request(pair: Pair, size: int) -> int:
    """An exchange whose request is cut to `size` bytes, or by its last one; how long it was whole."""
    whole = 0

    def post(frame: bytes) -> bytes:
        nonlocal whole
        whole = len(frame)
        with pytest.raises(FrameError):
            pair.answer(frame[: min(size, whole - 1)])
        raise LineDownError("the line was cut")

    with pytest.raises(LineDownError):
        pair.call(post)
    return whole


def cut_answer(pair: Pair, size: int) -> int:
    """An exchange whose answer is cut to `size` bytes, or by its last one; how long it was whole."""
    whole = 0

    def post(frame: bytes) -> bytes:
        nonlocal whole
        answer = pair.answer(frame)
        whole = len(answer)
        return answer[: min(size, whole - 1)]

    with pytest.raises(FrameError):
        pair.call(post)
    return whole


def lose_answer(pair: Pair) -> None:
    """An exchange whose request arrives and whose answer does not."""

    def post(frame: bytes) -> bytes:
        pair.answer(frame)
        raise LineDownError("no answer came")

    with pytest.raises(LineDownError):
        pair.call(post)


def cut_at_every_byte(pair: Pair, cut: Callable[[Pair, int], int]) -> int:
    """Cut one exchange after another, each a byte later, up to a whole frame less one; how many. Frames differ by a
    few bytes: the number of the exchange grows, and compresses better or worse."""
    size = 0
    while size + 1 < cut(pair, size):
        size += 1
    return size + 1


def test_a_request_cut_at_any_byte_changes_nothing_at_the_hub(busy: Pair) -> None:
    before = dump(busy.hub.store)
    assert cut_at_every_byte(busy, cut_request) > 200
    assert dump(busy.hub.store) == before
    busy.settle()
    check_ledger(busy)


def test_an_answer_cut_at_any_byte_is_made_good_by_the_next(busy: Pair) -> None:
    before = made_at(busy.village.store, HUB)
    assert cut_at_every_byte(busy, cut_answer) > 200
    assert made_at(busy.village.store, HUB) == before
    busy.settle()
    check_ledger(busy)


def test_cuts_both_ways_while_people_go_on_filing(busy: Pair) -> None:
    for size in range(0, 150, 5):
        cut_request(busy, size)
        cut_answer(busy, size)
        lose_answer(busy)
        busy.file()
    busy.settle()
    check_ledger(busy)


def test_an_answer_that_never_comes_is_asked_for_again(busy: Pair) -> None:
    lose_answer(busy)
    lose_answer(busy)
    assert busy.settle() <= 2
    check_ledger(busy)


def test_a_hub_that_forgets_its_cursor_applies_twice_and_the_ledger_sees_it(busy: Pair) -> None:
    before = busy.hub.store.read(lambda tx: lanes.cursor(tx, PEER, outbox.URGENT))
    lose_answer(busy)
    busy.hub.store.write(lambda tx: lanes.move_cursor(tx, PEER, outbox.URGENT, before))
    busy.settle()
    assert 2 in applied_at(busy.hub.store).values()
    with pytest.raises(AssertionError):
        check_ledger(busy)


def test_a_village_that_forgets_its_cursor_applies_twice_and_the_ledger_sees_it(busy: Pair) -> None:
    answers: list[bytes] = []

    def keep(frame: bytes) -> bytes:
        answers.append(busy.answer(frame))
        return answers[-1]

    busy.call(keep)
    (run,) = wire.unpack_down(answers[0], busy.key).lanes.values()
    apply = counting(busy.village.cases.apply)
    busy.village.store.write(lambda tx: [apply(tx, outbox.UPSTREAM, event.kind, event.body) for event in run.events])
    busy.settle()
    assert 2 in applied_at(busy.village.store).values()
    with pytest.raises(AssertionError):
        check_ledger(busy)


# Repeats, strangers, damage


def test_a_repeated_request_is_refused_and_changes_nothing(busy: Pair) -> None:
    frame = busy.request()
    busy.answer(frame)
    before = dump(busy.hub.store)
    with pytest.raises(RepeatedExchangeError):
        busy.answer(frame)
    assert dump(busy.hub.store) == before


def test_an_old_request_that_comes_late_is_refused(busy: Pair) -> None:
    late = busy.request()
    busy.file()
    busy.settle()
    before = dump(busy.hub.store)
    with pytest.raises(RepeatedExchangeError):
        busy.answer(late)
    assert dump(busy.hub.store) == before
    check_ledger(busy)


def test_the_answer_to_another_exchange_is_refused(busy: Pair) -> None:
    old = busy.answer(busy.request())
    with pytest.raises(FrameError, match="another exchange"):
        busy.call(lambda frame: old)
    busy.settle()
    check_ledger(busy)


def test_a_request_thrown_back_is_no_answer(busy: Pair) -> None:
    with pytest.raises(FrameError, match="wrong direction"):
        busy.call(lambda frame: frame)


@pytest.mark.parametrize("bit", [0, 7])
def test_a_request_changed_at_any_byte_is_refused(busy: Pair, bit: int) -> None:
    frame = busy.request()
    before = dump(busy.hub.store)
    for changed in changed_at_every_byte(frame, bit):
        with pytest.raises((FrameError, UnknownStationError)):
            busy.answer(changed)
    assert dump(busy.hub.store) == before


def test_an_answer_changed_at_any_byte_is_refused(busy: Pair) -> None:
    for changed in changed_at_every_byte(busy.answer(busy.request()), 0):
        with pytest.raises(FrameError):
            wire.unpack_down(changed, busy.key)


def changed_at_every_byte(frame: bytes, bit: int) -> list[bytes]:
    """The frame with one bit turned, at each of its bytes."""
    return [frame[:at] + bytes([frame[at] ^ 1 << bit]) + frame[at + 1 :] for at in range(len(frame))]


@pytest.mark.parametrize("tail", [b"\0", b"SADO1"])
def test_a_frame_with_something_behind_it_is_refused(busy: Pair, tail: bytes) -> None:
    with pytest.raises(FrameError):
        busy.answer(busy.request() + tail)


def test_another_key_is_refused(busy: Pair) -> None:
    frame = wire.pack(wire.UP, VILLAGE, bytes(32), Up(99, {}, {}))
    before = dump(busy.hub.store)
    with pytest.raises(FrameError, match="MAC is wrong"):
        busy.answer(frame)
    assert dump(busy.hub.store) == before


def test_the_old_key_is_refused_after_a_new_one(busy: Pair) -> None:
    busy.hub.store.write(lambda tx: stations.add(tx, VILLAGE))
    with pytest.raises(FrameError, match="MAC is wrong"):
        busy.answer(busy.request())


def test_a_station_that_is_not_admitted_is_refused(busy: Pair) -> None:
    frame = wire.pack(wire.UP, 8, busy.key, Up(99, {}, {}))
    with pytest.raises(UnknownStationError, match="sado station add 8"):
        busy.answer(frame)


def sealed(key: bytes, payload: bytes) -> bytes:
    """A frame from the village with any payload, well authenticated: `wire.pack` would not make it."""
    head = struct.pack(">5scHI", b"SADO1", b"U", VILLAGE, len(payload))
    return head + payload + wire._mac(key, head + payload)


BOMB = msgspec.json.encode(Up(99, {}, {})) + b" " * 4 * wire.LARGEST


def test_a_bomb_is_refused(pair: Pair) -> None:
    packer = zstandard.ZstdCompressor(level=9).compressobj()
    payload = packer.compress(BOMB) + packer.flush()
    with pytest.raises(FrameError):
        pair.answer(sealed(pair.key, payload))


def test_a_bomb_that_says_its_size_is_refused(pair: Pair) -> None:
    payload = zstandard.ZstdCompressor(level=9).compress(BOMB)
    with pytest.raises(FrameError):
        pair.answer(sealed(pair.key, payload))


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"exchange":"1","seen":{},"lanes":{}}', b"\xff"])
def test_content_of_another_shape_is_refused(pair: Pair, content: bytes) -> None:
    with pytest.raises(FrameError, match="cannot be read"):
        pair.answer(sealed(pair.key, zstandard.compress(content)))


# What cannot be applied


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("case.merged", '{"event":"007.x.1"}'),
        (service.OPENED, '{"event":"007.x.1"}'),
        (service.OPENED, "not json"),
        (service.MOVED, '{"event":"007.x.1","reference":"0","kind":"closed","actor":"","text":"","at":0}'),
    ],
)
def test_an_event_that_cannot_be_applied_is_kept_aside_and_the_lane_goes_on(busy: Pair, kind: str, body: str) -> None:
    busy.village.store.write(lambda tx: outbox.put(tx, outbox.UPSTREAM, kind, "0", body))
    busy.file()
    busy.settle()
    aside = busy.hub.store.read(lambda tx: lanes.quarantined(tx, 9))
    assert [(event.peer, event.kind) for event in aside] == [(PEER, kind)]
    check_ledger(busy)


def test_what_an_event_did_before_it_failed_is_taken_back(busy: Pair) -> None:
    def fail(tx: Transaction, peer: str, kind: str, body: str) -> None:
        busy.hub.cases.apply(tx, peer, kind, body)
        raise ValueError(kind)

    before = all_cases(busy.hub)
    exchange.answer(busy.hub.store, busy.request(), fail)
    assert all_cases(busy.hub) == before
    assert len(busy.hub.store.read(lambda tx: lanes.quarantined(tx, 9))) == 2


def test_a_full_disk_at_the_hub_is_not_the_event_s_fault(busy: Pair) -> None:
    def fail(tx: Transaction, peer: str, kind: str, body: str) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    frame = busy.request()
    before = dump(busy.hub.store)
    with pytest.raises(sqlite3.OperationalError):
        exchange.answer(busy.hub.store, frame, fail)
    assert dump(busy.hub.store) == before
    busy.settle()
    check_ledger(busy)


@pytest.mark.parametrize("ahead", [2, 1000])
def test_a_gap_in_the_numbers_is_not_applied(busy: Pair, ahead: int) -> None:
    cursor = busy.hub.store.read(lambda tx: lanes.cursor(tx, PEER, outbox.URGENT))
    event = wire.unpack_up(busy.request(), busy.key).lanes[outbox.URGENT].events[0]
    up = Up(99, {}, {outbox.URGENT: Run(cursor + ahead, [event])})
    before = all_cases(busy.hub)
    down = wire.unpack_down(busy.answer(wire.pack(wire.UP, VILLAGE, busy.key, up)), busy.key)
    assert down.ack == {outbox.URGENT: cursor}
    assert all_cases(busy.hub) == before


def test_a_run_that_overlaps_is_taken_from_where_the_cursor_stands(busy: Pair) -> None:
    lose_answer(busy)
    busy.file()
    up = wire.unpack_up(busy.request(), busy.key)
    assert up.lanes[outbox.URGENT].first <= busy.hub.store.read(lambda tx: lanes.cursor(tx, PEER, outbox.URGENT))
    busy.settle()
    check_ledger(busy)
