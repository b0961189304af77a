"""Locks on private registers: who misses too often is not somebody who looks for her own row.

Misses are counted like wrong PINs (cases/pins.py): by the phone, and by what was looked for, whichever phones tried.
Many phones lock strangers only: one that has found this row before is locked by its own misses and by nobody else's. An
SMS can be sent in anybody's name, so it is a stranger's, and misses by SMS are counted apart and lock SMS alone.
"""

from __future__ import annotations

from sado.store import Transaction
from sado.store.tables import attempts, row_readers
from sado.store.zone_time import DAY_MS

MISSES_ALLOWED = 5
# More than one phone's, so that no single one locks whoever looks for the first time; few, for a year of birth is soon
# guessed.
MISSES_ALLOWED_PER_TARGET = 10
LOCK_MS = DAY_MS


def is_locked(tx: Transaction, target: str, msisdn: str, is_proven: bool) -> bool:
    """Whether this phone missed too often in the last 24 hours, or all phones together at this target, which locks
    those that never found it. It is the same for a target that does not exist, so that a lock does not tell which ones
    do."""
    since = tx.now - LOCK_MS
    if attempts.count(tx, _by(msisdn, is_proven), since) >= MISSES_ALLOWED:
        return True
    if is_proven and row_readers.has(tx, target, msisdn):
        return False
    return attempts.count(tx, _at(target, is_proven), since) >= MISSES_ALLOWED_PER_TARGET


def note_miss(tx: Transaction, target: str, msisdn: str, is_proven: bool) -> None:
    """Count a lookup that found no row."""
    for what in (_by(msisdn, is_proven), _at(target, is_proven)):
        attempts.add(tx, what, tx.now - LOCK_MS)


def note_found(tx: Transaction, target: str, msisdn: str, is_proven: bool) -> None:
    """Remember a phone that found the row; of an SMS nothing is known."""
    if is_proven:
        row_readers.add(tx, target, msisdn)


def _by(msisdn: str, is_proven: bool) -> str:
    return f"register by {msisdn}" if is_proven else f"register by SMS of {msisdn}"


def _at(target: str, is_proven: bool) -> str:
    return f"register {target}" if is_proven else f"register {target} by SMS"
