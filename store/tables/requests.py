"""Requests as rows: what stations ask to become of a case, and what the hub made of each.

A station keeps what was asked at it and below it, the hub what came to it. The rules are in cases/requests.py.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sado.store.tables.cases import HistorySize
from sado.store.transaction import Row, Transaction, in_list

TEXT = "requests.text"
COLUMNS = "id, reference, station, kind, text, agency, is_short, actor, base, at, outcome, version, person"
WAITING, HARD = "waiting", "hard"


@dataclass(frozen=True)
class RequestRow:
    """One request: who (`actor`) asked at which `station` for which move, and when, in milliseconds since 1970 UTC.

    `agency` is where a case is to be passed on to. `base` is the version of the case that its author saw; `outcome`
    is `waiting` until the hub has decided. `version` is that of the case after the move that came of it, 0 where none
    did. `person` is who asked for the actor."""

    id: str
    reference: str
    station: int
    kind: str
    text: str
    agency: str
    is_short: bool
    actor: str
    base: int
    at: int
    outcome: str = WAITING
    version: int = 0
    person: str = ""


def add(tx: Transaction, request: RequestRow) -> bool:
    """Keep a request. False, and nothing changes, when it is here already."""
    row = tx.one(
        f"INSERT INTO requests ({COLUMNS}, number) VALUES (:id, :reference, :station, :kind, :text, :agency,"  # noqa: S608
        " :is_short, :actor, :base, :at, :outcome, :version, :person, :number) ON CONFLICT (id) DO NOTHING"
        " RETURNING id",
        **{
            **request.__dict__,
            "text": tx.seal(request.text, TEXT, request.id) if request.text else None,
            "number": tx.next_number("requests"),
        },
    )
    return row is not None


def find(tx: Transaction, request_id: str) -> RequestRow | None:
    """The request with this id, or None."""
    row = tx.one(f"SELECT {COLUMNS} FROM requests WHERE id = :id", id=request_id)  # noqa: S608
    return None if row is None else _opened(tx, row)


def settle(tx: Transaction, request_id: str, outcome: str, version: int = 0) -> None:
    """Keep what became of a request."""
    tx.run(
        "UPDATE requests SET outcome = :outcome, version = :version WHERE id = :id",
        id=request_id,
        outcome=outcome,
        version=version,
    )


def of_case(tx: Transaction, reference: str) -> list[RequestRow]:
    """The requests about one case, in the order in which they came."""
    rows = tx.all(
        f"SELECT {COLUMNS} FROM requests WHERE reference = :reference ORDER BY number",  # noqa: S608
        reference=reference,
    )
    return [_opened(tx, row) for row in rows]


def history_size(tx: Transaction, reference: str) -> HistorySize:
    """How many requests there are about one case, and how long they are."""
    counted = "SELECT COUNT(*), COALESCE(SUM(LENGTH(text)), 0) FROM requests WHERE reference = :reference"
    (row,) = tx.all(counted, reference=reference)
    return HistorySize(*map(int, row))


def waiting(tx: Transaction, reference: str) -> list[RequestRow]:
    """The requests about one case that the hub has not decided, in order."""
    return [request for request in of_case(tx, reference) if request.outcome == WAITING]


def hard(tx: Transaction, limit: int) -> list[RequestRow]:
    """The requests that a person has to decide, the oldest first."""
    rows = tx.all(
        f"SELECT {COLUMNS} FROM requests WHERE outcome = 'hard' ORDER BY number LIMIT :limit",  # noqa: S608
        limit=limit,
    )
    return [_opened(tx, row) for row in rows]


def open_among(tx: Transaction, references: Collection[str]) -> dict[str, str]:
    """Of these cases, those with a request that is not decided: its outcome so far, `hard` before `waiting`."""
    among, parameters = in_list("reference", references)
    rows = tx.all(
        "SELECT reference, MIN(outcome) FROM requests WHERE outcome IN ('waiting', 'hard')"  # noqa: S608
        f" AND reference IN {among} GROUP BY reference",
        **parameters,
    )
    return dict(rows)


def _opened(tx: Transaction, row: Row) -> RequestRow:
    text = tx.unseal(row[4], TEXT, row[0]) if row[4] else ""
    return RequestRow(*(*row[:4], text, row[5], bool(row[6]), *row[7:]))
