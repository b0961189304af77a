"""How many cases a number, a station and all stations together file before somebody waits, confirms or is told."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from sado.cases import filing_rate
from sado.cases.filing_rate import MOST_A_DAY, FilingRate
from sado.cases.service import Cases
from sado.store import Store
from sado.store.tables import identity, stations
from sado.sync import outbox
from tests.support.pairs import open_pair
from tests.support.stations import APPEAL, START_S, Clock, open_store, shipped_law

HERS, HIS = "+992900000001", "+992900000002"
HOUR_S = 3600


class Place:
    """A station where five cases in an hour are usual."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.store, self.clock, self.filing_rate = store, clock, FilingRate(5)
        who = store.write(lambda tx: identity.create(tx, 7))
        self.cases = Cases(who, False, shipped_law, filing_rate=self.filing_rate)

    def file(self, count: int, msisdn: str = HERS, is_proven: bool = True) -> None:
        appeal = msgspec.structs.replace(APPEAL, msisdn=msisdn)
        for _ in range(count):
            self.store.write(lambda tx: self.cases.open(tx, appeal, is_proven=is_proven))

    def waits(self, msisdn: str = HERS, is_proven: bool = True) -> int | None:
        return self.store.read(lambda tx: self.filing_rate.waits_until(tx, msisdn, is_proven))

    @property
    def asks(self) -> bool:
        return self.store.read(self.filing_rate.asks)

    @property
    def is_flooded(self) -> bool:
        return self.store.read(self.filing_rate.is_flooded)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    clock = Clock()
    with open_store(tmp_path, clock) as store:
        yield Place(store, clock)


def test_a_number_files_for_a_whole_street_and_the_next_waits_a_day_from_the_first(place: Place) -> None:
    place.file(1)
    place.clock.move(HOUR_S)
    place.file(MOST_A_DAY - 2)
    assert place.waits() is None
    place.file(1)
    assert place.waits() == (START_S + 24 * HOUR_S) * 1000


def test_after_that_it_files_again(place: Place) -> None:
    place.file(MOST_A_DAY)
    place.clock.move(24 * HOUR_S - 1)
    assert place.waits() is not None
    place.clock.move(1)
    assert place.waits() is None


def test_another_number_does_not_wait_for_hers(place: Place) -> None:
    place.file(MOST_A_DAY)
    assert place.waits(HIS) is None


def test_sms_in_her_name_make_sms_wait_and_not_her_telephone(place: Place) -> None:
    place.file(MOST_A_DAY, is_proven=False)
    assert place.waits(is_proven=False) is not None
    assert place.waits() is None


def test_many_numbers_together_have_each_further_filing_confirmed_for_an_hour(place: Place) -> None:
    for number in range(4):
        place.file(1, f"{HERS[:-1]}{number}")
    assert not place.asks
    place.file(1, HIS)
    assert place.asks
    place.clock.move(HOUR_S)
    assert not place.asks


def test_a_restart_forgets_nothing(tmp_path: Path) -> None:
    clock = Clock()
    with open_store(tmp_path, clock) as store:
        Place(store, clock).file(MOST_A_DAY)
    with open_store(tmp_path, clock) as store:
        again = FilingRate(5)
        assert store.read(again.asks) and store.read(lambda tx: again.waits_until(tx, HERS, True))


def test_the_digit_is_never_one_that_is_dialled_ahead_or_goes_back() -> None:
    drawn = {FilingRate().draw() for _ in range(500)}
    assert drawn == set(filing_rate.DIGITS) and drawn.isdisjoint("012")


def test_what_arrives_from_all_stations_is_told_above_what_is_usual_for_all(place: Place) -> None:
    place.store.write(lambda tx: stations.add(tx, 8))
    for _ in range(10):
        place.store.write(place.filing_rate.note_arrival)
    assert not place.is_flooded
    place.store.write(place.filing_rate.note_arrival)
    assert place.is_flooded and not place.asks
    place.clock.move(HOUR_S)
    assert not place.is_flooded


def test_one_station_among_many_that_sends_more_than_is_usual_there_is_told(place: Place) -> None:
    def arrive(count: int, peer: str) -> None:
        for _ in range(count):
            place.store.write(lambda tx: place.filing_rate.note_arrival(tx, peer))

    for number in range(8, 30):
        place.store.write(lambda tx, number=number: stations.add(tx, number))
    place.store.write(lambda tx: stations.set_through(tx, 31, 8))
    arrive(5, outbox.station(9))
    arrive(10, outbox.station(8))
    assert not place.is_flooded
    arrive(1, outbox.station(9))
    assert place.is_flooded


def test_the_hub_counts_a_case_when_it_arrives_and_once(tmp_path: Path) -> None:
    with open_pair(tmp_path) as pair:
        pair.hub.cases.filing_rate.per_hour = 1
        pair.village.store.write(lambda tx: pair.village.cases.open(tx, APPEAL))
        for _ in range(2):
            pair.settle()
        assert not pair.hub.store.read(pair.hub.cases.filing_rate.is_flooded)
        pair.village.store.write(lambda tx: pair.village.cases.open(tx, APPEAL))
        pair.settle()
        assert pair.hub.store.read(pair.hub.cases.filing_rate.is_flooded)
