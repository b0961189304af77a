"""The audit log as rows: a hash chain for each station.

Each row has the hash of the row before it and of all that it says, so none can be changed, taken out or put between
without every hash behind it being another. Where a chain ends is kept beside it (`audit_chains`), so that a tail that
was cut off is missed. A chain of another station goes on here as it came; rows that do not go on from what is here
begin a *branch*, which says how it came about (`Chain.finding`), and both are kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from sado.store.transaction import Transaction

# What stands before the first row.
ROOT = bytes(32)
OWN = 0
# So many rows are written by one statement.
AT_ONCE = 50
COLUMNS = "station, branch, number, at, who, action, object, detail, hash"
CHAIN_COLUMNS = "station, branch, first, before, number, hash, sent, finding, began_at"

# A row as it is verified: its number, its hash, and what is hashed.
Hashed = tuple[int, bytes, tuple[Any, ...]]

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True)
class AuditRow:
    """One row: `who` did the `action` to the `object`, and what there is to say of it. None of these is a telephone
    number, a resident's name or her words. `at` in milliseconds since 1970 UTC."""

    station: int
    branch: int
    number: int
    at: int
    who: str
    action: str
    object: str
    detail: str
    hash: bytes = b""

    @property
    def content(self) -> tuple[Any, ...]:
        """What is hashed behind the hash of the row before."""
        return (self.station, self.number, self.at, self.who, self.action, self.object, self.detail)


@dataclass(frozen=True)
class Chain:
    """Where a chain begins (its first row, the hash before it) and ends. `sent` is how far it was put into the outbox.
    `finding` is empty for one that begins at the beginning; else it says why the branch did not go on from the rows
    that were here, and `began_at` when that was seen."""

    station: int
    branch: int = OWN
    first: int = 1
    before: bytes = ROOT
    number: int = 0
    hash: bytes = ROOT
    sent: int = 0
    finding: str = ""
    began_at: int = 0


def hash_after(before: bytes, content: tuple[Any, ...]) -> bytes:
    """The hash of a row that says this, after the hash `before`. JSON is unambiguous: no two rows are written alike."""
    return hashlib.sha256(before + _encode(content)).digest()


def append(tx: Transaction, station: int, told: Sequence[tuple[str, str, str, str]]) -> None:
    """Write the next rows of this station's own chain: who, action, object and detail of each."""
    chain = find_chain(tx, station, OWN) or Chain(station, began_at=tx.now)
    add(tx, chain, [AuditRow(station, OWN, 0, tx.now, *said) for said in told])


def add(tx: Transaction, chain: Chain, rows: Sequence[AuditRow]) -> Chain:
    """Write these rows behind the chain, numbered and hashed as they follow; the chain as it is then."""
    written = []
    for row in rows:
        number = chain.number + 1
        content = (row.station, number, row.at, row.who, row.action, row.object, row.detail)
        chain = replace(chain, number=number, hash=hash_after(chain.hash, content))
        written.append((row.station, chain.branch, *content[1:], chain.hash))
    for at in range(0, len(written), AT_ONCE):
        _insert(tx, written[at : at + AT_ONCE])
    save_chain(tx, chain)
    return chain


def _insert(tx: Transaction, written: Sequence[tuple[Any, ...]]) -> None:
    """Write rows in one statement: at each the writer would have to wait again for threads that make pages."""
    values = {f"v{at}_{place}": value for at, row in enumerate(written) for place, value in enumerate(row)}
    places = ", ".join(
        f"({', '.join(f':v{at}_{place}' for place in range(len(row)))})" for at, row in enumerate(written)
    )
    tx.run(f"INSERT INTO audit ({COLUMNS}) VALUES {places}", **values)  # noqa: S608


def save_chain(tx: Transaction, chain: Chain) -> None:
    """Keep where a chain ends."""
    tx.run(
        f"INSERT INTO audit_chains ({CHAIN_COLUMNS}) VALUES (:station, :branch, :first, :before, :number,"  # noqa: S608
        " :hash, :sent, :finding, :began_at) ON CONFLICT (station, branch) DO UPDATE SET number = excluded.number,"
        " hash = excluded.hash, sent = excluded.sent, finding = excluded.finding",
        **chain.__dict__,
    )


def find_chain(tx: Transaction, station: int, branch: int) -> Chain | None:
    """This branch of the station's chain, or None."""
    row = tx.one(
        f"SELECT {CHAIN_COLUMNS} FROM audit_chains WHERE station = :station AND branch = :branch",  # noqa: S608
        station=station,
        branch=branch,
    )
    return None if row is None else Chain(*row)


def chains(tx: Transaction, station: int | None = None) -> list[Chain]:
    """Every chain and branch, or those of one station."""
    where = "" if station is None else "WHERE station = :station"
    rows = tx.all(f"SELECT {CHAIN_COLUMNS} FROM audit_chains {where} ORDER BY station, branch", station=station)  # noqa: S608
    return [Chain(*row) for row in rows]


