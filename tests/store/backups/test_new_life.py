"""A station that comes back from a backup neither loses nor doubles anything."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sado.cases import reference
from sado.cases.service import Cases
from sado.cli.commands.restore import renew
from sado.store import Transaction
from sado.store.tables import accounts, identity, lanes, quarantine, sign_ins, stations, trusted_devices
from sado.store.tables import outbox as entries
from sado.store.tables.events import Event
from sado.sync import outbox
from sado.sync.exchange.client import Client
from sado.sync.exchange.server import answer
from sado.sync.link.frame_size import FrameSize
from tests.support.backups import HUB, VILLAGE, WHY, file_case, make, query, restore, restore_as_it_was
from tests.support.one_by_one import OneByOne
from tests.support.stations import APPEAL, Clock, Station, open_station, open_store

# A new life


def test_a_restored_station_has_a_new_incarnation_and_leaves_references_out(folder: Path, tmp_path: Path) -> None:
    with open_station(folder, VILLAGE) as station:
        file_case(station)
        make(station.store, tmp_path / "backup")
        lost = [file_case(station) for _ in range(30)]
        before = station.store.read(identity.find)
    restore(tmp_path / "backup", folder)
    with open_station(folder, VILLAGE) as station:
        after = station.store.read(identity.find)
        assert before is not None and after is not None
        assert (before.number, before.incarnation != after.incarnation) == (after.number, True)
        issued = [file_case(station) for _ in range(50)]
        assert not set(issued) & set(lost)
        assert station.store.write(lambda tx: tx.next_number("references")) == 1 + reference.LEFT_OUT + 50 + 1
    restore_as_it_was(tmp_path / "backup", folder)
    with open_station(folder, VILLAGE) as station:
        assert [file_case(station) for _ in range(30)] == lost


def test_nobody_is_signed_in_to_a_restored_station(folder: Path, tmp_path: Path) -> None:
    with open_station(folder, VILLAGE) as station:
        station.store.write(lambda tx: accounts.save(tx, "zarina", "", "operator", ""))
        station.store.write(lambda tx: sign_ins.begin(tx, "zarina", "token", "", needs_code=False))
        station.store.write(lambda tx: trusted_devices.trust(tx, "zarina", "device"))
        make(station.store, tmp_path / "backup")
    for how, is_signed_in in ((restore, False), (restore_as_it_was, True)):
        how(tmp_path / "backup", folder)
        with open_station(folder, VILLAGE) as station:
            assert station.store.read(lambda tx: sign_ins.find(tx, "token") is not None) == is_signed_in
            assert station.store.read(lambda tx: trusted_devices.is_known(tx, "device")) == is_signed_in


def test_all_events_that_a_restored_station_keeps_wait_again_under_another_incarnation(tmp_path: Path) -> None:
    with open_pair(tmp_path) as pair:
        file_case(pair.village)
        pair.settle()
        make(pair.village.store, tmp_path / "backup")
        before = pair.village.store.read(lanes.peers)
    restore(tmp_path / "backup", tmp_path / "village")
    with open_store(tmp_path / "village") as store:
        after = store.read(lanes.peers)
        assert [peer.name for peer in after] == [peer.name for peer in before] == [outbox.UPSTREAM]
        assert after[0].ours != before[0].ours
        assert query(store, "SELECT number, state FROM outbox WHERE destination <> 'sms'") == [(1, "queued")]


def test_leaving_out_more_references_than_there_are_left_ends_with_a_sentence(folder: Path) -> None:
    with open_station(folder, VILLAGE) as station:
        station.store.write(lambda tx: tx.skip_to("references", reference.CAPACITY - 1))
        station.store.write(reference.leave_out)
        with pytest.raises(reference.ReferencesExhaustedError, match="has issued all its references"):
            file_case(station)


@pytest.mark.parametrize("to", [outbox.SMS, "agency:HCU"])
def test_what_has_left_one_by_one_is_not_sent_again_after_a_restore(folder: Path, tmp_path: Path, to: str) -> None:
    with open_store(folder) as store:
        store.write(lambda tx: identity.create(tx, VILLAGE))
        for number in range(4):
            store.write(lambda tx, number=number: outbox.put(tx, to, "notice", f"007{number}", "{}"))  # type: ignore[misc]
        for end in (outbox.ack, lambda tx, entry: outbox.await_report(tx, entry, WHY)):
            store.write(lambda tx, end=end: end(tx, outbox.claim(tx, to)))  # type: ignore[misc]
        store.write(lambda tx: outbox.claim(tx, to))
        make(store, tmp_path / "backup")
    restore(tmp_path / "backup", folder)
    with open_store(folder) as store:
        store.write(entries.release_all)
        states = query(store, "SELECT state FROM outbox ORDER BY id")
        assert [state for (state,) in states] == ["acked", "awaiting", "queued", "queued"]
        claimed = [store.write(lambda tx: outbox.claim(tx, to)) for _ in range(3)]
        assert [entry and entry.reference for entry in claimed] == ["0072", "0073", None]
        assert store.read(lanes.peers) == []


def test_a_restore_counts_what_waits_by_where_it_goes(folder: Path) -> None:
    with open_station(folder, VILLAGE) as station:
        file_case(station)
        for to, count in ((outbox.station(12), 2), (outbox.SMS, 3), ("agency:HCU", 1), ("agency:ELC", 4)):
            for _ in range(count):
                station.store.write(lambda tx, to=to: outbox.put(tx, to, "notice", "", "{}"))  # type: ignore[misc]
        for end in (outbox.ack, lambda tx, entry: outbox.await_report(tx, entry, WHY)):
            station.store.write(lambda tx, end=end: end(tx, outbox.claim(tx, outbox.SMS)))  # type: ignore[misc]
        waiting = station.store.write(renew)
    assert (waiting.events, waiting.messages, waiting.for_agencies, waiting.has_upstream) == (3, 2, 5, False)


# A village and its hub, one of which comes back from a backup


@dataclass
class Pair:
    """A village station and its hub; each event's effects are counted where it is applied."""

    village: Station
    hub: Station
    key: bytes

    def __post_init__(self) -> None:
        self.client = Client(
            self.village.store, VILLAGE, self.key, OneByOne(self.answer), counting(self.village.cases), FrameSize()
        )

    def answer(self, frame: bytes, timeout_s: float = 0) -> bytes:
        return answer(self.hub.store, frame, counting(self.hub.cases))

    def settle(self) -> None:
        for _ in range(60):
            if not self.client.call():
                return
        raise AssertionError("The two never come to an end.")

    def move(self, number: str, kind: str) -> None:
        """The agency, at the hub, moves a case."""
        self.hub.store.write(lambda tx: self.hub.cases.record(tx, APPEAL.agency, number, kind, f"{kind}, in words"))


