"""Whatever happens to an outbox, in any order, no entry is lost, doubled or given up on too early."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from sado.store import Store, Transaction
from sado.store.tables import lane_events, lanes
from sado.store.tables import outbox as entries
from sado.store.tables.outbox import Entry
from sado.sync import outbox
from sado.sync.outbox import GIVEN_UP, LANES, MOST_ATTEMPTS
from tests.support.destinations import DAY_S, LONGEST_S, PEERS, SINGLES, WHY
from tests.support.stations import Clock, keys_in

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
