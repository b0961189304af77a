"""Two stations, a line and everything that can go wrong, in any order: each event takes effect once, in order.

The ledger is kept by the test. What was only on disks that are gone is lost to everybody and counts for nothing. When
all has settled, each event that is on its maker's disk was applied once by the other side: none lost, none doubled,
none that nobody made. The controls take a guard away and go a way on which it is needed.
"""

import logging
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from sado.store import Store, Transaction
from sado.store.tables import lane_events, lanes, stations
from sado.store.tables.events import Event
from sado.store.tables.lanes import LANES
from sado.sync import outbox
from sado.sync.codes import Cause
from sado.sync.errors import LineDownError, UnknownStationError
from sado.sync.exchange import server as exchange
from sado.sync.exchange.client import Client
from sado.sync.link.frame_size import FrameSize
from sado.sync.wire import frame
from sado.sync.wire.frame import FrameError, Mark
from tests.support.one_by_one import OneByOne
from tests.support.stations import Clock, keys_in

VILLAGE = 7
PEER = outbox.station(VILLAGE)
QUIET = 40
DAY_S = 86400


def count(tx: Transaction, peer: str, event: Event) -> None:
    """Apply an event: note that, and after how many others, it was."""
    tx.next_number(f"applied {event.body}")
    tx.skip_to(f"order {event.body}", tx.next_number("order"))


