"""In whatever order sticks and the line bring events, each is applied once."""

import shutil
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sado.store.tables import lane_events, lanes, stations
from sado.sync import outbox
from sado.sync.by_hand.file_format import TransferError
from tests.support.road import Road, waiting
from tests.support.stations import Clock, open_station
from tests.support.village_and_hub import HUB, PEER, VILLAGE, Pair, all_cases, applied_at, check_cursors, check_ledger

CHAINS = (("export 1", "import 1", "receipts 1"), ("export 2", "import 2", "receipts 2"), ("line",))
ORDERS = sorted(
    order
    for order in set(permutations(step for chain in CHAINS for step in chain))
    if all([step for step in order if step in chain] == [*chain] for chain in CHAINS)
)


@pytest.mark.parametrize("orders", [ORDERS[::14], pytest.param(ORDERS, marks=pytest.mark.long)], ids=["some", "all"])
def test_the_line_and_two_sticks_in_every_order_apply_each_event_once(
    road: Road, orders: list[tuple[str, ...]]
) -> None:
    assert len(ORDERS) == 140
    for order in orders:
        files: dict[str, Path] = {}
        for step in order:
            road.pair.file(step)
            road.register_one()
            what, _, number = step.partition(" ")
            if what == "export":
                files[f"up {number}"] = road.up()
            elif what == "import":
                files[f"down {number}"] = road.receipts(files[f"up {number}"])
            elif what == "receipts":
                assert road.village.take_in(files[f"down {number}"]).astray == 0
            else:
                road.pair.call()
        road.pair.settle()
        assert waiting(road.pair.village.store, outbox.UPSTREAM) == waiting(road.pair.hub.store, PEER) == 0, order
    check_ledger(road.pair)


STEPS = ("file", "register", "line", "up", "down", "take up", "take down", "renew village", "renew hub")


@pytest.mark.long
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 9)), max_size=25))
def test_files_of_any_age_lives_of_any_number_and_the_line_apply_each_event_once(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    folder = tmp_path_factory.mktemp("any")
    clock = Clock()
    with (
        open_station(folder / "village", VILLAGE, clock=clock) as village,
        open_station(folder / "hub", HUB, has_upstream=False, clock=clock) as hub,
    ):
        road = Road(Pair(village, hub, hub.store.write(lambda tx: stations.add(tx, VILLAGE))), clock, folder / "stick")
        road.pair.file()
        files: dict[str, list[Path]] = {"up": [], "down": []}
        for step, which in steps:
            clock.move(3600)
            go_one_step(road, files, step, which)
        road.pair.settle()
        if all_cases(hub):
            road.pair.file()
            road.register_one()
            road.pair.settle()
        check_cursors(village.store, outbox.UPSTREAM, hub.store, PEER)
        check_cursors(hub.store, PEER, village.store, outbox.UPSTREAM)
        assert {*applied_at(hub.store).values(), *applied_at(village.store).values()} == {1}
        assert all_cases(village) == all_cases(hub)
    shutil.rmtree(folder)


def go_one_step(road: Road, files: dict[str, list[Path]], step: str, which: int) -> None:
    """Do it. A file of a life that was left is refused, which is no fault here."""
    if step == "file":
        road.pair.file(str(which))
    elif step == "register":
        road.register_one()
    elif step == "line":
        road.pair.call()
    elif step in ("up", "down"):
        files[step].append(road.up() if step == "up" else road.down())
    elif step == "renew village":
        road.pair.village.store.write(lambda tx: lane_events.renew(tx, outbox.UPSTREAM))
    elif step == "renew hub":
        road.pair.hub.store.write(lambda tx: lane_events.renew(tx, PEER))
    elif some := files[step.removeprefix("take ")]:
        taker = road.hub if step == "take up" else road.village
        try:
            taker.take_in(some[which % len(some)])
        except TransferError as error:
            assert "numbered its events anew" in str(error)


def brought_and_sent_again(road: Road) -> None:
    """A stick brings events; then the village numbers them anew, as after a restore, and the line brings them too."""
    road.hub.take_in(road.up())
    road.pair.village.store.write(lambda tx: lane_events.renew(tx, outbox.UPSTREAM))


def test_an_event_that_comes_by_stick_and_again_by_line_is_applied_once(busy: Road) -> None:
    brought_and_sent_again(busy)
    busy.pair.settle()
    assert {*applied_at(busy.pair.hub.store).values()} == {1}
    check_ledger(busy.pair)


def test_without_the_ids_it_is_applied_twice_and_the_ledger_sees_it(busy: Road) -> None:
    brought_and_sent_again(busy)
    busy.pair.hub.store.write(lambda tx: lanes.forget_applied(tx, tx.now + 1))
    busy.pair.settle()
    assert 2 in applied_at(busy.pair.hub.store).values()
    with pytest.raises(AssertionError):
        check_ledger(busy.pair)
