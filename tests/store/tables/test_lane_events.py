"""The events for a peer have numbers without a gap, each with the hash of all before it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sado.store import Store, Transaction
from sado.store.tables import lane_events, lanes
from sado.store.tables import outbox as entries
from sado.store.tables.events import Event
from sado.store.tables.lane_events import LaneEvent
from sado.store.tables.lanes import Lane
from sado.store.tables.outbox import Entry
from sado.sync import outbox
from tests.support.stations import Clock, open_store

PEER, OTHER = "station:007", "station:008"
MANY = 1000
KEEP_MS = 14 * 24 * 3600 * 1000


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[Store]:
    with open_store(tmp_path, clock) as found:
        yield found


def put(store: Store, *bodies: str, peer: str = PEER, lane: str = "u") -> None:
    store.write(lambda tx: [outbox.put(tx, peer, "case.said", "", body, lane) for body in bodies])


def lane_of(tx: Transaction, name: str = "u", peer: str = PEER) -> Lane:
    return lanes.find(tx, peer, name)


def after(store: Store, number: int = 0, limit: int = MANY, **which: str) -> list[LaneEvent]:
    return store.write(lambda tx: lane_events.after(tx, lane_of(tx, **which), number, limit))


def before(store: Store, number: int, limit: int = MANY) -> list[LaneEvent]:
    return store.write(lambda tx: lane_events.before(tx, lane_of(tx), number, limit))


def finish(store: Store, upto: int) -> None:
    def job(tx: Transaction) -> None:
        lane = lane_of(tx)
        known = lane_events.hash_at(tx, lane, upto)
        assert known is not None
        lane_events.finish(tx, lane, upto, known)

    store.write(job)


def rewind(store: Store, upto: int) -> bool:
    def job(tx: Transaction) -> bool:
        lane = lane_of(tx)
        return lane_events.rewind(tx, lane, upto, lane_events.hash_at(tx, lane, upto) or b"")

    return store.write(job)


def bodies(found: list[LaneEvent]) -> list[str]:
    return [one.event.body for one in found]


def numbers(found: list[LaneEvent]) -> list[int]:
    return [one.number for one in found]


def forget(store: Store, clock: Clock) -> int:
    """Delete what was acknowledged over a fortnight ago."""
    clock.move(KEEP_MS / 1000 + 1)
    return store.write(lambda tx: entries.forget(tx, KEEP_MS))


def in_outbox(store: Store) -> list[Entry]:
    found = store.read(lambda tx: entries.listed(tx, ("queued", "acked"), MANY))
    return [entry for entry in found if entry.destination == PEER]


def states(store: Store) -> list[str]:
    return [entry.state for entry in in_outbox(store)]


def check_chain(store: Store, name: str = "u") -> None:
    """Numbers are dense from 1, and each hash follows from the one before and the event's id."""

    def job(tx: Transaction) -> tuple[bytes, Lane, list[LaneEvent]]:
        lane = lane_of(tx, name)
        return lanes.beginning(lanes.peer(tx, PEER).ours, name), lane, lane_events.after(tx, lane, 0, MANY)

    rolling, lane, found = store.write(job)
    assert numbers(found) == list(range(1, lane.numbered + 1))
    for one in found:
        rolling = lanes.hash_after(rolling, one.event.id)
        assert one.hash == rolling
    assert lane.numbered_hash == rolling


def test_numbers_are_dense_and_hashes_a_chain_in_each_lane(store: Store) -> None:
    for turn in range(5):
        for name in lanes.LANES:
            put(store, f"{name} {turn}", lane=name)
    for name in lanes.LANES:
        check_chain(store, name)
        assert bodies(after(store, name=name)) == [f"{name} {turn}" for turn in range(5)]


def test_peers_have_numbers_and_ids_of_their_own(store: Store) -> None:
    put(store, "a", "b")
    put(store, "a", peer=OTHER)
    assert numbers(after(store, peer=OTHER)) == [1]
    assert after(store)[0].event.id != after(store, peer=OTHER)[0].event.id


