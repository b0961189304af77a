"""The rate limit of filing: what comes faster than residents file waits or is asked to confirm, and nothing is refused.

A number files so many cases in a day; the next waits until a day has passed since the first of them. By SMS that is
counted apart: an SMS can be sent in anybody's name, and must not make her telephone wait.

Against many SIMs at once, a station files as many in an hour as are usual there. Each beyond that asks for a digit that
is drawn at random and shown: a resident types it, a program that dials blindly does not know it. What arrives from each
station, and from all together, is counted too, and whoever watches the hub is told.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable

from sado.store import Transaction
from sado.store.tables import attempts, stations
from sado.store.zone_time import DAY_MS, HOUR_MS
from sado.sync import outbox

# Somebody may file for a whole street.
MOST_A_DAY = 10
# A village whose water failed stays below it.
USUAL_PER_HOUR = 200
# 0 goes back, and 1 and 2 are what whoever dials ahead types anyway.
DIGITS = "3456789"

_FILED, _ARRIVED = "filed here", "cases from"


def _drawn() -> str:
    return secrets.choice(DIGITS)


class FilingRate:
    """The rate limit of one station, where `per_hour` filings are usual; `draw` gives the digit to be typed."""

    def __init__(self, per_hour: int = USUAL_PER_HOUR, draw: Callable[[], str] = _drawn) -> None:
        self.per_hour = per_hour
        self.draw = draw

    def waits_until(self, tx: Transaction, msisdn: str, is_proven: bool) -> int | None:
        """From when this number may file again, in milliseconds since 1970 UTC; None: now."""
        what = _by(msisdn, is_proven)
        if attempts.count(tx, what, tx.now - DAY_MS) < MOST_A_DAY:
            return None
        return attempts.began(tx, what) + DAY_MS

    def asks(self, tx: Transaction) -> bool:
        """Whether a filing is to be confirmed: this hour has had as many here as are usual."""
        return attempts.count(tx, _FILED, tx.now - HOUR_MS) >= self.per_hour

    def is_flooded(self, tx: Transaction) -> bool:
        """Whether more cases came this hour than is usual for this station and those behind it together, or from one
        of them than is usual for that one and those behind it."""
        usual = {"": 1 + stations.count(tx)} | {outbox.station(number): n for number, n in stations.ways(tx)}
        since = tx.now - HOUR_MS
        return any(attempts.count(tx, f"{_ARRIVED} {peer}", since) > self.per_hour * n for peer, n in usual.items())

    def note(self, tx: Transaction, msisdn: str, is_proven: bool) -> None:
        """Count a case that was filed here."""
        attempts.add(tx, _by(msisdn, is_proven), tx.now - DAY_MS)
        attempts.add(tx, _FILED, tx.now - HOUR_MS)
        self.note_arrival(tx)

    def note_arrival(self, tx: Transaction, peer: str = "") -> None:
        """Count a case that was filed here, or came from this peer."""
        for source in {"", peer}:
            attempts.add(tx, f"{_ARRIVED} {source}", tx.now - HOUR_MS)


def _by(msisdn: str, is_proven: bool) -> str:
    return f"filed by {msisdn}" if is_proven else f"filed by SMS of {msisdn}"
