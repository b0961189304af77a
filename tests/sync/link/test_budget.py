"""Windows and budgets hold back what can wait, never what is urgent, and say until when."""

import datetime
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from sado.store import Store
from sado.store.tables import line_usage
from sado.store.tables.lanes import LANES
from sado.sync import outbox
from sado.sync.codes import Cause
from sado.sync.link.budget import LIFT_MS, Allowance, Budget, decimal, limits_from, windows_from
from tests.support.stations import Clock, open_store

DUSHANBE = ZoneInfo("Asia/Dushanbe")
BERLIN = ZoneInfo("Europe/Berlin")
URGENT_ONLY = (outbox.URGENT,)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[Store]:
    with open_store(tmp_path, clock) as opened:
        yield opened


def moment(text: str, zone: ZoneInfo = DUSHANBE) -> float:
    """A moment by a country's clock, in seconds since 1970 UTC."""
    return datetime.datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


def limits(**changed: Any) -> Any:
    plain: dict[str, Any] = {
        "daily_kb": 0, "monthly_mb": 0, "daily_money": 0, "monthly_money": 0, "price": Decimal(0)
    }  # fmt: skip
    return limits_from(**{**plain, **changed})


def allowed(store: Store, clock: Clock, budget: Budget, at: str) -> Allowance:
    zone = budget.zone
    assert isinstance(zone, ZoneInfo)
    clock.now = moment(at, zone)
    return store.read(budget.allowance)


def until(allowance: Allowance, zone: ZoneInfo = DUSHANBE) -> str:
    return datetime.datetime.fromtimestamp(allowance.until / 1000, zone).strftime("%Y-%m-%d %H:%M")


