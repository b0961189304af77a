"""How long to wait after a failure."""

from __future__ import annotations

import random

FIRST_S = 15
LONGEST_S = 3600
JITTER = 0.3
LONGEST_MS = int(LONGEST_S * (1 + JITTER) * 1000)


def wait_ms(failures: int, chance: random.Random) -> int:
    """The wait after so many failures in a row: doubling from 15 s to an hour, 30 % either way, so that
    stations whose line came back together do not all call at once."""
    seconds = min(FIRST_S * 2 ** min(failures - 1, 20), LONGEST_S)
    return int(seconds * 1000 * chance.uniform(1 - JITTER, 1 + JITTER))
