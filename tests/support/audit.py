"""The audit log of a station, written to and tampered with."""

from sado.cases import audit, audit_check
from sado.cases.audit import Action
from sado.cases.audit_check import Wrong
from sado.store import Store, Transaction
from sado.store.tables import audit as rows
from sado.store.tables.audit import AuditRow

WHO = audit.person("zarina")


def write(store: Store, count: int = 1, who: str = WHO, action: Action = Action.CASE_READ) -> None:
    """So many rows, about as many cases."""

    def job(tx: Transaction) -> None:
        for number in range(count):
            audit.record(tx, who, action, f"case {number}")

    store.write(job)


def log(store: Store, station: int = 7, branch: int = 0) -> list[AuditRow]:
    """The rows of a chain in order."""
    return store.read(lambda tx: rows.after(tx, station, branch, 0, 10_000))


def said(store: Store) -> list[tuple[str, str, str, str]]:
    """Who did what to what, and what there is to say of it, in order, of the station's own log."""
    return [(row.who, row.action, row.object, row.detail) for row in log(store)]


def faults(store: Store) -> list[tuple[int, int, Wrong]]:
    """Station, row and fault of all that does not verify."""
    return [(fault.station, fault.number, fault.wrong) for fault in audit_check.verify(store)]


def forge(store: Store, sql: str, **values: object) -> None:
    """What somebody does who has the database."""
    store.write(lambda tx: tx.run(sql, **values))


def rewrite(store: Store, number: int, who: str, station: int = 7) -> None:
    """Let another have done what this row tells of, and make every hash anew, and the end that is remembered."""

    def job(tx: Transaction) -> None:
        tx.run(
            "UPDATE audit SET who = :who WHERE number = :number AND station = :station",
            who=who,
            number=number,
            station=station,
        )
        hashed = rows.ROOT
        for row in rows.after(tx, station, 0, 0, 10_000):
            hashed = rows.hash_after(hashed, row.content)
            tx.run(
                "UPDATE audit SET hash = :hash WHERE number = :number AND station = :station",
                hash=hashed,
                number=row.number,
                station=station,
            )
        tx.run("UPDATE audit_chains SET hash = :hash WHERE station = :station", hash=hashed, station=station)

    store.write(job)