def spend(store: Store, day: str, size: int, what: str = line_usage.URGENT) -> None:
    store.write(lambda tx: line_usage.add(tx, day, outbox.UPSTREAM, what, size // 2, size - size // 2))


def test_without_rules_everything_may_always_leave(store: Store) -> None:
    spend(store, "2027-01-15", 10**12)
    assert store.read(Budget().allowance) == Allowance(LANES)


# Windows


@pytest.mark.parametrize(
    ("at", "is_open"),
    [
        ("2026-11-23T21:59:59", False),
        ("2026-11-23T22:00:00", True),
        ("2026-11-23T23:59:59", True),
        ("2026-11-24T00:00:00", True),
        ("2026-11-24T05:59:59", True),
        ("2026-11-24T06:00:00", False),
        ("2026-11-24T12:59:59", False),
        ("2026-11-24T13:00:00", True),
        ("2026-11-24T13:59:59", True),
        ("2026-11-24T14:00:00", False),
    ],
)
def test_a_window_is_open_from_its_first_minute_until_its_end_over_midnight_too(
    store: Store, clock: Clock, at: str, is_open: bool
) -> None:
    budget = Budget(DUSHANBE, windows_from("22:00-06:00,13:00-14:00"))
    assert allowed(store, clock, budget, at).lanes == (LANES if is_open else URGENT_ONLY)


@pytest.mark.parametrize(
    ("at", "opens"),
    [
        ("2026-11-23T06:00:00", "2026-11-23 13:00"),
        ("2026-11-23T14:00:00", "2026-11-23 22:00"),
        ("2026-11-30T21:59:59", "2026-11-30 22:00"),
    ],
)
def test_what_waits_is_told_when_the_next_window_opens(store: Store, clock: Clock, at: str, opens: str) -> None:
    held = allowed(store, clock, Budget(DUSHANBE, windows_from("22:00-06:00,13:00-14:00")), at)
    assert (held.why, until(held)) == (Cause.WINDOW_CLOSED, opens)


def test_the_next_window_may_be_tomorrow_in_another_month(store: Store, clock: Clock) -> None:
    held = allowed(store, clock, Budget(DUSHANBE, windows_from("00:00-06:00")), "2026-11-30T06:00:00")
    assert until(held) == "2026-12-01 00:00"


def test_the_country_s_clock_counts_and_not_the_machine_s(store: Store, clock: Clock) -> None:
    clock.now = moment("2026-11-23T00:30:00")
    windows = windows_from("00:00-06:00")
    assert store.read(Budget(DUSHANBE, windows).allowance).is_whole
    assert not store.read(Budget(datetime.UTC, windows).allowance).is_whole, (
        "there it is half past seven in the evening"
    )


def test_a_window_in_the_hour_that_summer_time_skips_opens_all_the_same(store: Store, clock: Clock) -> None:
    budget = Budget(BERLIN, windows_from("02:30-02:45"))
    held = allowed(store, clock, budget, "2026-03-29T01:59:00")
    assert 0 < held.until / 1000 - clock() <= 3600


@pytest.mark.parametrize(
    "text", ["06:00", "6-7", "00:00-25:00", "00:00-06:00,", "06:00-06:00", "06:00-07:00+05:00", "night"]
)
def test_a_window_that_is_none_says_how_to_write_one(text: str) -> None:
    with pytest.raises(ValueError, match="^SADO_SYNC_WINDOWS: "):
        windows_from(text)


def test_no_window_is_written_as_nothing() -> None:
    assert windows_from("") == windows_from("  ") == ()


# Budgets


def test_a_day_s_bytes_hold_back_all_but_what_is_urgent_until_midnight(store: Store, clock: Clock) -> None:
    budget = Budget(DUSHANBE, limits=limits(daily_kb=500))
    spend(store, "2026-11-23", 499_999)
    assert allowed(store, clock, budget, "2026-11-23T17:00:00") == Allowance(LANES, left=1)

    spend(store, "2026-11-23", 1, line_usage.IDLE)
    held = allowed(store, clock, budget, "2026-11-23T17:00:00")
    assert held.lanes == URGENT_ONLY
    assert (held.why, held.amount, until(held)) == (Cause.DAY_BYTES, 500_000, "2026-11-24 00:00")

    assert allowed(store, clock, budget, "2026-11-23T23:59:59").lanes == URGENT_ONLY
    assert allowed(store, clock, budget, "2026-11-24T00:00:00") == Allowance(LANES, left=500_000)


def test_a_month_turns_with_its_last_day(store: Store, clock: Clock) -> None:
    budget = Budget(DUSHANBE, limits=limits(monthly_mb=20))
    spend(store, "2026-11-30", 20_000_000)
    held = allowed(store, clock, budget, "2026-11-30T23:59:59")
    assert (held.why, held.amount, until(held)) == (Cause.MONTH_BYTES, 20_000_000, "2026-12-01 00:00")
    assert allowed(store, clock, budget, "2026-12-01T00:00:00") == Allowance(LANES, left=20_000_000)
    spend(store, "2026-12-31", 20_000_000)
    assert until(allowed(store, clock, budget, "2026-12-31T12:00:00")) == "2027-01-01 00:00"


def test_a_february_ends_with_its_own_last_day(store: Store, clock: Clock) -> None:
    spend(store, "2027-02-01", 30_000_000)
    held = allowed(store, clock, Budget(DUSHANBE, limits=limits(monthly_mb=20)), "2027-02-28T12:00:00")
    assert until(held) == "2027-03-01 00:00"


def test_money_is_bytes_at_the_price(store: Store, clock: Clock) -> None:
    budget = Budget(DUSHANBE, limits=limits(daily_money=0.1, monthly_money=2, price=decimal(0.2)), price=decimal(0.2))
    assert budget.money(250_000) == Decimal("0.05")
    spend(store, "2026-11-23", 499_999)
    assert allowed(store, clock, budget, "2026-11-23T12:00:00").left == 1
    spend(store, "2026-11-23", 1)
    held = allowed(store, clock, budget, "2026-11-23T12:00:00")
    assert (held.why, held.amount, until(held)) == (Cause.DAY_MONEY, Decimal("0.1"), "2026-11-24 00:00")
    spend(store, "2026-11-24", 10_000_000)
    held = allowed(store, clock, budget, "2026-11-25T12:00:00")
    assert (held.why, held.amount, until(held)) == (Cause.MONTH_MONEY, 2, "2026-12-01 00:00")


def test_money_without_a_price_is_refused() -> None:
    with pytest.raises(ValueError, match="need SADO_SYNC_PRICE_PER_MB"):
        limits(daily_money=1)


def test_of_several_reasons_the_one_that_lasts_longest_is_told(store: Store, clock: Clock) -> None:
    budget = Budget(DUSHANBE, windows_from("22:00-06:00"), limits(daily_kb=1, monthly_mb=0.002))
    spend(store, "2026-11-23", 1000)
    assert until(allowed(store, clock, budget, "2026-11-23T12:00:00")) == "2026-11-24 00:00"
    spend(store, "2026-11-23", 1000)
    assert allowed(store, clock, budget, "2026-11-23T12:00:00").why == Cause.MONTH_BYTES


def test_the_day_is_the_country_s(store: Store) -> None:
    at = int(moment("2026-11-24T00:30:00") * 1000)
    assert (Budget(DUSHANBE).day(at), Budget().day(at)) == ("2026-11-24", "2026-11-23")


# Sync now


def test_sync_now_lifts_every_limit_until_it_ends(store: Store, clock: Clock) -> None:
    budget = Budget(DUSHANBE, windows_from("22:00-06:00"), limits(daily_kb=1))
    spend(store, "2026-11-23", 5000)
    assert not allowed(store, clock, budget, "2026-11-23T12:00:00").is_whole
    store.write(outbox.retry_all_now)
    assert store.read(budget.allowance) == Allowance(LANES, is_lifted=True)
    store.write(line_usage.end_lift)
    assert not store.read(budget.allowance).is_whole


def test_a_sync_now_that_the_line_never_let_through_ends_after_a_day(store: Store, clock: Clock) -> None:
    budget = Budget(DUSHANBE, windows_from("22:00-06:00"))
    clock.now = moment("2026-11-23T12:00:00")
    store.write(outbox.retry_all_now)
    clock.move(LIFT_MS / 1000 - 1)
    assert store.read(budget.is_lifted)
    clock.move(1)
    assert not store.read(budget.is_lifted)
    assert not store.read(budget.allowance).is_whole


def test_a_clock_that_was_never_set_lifts_nothing(store: Store, clock: Clock) -> None:
    clock.now = 3600.0
    assert not store.read(Budget(DUSHANBE).is_lifted)
