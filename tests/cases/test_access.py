"""Who may read a case over a phone."""

from pathlib import Path

from sado.cases import access, reference
from sado.cases.access import Refusal
from sado.cases.payloads import Filed
from sado.cases.pins import MISSES_ALLOWED_PER_CASE, MISSES_ALLOWED_PER_STATION
from sado.store.tables.cases import CaseRow
from tests.support.cases import DAY_S, OTHER, case_of, file
from tests.support.stations import APPEAL, Clock, Station, open_station


def look(station: Station, number: str, msisdn: str, pin: str) -> CaseRow | Refusal:
    return station.store.write(lambda tx: access.open_for(tx, number, msisdn, pin))


def wrong(pin: str) -> str:
    return f"{(int(pin) + 1) % 10_000:04}"


def unissued() -> str:
    return "007000000" + reference.check_digit("007000000")


def test_the_phone_that_filed_needs_no_pin(village: Station, filed: Filed) -> None:
    assert look(village, filed.reference, APPEAL.msisdn, "") == case_of(village, filed.reference)


def test_another_phone_needs_the_pin(village: Station, filed: Filed) -> None:
    assert look(village, filed.reference, OTHER, "") is Refusal.ASK_PIN
    assert look(village, filed.reference, OTHER, wrong(filed.pin)) is Refusal.WRONG
    assert look(village, filed.reference, OTHER, filed.pin) == case_of(village, filed.reference)


def test_three_wrong_pins_lock_the_phone_for_a_day_and_no_other(village: Station, filed: Filed, clock: Clock) -> None:
    tries = [look(village, filed.reference, OTHER, wrong(filed.pin)) for _ in range(3)]
    assert tries == [Refusal.WRONG, Refusal.WRONG, Refusal.LOCKED]
    assert look(village, filed.reference, "+992900000003", filed.pin) == case_of(village, filed.reference)
    clock.move(DAY_S - 0.001)
    assert look(village, filed.reference, OTHER, filed.pin) is Refusal.LOCKED
    clock.move(0.001)
    assert look(village, filed.reference, OTHER, filed.pin) == case_of(village, filed.reference)


def test_a_lock_does_not_shut_out_the_phone_that_filed(village: Station, filed: Filed) -> None:
    for _ in range(3):
        look(village, filed.reference, OTHER, wrong(filed.pin))
    assert look(village, filed.reference, APPEAL.msisdn, "") == case_of(village, filed.reference)


def guess(station: Station, number: str, phones: int) -> list[CaseRow | Refusal]:
    """Wrong PINs from so many phones, one from each."""
    return [look(station, number, f"+9929001{phone:05}", "0000") for phone in range(phones)]


def test_many_phones_lock_strangers_and_never_the_phone_that_filed(
    village: Station, filed: Filed, clock: Clock
) -> None:
    assert set(guess(village, filed.reference, MISSES_ALLOWED_PER_CASE - 1)) == {Refusal.WRONG}
    assert look(village, filed.reference, OTHER, wrong(filed.pin)) is Refusal.LOCKED
    assert look(village, filed.reference, "+992900000003", filed.pin) is Refusal.LOCKED
    assert look(village, filed.reference, APPEAL.msisdn, "") == case_of(village, filed.reference)
    clock.move(DAY_S)
    assert look(village, filed.reference, "+992900000003", filed.pin) == case_of(village, filed.reference)


def test_many_phones_at_many_cases_make_strangers_wait_for_an_hour(
    village: Station, filed: Filed, clock: Clock
) -> None:
    several = [file(village).reference for _ in range(MISSES_ALLOWED_PER_STATION // 10 + 1)]
    for at, number in enumerate(several[:-1]):
        for phone in range(10):
            look(village, number, f"+99291{at:03}{phone:04}", "0000")
    assert look(village, filed.reference, OTHER, filed.pin) is Refusal.LOCKED
    assert look(village, filed.reference, APPEAL.msisdn, "") == case_of(village, filed.reference)
    clock.move(3600)
    assert look(village, filed.reference, OTHER, filed.pin) == case_of(village, filed.reference)


def test_three_wrong_pins_lock_the_phone_for_every_case(village: Station) -> None:
    several = [file(village) for _ in range(4)]
    tries = [look(village, one.reference, OTHER, wrong(one.pin)) for one in several[:3]]
    assert tries == [Refusal.WRONG] * 2 + [Refusal.LOCKED]
    assert look(village, several[3].reference, OTHER, several[3].pin) is Refusal.LOCKED
    assert look(village, several[3].reference, "+992900000003", several[3].pin) == case_of(
        village, several[3].reference
    )


def test_a_number_without_a_case_reads_the_same(village: Station, filed: Filed) -> None:
    pins = ["", *[wrong(filed.pin)] * 4]
    known = [look(village, filed.reference, OTHER, pin) for pin in pins]
    unknown = [look(village, unissued(), "+992900000003", pin) for pin in pins]
    assert known == unknown == [Refusal.ASK_PIN, Refusal.WRONG, Refusal.WRONG, Refusal.LOCKED, Refusal.LOCKED]


def test_a_slip_in_the_number_costs_no_try(village: Station, filed: Filed) -> None:
    slip = f"{filed.reference[:-1]}{(int(filed.reference[-1]) + 1) % 10}"
    assert {look(village, slip, OTHER, filed.pin) for _ in range(9)} == {Refusal.MISTYPED}
    assert look(village, filed.reference, OTHER, filed.pin) == case_of(village, filed.reference)


def test_pins_outlive_a_restart_and_are_not_stored(tmp_path: Path) -> None:
    with open_station(tmp_path / "one", 7) as station:
        one = file(station)
    with open_station(tmp_path / "one", 7) as station:
        assert look(station, one.reference, OTHER, one.pin) == case_of(station, one.reference)
        kept = station.store.read(lambda tx: tx.all("SELECT * FROM cases"))
    assert one.pin not in [str(value) for value in kept[0]]
