"""How much one exchange may carry: what the line was measured to carry in a few seconds.

An exchange is the unit that a cut destroys and that an urgent appeal may have to wait for, so it is to take SHARE_S of
line, whatever the line, and longer only where LEAST bytes do. It is sized from the goodput of those before, halved on a
fault, and grows again by a quarter.
"""

from __future__ import annotations

from sado.sync.wire.frame import LARGEST

# Two exchanges may be on their way at once, and an urgent appeal waits for both.
SHARE_S = 2.5
FIRST, LEAST, MOST = 4 * 1024, 600, 256 * 1024
TIMEOUT_S, TIMEOUT_FACTOR = 30.0, 4.0
GROWTH = 1.25
WEIGHT = 0.5
# Below this the round trip is most of what is measured.
TELLING = 1000
# What a body of so many bytes of JSON becomes in a frame, about; a frame that turns out larger is packed again.
RATIO = 0.2


class FrameSize:
    """The size of the next exchange, both ways together, in bytes."""

    def __init__(self) -> None:
        self.limit = FIRST
        self.goodput = 0.0
        self._ratio = RATIO
        self._has_failed = False

    @property
    def timeout_s(self) -> float:
        """How long to wait for an answer before the line is taken to be dead."""
        return max(TIMEOUT_S, TIMEOUT_FACTOR * self.limit / self.goodput) if self.goodput else TIMEOUT_S

    def succeeded(self, size: int, seconds: float) -> None:
        """An exchange of so many bytes took so long. A small one says more of the round trip than of the line, and one
        much smaller than the limit says nothing of what the line would carry."""
        if size >= TELLING:
            rate = size / max(seconds, 0.001)
            self.goodput = rate if not self.goodput else WEIGHT * rate + (1 - WEIGHT) * self.goodput
        target = self.goodput * SHARE_S if self.goodput else MOST
        most = self.limit * GROWTH if self._has_failed or size < TELLING else MOST
        if 2 * size >= self.limit or target < self.limit:
            self.limit = int(_within(min(target, most)))

    def within(self, left: int | None) -> int:
        """The limit, or so many bytes where fewer are left (None: no matter how many); a few always are."""
        return self.limit if left is None else min(self.limit, max(left, LEAST))

    def packed(self, size: int, bodies: int) -> None:
        """A frame of so many bytes was made of bodies of so many."""
        if bodies:
            self._ratio = (self._ratio + size / bodies) / 2

    def bodies_in(self, limit: int) -> int:
        """How many bytes of bodies make a frame of this size, as far as the last frames tell."""
        return bodies_in(limit, self._ratio)

    def failed(self) -> None:
        """An exchange was cut, late, or too large for the other side."""
        self._has_failed = True
        self.limit = int(_within(self.limit / 2))


def bodies_in(limit: int, ratio: float = RATIO) -> int:
    """How many bytes of bodies make a frame of this size, about; they must fit it also when they compress well."""
    return min(int(limit / ratio), LARGEST // 2)


def _within(size: float) -> float:
    return min(max(size, LEAST), MOST)
