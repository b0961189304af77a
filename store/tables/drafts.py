"""Half-written forms. Each hop of a form keeps all that was answered so far, until it is filed or given up."""

from __future__ import annotations

from dataclasses import dataclass

from sado.store.transaction import Row, Transaction

STATE = "drafts.state"


@dataclass(frozen=True)
class Draft:
    """One unfinished form; `state` is the channel's business. Times in milliseconds since 1970 UTC."""

    id: int
    state: str
    started_at: int
    updated_at: int


def save(tx: Transaction, draft: int, msisdn: str, state: str) -> int:
    """Keep the state of a form of this phone: a new one when `draft` is 0. Its number."""
    number = draft or tx.next_number("drafts")
    tx.run(
        "INSERT INTO drafts (id, subscriber, state, started_at, updated_at)"
        " VALUES (:id, :subscriber, :state, :at, :at)"
        " ON CONFLICT (id) DO UPDATE SET state = excluded.state, updated_at = excluded.updated_at",
        id=number,
        subscriber=tx.lookup(msisdn),
        state=tx.seal(state, STATE, number),
        at=tx.now,
    )
    return number


def of(tx: Transaction, msisdn: str) -> list[Draft]:
    """The unfinished forms of this phone, the latest first."""
    rows = tx.all(
        "SELECT id, state, started_at, updated_at FROM drafts WHERE subscriber = :subscriber"
        " ORDER BY updated_at DESC, id DESC",
        subscriber=tx.lookup(msisdn),
    )
    return [_opened(tx, row) for row in rows]


def listed(tx: Transaction, limit: int) -> list[Draft]:
    """The unfinished forms of this station, the latest touched first."""
    rows = tx.all(
        "SELECT id, state, started_at, updated_at FROM drafts ORDER BY updated_at DESC, id DESC LIMIT :limit",
        limit=limit,
    )
    return [_opened(tx, row) for row in rows]


def is_kept(tx: Transaction, draft: int) -> bool:
    """Whether the form is still unfinished: neither filed nor given up."""
    return tx.one("SELECT id FROM drafts WHERE id = :id", id=draft) is not None


def delete(tx: Transaction, draft: int) -> None:
    """The form was filed or given up."""
    tx.run("DELETE FROM drafts WHERE id = :id", id=draft)


def count(tx: Transaction) -> int:
    """How many forms are unfinished."""
    return int(tx.value("SELECT COUNT(*) FROM drafts"))


def forget(tx: Transaction, before: int) -> int:
    """Delete the forms that nobody went on with since `before`; how many."""
    return len(tx.all("DELETE FROM drafts WHERE updated_at < :before RETURNING id", before=before))


def _opened(tx: Transaction, row: Row) -> Draft:
    return Draft(row[0], tx.unseal(row[1], STATE, row[0]), row[2], row[3])
