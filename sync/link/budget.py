"""When bandwidth allows: which lanes may leave now, by the hours of a cheap tariff and what a day and a month may cost.

Urgent events always leave, whatever the hour and the bill; what they take counts like everything else. Normal and bulk
events, and calls to ask what the upstream has, wait for the window, the next day or the next month. "Sync now" lifts
all limits until nothing waits. A station asks little of its upstream while not all may leave, and the upstream sends
what is urgent first.
"""

from __future__ import annotations

import datetime
import math
from dataclasses import dataclass
from decimal import Decimal

from sado.store import Transaction
from sado.store.tables import line_usage
from sado.store.tables.lanes import LANES
from sado.store.zone_time import local, moment
from sado.sync import outbox
from sado.sync.codes import Cause

KB, MB = 1000, 1_000_000
# No month has more days; days are compared as text.
LAST_DAY = 31
# "Sync now" said while the line was down for days would else come as a surprise.
LIFT_MS = 24 * 3600 * 1000


@dataclass(frozen=True)
class Window:
    """Hours of the day in which everything may leave, from `start` until `end`; over midnight where that is earlier."""

    start: datetime.time
    end: datetime.time

    def is_open(self, clock: datetime.time) -> bool:
        """Whether this time of day lies in it. Its first minute does, the minute of its end does not."""
        if self.start < self.end:
            return self.start <= clock < self.end
        return clock >= self.start or clock < self.end


@dataclass(frozen=True)
class Limit:
    """What a day or a month may take, in bytes both ways. `amount` is the limit as it was set: bytes, or money."""

    why: Cause
    bytes: int
    amount: Decimal

    @property
    def is_daily(self) -> bool:
        """Whether it is for each day; otherwise for each month."""
        return self.why in (Cause.DAY_BYTES, Cause.DAY_MONEY)


@dataclass(frozen=True)
class Allowance:
    """What may leave now: the `lanes`, and how many bytes the budgets have `left` (None: no limit). Where not every
    lane may, `why` is one of the names above, `amount` the limit that is used up and `until` when that ends, in
    milliseconds since 1970 UTC."""

    lanes: tuple[str, ...] = LANES
    left: int | None = None
    why: Cause | None = None
    amount: Decimal = Decimal(0)
    until: int = 0
    is_lifted: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether everything may leave, and calls with it."""
        return self.lanes == LANES


@dataclass(frozen=True)
class Budget:
    """The rules of one station. Without any, everything may always leave. `price` is of 1,000,000 bytes, both ways, in
    the country's money."""

    zone: datetime.tzinfo = datetime.UTC
    windows: tuple[Window, ...] = ()
    limits: tuple[Limit, ...] = ()
    price: Decimal = Decimal(0)

    def allowance(self, tx: Transaction) -> Allowance:
        """What may leave at this moment."""
        if self.is_lifted(tx):
            return Allowance(is_lifted=True)
        allowed = [self._by_hour(tx.now), *(self._by_limit(tx, limit) for limit in self.limits)]
        if held := [rule for rule in allowed if not rule.is_whole]:
            # What holds longest says when to expect more.
            return max(held, key=lambda rule: rule.until)
        return min(allowed, key=lambda rule: math.inf if rule.left is None else rule.left)

    def is_lifted(self, tx: Transaction) -> bool:
        """Whether somebody said "sync now" and something still waits."""
        at = line_usage.lifted_at(tx)
        return bool(at) and 0 <= tx.now - at < LIFT_MS

    def day(self, now: int) -> str:
        """The day of a moment by the country's clock, such as 2026-11-23."""
        return local(now, self.zone).date().isoformat()

    def days_of(self, now: int, is_daily: bool) -> tuple[str, str]:
        """The first and the last day that count towards a limit of the day, or of the month."""
        day = local(now, self.zone).date()
        if is_daily:
            return day.isoformat(), day.isoformat()
        return f"{day:%Y-%m}-01", f"{day:%Y-%m}-{LAST_DAY}"

    def money(self, size: int) -> Decimal:
        """What so many bytes cost, in the country's money."""
        return self.price * size / MB

    def _by_hour(self, now: int) -> Allowance:
        here = local(now, self.zone)
        if not self.windows or any(window.is_open(here.time()) for window in self.windows):
            return Allowance()
        tomorrow = here.date() + datetime.timedelta(days=1)
        starts = (moment(day, self.zone, window.start) for day in (here.date(), tomorrow) for window in self.windows)
        return Allowance((outbox.URGENT,), why=Cause.WINDOW_CLOSED, until=min(start for start in starts if start > now))

    def _by_limit(self, tx: Transaction, limit: Limit) -> Allowance:
        left = limit.bytes - line_usage.total(tx, outbox.UPSTREAM, *self.days_of(tx.now, limit.is_daily))
        if left > 0:
            return Allowance(left=left)
        today = local(tx.now, self.zone).date()
        tomorrow = today + datetime.timedelta(days=1)
        next_month = (today.replace(day=1) + datetime.timedelta(days=LAST_DAY)).replace(day=1)
        until = moment(tomorrow if limit.is_daily else next_month, self.zone)
        return Allowance((outbox.URGENT,), why=limit.why, amount=limit.amount, until=until)


def windows_from(text: str) -> tuple[Window, ...]:
    """The windows written as 00:00-06:00,13:00-14:00; none when it is empty. Raises ValueError with what is wrong."""
    return tuple(_window(part.strip()) for part in text.split(",")) if text.strip() else ()


def _window(text: str) -> Window:
    try:
        start, end = (datetime.datetime.strptime(clock, "%H:%M").time() for clock in text.split("-"))
    except ValueError:
        raise ValueError(f"SADO_SYNC_WINDOWS: {text!r} is no window; write one as 00:00-06:00.") from None
    if start == end:
        raise ValueError(f"SADO_SYNC_WINDOWS: {text!r} ends where it begins; leave the setting empty for always.")
    return Window(start, end)


def limits_from(
    *, daily_kb: float, monthly_mb: float, daily_money: float, monthly_money: float, price: Decimal
) -> tuple[Limit, ...]:
    """The limits that are set; 0 is none. Raises ValueError for money without a price."""
    if (daily_money or monthly_money) and not price:
        raise ValueError("SADO_SYNC_DAILY_MONEY and SADO_SYNC_MONTHLY_MONEY need SADO_SYNC_PRICE_PER_MB.")
    in_bytes = ((Cause.DAY_BYTES, daily_kb, KB), (Cause.MONTH_BYTES, monthly_mb, MB))
    in_money = ((Cause.DAY_MONEY, daily_money), (Cause.MONTH_MONEY, monthly_money))
    found = [Limit(why, int(decimal(many) * size), decimal(many) * size) for why, many, size in in_bytes if many]
    found += [Limit(why, int(decimal(many) / price * MB), decimal(many)) for why, many in in_money if many]
    return tuple(found)


def decimal(number: float) -> Decimal:
    """The number as a person wrote it: 0.1 is a tenth."""
    return Decimal(str(number))