def hash_at(tx: Transaction, station: int, branch: int, number: int) -> bytes:
    """The hash of this row; what stands before the first where there is none."""
    row = "SELECT hash FROM audit WHERE station = :station AND branch = :branch AND number = :number"
    return bytes(tx.value(row, station=station, branch=branch, number=number) or ROOT)


def branch_with(tx: Transaction, station: int, number: int, hashed: bytes) -> int | None:
    """The branch that has this row with this hash, the latest of several; None where none has."""
    branch: int | None = tx.value(
        "SELECT branch FROM audit WHERE station = :station AND number = :number AND hash = :hash"
        " ORDER BY branch DESC LIMIT 1",
        station=station,
        number=number,
        hash=hashed,
    )
    return branch


def after(tx: Transaction, station: int, branch: int, number: int, limit: int) -> list[AuditRow]:
    """The rows of a branch that come after this number, in order."""
    rows = tx.all(
        f"SELECT {COLUMNS} FROM audit WHERE station = :station AND branch = :branch AND number > :number"  # noqa: S608
        " ORDER BY number LIMIT :limit",
        station=station,
        branch=branch,
        number=number,
        limit=limit,
    )
    return [AuditRow(*row) for row in rows]


def contents_after(tx: Transaction, chain: Chain, number: int, limit: int) -> list[Hashed]:
    """The same as (number, hash, what is hashed), for whoever goes through a million."""
    rows = tx.all(
        "SELECT number, hash, station, number, at, who, action, object, detail FROM audit"
        " WHERE station = :station AND branch = :branch AND number > :number ORDER BY number LIMIT :limit",
        station=chain.station,
        branch=chain.branch,
        number=number,
        limit=limit,
    )
    return [(row[0], row[1], row[2:]) for row in rows]


def firsts(tx: Transaction) -> list[tuple[int, int, int]]:
    """(station, branch, first number) of the rows that are here."""
    rows = tx.all("SELECT station, branch, MIN(number) FROM audit GROUP BY station, branch ORDER BY station, branch")
    return [tuple(row) for row in rows]


def listed(
    tx: Transaction, filters: Mapping[str, object], since: int, until: int, skip: int, limit: int
) -> list[AuditRow]:
    """The rows from `since` to before `until` whose columns are as `filters` says, newest first."""
    where = "".join(
        f" AND {column} = :{column}" for column in ("who", "action", "object", "station") if column in filters
    )
    rows = tx.all(
        f"SELECT {COLUMNS} FROM audit WHERE at >= :since AND at < :until{where}"  # noqa: S608
        " ORDER BY at DESC, station, number DESC LIMIT :limit OFFSET :skip",
        since=since,
        until=until,
        limit=limit,
        skip=skip,
        **filters,
    )
    return [AuditRow(*row) for row in rows]


def every_after(tx: Transaction, after: tuple[int, int, int], limit: int) -> list[AuditRow]:
    """The rows of all chains that come after (station, branch, number), in that order."""
    station, branch, number = after
    here = f"SELECT {COLUMNS} FROM audit WHERE station = :station AND branch = :branch AND number > :number"  # noqa: S608
    rows = tx.all(f"{here} ORDER BY number LIMIT :limit", station=station, branch=branch, number=number, limit=limit)
    if rows:
        return [AuditRow(*row) for row in rows]
    following = [first for first in firsts(tx) if first[:2] > (station, branch)]
    return every_after(tx, (*following[0][:2], following[0][2] - 1), limit) if following else []


def last_check(tx: Transaction) -> tuple[int, str] | None:
    """When all chains were last verified, and what was found, as `save_check` was given it; None before the first
    time."""
    row = tx.one("SELECT at, faults FROM audit_checks ORDER BY at DESC LIMIT 1")
    return None if row is None else (row[0], row[1])


def save_check(tx: Transaction, faults: str) -> None:
    """Keep what was found now, in place of what was found before."""
    tx.run("DELETE FROM audit_checks")
    tx.run("INSERT INTO audit_checks (at, faults) VALUES (:at, :faults)", at=tx.now, faults=faults)


def seen_settings(tx: Transaction) -> dict[str, bytes]:
    """The keyed hash of each setting's value as it was at the last start, by name."""
    return {name: bytes(hashed) for hashed, name in tx.all("SELECT hash, name FROM seen_settings")}


def see_settings(tx: Transaction, seen: Mapping[str, bytes]) -> None:
    """Keep these in their place."""
    tx.run("DELETE FROM seen_settings")
    for name, hashed in seen.items():
        tx.run("INSERT INTO seen_settings (hash, name) VALUES (:hash, :name)", hash=hashed, name=name)
