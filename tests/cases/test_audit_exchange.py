"""The log of a station goes up, and whoever rewrites it there is noticed above."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from sado.cases import audit_exchange
from sado.cases.audit import Action
from sado.cases.audit_check import Wrong
from sado.cases.audit_exchange import BATCH, LONGEST_WAIT_MS, MOST_BRANCHES, WRITTEN, Written
from sado.cases.errors import ForeignEventError
from sado.store import Store, Transaction
from sado.store.tables import audit as rows
from sado.store.tables import identity, lanes, quarantine, stations
from sado.store.tables.audit import Chain
from sado.store.tables.events import Event
from sado.sync import outbox
from sado.sync.exchange import server
from sado.sync.exchange.client import Client
from sado.sync.link.frame_size import FrameSize
from tests.support.audit import faults, forge, log, rewrite, write
from tests.support.one_by_one import OneByOne
from tests.support.stations import Clock, open_store

VILLAGE, DISTRICT, HUB = 7, 5, 1


@dataclass
class Line:
    """A station and the one above it."""

    below: Store
    above: Store
    client: Client
    clock: Clock

    def settle(self) -> None:
        """An hour later, what waits has gone up."""
        self.clock.move(LONGEST_WAIT_MS / 1000)
        while self.below.write(audit_exchange.send):
            pass
        while self.client.call():
            pass

    def findings(self) -> list[str]:
        return [chain.finding for chain in self.above.read(lambda tx: rows.chains(tx, VILLAGE))]


def connect(below: Store, number: int, above: Store, clock: Clock) -> Line:
    key = above.write(lambda tx: stations.add(tx, number))
    post = OneByOne(lambda frame, timeout_s: server.answer(above, frame, audit_exchange.apply))
    return Line(below, above, Client(below, number, key, post, audit_exchange.apply, FrameSize()), clock)


def named(store: Store, number: int, has_upstream: bool) -> Store:
    store.write(lambda tx: identity.create(tx, number))
    store.write(lambda tx: lanes.set_upstream(tx, has_upstream))
    return store


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    clock = Clock()
    with open_store(tmp_path / "hub", clock) as hub, open_store(tmp_path / "village", clock) as village:
        named(hub, HUB, False)
        yield connect(named(village, VILLAGE, True), VILLAGE, hub, clock)


@pytest.fixture(autouse=True)
def _folders(tmp_path: Path) -> None:
    for name in ("hub", "village", "district"):
        (tmp_path / name).mkdir()


def test_the_rows_of_a_station_are_at_its_upstream_as_they_were_written(line: Line) -> None:
    write(line.below, 2 * BATCH + 30)
    line.settle()
    assert log(line.above) == log(line.below)
    assert faults(line.above) == [] and line.findings() == [""]


def test_a_batch_waits_for_a_hundred_rows_or_an_hour(line: Line) -> None:
    write(line.below, BATCH - 1)
    assert not line.below.write(audit_exchange.send)
    write(line.below, 1)
    assert line.below.write(audit_exchange.send)
    write(line.below, 1)
    assert not line.below.write(audit_exchange.send)
    line.clock.move(LONGEST_WAIT_MS / 1000)
    assert line.below.write(audit_exchange.send)
    assert not line.below.read(audit_exchange.is_due)


def test_rows_leave_in_the_least_urgent_lane(line: Line) -> None:
    write(line.below, BATCH)
    line.below.write(audit_exchange.send)
    sent = line.below.read(lambda tx: tx.all("SELECT destination, lane, kind, reference FROM outbox"))
    assert [tuple(row) for row in sent] == [(outbox.UPSTREAM, outbox.BULK, WRITTEN, "007")]


def test_a_row_that_is_changed_after_it_left_is_noticed_with_the_next(line: Line) -> None:
    write(line.below, 20)
    line.settle()
    rewrite(line.below, 8, "person:bahrom")
    assert faults(line.below) == []
    write(line.below, 5)
    line.settle()
    assert line.findings() == ["", Wrong.GAP]
    assert faults(line.above) == [(VILLAGE, 21, Wrong.GAP)]
    assert log(line.above)[7].who == "person:zarina"


def test_a_tail_that_is_cut_off_and_written_anew_is_noticed(line: Line) -> None:
    write(line.below, 20)
    line.settle()
    before = line.below.read(lambda tx: rows.hash_at(tx, VILLAGE, 0, 17))
    forge(line.below, "DELETE FROM audit WHERE number > 17")
    forge(line.below, "UPDATE audit_chains SET number = 17, sent = 17, hash = :hash", hash=before)
    assert faults(line.below) == []
    write(line.below, 5, who="person:bahrom")
    line.settle()
    assert line.findings() == ["", Wrong.FORKED]
    assert [row.who for row in log(line.above, branch=1)] == ["person:bahrom"] * 5
    assert log(line.above)[-1].number == 20


def test_a_row_that_is_changed_before_it_leaves_is_noticed(line: Line) -> None:
    write(line.below, 20)
    forge(line.below, "UPDATE audit SET who = 'person:bahrom' WHERE number = 8")
    line.settle()
    assert line.findings() == [Wrong.ALTERED]
    assert (VILLAGE, 8, Wrong.CHANGED) in faults(line.below)


def test_what_nobody_touched_goes_on_for_ever_without_a_finding(line: Line) -> None:
    for _ in range(5):
        write(line.below, 7)
        line.settle()
    assert line.findings() == [""] and len(log(line.above)) == 35


def test_a_station_that_was_restored_goes_on_beside_its_rows_of_before(line: Line, tmp_path: Path) -> None:
    write(line.below, 20)
    line.settle()
    older = line.below.read(lambda tx: rows.hash_at(tx, VILLAGE, 0, 12))
    forge(line.below, "DELETE FROM audit WHERE number > 12")
    forge(line.below, "UPDATE audit_chains SET number = 12, sent = 10, hash = :hash", hash=older)
    write(line.below, 1, who="terminal:root", action=Action.RESTORED)
    write(line.below, 4)
    line.settle()
    assert line.findings() == ["", Wrong.RESTORED]
    assert [row.number for row in log(line.above, branch=1)] == [13, 14, 15, 16, 17]
    assert faults(line.above) == [(VILLAGE, 13, Wrong.RESTORED)]
    write(line.below, 3)
    line.settle()
    assert line.findings() == ["", Wrong.RESTORED] and len(log(line.above, branch=1)) == 8


def test_rows_that_come_twice_are_there_once(line: Line) -> None:
    write(line.below, 20)
    line.settle()
    forge(line.below, "UPDATE audit_chains SET sent = 5")
    write(line.below, 2)
    line.settle()
    assert log(line.above) == log(line.below) and line.findings() == [""]


def test_a_station_with_another_one_above_passes_its_log_on(tmp_path: Path) -> None:
    clock = Clock()
    with (
        open_store(tmp_path / "hub", clock) as hub,
        open_store(tmp_path / "district", clock) as district,
        open_store(tmp_path / "village", clock) as village,
    ):
        named(hub, HUB, False)
        upper = connect(named(district, DISTRICT, True), DISTRICT, hub, clock)
        lower = connect(named(village, VILLAGE, True), VILLAGE, district, clock)
        hub.write(lambda tx: stations.set_through(tx, VILLAGE, DISTRICT))
        write(village, 20)
        write(district, 3)
        lower.settle()
        upper.settle()
        assert log(hub) == log(village) == log(district)
        assert log(hub, DISTRICT) == log(district, DISTRICT) and len(log(hub, DISTRICT)) == 3


def test_nobody_writes_rows_of_another_station(line: Line) -> None:
    write(line.below, 3)
    batch = Written.of(log(line.below), rows.ROOT)
    other = msgspec.structs.replace(batch, station=9)

    def told(peer: str, reference: str, said: Written) -> None:
        body = msgspec.json.encode(said).decode()
        line.above.write(lambda tx: audit_exchange.apply(tx, peer, Event(WRITTEN, reference, body)))

    for peer, reference, said in (
        ("station:007", "009", other),
        ("station:007", "007", other),
        ("station:009", "007", batch),
        (outbox.UPSTREAM, "007", batch),
        ("station:001", "001", msgspec.structs.replace(batch, station=HUB)),
    ):
        with pytest.raises(ForeignEventError):
            told(peer, reference, said)
    told("station:007", "007", batch)
    assert len(log(line.above)) == 3


def test_a_station_begins_its_log_anew_only_so_often(line: Line) -> None:
    write(line.below, 1)

    def begin(tx: Transaction) -> None:
        for number in range(MOST_BRANCHES):
            rows.save_chain(tx, Chain(VILLAGE, number, 1, rows.ROOT, 5, bytes(32), 0, Wrong.FORKED))

    line.above.write(begin)
    line.settle()
    assert line.above.read(quarantine.count) == 1 and len(line.findings()) == MOST_BRANCHES
