"""The drill says whether what lives would come back."""

import re
import shutil
from pathlib import Path

from sado.store import Store, Transaction
from sado.store.backups import drill
from sado.store.tables import cases as rows
from tests.support.backups import VILLAGE, file_case, flip
from tests.support.stations import Station, open_station, open_store


def faults(copy: Store, live: Store) -> list[str]:
    def of(store: Store) -> drill.Facts:
        found = copy.read(lambda tx: drill.references_after(tx, "", 1000))
        return store.read(lambda tx: drill.facts_about(tx, found))

    here, there = of(copy), of(live)
    return drill.lost_numbers(here.lane_ends, there.lane_ends) + drill.lost_cases(here.cases, there.cases)


def test_a_database_that_has_gone_on_has_all_that_is_in_the_copy(folder: Path, tmp_path: Path) -> None:
    with open_station(folder, VILLAGE) as station:
        number = file_case(station)
        copied(station, tmp_path)
        file_case(station)
        station.store.write(lambda tx: rows.unlink(tx, number))
        station.store.write(lambda tx: rows.add_event(tx, "later", number, "registered", "agency:water", "", 1))
        with open_store(tmp_path / "copy") as copy:
            assert faults(copy, station.store) == []
            # The other way round the copy is the older one.
            assert len(faults(station.store, copy)) == 3


def copied(station: Station, tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()
    shutil.copy(station.store.path.parent / "keys.json", tmp_path / "copy")
    station.store.backup(tmp_path / "copy" / "station.db")


def test_the_drill_tells_what_the_live_database_lacks(folder: Path, tmp_path: Path) -> None:
    with open_station(folder, VILLAGE) as station:
        numbers = [file_case(station) for _ in range(5)]
        copied(station, tmp_path)

        def lose(tx: Transaction) -> None:
            tx.run("DELETE FROM events WHERE reference IN (:gone, :short)", gone=numbers[0], short=numbers[1])
            tx.run("DELETE FROM cases WHERE reference = :gone", gone=numbers[0])
            other = tx.seal("other words", "cases.text", numbers[2])
            tx.run("UPDATE cases SET text = :text WHERE reference = :number", text=other, number=numbers[2])

        station.store.write(lose)
        flip(folder, "cases", "text", numbers[3])
        with open_store(tmp_path / "copy") as copy:
            told = dict.fromkeys(faults(copy, station.store))
    assert {re.sub(r"\d{10}", "", line) for line in told} == {
        "Case  is not in the station's database.",
        "Case  has lost events in the station's database.",
        "Case  reads otherwise in the station's database.",
        "Case  cannot be read in the station's database: its disk is failing.",
    }
