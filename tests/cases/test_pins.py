"""A PIN can be renewed by the phone that filed, and the one before opens nothing."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sado.cases import access, pins, reference
from sado.cases.access import Refusal
from sado.cases.payloads import Filed
from sado.store.tables import keys
from sado.store.tables.cases import CaseRow
from tests.support.stations import APPEAL, Station, open_station

OTHER = "+992900000002"


@pytest.fixture
def village(tmp_path: Path) -> Iterator[Station]:
    with open_station(tmp_path, 7) as station:
        yield station


@pytest.fixture
def filed(village: Station) -> Filed:
    return village.store.write(lambda tx: village.cases.open(tx, APPEAL))


def look(station: Station, number: str, pin: str, msisdn: str = OTHER) -> CaseRow | Refusal:
    return station.store.write(lambda tx: access.open_for(tx, number, msisdn, pin))


def guess(station: Station, reference: str, times: int, is_proven: bool) -> None:
    for _ in range(times):
        station.store.write(lambda tx: access.open_for(tx, reference, OTHER, "none", is_proven=is_proven))


@pytest.mark.parametrize("times", [3, 20, 60])
def test_guesses_by_sms_in_her_name_lock_no_telephone(village: Station, filed: Filed, times: int) -> None:
    guess(village, filed.reference, times, is_proven=False)
    assert isinstance(look(village, filed.reference, filed.pin), CaseRow)
    by_sms = village.store.write(
        lambda tx: access.open_for(tx, filed.reference, OTHER, filed.pin, is_proven=False, is_reading=True)
    )
    assert by_sms is Refusal.LOCKED
    guess(village, filed.reference, 3, is_proven=True)
    assert look(village, filed.reference, filed.pin) is Refusal.LOCKED


def renew(station: Station, number: str, msisdn: str = APPEAL.msisdn) -> str | None:
    return station.store.write(lambda tx: access.new_pin(tx, number, msisdn))


def test_the_new_pin_opens_and_the_old_one_does_not(village: Station, filed: Filed) -> None:
    assert isinstance(look(village, filed.reference, filed.pin), CaseRow)
    new = renew(village, filed.reference)
    assert new is not None
    assert look(village, filed.reference, filed.pin) is Refusal.WRONG
    assert isinstance(look(village, filed.reference, new), CaseRow)


def test_a_pin_is_never_renewed_to_itself(village: Station, filed: Filed) -> None:
    """One digit in ten thousand would be; two hundred renewals of many cases pass by some of those."""
    references = [f"{number:010}" for number in range(40)]
    for number in references:
        seen = [village.store.read(lambda tx, n=number: pins.pin_of(tx, n))]
        seen += [village.store.write(lambda tx, n=number: pins.renew(tx, n)) for _ in range(25)]
        assert all(one != after for one, after in zip(seen, seen[1:], strict=False))


def test_no_pin_is_one_that_is_tried_first(village: Station) -> None:
    """Of twenty thousand derived PINs about sixty would be easy ones."""
    easy = (
        {f"{number:04}" for number in range(10)}
        | {"1234", "4321", "0123", "9876"}
        | {f"{d}{d}{d}{d}" for d in range(10)}
    )
    derived = village.store.read(lambda tx: [pins.pin_of(tx, f"{number:010}") for number in range(20_000)])
    assert {len(pin) for pin in derived} == {pins.LENGTH}
    assert not easy & {*derived}
    assert len({*derived}) > 8000


def test_only_the_filing_phone_may_renew_and_others_learn_nothing(village: Station, filed: Filed) -> None:
    unissued = "007000000" + reference.check_digit("007000000")
    asked = [renew(village, number, OTHER) for number in (filed.reference, unissued, "0070000000", "", "'; --")]
    assert asked == [None] * 5
    assert isinstance(look(village, filed.reference, filed.pin), CaseRow)


def test_pins_from_before_an_exchange_of_keys_still_open_and_later_ones_are_of_the_new_key(
    village: Station, filed: Filed
) -> None:
    """Whoever had the key file before knows the old PINs and no new one."""
    old = village.store.keys.digest
    village.store.keys.take(village.store.keys.with_another())
    village.store.write(keys.note)
    assert isinstance(look(village, filed.reference, filed.pin), CaseRow)
    later = [village.store.write(lambda tx: village.cases.open(tx, APPEAL)) for _ in range(3)]
    known = [f"{int.from_bytes(old('pin', case.reference)[:8], 'big') % 10_000:04}" for case in later]
    assert [case.pin for case in later] != known
    assert all(isinstance(look(village, case.reference, case.pin), CaseRow) for case in later)
    renewed = renew(village, filed.reference)
    assert isinstance(look(village, filed.reference, str(renewed)), CaseRow)


def test_a_new_pin_changes_no_other_case(village: Station, filed: Filed) -> None:
    other = village.store.write(lambda tx: village.cases.open(tx, APPEAL))
    renew(village, filed.reference)
    assert isinstance(look(village, other.reference, other.pin), CaseRow)


def test_a_renewed_pin_outlives_a_restart_and_is_not_stored(tmp_path: Path) -> None:
    with open_station(tmp_path / "one", 7) as station:
        filed = station.store.write(lambda tx: station.cases.open(tx, APPEAL))
        new = renew(station, filed.reference)
    with open_station(tmp_path / "one", 7) as station:
        assert isinstance(look(station, filed.reference, str(new)), CaseRow)
        assert station.store.read(lambda tx: tx.all("SELECT * FROM pins")) == [(filed.reference, 1, 1)]


def test_nobody_s_phone_is_no_phone(village: Station, filed: Filed) -> None:
    village.store.write(lambda tx: access.cases.unlink(tx, filed.reference))
    assert look(village, filed.reference, "", msisdn="") is Refusal.ASK_PIN
    assert renew(village, filed.reference, "") is None