def counting(cases: Cases) -> Any:
    """The room of the cases, with a count of how often each event took effect."""

    def apply(tx: Transaction, peer: str, event: Event) -> None:
        cases.apply(tx, peer, event)
        tx.next_number(f"applied {event.id.hex()}")

    return apply


def most_applied(station: Station) -> int:
    return int(query(station.store, "SELECT MAX(value) FROM counters WHERE name LIKE 'applied %'")[0][0])


def references(station: Station) -> set[str]:
    return {number for (number,) in query(station.store, "SELECT reference FROM cases")}


def aside(station: Station) -> list[str]:
    """Why events lie in quarantine."""
    return [one.reason for one in station.store.read(lambda tx: quarantine.listed(tx, 99))]


@contextmanager
def open_pair(folder: Path) -> Iterator[Pair]:
    """Both stations as they lie in the folder."""
    clock = Clock()
    with (
        open_station(folder / "village", VILLAGE, clock=clock) as village,
        open_station(folder / "hub", HUB, has_upstream=False, clock=clock) as hub,
    ):
        known = hub.store.read(lambda tx: stations.find(tx, VILLAGE))
        yield Pair(village, hub, known.key if known else hub.store.write(lambda tx: stations.add(tx, VILLAGE)))


def live_on(pair: Pair, target: Path, which: str) -> tuple[set[str], str]:
    """Make a backup of one side in the middle of its life; the cases that the hub has at the end, and one that both
    sides had when the copy was made."""
    old = file_case(pair.village)
    pair.settle()
    pair.move(old, "registered")
    file_case(pair.village, "it waits in the copy")
    make(getattr(pair, which).store, target)
    for number in range(5):
        file_case(pair.village, f"filed after the copy {number}")
    pair.settle()
    pair.move(old, "answered")
    pair.settle()
    return references(pair.hub), old


