"""What a lane sends next, what it takes, and what it makes of an acknowledgement."""

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from sado.store import DiskError, Store, Transaction
from sado.store.tables import lane_events, lanes, quarantine, received_events
from sado.store.tables.events import Event
from sado.store.tables.lanes import LANES, Lane
from sado.sync import outbox
from sado.sync.exchange import lane
from sado.sync.wire.frame import Mark, Run
from sado.sync.wire.records import Wired
from tests.support.stations import Clock, keys_in

VILLAGE = outbox.station(7)
OTHER = outbox.station(8)
ROOM = 10_000
NOW_MS = 1_800_000_000_000


@dataclass
class Side:
    """A store that sends to one peer and takes from it; `applied` are the bodies that took effect."""

    store: Store
    peer: str
    applied: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def put(self, *bodies: str, lane: str = "u") -> None:
        self.store.write(lambda tx: [outbox.put(tx, self.peer, "case.said", "", body, lane) for body in bodies])

    def next(self, room: int = ROOM, every_lane: bool = False) -> dict[str, Run]:
        return self.store.write(lambda tx: lane.next_runs(tx, self.peer, room, every_lane))

    def next_in(self, names: tuple[str, ...]) -> dict[str, Run]:
        def job(tx: Transaction) -> dict[str, Run]:
            return lane.runs_after(tx, self.peer, ROOM, lane.acknowledged(tx, self.peer, names), every_lane=True)

        return self.store.write(job)

    def lane(self, name: str = "u") -> Lane:
        return self.store.write(lambda tx: lanes.find(tx, self.peer, name))

    def acknowledge(self, upto: int, hash_: bytes | None = None, name: str = "u") -> None:
        def job(tx: Transaction) -> None:
            known = lane_events.hash_at(tx, lanes.find(tx, self.peer, name), upto)
            lane.acknowledge(tx, self.peer, {name: Mark(upto, hash_ if hash_ is not None else known or b"")})

        self.store.write(job)

    def apply(self, tx: Transaction, peer: str, event: Event) -> None:
        """Note the event; one that says to fail does so after it had an effect."""
        tx.next_number("effects")
        if event.body == "full":
            raise sqlite3.OperationalError("database or disk is full")
        if event.body == "bad":
            raise LookupError("no such case")
        self.applied.append(event.body)
        self.events.append(event)

    def take(self, run: Run, name: str = "u", peer: str = "", sent_at: int = NOW_MS, away_ms: int = 0) -> bool:
        return self.store.write(lambda tx: lane.take(tx, peer or self.peer, name, run, sent_at, self.apply, away_ms))

    def meet(self, other: "Side", peer: str = "") -> None:
        """Begin with the incarnation under which the other side numbers."""
        name = peer or self.peer
        ours = other.store.write(lambda tx: lanes.peer(tx, other.peer).ours)
        self.store.write(lambda tx: lanes.begin_receiving(tx, lanes.peer(tx, name), ours))

    def counter(self, name: str) -> int:
        return self.store.read(lambda tx: tx.value("SELECT value FROM counters WHERE name = :name", name=name)) or 0


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW_MS / 1000)


@pytest.fixture
def sender(tmp_path: Path, clock: Clock) -> Iterator[Side]:
    (tmp_path / "sender").mkdir()
    store = Store(tmp_path / "sender" / "station.db", keys_in(tmp_path), clock)
    yield Side(store, outbox.UPSTREAM)
    store.close()


@pytest.fixture
def taker(tmp_path: Path, clock: Clock, sender: Side) -> Iterator[Side]:
    (tmp_path / "taker").mkdir()
    store = Store(tmp_path / "taker" / "station.db", keys_in(tmp_path), clock)
    side = Side(store, VILLAGE)
    side.meet(sender)
    yield side
    store.close()


def said(runs: dict[str, Run]) -> dict[str, list[str]]:
    return {name: [event.body for event in run.events] for name, run in runs.items()}


# What comes next


def test_nothing_comes_where_nothing_waits(sender: Side) -> None:
    assert sender.next() == {}
    assert sender.next(every_lane=True) == {}


def test_what_is_urgent_comes_first_whenever_it_was_put(sender: Side) -> None:
    sender.put("b" * 50, lane="b")
    sender.put("n" * 50, lane="n")
    sender.put("u" * 50)
    assert list(said(sender.next())) == ["u", "n", "b"]
    assert list(said(sender.next(room=100))) == ["u", "n"]
    assert list(said(sender.next(room=50))) == ["u"]


def test_a_lane_that_comes_later_waits_for_all_of_those_before(sender: Side) -> None:
    sender.put(*["u" * 10] * 9)
    sender.put("b", lane="b")
    assert said(sender.next(room=85)) == {"u": ["u" * 10] * 8}
    assert said(sender.next(room=91)) == {"u": ["u" * 10] * 9, "b": ["b"]}


