"""A fortnight's backlog drains while people go on: each appeal is at the hub once. How long phones wait meanwhile is
measured by bench/backlog.py."""

import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from sado.store.tables import lane_events, lanes
from sado.sync import outbox
from tests.support.ledger import settle
from tests.support.pairs import Pair, open_pair
from tests.support.proofs import open_world
from tests.support.stations import APPEAL

BACKLOG, MEANWHILE, PEOPLE = 20_000, 60, 3


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    with open_pair(tmp_path) as pair:
        yield pair


def file(pair: Pair, texts: list[str]) -> list[str]:
    """Appeals filed in one transaction; their references."""
    appeals = [msgspec.structs.replace(APPEAL, text=text) for text in texts]
    filed = pair.village.store.write(lambda tx: [pair.village.cases.open(tx, appeal) for appeal in appeals])
    return [one.reference for one in filed]


def drain(pair: Pair) -> list[str]:
    """Drain while people file one after another; what they filed."""
    filed: list[str] = []

    def person(number: int) -> None:
        for count in range(MEANWHILE):
            filed.extend(file(pair, [f"meanwhile {number} {count}"]))

    people = [threading.Thread(target=person, args=[number]) for number in range(PEOPLE)]
    for one in people:
        one.start()
    pair.settle()
    for one in people:
        one.join()
    pair.settle()
    return filed


def at_hub(pair: Pair) -> Counter[str]:
    """How often each reference was opened at the hub."""
    events = pair.hub.store.read(lambda tx: tx.all("SELECT reference FROM events WHERE kind = 'received'"))
    aside = pair.hub.store.read(lambda tx: tx.all("SELECT reason FROM quarantine"))
    return Counter(row[0] for row in events) + Counter(reason.rpartition(" ")[2] for (reason,) in aside)


@pytest.mark.long
def test_a_backlog_drains_once_while_people_go_on_filing(pair: Pair) -> None:
    backlog = file(pair, [f"old {number}" for number in range(BACKLOG)])
    filed = drain(pair)
    assert len(filed) == MEANWHILE * PEOPLE
    assert at_hub(pair) == Counter(backlog + filed)
    sent = pair.village.store.write(lambda tx: lanes.find(tx, outbox.UPSTREAM, outbox.URGENT))
    assert sent.acked == sent.numbered == len(backlog + filed)


@pytest.mark.parametrize("ids_are_kept", [True, False])
def test_a_backlog_numbered_anew_half_way_is_known_again_by_its_ids_alone(tmp_path: Path, ids_are_kept: bool) -> None:
    with open_world(tmp_path) as world:
        program = world.program()
        for _ in range(100):
            world.file(60)
        program.call()
        world.village.write(lambda tx: lane_events.renew(tx, outbox.UPSTREAM))
        if not ids_are_kept:
            world.hub.write(lambda tx: lanes.forget_applied(tx, tx.now + 1))
        settle(program)
        assert world.ledger().lost == 0
        assert (world.ledger().duplicated == 0) == ids_are_kept
