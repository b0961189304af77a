"""Cases and their events as rows."""

from __future__ import annotations

from dataclasses import dataclass

from store.transaction import Row, Transaction

COLUMNS = (
    "reference, number, station, kind, topic, place, agency, status, language, msisdn, name, text,"
    " received_at, registered_at, updated_at"
)

SEALED = ("msisdn", "name", "text")


@dataclass(frozen=True)
class CaseRow:
    """One case, its sealed values opened. Times in milliseconds since 1970 UTC."""

    reference: str
    number: int
    station: int
    kind: str
    topic: str
    place: str
    agency: str
    status: str
    language: str
    msisdn: str
    name: str
    text: str
    received_at: int
    registered_at: int | None
    updated_at: int


@dataclass(frozen=True)
class EventRow:
    """One event of a case: what happened, who did it, with which words, when."""

    id: str
    reference: str
    number: int
    kind: str
    actor: str
    text: str
    at: int


def insert(tx: Transaction, case: CaseRow) -> None:
    """Keep a new case."""
    tx.run(
        f"INSERT INTO cases ({COLUMNS}, subscriber) VALUES (:reference, :number, :station, :kind, :topic,"  # noqa: S608
        " :place, :agency, :status, :language, :msisdn, :name, :text, :received_at, :registered_at,"
        " :updated_at, :subscriber)",
        **{
            **case.__dict__,
            "msisdn": tx.seal(case.msisdn, "cases.msisdn", case.reference),
            "name": tx.seal(case.name, "cases.name", case.reference),
            "text": tx.seal(case.text, "cases.text", case.reference),
            "subscriber": tx.keys.lookup(case.msisdn),
        },
    )


def find(tx: Transaction, reference: str) -> CaseRow | None:
    """The case with this reference, or None."""
    row = tx.one(f"SELECT {COLUMNS} FROM cases WHERE reference = :reference", reference=reference)  # noqa: S608
    return None if row is None else _opened(tx, row)


def of_subscriber(tx: Transaction, msisdn: str, limit: int) -> list[CaseRow]:
    """The latest cases filed from this number, newest first."""
    rows = tx.all(
        f"SELECT {COLUMNS} FROM cases WHERE subscriber = :subscriber ORDER BY number DESC LIMIT :limit",  # noqa: S608
        subscriber=tx.keys.lookup(msisdn),
        limit=limit,
    )
    return [_opened(tx, row) for row in rows]


def of_agency(tx: Transaction, agency: str, statuses: tuple[str, ...], after: int, limit: int) -> list[CaseRow]:
    """The agency's cases numbered above `after`, oldest first; with `statuses`, only those in one of them."""
    names = {f"status{index}": status for index, status in enumerate(statuses)}
    among = f" AND status IN ({', '.join(':' + name for name in names)})" if names else ""
    rows = tx.all(
        f"SELECT {COLUMNS} FROM cases WHERE agency = :agency AND number > :after{among}"  # noqa: S608
        " ORDER BY number LIMIT :limit",
        agency=agency,
        after=after,
        limit=limit,
        **names,
    )
    return [_opened(tx, row) for row in rows]


def set_status(tx: Transaction, reference: str, status: str, registered_at: int | None) -> None:
    """Move the case; `registered_at` is kept once it is set."""
    tx.run(
        "UPDATE cases SET status = :status, registered_at = COALESCE(registered_at, :registered_at),"
        " updated_at = :at WHERE reference = :reference",
        status=status,
        registered_at=registered_at,
        at=tx.now,
        reference=reference,
    )


def add_event(tx: Transaction, event_id: str, reference: str, kind: str, actor: str, text: str, at: int) -> bool:
    """Append an event to its case. False when an event with this id is already there."""
    row = tx.one(
        "INSERT INTO events (id, reference, number, kind, actor, text, at) VALUES (:id, :reference,"
        " (SELECT COUNT(*) + 1 FROM events WHERE reference = :reference), :kind, :actor, :text, :at)"
        " ON CONFLICT (id) DO NOTHING RETURNING id",
        id=event_id,
        reference=reference,
        kind=kind,
        actor=actor,
        text=tx.seal(text, "events.text", event_id) if text else None,
        at=at,
    )
    return row is not None


def events_of(tx: Transaction, reference: str) -> list[EventRow]:
    """The history of a case in order."""
    rows = tx.all(
        "SELECT id, reference, number, kind, actor, text, at FROM events WHERE reference = :reference ORDER BY number",
        reference=reference,
    )
    return [EventRow(*(*row[:5], tx.unseal(row[5], "events.text", row[0]) if row[5] else "", row[6])) for row in rows]


def _opened(tx: Transaction, row: Row) -> CaseRow:
    reference = row[0]
    return CaseRow(
        *row[:9],
        *(tx.unseal(row[9 + at], f"cases.{name}", reference) for at, name in enumerate(SEALED)),
        *row[9 + len(SEALED) :],
    )