def test_when_every_lane_has_its_turn_each_that_waits_gets_one(sender: Side) -> None:
    sender.put(*["u" * 10] * 9)
    sender.put("n1", "n2", lane="n")
    sender.put("b1", "b2", lane="b")
    assert said(sender.next(room=1, every_lane=True)) == {"u": ["u" * 10], "n": ["n1"], "b": ["b1"]}
    assert said(sender.next(room=40, every_lane=True)) == {"u": ["u" * 10] * 3, "n": ["n1"], "b": ["b1"]}


def test_when_every_lane_has_its_turn_one_that_may_not_leave_has_none(sender: Side) -> None:
    sender.put("u1")
    sender.put("b1", lane="b")
    assert said(sender.next_in(("u",))) == {"u": ["u1"]}
    assert said(sender.next(every_lane=True)) == {"u": ["u1"], "b": ["b1"]}


def test_an_event_that_is_too_large_travels_alone(sender: Side) -> None:
    sender.put("x" * 500, "small", "y" * 500)
    for alone in ("x" * 500, "small", "y" * 500):
        assert said(sender.next(room=100)) == {"u": [alone]}
        sender.acknowledge(sender.lane().acked + 1)


def test_a_run_says_after_what_it_comes_and_only_ids_that_cannot_be_derived(sender: Side) -> None:
    sender.put("a", "b", "c")
    sender.acknowledge(1)
    passed = Event("case.said", "", "passed", b"01234567", hops=2)
    sender.store.write(lambda tx: outbox.pass_on(tx, outbox.UPSTREAM, "u", passed))
    run = sender.next()["u"]
    assert (run.first, run.base) == (2, sender.lane().acked_hash)
    assert [(one.id, one.hops) for one in run.events] == [("", 0), ("", 0), (b"01234567".hex(), 3)]
    assert lane.end_of(run) == Mark(4, sender.lane().numbered_hash)


def test_what_follows_a_run_on_its_way_goes_on_where_that_ends(sender: Side, taker: Side) -> None:
    sender.put("a", "b", "c", "d")
    first = sender.next(room=2)["u"]
    ahead = sender.store.write(
        lambda tx: lane.runs_after(tx, outbox.UPSTREAM, ROOM, {"u": lane.end_of(first), "n": Mark(0, b"")})
    )
    assert said(ahead) == {"u": ["c", "d"]}
    assert taker.take(first)
    assert taker.take(ahead["u"])
    assert taker.applied == ["a", "b", "c", "d"]


def test_how_long_ago_it_was_is_told_whatever_the_clock_did(sender: Side, clock: Clock) -> None:
    sender.put("a")
    clock.move(3600)
    (one,) = sender.next()["u"].events
    assert (one.ago, one.slip) == (3600_000, 0)
    # Somebody sets the clock back by a day: the store's steady clock sees it.
    sender.store.clock.steps_ms -= 86_400_000
    clock.move(-86_400)
    (one,) = sender.next()["u"].events
    assert one.ago + one.slip == 3600_000
    assert one.slip == 86_400_000


def test_what_waits_and_is_not_kept_is_stepped_over_by_numbering_the_rest_anew(sender: Side, taker: Side) -> None:
    sender.put("a", "b", "c")
    kept = sender.next()["u"].events
    sender.store.write(lambda tx: tx.run("DELETE FROM outbox WHERE number = 1"))
    run = sender.next()["u"]
    assert (run.first, [one.body for one in run.events]) == (1, ["b", "c"])
    taker.meet(sender)
    assert taker.take(run)
    assert taker.applied == ["b", "c"]
    assert len(kept) == 3


def test_a_gap_in_one_lane_does_not_give_the_events_of_another_new_names(sender: Side, taker: Side) -> None:
    sender.put("u1", "u2", "u3")
    sender.put("n1", "n2", lane="n")
    sender.store.write(lambda tx: tx.run("DELETE FROM outbox WHERE lane = 'n' AND number = 1"))
    runs = sender.next()
    taker.meet(sender)
    for name, run in runs.items():
        assert taker.take(run, name)
    marks = taker.store.write(lambda tx: lane.marks(tx, VILLAGE))
    sender.store.write(lambda tx: lane.acknowledge(tx, sender.peer, marks))
    assert sender.next() == {}
    assert taker.applied == ["u1", "u2", "u3", "n2"]


# What is taken


def test_a_run_is_taken_in_order_and_its_end_is_the_mark(sender: Side, taker: Side) -> None:
    sender.put("a", "b", "c")
    assert taker.take(sender.next()["u"])
    assert taker.applied == ["a", "b", "c"]
    assert taker.store.write(lambda tx: lane.marks(tx, VILLAGE))["u"] == Mark(3, sender.lane().numbered_hash)


