"""What a zone's clocks show, and back."""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from sado.store.zone_time import local, moment

DUSHANBE = ZoneInfo("Asia/Dushanbe")  # five hours before UTC, no summer time
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("at", "zone", "shown"),
    [
        (0, DUSHANBE, datetime(1970, 1, 1, 6, tzinfo=DUSHANBE)),  # six hours in Soviet times
        (1_796_065_199_999, DUSHANBE, datetime(2026, 11, 30, 23, 59, 59, 999_000, tzinfo=DUSHANBE)),
        (1_796_065_200_000, DUSHANBE, datetime(2026, 12, 1, tzinfo=DUSHANBE)),
    ],
)
def test_a_moment_is_shown_as_the_zone_s_clocks_do(at: int, zone: ZoneInfo, shown: datetime) -> None:
    assert local(at, zone) == shown


@pytest.mark.parametrize("zone", [DUSHANBE, BERLIN])
@pytest.mark.parametrize("day", [date(2026, 3, 29), date(2026, 10, 25), date(2026, 12, 31)])
def test_a_day_begins_at_the_moment_that_its_zone_calls_midnight(zone: ZoneInfo, day: date) -> None:
    begins = moment(day, zone)

    assert (local(begins, zone).date(), local(begins, zone).time()) == (day, time())
    assert local(begins - 1, zone).date() < day


def test_a_day_on_which_clocks_go_back_is_an_hour_longer() -> None:
    assert moment(date(2026, 10, 26), BERLIN) - moment(date(2026, 10, 25), BERLIN) == 25 * 3_600_000


def test_a_time_of_day_is_the_zone_s() -> None:
    assert moment(date(2026, 12, 1), DUSHANBE, time(8)) - moment(date(2026, 12, 1), DUSHANBE) == 8 * 3_600_000
