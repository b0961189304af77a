"""An entry in the outbox is never lost, never with two senders at once, and given up on only after its last attempt.
How it leaves follows from the kind of its destination."""

import random
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from sado.store import Store, Transaction
from sado.store.tables import lane_events, lanes
from sado.store.tables import outbox as entries
from sado.store.tables.outbox import Entry
from sado.sync import backoff, outbox
from sado.sync.codes import Cause, Reason
from sado.sync.outbox import GIVEN_UP, LANES, LEASE_MS, MOST_ATTEMPTS, DestinationError, Kind
from tests.support.stations import Clock, keys_in, open_store

AGENCY = "agency:HCU"
PEERS = (outbox.UPSTREAM, outbox.station(7))
SINGLES = (outbox.SMS, AGENCY)
LONGEST_S = backoff.LONGEST_S * (1 + backoff.JITTER) + 1
DAY_S = 24 * 3600
KEEP_MS = 14 * DAY_S * 1000
WHY = Reason(Cause.GATEWAY_UNREACHABLE)


PEER, SINGLE, DESTINATION = st.sampled_from(PEERS), st.sampled_from(SINGLES), st.sampled_from(PEERS + SINGLES)
PICK = st.integers(0, 99)


class Outbox(RuleBasedStateMachine):
    """Senders, exchanges, people, restarts and restores in any order on a real outbox, for destinations of both kinds.
    `states` is what each entry must be, `held` the entries that a sender has, by id."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.clock = Clock()
        self.states: dict[int, str] = {}
        self.held: dict[int, Entry] = {}
        self.store = self.open()

    def open(self) -> Store:
        folder = Path(self.folder.name)
        return Store(folder / "station.db", keys_in(folder), self.clock)

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()

    def now(self) -> int:
        return self.store.now()

    def finish(self, pick: int, how: Callable[[Transaction, Entry], None]) -> Entry:
        """Let the sender of one held entry end with it."""
        entry = self.held.pop(sorted(self.held)[pick % len(self.held)])
        self.store.write(lambda tx: how(tx, entry))
        return entry

    @initialize(destination=DESTINATION)
    def begin(self, destination: str) -> None:
        self.put(destination, LANES[0])

    @rule(destination=DESTINATION, lane=st.sampled_from(LANES))
    def put(self, destination: str, lane: str) -> None:
        entry_id = self.store.write(lambda tx: outbox.put(tx, destination, "kind", "ref", "body", lane))
        assert entry_id not in self.states
        self.states[entry_id] = "queued"

    def move_all(self, old: str, new: str, peers: tuple[str, ...]) -> None:
        """Let what is for these stations be `new` that was `old`; nothing else may have changed."""
        for entry_id, destination in self.rows("id, destination"):
            if destination in peers and self.states[entry_id] == old:
                self.states[entry_id] = new

    @rule(peer=PEER)
    def exchange(self, peer: str) -> None:
        """The station acknowledges all that was for it."""

        def acknowledge(tx: Transaction) -> None:
            for name in LANES:
                lane = lanes.find(tx, peer, name)
                lane_events.finish(tx, lane, lane.numbered, lane.numbered_hash)

        self.store.write(acknowledge)
        self.move_all("queued", "acked", (peer,))

    @rule()
    def restore(self) -> None:
        """The disk comes back: stations are told again what is kept for them; nobody else is sent anything again."""
        self.store.write(lambda tx: [lane_events.renew(tx, peer.name) for peer in lanes.peers(tx)])
        self.move_all("acked", "queued", PEERS)

    def is_leased(self, entry: Entry) -> bool:
        """Not where the lease lies further ahead than any: the clock was set back since."""
        return self.now() < entry.lease_until <= self.now() + outbox.LEASE_MS

    @rule(destination=SINGLE)
    def claim(self, destination: str) -> None:
        entry = self.store.write(lambda tx: outbox.claim(tx, destination))
        if entry is None:
            return
        assert self.states[entry.id] == "queued"
        assert entry.id not in self.held or not self.is_leased(self.held[entry.id])
        assert entry.attempts <= MOST_ATTEMPTS
        self.held[entry.id] = entry

    @precondition(lambda self: self.held)
    @rule(pick=PICK)
    def ack(self, pick: int) -> None:
        self.states[self.finish(pick, outbox.ack).id] = "acked"

    @precondition(lambda self: self.held)
    @rule(pick=PICK)
    def reject(self, pick: int) -> None:
        self.states[self.finish(pick, lambda tx, entry: outbox.reject(tx, entry, WHY)).id] = "rejected"

    @precondition(lambda self: self.held)
    @rule(pick=PICK)
    def await_report(self, pick: int) -> None:
        self.states[self.finish(pick, lambda tx, entry: outbox.await_report(tx, entry, WHY)).id] = "awaiting"

    @precondition(lambda self: self.held)
    @rule(pick=PICK)
    def defer(self, pick: int) -> None:
        entry = self.finish(pick, lambda tx, entry: outbox.defer(tx, entry, WHY))
        self.states[entry.id] = "dead" if entry.attempts == MOST_ATTEMPTS else "queued"

    @precondition(lambda self: self.held)
    @rule(pick=PICK)
    def put_back(self, pick: int) -> None:
        """The destination is down: whatever else was on its way there has failed too."""
        entry = self.finish(pick, lambda tx, entry: outbox.put_back(tx, entry, WHY))
        self.held = {key: held for key, held in self.held.items() if held.destination != entry.destination}

    @rule(destination=SINGLE)
    def defer_to_the_end(self, destination: str) -> None:
        """One entry after another is put off until one is given up on."""
        for _ in range(MOST_ATTEMPTS * max(1, len(self.states))):
            self.wait(LONGEST_S)
            self.claim(destination)
            if self.held:
                self.defer(len(self.held) - 1)
            if "dead" in self.states.values():
                return

    @precondition(lambda self: self.states)
    @rule(pick=PICK)
    def retry(self, pick: int) -> None:
        entry_id = sorted(self.states)[pick % len(self.states)]
        done = self.store.write(lambda tx: entries.requeue(tx, entry_id))
        assert done == (self.states[entry_id] in GIVEN_UP)
        if done:
            self.states[entry_id] = "queued"

    @rule()
    def retry_all_now(self) -> None:
        self.store.write(outbox.retry_all_now)

    @rule(seconds=st.sampled_from([1, 14, 61, LONGEST_S, DAY_S, -3600]))
    def wait(self, seconds: float) -> None:
        self.clock.move(seconds)

    @rule()
    def restart(self) -> None:
        """The process dies and its senders with it."""
        self.store.close()
        self.store = self.open()
        self.store.write(entries.release_all)
        self.held = {}

    @invariant()
    def every_entry_is_where_it_must_be(self) -> None:
        rows = self.rows("id, state")
        assert dict(rows) == self.states

    @invariant()
    def numbers_are_dense_in_each_lane(self) -> None:
        lanes: dict[tuple[str, str], list[int]] = {}
        for destination, lane, number in self.rows("destination, lane, number"):
            lanes.setdefault((destination, lane), []).append(number)
        assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in lanes.values())

    @invariant()
    def only_stations_have_lanes(self) -> None:
        assert {peer.name for peer in self.store.read(lanes.peers)} <= set(PEERS)

    @invariant()
    def an_event_waits_in_its_lane_as_long_as_its_entry(self) -> None:
        queued = {destination for destination, state in self.rows("destination, state") if state == "queued"}
        waits = self.store.read(
            lambda tx: {to for to in PEERS + SINGLES if any(lane_events.waits(tx, to, n) for n in LANES)}
        )
        assert waits == queued & set(PEERS)

    @invariant()
    def only_a_held_entry_is_leased(self) -> None:
        leased = {row[0]: row[1] for row in self.rows("id, lease_until") if row[1] > 0}
        assert leased == {entry.id: entry.lease_until for entry in self.held.values()}

    @invariant()
    def dead_is_only_what_had_its_last_attempt(self) -> None:
        rows = self.rows("state, attempts")
        assert all(attempts == MOST_ATTEMPTS for state, attempts in rows if state == "dead")
        assert all(0 <= attempts <= MOST_ATTEMPTS for _, attempts in rows)

    def rows(self, columns: str) -> list[Any]:
        return self.store.read(lambda tx: tx.all(f"SELECT {columns} FROM outbox ORDER BY id"))


TestOutbox = Outbox.TestCase
TestOutbox.settings = settings(
    max_examples=25, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


# What a name says


@pytest.mark.parametrize(
    ("destination", "kind"),
    [
        (outbox.UPSTREAM, Kind.PEER),
        (outbox.station(0), Kind.PEER),
        (outbox.station(999), Kind.PEER),
        (outbox.SMS, Kind.SINGLE),
        (AGENCY, Kind.SINGLE),
        ("agency:КОҲ-1", Kind.SINGLE),
    ],
)
def test_a_name_says_how_entries_leave(destination: str, kind: Kind) -> None:
    assert outbox.kind_of(destination) is kind


STRANGERS = (
    "",
    "hub",
    "SMS",
    "sms:1",
    "upstream:1",
    "agency",
    "agency:",
    "agency:A B",
    "station:7",
    "station:0012",
    "station:٠٠٧",
)


@pytest.mark.parametrize("name", STRANGERS)
def test_nothing_is_kept_for_a_name_that_is_no_destination(store: Store, name: str) -> None:
    with pytest.raises(DestinationError, match="is no destination: write upstream, station:NNN, sms or agency:CODE"):
        put(store, name)
    assert claim_count(store) == 0 and store.read(lanes.peers) == []


@pytest.mark.parametrize("peer", PEERS)
def test_a_station_s_events_are_not_claimed_one_by_one(store: Store, peer: str) -> None:
    put(store, peer)
    with pytest.raises(DestinationError, match="its events leave by the exchange"):
        store.write(lambda tx: outbox.claim(tx, peer))
    assert store.read(lambda tx: lane_events.waits(tx, peer, outbox.URGENT))


# One thing at a time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[Store]:
    with open_store(tmp_path, clock) as store:
        yield store


def put(store: Store, destination: str = outbox.SMS) -> int:
    return store.write(lambda tx: outbox.put(tx, destination, "notice", "0070000000", "body"))


def claim(store: Store, destination: str = outbox.SMS) -> Entry:
    entry = store.write(lambda tx: outbox.claim(tx, destination))
    assert entry is not None
    return entry


def is_left_alone(store: Store, destination: str = outbox.SMS) -> bool:
    """Whether nothing can be claimed now."""
    return store.write(lambda tx: outbox.claim(tx, destination)) is None


def state_of(store: Store, entry_id: int) -> str:
    return str(store.read(lambda tx: tx.value("SELECT state FROM outbox WHERE id = :id", id=entry_id)))


def test_an_entry_leaves_only_with_the_change_it_tells_of(store: Store) -> None:
    def fail(tx: Transaction) -> None:
        outbox.put(tx, outbox.SMS, "notice", "", "body")
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        store.write(fail)
    assert is_left_alone(store)
    put(store)
    assert (claim(store).number, claim_count(store)) == (1, 1)


def claim_count(store: Store) -> int:
    return int(store.read(lambda tx: tx.value("SELECT COUNT(*) FROM outbox")))


def test_entries_leave_in_the_order_they_came(store: Store) -> None:
    ids = [put(store) for _ in range(5)]
    assert [claim(store).id for _ in ids] == ids


def test_a_claim_carries_the_body_and_the_list_does_not(store: Store) -> None:
    put(store)
    assert claim(store).body == "body"
    assert [entry.body for entry in store.read(lambda tx: entries.listed(tx, outbox.WAITING, 9))] == [""]


def test_a_lease_runs_out(store: Store, clock: Clock) -> None:
    put(store)
    claim(store)
    clock.move(LEASE_MS / 1000 - 0.001)
    assert is_left_alone(store)
    clock.move(0.001)
    assert claim(store).attempts == 2


def test_a_restart_gives_leases_back_and_fails_nothing(tmp_path: Path, clock: Clock) -> None:
    with open_store(tmp_path, clock) as store:
        put(store)
        claim(store)
    with open_store(tmp_path, clock) as store:
        assert is_left_alone(store)
        store.write(entries.release_all)
        assert claim(store).state == "queued"


def test_the_wait_grows_and_is_capped() -> None:
    waits = [backoff.wait_ms(failures, Middle()) / 1000 for failures in range(1, 40)]
    assert waits[:4] == [15, 30, 60, 120]
    assert waits == sorted(waits)
    assert max(waits) == backoff.LONGEST_S


class Middle(random.Random):
    """No jitter: always the middle."""

    def uniform(self, a: float, b: float) -> float:
        return (a + b) / 2


def test_the_wait_has_jitter() -> None:
    chance = random.Random(1)
    waits = {backoff.wait_ms(3, chance) for _ in range(1000)}
    assert len(waits) > 900
    assert min(waits) >= 60_000 * (1 - backoff.JITTER)
    assert max(waits) <= 60_000 * (1 + backoff.JITTER)


def test_a_deferred_entry_waits_and_lets_others_pass(store: Store, clock: Clock) -> None:
    first, second = put(store), put(store)
    entry = claim(store)
    store.write(lambda tx: outbox.defer(tx, entry, WHY))
    assert (entry.id, claim(store).id) == (first, second)
    clock.move(backoff.FIRST_S * (1 + backoff.JITTER))
    assert claim(store).id == first


def test_the_last_attempt_that_is_deferred_is_the_end(store: Store, clock: Clock) -> None:
    entry_id = put(store)
    for attempt in range(1, MOST_ATTEMPTS + 1):
        entry = claim(store)
        assert (entry.attempts, entry.state) == (attempt, "queued")
        store.write(lambda tx, entry=entry: outbox.defer(tx, entry, WHY))
        clock.move(LONGEST_S)
    assert state_of(store, entry_id) == "dead"
    assert is_left_alone(store)


def test_a_destination_that_is_down_is_left_alone_once_for_all_its_entries(store: Store, clock: Clock) -> None:
    ids = [put(store) for _ in range(20)]
    entry = claim(store)
    store.write(lambda tx: outbox.put_back(tx, entry, WHY))
    assert is_left_alone(store)
    clock.move(backoff.FIRST_S * (1 + backoff.JITTER))
    assert [(one.id, one.attempts) for one in [claim(store) for _ in ids]] == [(entry_id, 1) for entry_id in ids]


@pytest.mark.parametrize(("back_s", "rests"), [(0, True), (3 * DAY_S, False)])
def test_a_clock_that_was_set_back_leaves_nothing_waiting(
    store: Store, clock: Clock, back_s: float, rests: bool
) -> None:
    """Of a lease, of an entry that was put off and of a destination that is down, none waits for the old time."""
    held, later = put(store), put(store)
    claim(store)
    entry = claim(store)
    store.write(lambda tx: outbox.defer(tx, entry, WHY))
    store.write(lambda tx: outbox.destination_down(tx, outbox.UPSTREAM, WHY))
    clock.move(-back_s)
    if rests:
        assert is_left_alone(store)
    else:
        assert [claim(store).id, claim(store).id] == [held, later]


def test_a_destination_that_is_down_delays_no_other(store: Store) -> None:
    put(store, outbox.SMS)
    put(store, AGENCY)
    store.write(lambda tx: outbox.destination_down(tx, outbox.SMS, WHY))
    assert is_left_alone(store, outbox.SMS)
    assert claim(store, AGENCY).destination == AGENCY


def test_a_destination_remembers_since_when_it_is_down_until_it_answers(store: Store, clock: Clock) -> None:
    began = store.now()
    for _ in range(3):
        store.write(lambda tx: outbox.destination_down(tx, outbox.SMS, WHY))
        clock.move(DAY_S)
    down = store.read(lambda tx: entries.destination(tx, outbox.SMS))
    assert (down.failures, down.down_since, down.reason) == (3, began, WHY.stored)
    store.write(lambda tx: outbox.destination_ok(tx, outbox.SMS))
    up = store.read(lambda tx: entries.destination(tx, outbox.SMS))
    assert (up.failures, up.down_since, up.reason, up.ok_at) == (0, None, "", store.now())


def given_up(tx: Transaction, entry: Entry, reason: Reason) -> None:
    """No report came in time."""
    outbox.await_report(tx, entry, reason)
    assert outbox.confirm(tx, entry.id, has_arrived=False)


@pytest.mark.parametrize("end", [outbox.reject, given_up])
def test_what_was_given_up_on_leaves_again_only_when_a_person_says_so(
    store: Store, clock: Clock, end: Callable[[Transaction, Entry, Reason], None]
) -> None:
    put(store)
    entry = claim(store)
    store.write(lambda tx: end(tx, entry, WHY))
    clock.move(DAY_S)
    store.write(outbox.retry_all_now)
    store.write(entries.release_all)
    assert is_left_alone(store)
    assert store.write(lambda tx: entries.requeue(tx, entry.id))
    assert (claim(store).id, claim_count(store)) == (entry.id, 1)


def test_a_cancelled_entry_is_gone_and_its_destination_untouched(store: Store) -> None:
    put(store)
    entry = claim(store)
    before = store.read(lambda tx: entries.destination(tx, outbox.SMS))
    assert store.write(lambda tx: entries.remove(tx, entry))
    assert claim_count(store) == 0
    assert store.read(lambda tx: entries.destination(tx, outbox.SMS)) == before


def test_a_sender_that_comes_late_cannot_cancel(store: Store, clock: Clock) -> None:
    put(store)
    late = claim(store)
    clock.move(LEASE_MS / 1000)
    claim(store)
    assert not store.write(lambda tx: entries.remove(tx, late))
    assert claim_count(store) == 1


def test_what_arrived_cannot_be_sent_again(store: Store) -> None:
    put(store)
    entry = claim(store)
    store.write(lambda tx: outbox.ack(tx, entry))
    assert not store.write(lambda tx: entries.requeue(tx, entry.id))
    assert is_left_alone(store)


@pytest.mark.parametrize(
    "report",
    [
        outbox.reject,
        outbox.await_report,
        outbox.defer,
        outbox.put_back,
    ],
)
def test_a_sender_that_comes_late_cannot_undo_an_ack(
    store: Store, clock: Clock, report: Callable[[Transaction, Entry, Reason], None]
) -> None:
    entry_id = put(store)
    late = claim(store)
    clock.move(LEASE_MS / 1000)
    prompt = claim(store)
    store.write(lambda tx: outbox.ack(tx, prompt))
    store.write(lambda tx: report(tx, late, WHY))
    assert state_of(store, entry_id) == "acked"


def test_a_sender_that_comes_late_cannot_free_another_s_lease(store: Store, clock: Clock) -> None:
    put(store)
    late = claim(store)
    clock.move(LEASE_MS / 1000)
    claim(store)
    store.write(lambda tx: outbox.defer(tx, late, WHY))
    store.write(outbox.retry_all_now)
    assert is_left_alone(store)


def test_only_old_acknowledged_entries_are_forgotten(store: Store, clock: Clock) -> None:
    put(store)
    waiting = put(store)
    acked = claim(store)
    store.write(lambda tx: outbox.ack(tx, acked))
    clock.move(KEEP_MS / 1000)
    assert store.write(lambda tx: entries.forget(tx, KEEP_MS)) == 0
    clock.move(0.001)
    assert store.write(lambda tx: entries.forget(tx, KEEP_MS)) == 1
    assert [entry.id for entry in store.read(lambda tx: entries.listed(tx, outbox.WAITING, 9))] == [waiting]
