"""An entry in the outbox is never lost, never with two senders at once, and given up on only after its last attempt.
How it leaves follows from the kind of its destination."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sado.store import Store, Transaction
from sado.store.tables import lane_events, lanes
from sado.store.tables import outbox as entries
from sado.store.tables.outbox import Entry
from sado.sync import backoff, outbox
from sado.sync.codes import Reason
from sado.sync.outbox import LEASE_MS, MOST_ATTEMPTS, DestinationError, Kind
from tests.support.destinations import AGENCY, DAY_S, KEEP_MS, LONGEST_S, PEERS, WHY
from tests.support.stations import Clock, open_store

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