def test_the_same_event_twice_has_two_ids(store: Store) -> None:
    put(store, "a", "a")
    first, second = after(store)
    assert first.event.id != second.event.id


def test_an_id_follows_from_what_both_sides_have(store: Store) -> None:
    put(store, "a", "b")
    first, second = after(store)
    assert second.event.id == lanes.event_id(first.hash, "case.said", "", "b")


def test_an_event_of_another_station_keeps_its_id_and_its_age(store: Store, clock: Clock) -> None:
    passed = Event("case.said", "", "a", b"01234567", at=5, happened_at=int(clock.now * 1000) - 60_000, hops=2)
    store.write(lambda tx: outbox.pass_on(tx, PEER, "u", passed))
    put(store, "b")
    found = after(store)[0].event
    assert (found.id, found.hops) == (b"01234567", 3)
    assert found.at == passed.happened_at
    check_chain(store)


@pytest.mark.parametrize(("number", "limit", "found"), [(0, 2, [1, 2]), (2, 9, [3, 4, 5]), (4, 9, [5]), (5, 9, [])])
def test_what_comes_after_a_number_comes_in_order(store: Store, number: int, limit: int, found: list[int]) -> None:
    put(store, *"abcde")
    assert numbers(after(store, number, limit)) == found


@pytest.mark.parametrize(("number", "limit", "found"), [(5, 2, [4, 5]), (2, 9, [1, 2]), (0, 9, []), (3, 1, [3])])
def test_what_comes_before_a_number_comes_in_order(store: Store, number: int, limit: int, found: list[int]) -> None:
    put(store, *"abcde")
    assert numbers(before(store, number, limit)) == found


def test_it_waits_until_it_is_finished(store: Store) -> None:
    def waits(tx: Transaction) -> bool:
        return lane_events.waits(tx, PEER, "u")

    assert not store.read(waits)
    put(store, "a", "b")
    finish(store, 1)
    assert store.read(waits)
    finish(store, 2)
    assert not store.read(waits)
    assert states(store) == ["acked", "acked"]


def test_finishing_again_changes_nothing(store: Store, clock: Clock) -> None:
    put(store, "a", "b")
    finish(store, 2)
    clock.move(60)
    finish(store, 2)
    clock.move(KEEP_MS / 1000 - 30)
    assert store.write(lambda tx: entries.forget(tx, KEEP_MS)) == 2


def test_what_is_forgotten_leaves_a_gap_that_is_not_stepped_over(store: Store, clock: Clock) -> None:
    put(store, *"abc")
    finish(store, 2)
    assert forget(store, clock) == 2
    assert after(store, 0) == []
    assert bodies(after(store, 2)) == ["c"]
    assert bodies(before(store, 3)) == ["c"]
    assert before(store, 2) == []


def test_a_hash_is_known_where_its_event_is_kept_and_at_the_ends(store: Store, clock: Clock) -> None:
    put(store, *"abcd")
    finish(store, 3)

    def known(tx: Transaction) -> list[bool]:
        lane = lane_of(tx)
        return [lane_events.hash_at(tx, lane, number) is not None for number in range(6)]

    assert store.write(known) == [True, True, True, True, True, False]
    forget(store, clock)
    assert store.write(known) == [True, False, False, True, True, False]


def test_a_peer_whose_disk_went_back_gets_again_what_it_lost(store: Store) -> None:
    put(store, *"abcd")
    finish(store, 3)
    before_it = after(store)
    assert rewind(store, 1)
    assert states(store) == ["acked", "queued", "queued", "queued"]
    assert store.write(lambda tx: lane_of(tx).acked) == 1
    assert after(store) == before_it


def test_a_rewind_to_what_is_not_kept_is_refused_and_changes_nothing(store: Store, clock: Clock) -> None:
    put(store, *"abcd")
    finish(store, 3)
    forget(store, clock)
    lane = store.write(lane_of)
    assert not rewind(store, 0)
    assert store.write(lane_of) == lane
    assert states(store) == ["queued"]


