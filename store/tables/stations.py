"""The stations that exchange with this one as their upstream: number, shared key, last exchange."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass

from sado.store.transaction import Transaction

KEY = "stations.key"
# By so much an exchange number may jump: a disk that went back years is within it, and whoever has a stolen key cannot
# use up in a year the numbers that the honest station needs (they end below 2^63, sync/wire/varint.py).
LONGEST_JUMP = 1 << 32


@dataclass(frozen=True)
class Station:
    """A downstream station. `exchange` is the highest exchange number accepted from it."""

    number: int
    key: bytes
    exchange: int


@dataclass(frozen=True)
class Served:
    """A downstream station that is reached directly, and the codes of the districts that it serves; none: all. Others
    are reached through a relay."""

    number: int
    districts: frozenset[str]
    is_relay: bool


@dataclass(frozen=True)
class Admitted:
    """A downstream station as its hub knows it: the codes of its districts (none: all), the station through which it is
    reached (its own number: directly), and when it was added and last heard, in milliseconds."""

    number: int
    districts: tuple[str, ...]
    through: int
    added_at: int
    seen_at: int | None


def add(tx: Transaction, number: int, districts: Collection[str] = ()) -> bytes:
    """Admit a station, or give an admitted one a new key; the 32-byte key to hand over. It serves these districts, or
    all. Under a new key the numbers of its exchanges begin again: who stole the old one may have said the highest."""
    key = secrets.token_bytes(32)
    tx.run(
        "INSERT INTO stations (number, key, exchange_number, fetch_number, districts, added_at)"
        " VALUES (:number, :key, 0, 0, :districts, :at)"
        " ON CONFLICT (number) DO UPDATE SET key = excluded.key, districts = excluded.districts,"
        " exchange_number = 0, fetch_number = 0",
        number=number,
        key=tx.seal(key.hex(), KEY, number),
        at=tx.now,
        districts=" ".join(sorted(districts)),
    )
    return key


def rekey(tx: Transaction, number: int) -> bytes | None:
    """Give an admitted station a new key, as `add` does, and leave all else as it is; None for one that is not."""
    key = secrets.token_bytes(32)
    row = tx.one(
        "UPDATE stations SET key = :key, exchange_number = 0, fetch_number = 0 WHERE number = :number RETURNING number",
        number=number,
        key=tx.seal(key.hex(), KEY, number),
    )
    return None if row is None else key


def remove(tx: Transaction, number: int) -> bool:
    """Admit a station no more; False when it was not."""
    return tx.one("DELETE FROM stations WHERE number = :number RETURNING number", number=number) is not None


def served(tx: Transaction) -> list[Served]:
    """The stations that are reached directly: another passes on to those behind it."""
    rows = tx.all(
        "SELECT number, districts, EXISTS"
        " (SELECT 1 FROM stations behind WHERE behind.through = s.number AND behind.number <> s.number)"
        " FROM stations s WHERE through IS NULL OR through = number ORDER BY number"
    )
    return [Served(row[0], frozenset(row[1].split()), bool(row[2])) for row in rows]


def count(tx: Transaction) -> int:
    """How many stations are behind this one, relays and those behind them alike."""
    return int(tx.value("SELECT COUNT(*) FROM stations"))


def ways(tx: Transaction) -> list[tuple[int, int]]:
    """The stations that are reached directly, each with how many speak through it: itself and those behind it."""
    counted = "SELECT COALESCE(through, number) AS way, COUNT(*) FROM stations GROUP BY COALESCE(through, number)"
    return [(int(number), int(count)) for number, count in tx.all(f"{counted} ORDER BY way")]


def every(tx: Transaction) -> list[Admitted]:
    """All stations that are admitted, by number."""
    rows = tx.all("SELECT number, districts, through, added_at, seen_at FROM stations ORDER BY number")
    return [Admitted(row[0], tuple(row[1].split()), row[0] if row[2] is None else row[2], *row[3:]) for row in rows]


def find(tx: Transaction, number: int) -> Station | None:
    """The station with this number, or None."""
    row = tx.one("SELECT number, key, exchange_number FROM stations WHERE number = :number", number=number)
    if row is None:
        return None
    return Station(row[0], bytes.fromhex(tx.unseal(row[1], KEY, number)), row[2])


def through(tx: Transaction, number: int) -> int:
    """The number of the station through which this one is reached: its own, unless it is said otherwise."""
    other = tx.value("SELECT through FROM stations WHERE number = :number", number=number)
    return number if other is None else int(other)


def set_through(tx: Transaction, number: int, other: int) -> None:
    """Let a station be reached through another, which then speaks for it; with its own number, directly again."""
    tx.run(
        "INSERT INTO stations (number, key, exchange_number, fetch_number, districts, added_at, through)"
        " VALUES (:number, :key, 0, 0, '', :at, :other)"
        " ON CONFLICT (number) DO UPDATE SET through = excluded.through",
        number=number,
        key=tx.seal(secrets.token_bytes(32).hex(), KEY, number),
        at=tx.now,
        other=other,
    )


def accept_exchange(tx: Transaction, number: int, exchange: int) -> int | None:
    """Note an exchange number; None when it was noted. When it does not grow, the request is a repeat or comes from a
    disk that went back in time: the highest number that was noted is given back, and nothing changes. So it is with one
    that is ahead by more than LONGEST_JUMP."""
    return _accept(tx, number, "exchange_number", exchange)


def accept_fetch(tx: Transaction, number: int, fetch: int) -> int | None:
    """Note the number of a request for a blob, as `accept_exchange` does: each is answered once."""
    return _accept(tx, number, "fetch_number", fetch)


def _accept(tx: Transaction, number: int, column: str, value: int) -> int | None:
    row = tx.one(
        f"UPDATE stations SET {column} = :value, seen_at = :at"  # noqa: S608
        f" WHERE number = :number AND {column} < :value AND {column} >= :least RETURNING number",
        number=number,
        value=value,
        least=value - LONGEST_JUMP,
        at=tx.now,
    )
    if row is not None:
        return None
    return int(tx.value(f"SELECT {column} FROM stations WHERE number = :number", number=number))  # noqa: S608
