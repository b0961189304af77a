"""PINs: four digits that open a case from any phone.

A PIN is derived from its reference and how often it was renewed, with the station's key of then, so nothing about it is
stored but that number and which key. Four digits could be found from any stored hash in moments, and only the key
outside the database keeps them.

Wrong PINs lock whoever typed them: a phone after three in a day, whatever cases it tried. Against many phones at once
a case, and the whole station, take so many in all; then strangers wait. The phone that filed needs no PIN and is
never asked here, so nobody can lock it out. Guesses by SMS are counted apart and lock SMS alone: one can be sent in
anybody's name, and must not lock her telephone.
"""

from __future__ import annotations

from itertools import count

from sado.store import Transaction
from sado.store.tables import attempts
from sado.store.tables import pins as rows
from sado.store.zone_time import HOUR_MS

LENGTH = 4
# What the pack's words tell: three wrong tries.
MISSES_ALLOWED = 3
# With ten thousand PINs one case is then opened by chance once in five hundred days of guessing by many phones, or in
# half of that if they write SMS too.
MISSES_ALLOWED_PER_CASE = 20
# In an hour, by all phones at all cases: more than residents mistype. Who keeps at it finds a case in a week.
MISSES_ALLOWED_PER_STATION = 60
LOCK_MS, STATION_LOCK_MS = 24 * HOUR_MS, HOUR_MS
# Nothing tells that a PIN is none of these; they are what is tried first.
_EASY = frozenset(
    [f"{number:04}" for number in range(10)]
    + [str(digit) * LENGTH for digit in range(10)]
    + [run[at : at + LENGTH] for run in ("0123456789", "9876543210") for at in range(7)]
)


def pin_of(tx: Transaction, reference: str) -> str:
    """The PIN of this case."""
    return _derived(tx, reference, *rows.find(tx, reference))


def first(tx: Transaction, reference: str) -> str:
    """The PIN of a new case, of the key now in use: who had an older one does not know it. Of the first key nothing is
    kept."""
    if tx.keys.current > 1:
        rows.save(tx, reference, 0, tx.keys.current)
    return pin_of(tx, reference)


def renew(tx: Transaction, reference: str) -> str:
    """Another PIN for this case; the one before opens nothing any more. Who may ask for it: `access.new_pin`."""
    old, (now, _), key = pin_of(tx, reference), rows.find(tx, reference), tx.keys.current
    number = next(number for number in count(now + 1) if _derived(tx, reference, number, key) != old)
    rows.save(tx, reference, number, key)
    return _derived(tx, reference, number, key)


def is_locked(tx: Transaction, reference: str, msisdn: str, is_proven: bool) -> bool:
    """Whether this phone has missed too often in the last 24 hours, or all phones together at this reference, or at
    this station in the last hour. It is asked and counted the same for a reference that does not exist, so that a lock
    does not tell which ones do."""
    return any(
        attempts.count(tx, what, since) >= most for what, since, most in _limits(tx, reference, msisdn, is_proven)
    )


def note_miss(tx: Transaction, reference: str, msisdn: str, is_proven: bool) -> None:
    """Count a wrong PIN against the phone, the reference and the station."""
    for what, since, _ in _limits(tx, reference, msisdn, is_proven):
        attempts.add(tx, what, since)


def _limits(tx: Transaction, reference: str, msisdn: str, is_proven: bool) -> tuple[tuple[str, int, int], ...]:
    """What is counted, since when, and how many it takes."""
    day, by = tx.now - LOCK_MS, "" if is_proven else " by SMS"
    return (
        (f"msisdn {msisdn}{by}", day, MISSES_ALLOWED),
        (f"reference {reference}{by}", day, MISSES_ALLOWED_PER_CASE),
        (f"all PINs{by}", tx.now - STATION_LOCK_MS, MISSES_ALLOWED_PER_STATION),
    )


def _derived(tx: Transaction, reference: str, generation: int, key: int) -> str:
    """The first of a row of derived PINs that is not easy to guess."""
    name = f"{reference} {generation}" if generation else reference
    row = (_digits(tx, f"{name} {again}" if again else name, key) for again in count())
    return next(pin for pin in row if pin not in _EASY)


def _digits(tx: Transaction, name: str, key: int) -> str:
    return f"{int.from_bytes(tx.keys.digest('pin', name, key)[:8], 'big') % 10**LENGTH:0{LENGTH}}"
