"""Who may speak of a case: a stolen box can speak for nobody else's."""

from __future__ import annotations

from cases.errors import ForeignEventError
from store import Transaction
from sync import outbox


def check_sender(tx: Transaction, peer: str, number: str) -> None:
    """A downstream station speaks of the references that begin with its own number, or with that of a station which is
    reached through it; an event without one (`number` empty) comes from the upstream alone. Raises ForeignEventError.
    """
    may_speak = peer == outbox.way_to(tx, int(number[:3])) if number[:3].isdigit() else peer == outbox.UPSTREAM
    if not may_speak:
        raise ForeignEventError(f"{peer} has no say in this case.")
