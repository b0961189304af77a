"""A clock that nobody sets: the wall clock without the jumps that it made.

A village box has no battery for its clock, or a bad one: it starts in 1970, jumps forty years when the line comes,
and is set by hand. How long ago something happened is therefore reckoned by this clock, and nothing is ordered by
any. A jump is seen as the wall clock going otherwise than the processor's own counter; while the power is off there
is none, so a wall clock that comes back earlier than it was is taken to have stood still.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from sado.store.engines.contract import Connection
from sado.store.transaction import Transaction

JUMP_MS = 2000
KEEP_MS = 3600 * 1000
LAST, STEPS = "clock last", "clock steps"


class SteadyClock:
    """`steps_ms`: by how much the wall clock has jumped in all, in milliseconds; kept across restarts."""

    def __init__(self, connection: Connection, counter: Callable[[], float] = time.monotonic) -> None:
        self._counter = counter
        self.steps_ms = _kept(connection, STEPS)
        self._last = self._kept = _kept(connection, LAST)
        self._mark: float | None = None

    def look(self, now: int) -> bool:
        """Compare the clocks; whether what they say is worth keeping: a jump, or the time of each hour. To be called
        every few seconds, and first when the station starts."""
        jump = self._jump(now)
        self._last, self._mark = now, self._counter()
        self.steps_ms += jump
        return bool(jump) or now - self._kept >= KEEP_MS

    def keep(self, tx: Transaction) -> None:
        """Keep what the last look found."""
        for name, value in ((LAST, self._last), (STEPS, self.steps_ms)):
            tx.run(
                "INSERT INTO counters (name, value) VALUES (:name, :value)"
                " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                name=name,
                value=value,
            )
        self._kept = self._last

    def _jump(self, now: int) -> int:
        if self._mark is None:
            return min(now - self._last, 0) if self._last else 0
        gone = int((self._counter() - self._mark) * 1000)
        jump = now - self._last - gone
        return jump if abs(jump) > JUMP_MS else 0


def _kept(connection: Connection, name: str) -> int:
    row = connection.execute("SELECT value FROM counters WHERE name = :name", {"name": name}).fetchone()
    return int(row[0]) if row else 0