def test_lanes_have_cursors_of_their_own(sender: Side, taker: Side) -> None:
    for name in LANES:
        sender.put(f"{name}1", f"{name}2", lane=name)
    for name, run in reversed(sender.next().items()):
        assert taker.take(run, name)
    assert taker.applied == ["b1", "b2", "n1", "n2", "u1", "u2"]


def part(run: Run, start: int, count: int = 99) -> Run:
    """The run without its first `start` events, with the whole hash before the rest."""
    rolling = lane.end_of(replace(run, events=run.events[:start])).hash
    return Run(run.first + start, rolling, run.events[start : start + count])


@pytest.mark.parametrize("ahead", [1, 2])
def test_a_gap_is_refused_and_filled_later(sender: Side, taker: Side, ahead: int) -> None:
    sender.put("a", "b", "c")
    run = sender.next()["u"]
    assert not taker.take(part(run, ahead))
    assert taker.applied == []
    assert taker.take(run)
    assert taker.applied == ["a", "b", "c"]


@pytest.mark.parametrize("before", [1, 2, 3])
@pytest.mark.parametrize("start", [0, 1])
def test_a_run_that_overlaps_is_taken_from_the_cursor_on(sender: Side, taker: Side, before: int, start: int) -> None:
    sender.put("a", "b", "c", "d")
    run = sender.next()["u"]
    assert taker.take(part(run, 0, before))
    assert taker.take(part(run, start))
    assert taker.applied == ["a", "b", "c", "d"]
    assert taker.lane().received_hash == sender.lane().numbered_hash


def test_what_was_all_received_is_taken_and_changes_nothing(sender: Side, taker: Side) -> None:
    sender.put("a", "b")
    run = sender.next()["u"]
    for _ in range(2):
        assert taker.take(run)
    assert taker.applied == ["a", "b"]


def test_a_run_that_ends_before_the_cursor_is_refused(sender: Side, taker: Side) -> None:
    sender.put("a", "b", "c")
    run = sender.next()["u"]
    taker.take(run)
    assert not taker.take(part(run, 0, 2))
    assert taker.lane().received == 3


@pytest.mark.parametrize("said_as", [bytes, lanes.short])
@pytest.mark.parametrize("at", [0, 7])
def test_a_run_after_another_hash_is_refused(
    sender: Side, taker: Side, said_as: Callable[[bytes], bytes], at: int
) -> None:
    sender.put("a")
    run = sender.next()["u"]
    other = run.base[:at] + bytes([run.base[at] ^ 1]) + run.base[at + 1 :]
    assert not taker.take(replace(run, base=said_as(other)))
    assert taker.take(replace(run, base=said_as(run.base)))


def test_a_fork_is_refused_even_where_it_overlaps(sender: Side, taker: Side) -> None:
    """A sender whose disk went back puts other events under the same numbers."""
    sender.put("a", "b", "c")
    run = sender.next()["u"]
    taker.take(part(run, 0, 2))
    other = replace(run, events=[run.events[0], Wired("case.said", "", "other"), run.events[2]])
    assert not taker.take(other)
    assert not taker.take(replace(run, base=b"x" * 8))
    assert taker.applied == ["a", "b"]
    assert taker.take(run)
    assert taker.applied == ["a", "b", "c"]


def test_a_short_base_leads_nowhere_where_it_overlaps(sender: Side, taker: Side) -> None:
    sender.put("a", "b")
    run = sender.next()["u"]
    taker.take(part(run, 0, 1))
    assert not taker.take(replace(run, base=lanes.short(run.base)))


def test_a_lane_of_a_later_release_is_not_taken(sender: Side, taker: Side) -> None:
    sender.put("a")
    assert not taker.take(sender.next()["u"], "later")


def test_an_event_that_came_by_another_way_is_applied_once_and_the_cursor_moves(sender: Side, taker: Side) -> None:
    sender.put("a", "b")
    first, second = sender.next()["u"].events
    name = lanes.event_id(sender.lane().acked_hash, first.kind, first.reference, first.body)
    taker.store.write(lambda tx: lanes.is_new(tx, name))
    assert taker.take(sender.next()["u"])
    assert taker.applied == ["b"]
    assert taker.lane().received == 2
    assert second.body == "b"


def test_numbered_anew_the_same_events_are_applied_once(sender: Side, taker: Side) -> None:
    sender.put("a", "b")
    taker.take(sender.next()["u"])
    sender.store.write(lambda tx: lane_events.renew(tx, outbox.UPSTREAM))
    sender.put("c")
    taker.meet(sender)
    assert taker.take(sender.next()["u"])
    assert taker.applied == ["a", "b", "c"]


