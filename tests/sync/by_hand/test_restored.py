"""A station that was restored gets by hand what it lost."""

import shutil
from contextlib import ExitStack
from pathlib import Path

import pytest

from sado.cases.service import Cases
from sado.store import Store, Transaction
from sado.store.tables import lane_events
from sado.sync import outbox
from sado.sync.by_hand.file_format import TransferError
from tests.support.road import Road, waiting
from tests.support.stations import Clock, Station, keys_in
from tests.support.village_and_hub import PEER, all_cases, applied_at, check_cursors, check_ledger, dump


def restored(station: Station, peer: str, copy: Path, clock: Clock, says_so: bool = True) -> Station:
    """The station after an earlier copy took the place of its disk; by `sado restore`, unless it does not say so."""
    path, cases = station.store.path, station.cases
    station.store.close()
    for left in path.parent.glob(f"{path.name}*"):
        left.unlink()
    shutil.copy(copy, path)
    store = Store(path, keys_in(path.parent), clock)
    if says_so:
        store.write(lambda tx: lane_events.renew(tx, peer))
    return Station(store, Cases(cases._identity, cases.has_upstream, cases.law))


def test_a_hub_that_was_restored_gets_by_hand_what_it_lost(busy: Road, tmp_path: Path, closing: ExitStack) -> None:
    busy.pair.hub.store.backup(tmp_path / "copy")
    busy.walk()
    busy.pair.hub = restored(busy.pair.hub, PEER, tmp_path / "copy", busy.clock)
    closing.callback(busy.pair.hub.store.close)
    assert len(all_cases(busy.pair.hub)) == 1
    busy.walk()
    busy.walk()
    busy.hub.take_in(busy.up())
    assert len(all_cases(busy.pair.hub)) == 3
    check_cursors(busy.pair.village.store, outbox.UPSTREAM, busy.pair.hub.store, PEER)
    check_cursors(busy.pair.hub.store, PEER, busy.pair.village.store, outbox.UPSTREAM)
    assert {*applied_at(busy.pair.hub.store).values(), *applied_at(busy.pair.village.store).values()} == {1}


def test_a_village_that_was_restored_gets_by_hand_what_it_lost(busy: Road, tmp_path: Path, closing: ExitStack) -> None:
    busy.pair.village.store.backup(tmp_path / "copy")
    busy.walk()
    busy.hub.take_in(busy.up())
    busy.pair.village = restored(busy.pair.village, outbox.UPSTREAM, tmp_path / "copy", busy.clock)
    closing.callback(busy.pair.village.store.close)
    assert "answered" not in dict(all_cases(busy.pair.village)).values()
    busy.walk()
    busy.hub.take_in(busy.up())
    assert "answered" in dict(all_cases(busy.pair.village)).values()
    check_ledger(busy.pair)


def test_what_does_not_follow_is_left_and_told_and_the_line_puts_it_right(
    busy: Road, tmp_path: Path, closing: ExitStack
) -> None:
    busy.pair.hub.store.backup(tmp_path / "copy")
    busy.pair.settle()
    busy.pair.hub = restored(busy.pair.hub, PEER, tmp_path / "copy", busy.clock, says_so=False)
    closing.callback(busy.pair.hub.store.close)
    busy.pair.file()
    taken = busy.hub.take_in(busy.up())
    assert (taken.events, taken.new, taken.here, taken.astray) == (1, 0, 0, 1)
    busy.pair.settle()
    assert len(all_cases(busy.pair.hub)) == 4
    check_cursors(busy.pair.village.store, outbox.UPSTREAM, busy.pair.hub.store, PEER)


def test_a_file_of_a_life_that_was_left_is_refused_and_the_next_one_is_taken(busy: Road) -> None:
    old = busy.up()
    busy.pair.village.store.write(lambda tx: lane_events.renew(tx, outbox.UPSTREAM))
    fresh = busy.up()
    busy.hub.take_in(fresh)
    before = dump(busy.pair.hub.store)
    with pytest.raises(TransferError, match="numbered its events anew.*export again there"):
        busy.hub.take_in(old)
    assert dump(busy.pair.hub.store) == before
    busy.pair.settle()
    check_ledger(busy.pair)


def test_a_gap_in_what_is_kept_is_numbered_over(busy: Road) -> None:
    busy.pair.file()

    def lose(tx: Transaction) -> None:
        tx.run("DELETE FROM outbox WHERE destination = 'upstream' AND number = 3")

    busy.pair.village.store.write(lose)
    taken = busy.hub.take_in(busy.up())
    assert (taken.new, taken.here, taken.astray) == (2, 1, 0)
    assert not busy.walk().is_lost and waiting(busy.pair.village.store, outbox.UPSTREAM) == 0
