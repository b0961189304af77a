"""How often to call the upstream while nothing waits here: seldom on a quiet day, often while something comes or goes.

The wait is a quarter of how long nothing has come or gone, so an answer waits a quarter longer than the agency took,
and never shorter than `every_s` nor longer than `idle_s`. With 60 s and 900 s a day without any event has

    4 calls until 240 s have passed, 13 while the wait grows by a quarter each, 92 of 900 s  =  109 calls.

On a kept connection with TLS a call is some 600 bytes both ways with the headers of its packets, 65 KB a day. Where
each one has to connect again, its session resumed, it is some 2,200 bytes, 240 KB a day.
"""

from __future__ import annotations

SHARE = 4


class PollInterval:
    """When the next call is due. Times are in milliseconds by a clock that nobody sets (store/clock.py)."""

    def __init__(self, every_s: float, idle_s: float) -> None:
        self._least_ms, self._most_ms = int(every_s * 1000), int(max(every_s, idle_s) * 1000)
        self._busy_at: int | None = None
        self._called_at: int | None = None

    def is_due(self, now: int) -> bool:
        """Whether to call now; always for the first time."""
        if self._busy_at is None or self._called_at is None:
            return True
        # A jump of the clock that was not noticed yet must not put the next call into another year.
        self._busy_at, self._called_at = min(self._busy_at, now), min(self._called_at, now)
        return now - self._called_at >= self._wait_ms(now - self._busy_at)

    def called(self, now: int, is_busy: bool) -> None:
        """An exchange took place; `is_busy` when something came or went."""
        self._called_at = now
        self._busy_at = now if is_busy or self._busy_at is None else self._busy_at

    def _wait_ms(self, quiet_ms: int) -> int:
        return min(max(quiet_ms // SHARE, self._least_ms), self._most_ms)
