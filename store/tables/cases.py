"""Cases and their events as rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from sado.store.transaction import Row, Transaction, in_list

COLUMNS = (
    "reference, number, station, kind, topic, place, agency, status, language, msisdn, name, text,"
    " received_at, registered_at, updated_at, due_at, is_short, extensions, version, is_withdrawn"
)
EVENT_COLUMNS = ", ".join(
    f"events.{name}"
    for name in ("id", "reference", "number", "kind", "actor", "text", "at", "agency", "version", "person")
)

SEALED = ("msisdn", "name", "text")


@dataclass(frozen=True)
class CaseRow:
    """One case, its sealed values opened. Times in milliseconds since 1970 UTC.

    `due_at` is the end of the last day for the answer: None until an agency registered the case, and where no rule
    gives a term. `is_short` and `extensions` say how it came about; they are known where the agency's moves are made.
    `version` counts the moves of the case in the hub's order, as far as they are known here. `is_withdrawn`: the
    resident wants no more notices of it.
    """

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
    due_at: int | None = None
    is_short: bool = False
    extensions: int = 0
    version: int = 0
    is_withdrawn: bool = False


@dataclass(frozen=True)
class EventRow:
    """One event of a case: what happened, who did it, with which words, when; and the agency it was passed on to.
    `version` is that of the case after a move, and 0 for what is none; `person` is who made it."""

    id: str
    reference: str
    number: int
    kind: str
    actor: str
    text: str
    at: int
    agency: str
    version: int = 0
    person: str = ""


def insert(tx: Transaction, case: CaseRow) -> None:
    """Keep a new case."""
    tx.run(
        f"INSERT INTO cases ({COLUMNS}, subscriber, steady_at) VALUES (:reference, :number, :station, :kind, :topic,"  # noqa: S608
        " :place, :agency, :status, :language, :msisdn, :name, :text, :received_at, :registered_at,"
        " :updated_at, :due_at, :is_short, :extensions, :version, :is_withdrawn, :subscriber, :steady_at)",
        **{
            **case.__dict__,
            "msisdn": tx.seal(case.msisdn, "cases.msisdn", case.reference),
            "name": tx.seal(case.name, "cases.name", case.reference),
            "text": tx.seal(case.text, "cases.text", case.reference),
            "subscriber": tx.lookup(case.msisdn),
            "steady_at": tx.steady,
        },
    )


def find(tx: Transaction, reference: str) -> CaseRow | None:
    """The case with this reference, or None."""
    row = tx.one(f"SELECT {COLUMNS} FROM cases WHERE reference = :reference", reference=reference)  # noqa: S608
    return None if row is None else _opened(tx, row)


def of_subscriber(tx: Transaction, subscriber: bytes, limit: int) -> list[CaseRow]:
    """The latest cases filed from the number with this hash, newest first."""
    rows = tx.all(
        f"SELECT {COLUMNS} FROM cases WHERE subscriber = :subscriber ORDER BY number DESC LIMIT :limit",  # noqa: S608
        subscriber=subscriber,
        limit=limit,
    )
    return [_opened(tx, row) for row in rows]


def references_of(tx: Transaction, msisdn: str) -> list[str]:
    """The references of every case filed from this number."""
    rows = tx.all("SELECT reference FROM cases WHERE subscriber = :subscriber", subscriber=tx.lookup(msisdn))
    return [row[0] for row in rows]


def references_after(tx: Transaction, reference: str) -> list[str]:
    """The references of the cases that follow this one, in order."""
    rows = tx.all("SELECT reference FROM cases WHERE reference > :reference ORDER BY reference", reference=reference)
    return [row[0] for row in rows]


def unlink(tx: Transaction, reference: str) -> None:
    """Take the number off a case, for good: no number leads to the case, nor the case to a number."""
    tx.run(
        "UPDATE cases SET msisdn = :msisdn, subscriber = :nobody WHERE reference = :reference",
        msisdn=tx.seal("", "cases.msisdn", reference),
        nobody=b"",
        reference=reference,
    )
    tx.run("DELETE FROM questions WHERE reference = :reference", reference=reference)


def of_agency(tx: Transaction, agency: str, statuses: tuple[str, ...], after: int, limit: int) -> list[CaseRow]:
    """The agency's cases numbered above `after`, oldest first; with `statuses`, only those in one of them."""
    among, parameters = in_list("status", statuses)
    wanted = f" AND status IN {among}" if statuses else ""
    rows = tx.all(
        f"SELECT {COLUMNS} FROM cases WHERE agency = :agency AND number > :after{wanted}"  # noqa: S608
        " ORDER BY number LIMIT :limit",
        agency=agency,
        after=after,
        limit=limit,
        **parameters,
    )
    return [_opened(tx, row) for row in rows]