def test_a_rewind_goes_to_the_beginning_where_all_is_kept(store: Store) -> None:
    put(store, *"ab")
    finish(store, 2)
    assert rewind(store, 0)
    assert states(store) == ["queued", "queued"]


def test_numbered_anew_events_keep_their_ids_and_their_order(store: Store, clock: Clock) -> None:
    put(store, *"abcde")
    put(store, "n", lane="n")
    finish(store, 3)
    kept = [one.event for one in after(store)]
    incarnation = store.write(lambda tx: lanes.peer(tx, PEER).ours)
    store.write(lambda tx: lane_events.renew(tx, PEER))
    assert [one.event for one in after(store)] == kept
    assert numbers(after(store)) == [1, 2, 3, 4, 5]
    assert states(store) == ["queued"] * 6
    assert store.write(lambda tx: lanes.peer(tx, PEER).ours) != incarnation
    assert store.write(lambda tx: lane_of(tx).acked) == 0
    check_chain(store)
    check_chain(store, "n")


def test_numbered_anew_after_a_gap_the_rest_begins_at_one(store: Store, clock: Clock) -> None:
    put(store, *"abcde")
    finish(store, 3)
    forget(store, clock)
    kept = [one.event for one in after(store, 3)]
    store.write(lambda tx: lane_events.renew(tx, PEER))
    assert [one.event for one in after(store)] == kept
    assert numbers(after(store)) == [1, 2]
    check_chain(store)


def test_numbered_anew_another_peer_is_left_alone(store: Store) -> None:
    put(store, "a")
    put(store, "a", peer=OTHER)
    other = after(store, peer=OTHER)
    store.write(lambda tx: lane_events.renew(tx, PEER))
    assert after(store, peer=OTHER) == other
    assert store.write(lambda tx: lane_of(tx, peer=OTHER).acked_hash) != store.write(lane_of).acked_hash


def test_a_run_on_its_way_is_leased_and_no_other(store: Store) -> None:
    put(store, *"abc")
    store.write(lambda tx: lane_events.lease(tx, lane_of(tx), 1, 2, tx.now + 1000))
    assert [bool(entry.lease_until) for entry in in_outbox(store)] == [True, True, False]
    finish(store, 2)
    assert [entry.lease_until for entry in in_outbox(store)] == [0, 0, 0]


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(["put", "finish", "rewind", "renew", "forget"]), max_size=15))
def test_whatever_is_done_the_numbers_stay_dense_and_what_waits_is_kept(
    store: Store, clock: Clock, steps: list[str]
) -> None:
    peer = f"station:{store.write(lambda tx: tx.next_number('peers')) + 100:03}"

    def lane(tx: Transaction) -> Lane:
        return lanes.find(tx, peer, "u")

    def step(tx: Transaction, what: str) -> None:
        known = lane(tx)
        if what == "put":
            outbox.put(tx, peer, "case.said", "", "a")
        elif what == "finish" and known.numbered > known.acked:
            lane_events.finish(tx, known, known.acked + 1, lane_events.hash_at(tx, known, known.acked + 1) or b"")
        elif what == "rewind" and known.acked and (upto := lane_events.hash_at(tx, known, known.acked - 1)):
            lane_events.rewind(tx, known, known.acked - 1, upto)
        elif what == "renew":
            lane_events.renew(tx, peer)
        elif what == "forget":
            clock.move(KEEP_MS / 1000 + 1)

    for what in steps:
        store.write(lambda tx, what=what: step(tx, what))  # type: ignore[misc]
        if what == "forget":
            store.write(lambda tx: entries.forget(tx, KEEP_MS))
        known = store.write(lane)
        waiting = store.write(lambda tx, known=known: lane_events.after(tx, known, known.acked, MANY))  # type: ignore[misc]
        assert numbers(waiting) == list(range(known.acked + 1, known.numbered + 1))
        rolling = known.acked_hash
        for one in waiting:
            rolling = lanes.hash_after(rolling, one.event.id)
            assert one.hash == rolling
        assert known.numbered_hash == rolling
