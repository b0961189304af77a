"""What a screen calls days and moments, in one language."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from sado.menus.language import formats
from sado.menus.pack import Pack
from sado.store.zone_time import MINUTE_MS, local


def day(pack: Pack, at: int, language: str) -> str:
    """The day in the country at a moment in milliseconds, as the language writes it."""
    date = local(at, ZoneInfo(pack.time_zone)).date()
    return formats.date(date, pack.languages, language)


def moment(pack: Pack, at: int, language: str) -> str:
    """The day and the minute from which on it is past that moment."""
    ended = at + MINUTE_MS - 1
    return f"{day(pack, ended, language)} {local(ended, ZoneInfo(pack.time_zone)):%H:%M}"