def late(tx: Transaction, statuses: tuple[str, ...], limit: int) -> list[CaseRow]:
    """The cases in one of these statuses whose last day has passed, the latest of all first."""
    among, parameters = in_list("status", statuses)
    rows = tx.all(
        f"SELECT {COLUMNS} FROM cases WHERE status IN {among} AND due_at < :now"  # noqa: S608
        " ORDER BY due_at, number LIMIT :limit",
        now=tx.now,
        limit=limit,
        **parameters,
    )
    return [_opened(tx, row) for row in rows]


def move(tx: Transaction, case: CaseRow) -> None:
    """Keep where the case now stands: its status, its agency, its term, its version and whether notices are wanted.
    What the resident filed stays as it is."""
    tx.run(
        "UPDATE cases SET status = :status, agency = :agency, registered_at = :registered_at, due_at = :due_at,"
        " is_short = :is_short, extensions = :extensions, updated_at = :updated_at, version = :version,"
        " is_withdrawn = :is_withdrawn, steady_at = :steady_at WHERE reference = :reference",
        status=case.status,
        agency=case.agency,
        registered_at=case.registered_at,
        due_at=case.due_at,
        is_short=case.is_short,
        extensions=case.extensions,
        updated_at=case.updated_at,
        version=case.version,
        is_withdrawn=case.is_withdrawn,
        steady_at=tx.steady,
        reference=case.reference,
    )


def add_event(
    tx: Transaction,
    event_id: str,
    reference: str,
    kind: str,
    actor: str,
    text: str,
    at: int,
    agency: str = "",
    version: int = 0,
    person: str = "",
) -> bool:
    """Append an event to its case. False when an event with this id is already there."""
    row = tx.one(
        "INSERT INTO events (id, reference, number, kind, actor, text, at, agency, version, person)"
        " VALUES (:id, :reference,"
        " (SELECT COUNT(*) + 1 FROM events WHERE reference = :reference), :kind, :actor, :text, :at, :agency,"
        " :version, :person)"
        " ON CONFLICT (id) DO NOTHING RETURNING id",
        id=event_id,
        reference=reference,
        kind=kind,
        actor=actor,
        text=tx.seal(text, "events.text", event_id) if text else None,
        at=at,
        agency=agency,
        version=version,
        person=person,
    )
    return row is not None


def has_event(tx: Transaction, event_id: str) -> bool:
    """Whether an event with this id is here."""
    return tx.one("SELECT 1 FROM events WHERE id = :id", id=event_id) is not None


class HistorySize(NamedTuple):
    """How much is kept of a case: how many entries, and the bytes of their sealed texts."""

    entries: int
    bytes: int


def history_size(tx: Transaction, reference: str) -> HistorySize:
    """How long the history of a case is."""
    counted = "SELECT COUNT(*), COALESCE(SUM(LENGTH(text)), 0) FROM events WHERE reference = :reference"
    (row,) = tx.all(counted, reference=reference)
    return HistorySize(*map(int, row))


def events_of(tx: Transaction, reference: str) -> list[EventRow]:
    """The history of a case in order."""
    rows = tx.all(
        f"SELECT {EVENT_COLUMNS} FROM events WHERE reference = :reference ORDER BY number",  # noqa: S608
        reference=reference,
    )
    return [_event(tx, row) for row in rows]


def moves_since(tx: Transaction, reference: str, version: int) -> list[EventRow]:
    """The moves of a case that came after this version of it, in order."""
    rows = tx.all(
        f"SELECT {EVENT_COLUMNS} FROM events WHERE reference = :reference AND version > :version"  # noqa: S608
        " ORDER BY version, number",
        reference=reference,
        version=version,
    )
    return [_event(tx, row) for row in rows]


def passed_on(tx: Transaction, actors: tuple[str, str], agency: str, limit: int) -> list[EventRow]:
    """The forwards by one of these two actors of cases that the agency does not hold now, latest first."""
    rows = tx.all(
        f"SELECT {EVENT_COLUMNS} FROM events JOIN cases ON cases.reference = events.reference"  # noqa: S608
        " WHERE events.kind = 'forwarded' AND events.actor IN (:actor, :other) AND cases.agency <> :agency"
        " ORDER BY events.at DESC, events.id LIMIT :limit",
        actor=actors[0],
        other=actors[1],
        agency=agency,
        limit=limit,
    )
    return [_event(tx, row) for row in rows]


def _event(tx: Transaction, row: Row) -> EventRow:
    text = tx.unseal(row[5], "events.text", row[0]) if row[5] else ""
    return EventRow(*(*row[:5], text, *row[6:]))


def _opened(tx: Transaction, row: Row) -> CaseRow:
    opened = [tx.unseal(row[9 + at], f"cases.{name}", row[0]) for at, name in enumerate(SEALED)]
    *terms, is_short, extensions, version, is_withdrawn = row[12:]
    return CaseRow(*(*row[:9], *opened, *terms, bool(is_short), extensions, version, bool(is_withdrawn)))