@dataclass
class Disk:
    """A station's disk: its store, the copies made of it, and which life of the disk this is."""

    folder: Path
    clock: Clock
    lives: list[int]
    store: Store = field(init=False)
    copies: list[tuple[Path, int]] = field(default_factory=list)
    life: int = 0

    def __post_init__(self) -> None:
        self.folder.mkdir()
        self.open()

    def open(self) -> None:
        self.store = Store(self.folder / "station.db", keys_in(self.folder), self.clock)
        self.store.clock.look(self.store.now())

    def copy(self) -> None:
        path = self.folder / f"copy{len(self.copies)}"
        self.store.backup(path)
        self.copies.append((path, self.life))

    def restore(self, which: int) -> None:
        """Put an earlier copy in the place of the disk, without telling anybody."""
        self.store.close()
        path, _ = self.copies[which % len(self.copies)]
        for left in self.folder.glob("station.db*"):
            left.unlink(missing_ok=True)
        shutil.copy(path, self.folder / "station.db")
        self.life = len(self.lives)
        self.lives.append(self.life)
        self.open()

    def made(self, peer: str) -> list[str]:
        """The events made here for a peer that are on this disk, in order."""

        def job(tx: Transaction) -> list[str]:
            found: list[str] = []
            for name in LANES:
                lane = lanes.find(tx, peer, name)
                found += [one.event.body for one in lane_events.before(tx, lane, lane.numbered, 100_000)]
            return found

        return self.store.write(job)

    def applied(self) -> dict[str, int]:
        """How often each event was applied on this disk."""
        rows = self.store.read(lambda tx: tx.all("SELECT name, value FROM counters WHERE name LIKE 'applied %'"))
        return {name.removeprefix("applied "): value for name, value in rows}

    def order(self) -> list[str]:
        """The events applied on this disk, in that order."""
        rows = self.store.read(lambda tx: tx.all("SELECT name FROM counters WHERE name LIKE 'order %' ORDER BY value"))
        return [name.removeprefix("order ") for (name,) in rows]


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Renumbering is told in the log each time; here it is daily life."""
    logging.getLogger("sado.sync.exchange.lane").setLevel(logging.ERROR)
    yield
    logging.getLogger("sado.sync.exchange.lane").setLevel(logging.NOTSET)


class World(RuleBasedStateMachine):
    """A village and two hubs that it can belong to."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        root = Path(self.folder.name)
        self.clocks = {name: Clock() for name in ("village", "hub", "other")}
        self.lives = [0]
        self.disks = {name: Disk(root / name, clock, self.lives) for name, clock in self.clocks.items()}
        hubs = ("hub", "other")
        self.keys = {name: self.disks[name].store.write(lambda tx: stations.add(tx, VILLAGE)) for name in hubs}
        self.home = "hub"
        self.frames: list[tuple[str, bytes]] = []
        self.number = 0
        self.life_of: dict[str, tuple[int, int]] = {}
        self.start()

    def start(self) -> None:
        """The village's program begins anew: it knows nothing but its disk."""
        self.frame_size = FrameSize()
        self.client = Client(
            self.village.store, VILLAGE, self.keys[self.home], OneByOne(self.post), count, self.frame_size
        )
        self.fault: Callable[[bytes], bytes] | None = None

    @property
    def village(self) -> Disk:
        return self.disks["village"]

    @property
    def hub(self) -> Disk:
        return self.disks[self.home]

    def post(self, frame: bytes, timeout_s: float) -> bytes:
        """The line: clean, unless a fault is armed."""
        self.frames.append((self.home, frame))
        fault, self.fault = self.fault, None
        return fault(frame) if fault else self.answer(frame)

    def answer(self, frame: bytes) -> bytes:
        return exchange.answer(self.hub.store, frame, count)

    def call(self) -> bool:
        try:
            return self.client.call()
        except (LineDownError, FrameError):
            return True

    # What happens

    @rule(lane=st.sampled_from(LANES), many=st.sampled_from([1, 1, 1, 3, 30]))
    def file(self, lane: str, many: int) -> None:
        for _ in range(many):
            self.put(self.village, outbox.UPSTREAM, lane)

    @rule(lane=st.sampled_from(LANES))
    def decide(self, lane: str) -> None:
        self.put(self.hub, PEER, lane)

    def put(self, disk: Disk, peer: str, lane: str) -> None:
        self.number += 1
        body = f"{disk.folder.name} {self.number}"
        self.life_of[body] = (disk.life, self.number)
        disk.store.write(lambda tx: outbox.put(tx, peer, "case.said", "", body, lane))

    @rule()
    def exchange(self) -> None:
        self.call()

    @rule(share=st.floats(0, 1, exclude_max=True))
    def cut_the_request(self, share: float) -> None:
        def fault(frame: bytes) -> bytes:
            with pytest.raises((FrameError, UnknownStationError)):
                self.answer(frame[: int(len(frame) * share)])
            raise LineDownError(Cause.LINE_CUT)

        self.fault = fault
        self.call()

    @rule(share=st.floats(0, 1, exclude_max=True))
    def cut_the_answer(self, share: float) -> None:
        def fault(frame: bytes) -> bytes:
            answer = self.answer(frame)
            return answer[: int(len(answer) * share)]

        self.fault = fault
        self.call()

    @rule()
    def kill_the_village_while_it_waits(self) -> None:
        def fault(frame: bytes) -> bytes:
            self.answer(frame)
            raise LineDownError(Cause.LINE_CUT)

        self.fault = fault
        self.call()
        self.start()

    @rule()
    def kill_both(self) -> None:
        for disk in (self.village, self.hub):
            disk.store.close()
            disk.open()
        self.start()

    @precondition(lambda self: self.frames)
    @rule(which=st.integers(0, 10_000))
    def an_old_request_comes_late(self, which: int) -> None:
        home, frame = self.frames[which % len(self.frames)]
        exchange.answer(self.disks[home].store, frame, count)

    @rule(name=st.sampled_from(["village", "hub", "other"]))
    def copy(self, name: str) -> None:
        self.disks[name].copy()

    @rule(name=st.sampled_from(["village", "hub", "other"]), which=st.integers(0, 100), is_told=st.booleans())
    def restore(self, name: str, which: int, is_told: bool) -> None:
        disk = self.disks[name]
        if not disk.copies:
            return
        disk.restore(which)
        if is_told:
            disk.store.write(lambda tx: [lane_events.renew(tx, peer.name) for peer in lanes.peers(tx)])
        if name == "village":
            self.start()

    @rule(name=st.sampled_from(["village", "hub"]), days=st.sampled_from([-20000, -1, -0.04, 0.04, 1, 365]))
    def the_clock_jumps(self, name: str, days: float) -> None:
        disk = self.disks[name]
        disk.clock.move(days * DAY_S)
        disk.store.clock.look(disk.store.now())

    @rule()
    def move_to_the_other_hub(self) -> None:
        self.home = "other" if self.home == "hub" else "hub"
        self.start()

    # What must hold

    @invariant()
    def nothing_is_applied_twice(self) -> None:
        for disk in self.disks.values():
            assert set(disk.applied().values()) <= {1}

    @invariant()
    def nothing_is_applied_that_nobody_made(self) -> None:
        for disk in self.disks.values():
            assert set(disk.applied()) <= set(self.life_of)

    def settle(self) -> None:
        """Exchange until nothing waits on either side, twice over: the second asks whether all is still as it was."""
        quiet = 0
        for _ in range(QUIET + self.number):
            quiet = 0 if self.call() else quiet + 1
            if quiet == 2:
                return
        raise AssertionError("The two never come to an end.")

    def teardown(self) -> None:
        try:
            self.settle()
            self.nothing_is_applied_twice()
            self.check_ledger()
            self.check_order()
        finally:
            for disk in self.disks.values():
                disk.store.close()
            self.folder.cleanup()

    def check_ledger(self) -> None:
        """Every safe event was applied once, and both sides say so."""
        for maker, peer, taker in ((self.village, outbox.UPSTREAM, self.hub), (self.hub, PEER, self.village)):
            made, applied = maker.made(peer), taker.applied()
            lost = [event for event in made if event not in applied]
            assert lost == []
            for name in LANES:
                sent = maker.store.write(lambda tx, p=peer, n=name: lanes.find(tx, p, n))
                other = PEER if peer == outbox.UPSTREAM else outbox.UPSTREAM
                got = taker.store.write(lambda tx, p=other, n=name: lanes.find(tx, p, n))
                assert (sent.numbered, sent.numbered_hash) == (sent.acked, sent.acked_hash)
                assert (got.received, got.received_hash) == (sent.acked, sent.acked_hash)

    def check_order(self) -> None:
        """What one life of a disk made was applied in the order in which it was made, lane by lane."""
        lane_of = self.lanes_of()
        for disk in self.disks.values():
            seen: dict[tuple[int, str, str], int] = {}
            for body in disk.order():
                life, number = self.life_of[body]
                group = (life, body.split()[0], lane_of.get(body, ""))
                if group[2]:
                    assert seen.get(group, 0) < number, body
                    seen[group] = number

    def lanes_of(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for disk in self.disks.values():

            def job(tx: Transaction) -> list[tuple[str, str]]:
                rows = tx.all("SELECT id, lane, body FROM outbox")
                return [(tx.unseal(body, "outbox.body", entry), lane) for entry, lane, body in rows]

            found |= dict(disk.store.read(job))
        return found


class WithoutHashes(World):
    """The village cannot tell by the rolling hash that the hub means other events than it does: it hears numbers."""

    def answer(self, packed: bytes) -> bytes:
        answer = super().answer(packed)
        down = frame.unpack(frame.DOWN, self.keys[self.home], answer)
        marks = {name: Mark(mark.upto, self.expected(name, mark)) for name, mark in down.marks.items()}
        return frame.pack(frame.DOWN, VILLAGE, self.keys[self.home], replace(down, marks=marks))

    def expected(self, name: str, mark: Mark) -> bytes:
        """What the village would like to hear."""
        lane = self.village.store.write(lambda tx: lanes.find(tx, outbox.UPSTREAM, name))
        return self.village.store.write(lambda tx: lane_events.hash_at(tx, lane, mark.upto)) or mark.hash


class WithoutIds(World):
    """Nobody remembers which events were applied."""

    def call(self) -> bool:
        more = super().call()
        for disk in self.disks.values():
            disk.store.write(lambda tx: lanes.forget_applied(tx, FOREVER))
        return more


class WithoutCursors(World):
    """The hub moves its cursor after the effects, and the power fails in between."""

    def answer(self, packed: bytes) -> bytes:
        before = {name: self.hub.store.write(lambda tx, n=name: lanes.find(tx, PEER, n)) for name in LANES}
        answer = super().answer(packed)
        for lane in before.values():
            self.hub.store.write(lambda tx, one=lane: lanes.save(tx, one))
        self.hub.store.write(lambda tx: lanes.forget_applied(tx, FOREVER))
        return answer


def go_back_and_go_on(world: World) -> None:
    """The village's disk goes back in time behind what the hub has, and new events take the old numbers."""
    world.file(lane="u", many=1)
    world.call()
    world.copy(name="village")
    world.file(lane="u", many=3)
    world.call()
    world.restore(name="village", which=0, is_told=False)
    world.file(lane="u", many=30)


def send_everything_again(world: World) -> None:
    """The village is restored as it should be, and numbers anew what it still has."""
    world.file(lane="u", many=3)
    world.call()
    world.copy(name="village")
    world.restore(name="village", which=0, is_told=True)


def lose_an_answer(world: World) -> None:
    """The hub has the events, the village does not know it."""
    world.file(lane="u", many=3)
    world.cut_the_answer(share=0.5)


WALKS = {WithoutHashes: go_back_and_go_on, WithoutIds: send_everything_again, WithoutCursors: lose_an_answer}
FOREVER = 1 << 60
EVERYTHING = list(HealthCheck)
FAST = settings(max_examples=20, stateful_step_count=30, suppress_health_check=EVERYTHING)
LONG = settings(max_examples=120, stateful_step_count=60, suppress_health_check=EVERYTHING)


def walked(world: World, walk: Callable[[World], None]) -> None:
    """Go this way, and look whether all is well at its end."""
    try:
        walk(world)
    finally:
        world.teardown()


def test_whatever_happens_each_event_takes_effect_once() -> None:
    run_state_machine_as_test(World, settings=FAST)


@pytest.mark.long
def test_whatever_happens_each_event_takes_effect_once_at_length() -> None:
    run_state_machine_as_test(World, settings=LONG)


@pytest.mark.parametrize("guard", WALKS)
def test_each_walk_is_harmless_with_its_guard_and_not_without(guard: type[World]) -> None:
    walked(World(), WALKS[guard])
    with pytest.raises(AssertionError):
        walked(guard(), WALKS[guard])
