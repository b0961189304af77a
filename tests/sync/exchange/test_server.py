"""Events cross a line exactly once, both ways, and what cannot be applied holds up nothing."""

import sqlite3
from dataclasses import replace

import msgspec
import pytest

from sado.cases import payloads
from sado.store import DiskError, Transaction
from sado.store.tables import cases, lane_events, lanes
from sado.store.tables import outbox as entries
from sado.store.tables.events import Event
from sado.sync import outbox
from sado.sync.codes import Cause
from sado.sync.errors import LineDownError
from sado.sync.exchange import lane, server
from sado.sync.link.frame_size import LEAST
from sado.sync.wire import frame
from sado.sync.wire.frame import FrameError, Message, Run
from sado.sync.wire.records import Wired
from tests.support.stations import APPEAL
from tests.support.village_and_hub import (
    LONG_AGO,
    PEER,
    VILLAGE,
    Pair,
    all_cases,
    aside,
    check_ledger,
    dump,
    is_at,
    lane_of,
    lose_answer,
    noise,
)

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
    notices = pair.village.store.read(lambda tx: entries.listed(tx, ("queued",), 9))
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
    busy.village.store.write(lambda tx: [busy.village.cases.open(tx, APPEAL) for _ in range(2 * lane.MOST_EVENTS)])
    assert busy.settle() >= 3
    check_ledger(busy)


def test_an_exchange_is_bounded_in_bytes(busy: Pair) -> None:
    for number in range(5):
        busy.file(noise(1500 + number))
    sizes = []

    def measure(packed: bytes, timeout_s: float) -> bytes:
        sizes.append((len(packed), len(busy.up(packed).runs[outbox.URGENT].events)))
        raise LineDownError(Cause.UPSTREAM_SILENT)

    for _ in range(4):
        limit = busy.frame_size.limit
        with pytest.raises(LineDownError):
            busy.call(measure)
        size, count = sizes[-1]
        assert size <= limit * server.SLACK or count == 1
        assert busy.frame_size.limit == max(limit // 2, LEAST), "an exchange that failed was too large for the line"
    assert sizes[0][1] > sizes[-1][1] >= 1
    busy.settle()
    check_ledger(busy)


def test_an_answer_is_bounded_by_what_the_station_wants(busy: Pair) -> None:
    filed = [busy.file() for _ in range(6)]
    busy.settle()
    for number, known in enumerate(filed):
        busy.record(known, "registered", noise(1500 + number))
    sizes = []

    def measure(packed: bytes, timeout_s: float) -> bytes:
        answer = busy.answer(packed)
        sizes.append((len(answer), 1024 * busy.up(packed).want, busy.down(answer)))
        return answer

    busy.frame_size.limit = 2048
    busy.call(measure)
    size, want, down = sizes[0]
    assert want == 2048 and size <= want * server.SLACK
    assert 0 < len(down.runs[outbox.URGENT].events) < 6
    busy.settle()
    check_ledger(busy)


def test_an_event_larger_than_the_limit_travels_alone(busy: Pair) -> None:
    busy.settle()
    for number in range(2):
        busy.file(noise(19_000 + number))
    busy.frame_size.limit = LEAST
    packed = busy.request()
    assert len(packed) > 10 * LEAST
    assert len(busy.up(packed).runs[outbox.URGENT].events) == 1
    busy.settle()
    check_ledger(busy)


def test_urgent_events_leave_first_and_no_lane_starves(busy: Pair) -> None:
    busy.settle()
    body = '{"event":"007.x.%d"}'

    def fill(tx: Transaction) -> None:
        for number in range(100):
            outbox.put(tx, outbox.UPSTREAM, "case.noise", noise(100 + number), body % number, outbox.BULK)
        for _ in range(200):
            busy.village.cases.open(tx, msgspec.structs.replace(APPEAL, text=noise(300)))

    busy.village.store.write(fill)
    runs = []
    for _ in range(2 * server.EVERY_LANE):
        busy.frame_size.limit = LEAST
        up = busy.up(busy.request())
        runs.append((up.exchange % server.EVERY_LANE == 0, {*up.runs}))
    assert {names for is_turn, names in ((turn, tuple(sorted(run))) for turn, run in runs) if not is_turn} == {("u",)}
    assert [run for is_turn, run in runs if is_turn] == [{"u", "b"}] * 2


def test_no_lane_starves_where_frames_turn_out_larger_than_they_should(pair: Pair) -> None:
    def fill(tx: Transaction) -> None:
        outbox.put(tx, PEER, "case.noise", "0070000000", '{"event":"001.x"}', outbox.BULK)
        for number in range(200):
            body = f'{{"event":"001.{number}","text":"{noise(600 + number)}"}}'
            outbox.put(tx, PEER, "case.noise", "0070000000", body)

    pair.hub.store.write(fill)
    for _ in range(2 * server.EVERY_LANE):
        pair.frame_size.limit = LEAST
        pair.call()
    bulk, urgent = (pair.hub.store.read(lambda tx, lane=lane: lanes.find(tx, PEER, lane)) for lane in ("b", "u"))
    assert bulk.acked == bulk.numbered
    assert urgent.acked < urgent.numbered


def test_a_frame_is_cut_to_what_fits_and_keeps_one_of_each_lane() -> None:
    def run(first: int, count: int) -> Run:
        return Run(1, b"", [Wired("case.noise", "", noise(at)) for at in range(first, first + 5)[:count]])

    def count_in(limit: int) -> dict[str, int]:
        message = Message(1, runs={"u": run(300, 5), "n": run(400, 1), "b": run(500, 3)})
        said = server.fitted(frame.DOWN, VILLAGE, bytes(32), message, None, limit)[1]
        return {name: len(kept.events) for name, kept in said.runs.items()}

    assert count_in(10_000) == {"u": 5, "n": 1, "b": 3}
    assert count_in(1_500) == {"u": 3, "n": 1, "b": 1}
    assert count_in(1) == {"u": 1, "n": 1, "b": 1}


# What cannot be applied


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("case.merged", '{"event":"007.x.1"}'),
        (payloads.OPENED, '{"event":"007.x.1"}'),
        (payloads.OPENED, "not json"),
        (payloads.MOVED, '{"event":"007.x.1","reference":"0","kind":"closed","actor":"","text":"","at":0}'),
    ],
)
def test_an_event_that_cannot_be_applied_is_kept_aside_and_the_lane_goes_on(busy: Pair, kind: str, body: str) -> None:
    busy.village.store.write(lambda tx: outbox.put(tx, outbox.UPSTREAM, kind, "0", body))
    busy.file()
    busy.settle()
    assert aside(busy.hub.store) == [(PEER, kind)]
    check_ledger(busy)


