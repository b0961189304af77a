"""An event as it is numbered, kept and carried, whatever it is about."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Event:
    """One event as it travels: what it is, the case it is about and its body (JSON).

    `at` is its time by the clock of the station that made it. `happened_at` is that moment by this station's clock,
    reckoned from how long ago it was and not from what any clock said. `hops` counts the stations that passed it on.
    Times in milliseconds since 1970 UTC."""

    kind: str
    reference: str
    body: str
    id: bytes = b""
    at: int = 0
    happened_at: int = 0
    hops: int = 0
