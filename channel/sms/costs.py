"""What SMS cost in a month, by kind, language and encoding, and what Latin letters would have saved."""

from __future__ import annotations

import datetime
import re
from decimal import Decimal
from zoneinfo import ZoneInfo

from sado.menus.pack import Pack
from sado.menus.reading.report import aligned
from sado.store import Transaction
from sado.store.tables import deliveries
from sado.store.tables.deliveries import Cost
from sado.store.zone_time import local, moment

HEADS = ("kind", "language", "encoding", "messages", "segments", "cost")
_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")


def month_of(pack: Pack, typed: str, now: int) -> datetime.date:
    """The first day of a month such as 2026-11, or of this one when nothing was typed. Raises ValueError."""
    if not typed:
        return local(now, ZoneInfo(pack.time_zone)).date().replace(day=1)
    if not _MONTH.fullmatch(typed):
        raise ValueError(f"{typed!r} is no month: write it as 2026-11.")
    return datetime.date.fromisoformat(f"{typed}-01")


def lines(tx: Transaction, pack: Pack, month: datetime.date) -> list[str]:
    """A table of the month, its sum, and what Latin letters would have saved by the pack's tariff."""
    zone = ZoneInfo(pack.time_zone)
    following = (month + datetime.timedelta(days=31)).replace(day=1)
    since, before = moment(month, zone), moment(following, zone)
    costs = deliveries.costs(tx, since, before)
    if not costs:
        return [f"No SMS was sent in {month:%Y-%m}."]
    total, saved = sum(cost.price for cost in costs), sum(map(_saved, costs))
    sums = ("all", "", "", str(sum(cost.messages for cost in costs)), str(sum(cost.segments for cost in costs)))
    table = aligned([HEADS, *map(_row, costs), (*sums, _money(total))], "<<<>>>")
    return [*table, f"In Latin letters {month:%Y-%m} would have cost {_money(saved)} less."]


def _row(cost: Cost) -> tuple[str, ...]:
    return (cost.kind, cost.language, cost.encoding, str(cost.messages), str(cost.segments), _money(cost.price))


def _saved(cost: Cost) -> int:
    return cost.price * (cost.segments - cost.latin_segments) // cost.segments if cost.segments else 0


def _money(thousandths: int) -> str:
    return f"{Decimal(thousandths) / 1000:.2f}"
