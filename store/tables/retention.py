"""Cases that are over: which are due, made nameless, and deleted. The rules are in cases/retention.py."""

from __future__ import annotations

from dataclasses import dataclass

from sado.store.tables import deletions, received_events
from sado.store.tables import outbox as entries
from sado.store.tables.outbox import EMPTY
from sado.store.transaction import Transaction, in_list


@dataclass(frozen=True)
class Ended:
    """Cases of one kind in one of these statuses that were not moved since `before`, nor since `steady_before` by the
    clock that nobody sets: one that was set forward makes none of them old. A request that is not decided keeps a case.
    """

    kind: str
    statuses: tuple[str, ...]
    before: int
    steady_before: int


WHERE = (
    "kind = :kind AND status IN {} AND updated_at < :before AND steady_at < :steady_before AND NOT EXISTS"
    " (SELECT 1 FROM requests WHERE requests.reference = cases.reference AND outcome IN ('waiting', 'hard'))"
)


def ended(tx: Transaction, which: Ended, limit: int, *, named: bool) -> list[tuple[str, int]]:
    """(reference, when it was moved last) of such cases, oldest first; only those that have names if `named`."""
    where, values = _where(which)
    only = " AND nameless_at IS NULL" if named else ""
    rows = tx.all(
        f"SELECT reference, updated_at FROM cases WHERE {where}{only} ORDER BY updated_at, reference LIMIT :limit",  # noqa: S608
        **values,
        limit=limit,
    )
    return [(row[0], row[1]) for row in rows]


def count(tx: Transaction, which: Ended, *, named: bool) -> int:
    """How many such cases there are."""
    where, values = _where(which)
    only = " AND nameless_at IS NULL" if named else ""
    return int(tx.value(f"SELECT COUNT(*) FROM cases WHERE {where}{only}", **values))  # noqa: S608


def make_nameless(tx: Transaction, reference: str) -> None:
    """Delete the number, name and texts of a case, and every word of its history: what is left is counted."""
    tx.run(
        "UPDATE cases SET msisdn = :msisdn, name = :name, text = :text, subscriber = :nobody, nameless_at = :now"
        " WHERE reference = :reference",
        **{name: tx.seal("", f"cases.{name}", reference) for name in ("msisdn", "name", "text")},
        nobody=b"",
        now=tx.now,
        reference=reference,
    )
    for table in ("events", "requests"):
        tx.run(f"UPDATE {table} SET text = NULL WHERE reference = :reference", reference=reference)  # noqa: S608
    _leave_nothing(tx, reference)


def delete(tx: Transaction, reference: str) -> None:
    """Delete a case with all that is kept of it, but that there was one: an event about it may still come."""
    _leave_nothing(tx, reference)
    for table in ("events", "requests", "pins", "cases"):
        tx.run(f"DELETE FROM {table} WHERE reference = :reference", reference=reference)  # noqa: S608
    tx.run("UPDATE deliveries SET reference = '' WHERE reference = :reference", reference=reference)
    tx.run(
        "INSERT INTO deleted_cases (reference, at) VALUES (:reference, :at) ON CONFLICT (reference) DO NOTHING",
        reference=reference,
        at=tx.steady,
    )


def was_deleted(tx: Transaction, reference: str) -> bool:
    """Whether there was a case with this reference, and its time was over."""
    return tx.one("SELECT 1 FROM deleted_cases WHERE reference = :reference", reference=reference) is not None


def is_nameless(tx: Transaction, reference: str) -> bool:
    """Whether the words of this case were deleted because its time was over."""
    at = tx.value("SELECT nameless_at FROM cases WHERE reference = :reference", reference=reference)
    return at is not None


def forget(tx: Transaction, before: int) -> None:
    """Delete which cases were deleted before this moment by the clock that nobody sets: no event about them is on its
    way any more."""
    tx.run("DELETE FROM deleted_cases WHERE at < :before", before=before)


def _where(which: Ended) -> tuple[str, dict[str, object]]:
    among, values = in_list("status", which.statuses)
    known = {"kind": which.kind, "before": which.before, "steady_before": which.steady_before}
    return WHERE.format(among), {**values, **known}


def _leave_nothing(tx: Transaction, reference: str) -> None:
    """Delete what lies elsewhere about the case. An event that a peer has not yet keeps its number, without words."""
    tx.run("DELETE FROM questions WHERE reference = :reference", reference=reference)
    tx.run("DELETE FROM quarantine WHERE reference = :reference", reference=reference)
    tx.run("DELETE FROM outbox WHERE reference = :reference AND hash IS NULL", reference=reference)
    for (entry,) in tx.all(
        "SELECT id FROM outbox WHERE reference = :reference AND state = 'acked'", reference=reference
    ):
        entries.rewrite(tx, entry, EMPTY)
    if tx.one("SELECT 1 FROM received_events WHERE reference = :reference", reference=reference):
        received_events.forget_all(tx)
    deletions.wipe(tx)
