"""`sado sync status` in words: what waits and why, what the line carried today and this month, and on what."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from decimal import Decimal

from sado.store import Transaction
from sado.store.tables import outbox as entries
from sado.store.tables.line_usage import Spent
from sado.store.zone_time import MINUTE_MS, shown
from sado.sync import outbox
from sado.sync.codes import MONEY, Reason
from sado.sync.link.accounting import PURPOSE_OF_LANE
from sado.sync.link.budget import KB, MB
from sado.sync.status import Status, Waiting

# By what comes before the colon in a destination's name; the others are called by it.
NAMES = {"station": "station {code}", "agency": "queue of agency {code}"}


class Words:
    """Facts in English, times by the country's clock, money as `money` writes it around an amount `{n}`."""

    def __init__(self, zone: datetime.tzinfo, money: str) -> None:
        self._zone = zone
        self._money_words = money

    def report(self, tx: Transaction, status: Status) -> list[str]:
        """What waits and why, and what went, a line each."""
        counts = entries.counts(tx)
        lines = [*self._line(status), *self._limits(status), *self._waiting(counts)]
        if status.line is not None:
            lines += [self._lane(status, waiting) for waiting in status.waiting]
        if not counts:
            lines.append("Nothing waits.")
        return lines + self._went(status) + self._frame_size(status) + self._faults(status)

    def _line(self, status: Status) -> list[str]:
        line = status.line
        if line is not None and line.down_since:
            down = f"The line has been down since {self._time(line.down_since)}: {Reason.read(line.reason)}."
            return [down, f"Next try at {self._time(line.due_at)}."]
        return [f"Last exchange at {self._time(line.ok_at)}."] if line is not None and line.ok_at else []

    def _limits(self, status: Status) -> list[str]:
        if status.line is None:
            return []
        if status.lifted_at:
            asked = f"`sync now` was asked for at {self._time(status.lifted_at)}"
            return [f"{asked}: no window or budget holds anything back until nothing waits."]
        allowance = status.allowance
        if allowance.why is None:
            return []
        amount = self._money(allowance.amount) if allowance.why in MONEY else _size(int(allowance.amount))
        reason = allowance.why.value.format(amount=amount)
        return [f"Until {self._time(allowance.until)} only urgent events leave: {reason}."]

    def _waiting(self, counts: Mapping[tuple[str, str], tuple[int, int]]) -> list[str]:
        lines = []
        for (destination, state), (count, since) in sorted(counts.items()):
            given_up = "of unknown outcome" if state == "unknown" else "given up on"
            word = "waiting" if state in outbox.WAITING else given_up
            lines.append(f"{_named(destination)}: {count} {word}, the oldest since {self._time(since)}.")
        return lines

    def _lane(self, status: Status, waiting: Waiting) -> str:
        held = f"held back until {self._time(status.allowance.until)}"
        freely = "waiting for the line" if status.line is not None and status.line.down_since else "leaving next"
        return f"  {PURPOSE_OF_LANE[waiting.lane]}: {waiting.count}, {freely if waiting.may_leave else held}."

    def _went(self, status: Status) -> list[str]:
        if status.line is None:
            return []
        return [self._sum("Today", status, status.today), self._sum("This month", status, status.month)]

    def _sum(self, when: str, status: Status, spent: Sequence[Spent]) -> str:
        parts = ", ".join(f"{use.purpose} {self._price(status, use.total)}" for use in spent)
        whole = self._price(status, sum(use.total for use in spent))
        return f"{when} the line carried {whole}{': ' + parts if parts else ''}."

    def _price(self, status: Status, size: int) -> str:
        return f"{_size(size)} ({self._money(status.budget.money(size))})" if status.budget.price else _size(size)

    def _frame_size(self, status: Status) -> list[str]:
        if not status.goodput:
            return []
        most, rate = _size(status.chunk), _size(int(status.goodput))
        return [f"An exchange carries up to {most}; the line was measured at {rate} a second."]

    def _faults(self, status: Status) -> list[str]:
        lines = []
        for clock in status.clocks:
            side = "ahead of" if clock.ahead_ms > 0 else "behind"
            minutes = abs(clock.ahead_ms) // MINUTE_MS
            lines.append(f"The clock of {_named(clock.peer)} is {minutes} min {side} ours: one of the two is wrong.")
        if status.is_flooded:
            lines.append("More cases came within an hour than is usual. All are kept; see whether people filed them.")
        if status.aside:
            lines.append(
                f"Kept aside, because they could not be understood: {status.aside}. `sado quarantine list` shows them."
            )
        lines += [
            f"Nothing more of {_named(peer)} is taken: as much of it is kept aside as may be. Release it or delete it."
            for peer in status.stopped
        ]
        return lines

    def _money(self, amount: Decimal) -> str:
        return self._money_words.replace("{n}", f"{amount:.2f}")

    def _time(self, at: int) -> str:
        return shown(at, self._zone)


def _named(destination: str) -> str:
    family, _colon, code = destination.partition(":")
    return NAMES.get(family, destination).format(code=code)


def _size(count: int) -> str:
    if count < KB:
        return f"{count} bytes"
    return f"{count / KB:.1f} KB" if count < MB else f"{count / MB:.2f} MB"