def test_what_an_event_did_before_it_failed_is_taken_back(busy: Pair) -> None:
    def fail(tx: Transaction, peer: str, event: Event) -> None:
        busy.hub.cases.apply(tx, peer, event)
        raise ValueError(event.kind)

    before = all_cases(busy.hub)
    server.answer(busy.hub.store, busy.request(), fail)
    assert all_cases(busy.hub) == before
    assert len(aside(busy.hub.store)) == 2


@pytest.mark.parametrize("error", [DiskError, sqlite3.OperationalError, sqlite3.DatabaseError])
def test_a_disk_that_fails_at_the_hub_is_not_the_event_s_fault(busy: Pair, error: type[Exception]) -> None:
    def fail(tx: Transaction, peer: str, event: Event) -> None:
        raise error("what the disk says")

    packed = busy.request()
    before = dump(busy.hub.store)
    with pytest.raises(DiskError):
        server.answer(busy.hub.store, packed, fail)
    assert dump(busy.hub.store) == before
    busy.settle()
    check_ledger(busy)


def test_an_event_that_was_kept_aside_does_not_come_again(busy: Pair) -> None:
    def fail(tx: Transaction, peer: str, event: Event) -> None:
        raise ValueError(event.kind)

    busy.village.store.write(lambda tx: outbox.put(tx, outbox.UPSTREAM, "case.merged", "0", "{}"))
    server.answer(busy.hub.store, busy.request(), fail)
    before = aside(busy.hub.store)
    busy.settle()
    assert aside(busy.hub.store) == before


# Runs that do not follow


@pytest.mark.parametrize("ahead", [2, 1000])
def test_a_gap_in_the_numbers_is_not_applied(busy: Pair, ahead: int) -> None:
    cursor = lane_of(busy.hub.store, PEER)
    (run,) = busy.up(busy.request()).runs.values()
    before = all_cases(busy.hub)
    gap = Run(cursor.received + ahead, cursor.received_hash, run.events[:1])
    down = busy.asked(Message(LONG_AGO, 1, runs={outbox.URGENT: gap}))
    assert is_at(down.marks[outbox.URGENT], cursor)
    assert all_cases(busy.hub) == before


