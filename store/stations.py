"""The stations that exchange with this one as their upstream: number, shared key, last exchange."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from store.transaction import Transaction

KEY = "stations.key"


@dataclass(frozen=True)
class Station:
    """A downstream station. `exchange` is the highest exchange number accepted from it."""

    number: int
    key: bytes
    exchange: int
    seen_at: int | None


def add(tx: Transaction, number: int) -> bytes:
    """Admit a station, or give an admitted one a new key; the 32-byte key to hand over."""
    key = secrets.token_bytes(32)
    tx.run(
        "INSERT INTO stations (number, key, exchange, added_at) VALUES (:number, :key, 0, :at)"
        " ON CONFLICT (number) DO UPDATE SET key = excluded.key",
        number=number,
        key=tx.seal(key.hex(), KEY, number),
        at=tx.now,
    )
    return key


def find(tx: Transaction, number: int) -> Station | None:
    """The station with this number, or None."""
    row = tx.one("SELECT number, key, exchange, seen_at FROM stations WHERE number = :number", number=number)
    if row is None:
        return None
    return Station(row[0], bytes.fromhex(tx.unseal(row[1], KEY, number)), row[2], row[3])


def accept_exchange(tx: Transaction, number: int, exchange: int) -> bool:
    """Note an exchange number. False when it does not grow: the request is a repeat."""
    row = tx.one(
        "UPDATE stations SET exchange = :exchange, seen_at = :at WHERE number = :number AND exchange < :exchange"
        " RETURNING number",
        number=number,
        exchange=exchange,
        at=tx.now,
    )
    return row is not None