def test_an_event_that_cannot_be_applied_is_kept_aside_without_effect_and_blocks_nothing(
    sender: Side, taker: Side
) -> None:
    sender.put("a", "bad", "c")
    assert taker.take(sender.next()["u"])
    assert taker.applied == ["a", "c"]
    assert taker.counter("effects") == 2
    assert taker.lane().received == 3
    (kept,) = taker.store.read(lambda tx: quarantine.listed(tx, 10))
    assert (kept.peer, kept.kind, kept.reason) == (VILLAGE, "case.said", "OWN_ERROR LookupError")


def test_a_full_disk_is_not_the_event_s_fault(sender: Side, taker: Side) -> None:
    sender.put("a", "full", "c")
    with pytest.raises(DiskError):
        taker.take(sender.next()["u"])
    assert taker.lane().received == 0
    assert taker.counter("effects") == 0
    assert taker.store.read(quarantine.count) == 0


@pytest.mark.parametrize(
    ("ago", "slip", "away", "happened"),
    [
        (60, 0, 0, 60),
        (60, 5, 0, 65),
        (60, -10, 30, 80),
        (-60, 0, 0, 0),
        (1 << 49, 1 << 49, 0, lane.OLDEST_MS // 1000),
        (60, 0, 1 << 49, lane.OLDEST_MS // 1000),
    ],
)
def test_when_it_happened_is_reckoned_by_our_clock(taker: Side, ago: int, slip: int, away: int, happened: int) -> None:
    base = taker.store.write(lambda tx: lanes.find(tx, VILLAGE, "u")).received_hash
    run = Run(1, base, [Wired("case.said", "", "a", ago * 1000, slip * 1000)])
    taker.take(run, sent_at=5_000_000, away_ms=away * 1000)
    (event,) = taker.events
    assert NOW_MS - event.happened_at == happened * 1000
    assert event.at == 5_000_000 - ago * 1000


def test_only_urgent_words_are_kept_for_the_compressor_and_only_the_last(sender: Side, taker: Side) -> None:
    sender.put("n", lane="n")
    sender.put(*(str(number) for number in range(lane.KEEP_RECEIVED + 3)))
    while runs := sender.next(room=5_000):
        for name, run in runs.items():
            assert taker.take(run, name)
            sender.acknowledge(run.first + len(run.events) - 1, name=name)
    kept = taker.store.read(lambda tx: received_events.between(tx, VILLAGE, 0, 10_000))
    assert [body for _, _, body, _ in kept] == [str(number) for number in range(3, lane.KEEP_RECEIVED + 3)]


def test_peers_do_not_share_a_cursor(sender: Side, taker: Side) -> None:
    sender.put("a")
    run = sender.next()["u"]
    taker.take(run)
    assert not taker.take(run, peer=OTHER)
    taker.meet(sender, OTHER)
    assert taker.take(run, peer=OTHER)
    assert taker.applied == ["a"]


# What is acknowledged


def test_what_is_acknowledged_does_not_come_again(sender: Side) -> None:
    sender.put("a", "b", "c")
    sender.acknowledge(2)
    assert said(sender.next()) == {"u": ["c"]}
    sender.acknowledge(3)
    assert sender.next() == {}


@pytest.mark.parametrize("said_as", [bytes, lanes.short])
def test_a_short_hash_is_enough(sender: Side, said_as: Callable[[bytes], bytes]) -> None:
    sender.put("a", "b")
    incarnation = sender.store.write(lambda tx: lanes.peer(tx, outbox.UPSTREAM).ours)
    sender.acknowledge(2, said_as(sender.lane().numbered_hash))
    assert sender.next() == {}
    assert sender.store.write(lambda tx: lanes.peer(tx, outbox.UPSTREAM).ours) == incarnation


def test_a_mark_that_goes_back_brings_again_what_was_lost(sender: Side) -> None:
    sender.put("a", "b", "c")
    sender.acknowledge(3)
    sender.acknowledge(1)
    assert said(sender.next()) == {"u": ["b", "c"]}


@pytest.mark.parametrize(("upto", "hash_"), [(1, b"x" * 8), (1, b""), (3, b""), (99, b"")])
def test_a_mark_that_is_not_ours_numbers_everything_anew(sender: Side, upto: int, hash_: bytes) -> None:
    sender.put("a", "b")
    sender.put("n", lane="n")
    sender.acknowledge(2)
    incarnation = sender.store.write(lambda tx: lanes.peer(tx, outbox.UPSTREAM).ours)
    sender.acknowledge(upto, hash_)
    assert said(sender.next()) == {"u": ["a", "b"], "n": ["n"]}
    assert sender.store.write(lambda tx: lanes.peer(tx, outbox.UPSTREAM).ours) != incarnation


def test_a_mark_of_a_lane_of_a_later_release_says_nothing(sender: Side) -> None:
    sender.put("a")
    sender.acknowledge(5, b"x" * 8, name="later")
    assert said(sender.next()) == {"u": ["a"]}