def test_a_run_after_other_events_is_not_applied(busy: Pair) -> None:
    cursor = lane_of(busy.hub.store, PEER)
    (run,) = busy.up(busy.request()).runs.values()
    before = all_cases(busy.hub)
    other = Run(cursor.received + 1, bytes(lanes.HASH_BYTES), run.events)
    down = busy.asked(Message(LONG_AGO, 1, runs={outbox.URGENT: other}))
    assert is_at(down.marks[outbox.URGENT], cursor)
    assert all_cases(busy.hub) == before
    right = Run(cursor.received + 1, cursor.received_hash, run.events)
    down = busy.asked(Message(LONG_AGO + 1, 1, runs={outbox.URGENT: right}))
    assert down.marks[outbox.URGENT].upto == cursor.received + len(run.events)


def test_a_run_that_overlaps_is_taken_from_where_the_cursor_stands(busy: Pair) -> None:
    lose_answer(busy)
    busy.file()
    up = busy.up(busy.request())
    assert up.runs[outbox.URGENT].first <= lane_of(busy.hub.store, PEER).received
    busy.settle()
    check_ledger(busy)


def test_a_lane_of_a_later_release_is_not_ours(busy: Pair) -> None:
    """Such a frame cannot be packed; what would read it leaves the lane alone."""
    run = Run(1, b"", [Wired("case.noise", "", "{}")])
    assert not busy.hub.store.write(lambda tx: lane.take(tx, PEER, "z", run, 0, busy.hub.cases.apply))
    assert busy.hub.store.read(lambda tx: tx.all("SELECT lane FROM lanes WHERE lane = 'z'")) == []


# What both sides remember


def test_what_was_said_before_costs_little_again(busy: Pair) -> None:
    busy.settle()
    sizes = []
    for _ in range(2):
        busy.file(noise(300))
        sizes.append(len(busy.request()))
        busy.settle()
    assert sizes[1] < sizes[0] / 2
    check_ledger(busy)


@pytest.mark.parametrize("who", ["hub", "village"])
def test_a_memory_that_is_lost_costs_one_exchange_and_no_event(busy: Pair, who: str) -> None:
    busy.settle()
    known = busy.file()
    busy.settle()
    busy.record(known, "registered")
    busy.settle()
    side, peer = (busy.hub, PEER) if who == "hub" else (busy.village, outbox.UPSTREAM)
    side.store.write(lambda tx: tx.run("DELETE FROM received_events WHERE peer = :peer", peer=peer))
    busy.file()
    busy.record(known, "answered")
    if who == "hub":
        assert busy.call()
    else:
        with pytest.raises(FrameError, match="not here"):
            busy.call()
    assert busy.settle() <= 2
    check_ledger(busy)


def test_numbers_given_anew_are_taken_once(busy: Pair) -> None:
    for _ in range(3):
        busy.village.store.write(lambda tx: lane_events.renew(tx, outbox.UPSTREAM))
        busy.hub.store.write(lambda tx: lane_events.renew(tx, PEER))
        busy.file()
        busy.settle()
    check_ledger(busy)


def test_a_request_from_a_life_that_was_left_changes_nothing(busy: Pair) -> None:
    busy.settle()
    busy.file()
    up = busy.up(busy.request())
    old = busy.village.store.write(lambda tx: lanes.peer(tx, outbox.UPSTREAM)).ours
    busy.village.store.write(lambda tx: lane_events.renew(tx, outbox.UPSTREAM))
    busy.settle()
    runs = {name: replace(run, base=bytes(lanes.HASH_BYTES)) for name, run in up.runs.items()}
    late = replace(up, exchange=LONG_AGO, incarnation=old, runs=runs)
    before = dump(busy.hub.store)
    down = busy.asked(late)
    assert (down.fault, down.runs, down.marks) == (server.RETIRED, {}, {})
    after = dump(busy.hub.store)
    changed = [one for one, other in zip(after, before, strict=True) if one != other]
    assert [one[:11] for one in changed] == ["('stations'"], "only the number of the exchange"
