"""PINs: four digits that open a case from any phone.

A PIN is derived from its reference and how often it was renewed, with the station's key, so nothing about it is
stored but that number: four digits could be found from any stored hash in moments, and only the key outside the
database keeps them.
"""

from __future__ import annotations

from itertools import count

from sado.store import Transaction
from sado.store.tables import attempts
from sado.store.tables import pins as rows

LENGTH = 4
MISSES_ALLOWED = 3
MISSES_ALLOWED_PER_PHONE = 5
LOCK_MS = 24 * 3600 * 1000


def pin_of(tx: Transaction, reference: str) -> str:
    """The PIN of this case."""
    return _derived(tx, reference, rows.generation(tx, reference))


def renew(tx: Transaction, reference: str) -> str:
    """Another PIN for this case; the one before opens nothing any more. Who may ask for it: `access.new_pin`."""
    old, now = pin_of(tx, reference), rows.generation(tx, reference)
    number = next(number for number in count(now + 1) if _derived(tx, reference, number) != old)
    rows.set_generation(tx, reference, number)
    return _derived(tx, reference, number)


def is_locked(tx: Transaction, reference: str, msisdn: str) -> bool:
    """Whether this reference, or this phone, has missed too often in the last 24 hours. It is asked and
    counted the same for a reference that does not exist, so that a lock does not tell which ones do."""
    since = tx.now - LOCK_MS
    return (
        attempts.count(tx, f"reference {reference}", since) >= MISSES_ALLOWED
        or attempts.count(tx, f"msisdn {msisdn}", since) >= MISSES_ALLOWED_PER_PHONE
    )


def note_miss(tx: Transaction, reference: str, msisdn: str) -> None:
    """Count a wrong PIN against the reference and the phone."""
    since = tx.now - LOCK_MS
    attempts.add(tx, f"reference {reference}", since)
    attempts.add(tx, f"msisdn {msisdn}", since)


def _derived(tx: Transaction, reference: str, generation: int) -> str:
    name = f"{reference} {generation}" if generation else reference
    return f"{int.from_bytes(tx.keys.digest('pin', name)[:8], 'big') % 10**LENGTH:0{LENGTH}}"
