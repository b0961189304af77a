"""What a screen calls places and days, in one language."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from sado.menus.language import formats
from sado.menus.pack import Pack
from sado.store.zone_time import local


def day(pack: Pack, at: int, language: str) -> str:
    """The day in the country at a moment in milliseconds, as the language writes it."""
    date = local(at, ZoneInfo(pack.time_zone)).date()
    return formats.date(date, pack.languages, language)