def test_a_village_that_comes_back_from_an_old_copy_loses_and_doubles_nothing(tmp_path: Path) -> None:
    with open_pair(tmp_path) as pair:
        before, old = live_on(pair, tmp_path / "backup", "village")
    restore(tmp_path / "backup", tmp_path / "village")
    with open_pair(tmp_path) as pair:
        new = {file_case(pair.village, f"filed after the restore {number}") for number in range(10)}
        pair.settle()
        assert references(pair.hub) == before | new
        assert aside(pair.hub) == []
        assert most_applied(pair.hub) == most_applied(pair.village) == 1
        assert pair.village.store.read(lambda tx: pair.village.cases.get(tx, old)).status == "answered"
        waits = pair.village.store.read(entries.counts)
        assert [to for to, _ in waits if to == outbox.UPSTREAM] == []


def test_a_decision_on_a_case_that_a_restored_village_has_lost_lies_aside_there(tmp_path: Path) -> None:
    with open_pair(tmp_path) as pair:
        before, _ = live_on(pair, tmp_path / "backup", "village")
    restore(tmp_path / "backup", tmp_path / "village")
    with open_pair(tmp_path) as pair:
        lost = before - references(pair.village)
        for number in lost:
            pair.move(number, "registered")
        pair.settle()
        assert len(lost) == len(aside(pair.village)) == 5
        assert aside(pair.hub) == []


def test_without_a_new_life_appeals_to_a_restored_station_do_not_become_cases_at_the_hub(tmp_path: Path) -> None:
    with open_pair(tmp_path) as pair:
        before, _ = live_on(pair, tmp_path / "backup", "village")
    restore_as_it_was(tmp_path / "backup", tmp_path / "village")
    with open_pair(tmp_path) as pair:
        new = {file_case(pair.village, f"filed after the restore {number}") for number in range(5)}
        pair.settle()
        assert new <= before
        assert references(pair.hub) == before
        assert len(aside(pair.hub)) == 5 and "REFERENCE_DOUBLED" in aside(pair.hub)[0]


def test_a_hub_that_comes_back_from_an_old_copy_is_filled_again_by_the_village(tmp_path: Path) -> None:
    with open_pair(tmp_path) as pair:
        before, old = live_on(pair, tmp_path / "backup", "hub")
    restore(tmp_path / "backup", tmp_path / "hub")
    with open_pair(tmp_path) as pair:
        assert references(pair.hub) < before
        new = file_case(pair.village, "filed after the restore")
        pair.settle()
        assert references(pair.hub) == before | {new}
        pair.move(old, "answered")
        pair.settle()
        assert most_applied(pair.hub) == most_applied(pair.village) == 1
        assert pair.village.store.read(lambda tx: pair.village.cases.get(tx, old)).status == "answered"


def test_a_village_that_was_not_told_notices_that_its_hub_came_back_from_an_old_copy(tmp_path: Path) -> None:
    with open_pair(tmp_path) as pair:
        before, old = live_on(pair, tmp_path / "backup", "hub")
        pair.hub.store.close()
        restore(tmp_path / "backup", tmp_path / "hub")
        with open_station(tmp_path / "hub", HUB, has_upstream=False, clock=Clock()) as pair.hub:
            pair.move(old, "answered")
            pair.settle()
            assert references(pair.hub) == before
            assert pair.village.store.read(lambda tx: pair.village.cases.get(tx, old)).status == "answered"
            assert aside(pair.hub) == aside(pair.village) == []
