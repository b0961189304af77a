"""An event as it is numbered, kept and carried, whatever it is about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sado.store.transaction import Transaction

# So many bytes of sealed bodies are read at once at most, that what a peer sent cannot fill the memory.
MOST_READ = 1 << 20


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


# What takes in an event of another station: (transaction, peer, event). The peer is known from its key, so a handler
# can ask what it may say.
Apply = Callable[[Transaction, str, Event], None]
