"""Locks on private registers: who misses too often is not somebody who looks for her own row.

Misses are counted like wrong PINs (cases/pins.py): by the phone, and by what was looked for, whichever phones tried.
"""

from __future__ import annotations

from sado.store import Transaction
from sado.store.tables import attempts

MISSES_ALLOWED = 5
LOCK_MS = 24 * 3600 * 1000


def is_locked(tx: Transaction, target: str, msisdn: str) -> bool:
    """Whether this phone, or any phones together for this target, missed too often in the last 24 hours. It is the
    same for a target that does not exist, so that a lock does not tell which ones do."""
    since = tx.now - LOCK_MS
    return any(attempts.count(tx, what, since) >= MISSES_ALLOWED for what in _counted(target, msisdn))


def note_miss(tx: Transaction, target: str, msisdn: str) -> None:
    """Count a lookup that found no row."""
    for what in _counted(target, msisdn):
        attempts.add(tx, what, tx.now - LOCK_MS)


def _counted(target: str, msisdn: str) -> tuple[str, str]:
    return f"register {target}", f"register by {msisdn}"
