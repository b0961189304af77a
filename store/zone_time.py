"""Moments, milliseconds since 1970 UTC, and what a clock on the wall of a time zone shows at them."""

from __future__ import annotations

from datetime import date, datetime, time, tzinfo

MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000


def local(at: int, zone: tzinfo) -> datetime:
    """The date and time that the zone's clocks show at this moment."""
    return datetime.fromtimestamp(at / 1000, zone)


def shown(at: int, zone: tzinfo) -> str:
    """The date and time as a command tells it, to the second."""
    return local(at, zone).strftime("%d.%m.%Y %H:%M:%S")


def moment(day: date, zone: tzinfo, clock: time = time()) -> int:
    """When the zone's clocks show this time of this day: midnight, at which it begins, unless another is given."""
    return int(datetime.combine(day, clock, zone).timestamp() * 1000)
