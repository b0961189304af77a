"""What the line carried: bytes up and down for each day, destination and purpose; and "sync now", which lifts limits.

A handful of small rows a day, kept for good: a bill may be doubted a year later. A day is written as 2026-11-23, by the
country's clock; whoever writes says which day it is.
"""

from __future__ import annotations

from dataclasses import dataclass

from sado.store.transaction import Transaction

URGENT, NORMAL, BULK = "urgent", "normal", "bulk"
# Exchanges that carried no event; menus and registers; attempts to reach a line that was down.
IDLE, BLOBS, PROBE = "idle", "blobs", "probe"
PURPOSES = (URGENT, NORMAL, BULK, BLOBS, IDLE, PROBE)
LIFTED = "sync now"


@dataclass(frozen=True)
class Spent:
    """Bytes that left and bytes that came, for one purpose."""

    purpose: str
    up: int
    down: int

    @property
    def total(self) -> int:
        """Both ways together, as a tariff counts them."""
        return self.up + self.down


def add(tx: Transaction, day: str, destination: str, purpose: str, up: int, down: int) -> None:
    """Count bytes that the line to this destination carried on this day."""
    if up or down:
        tx.run(
            "INSERT INTO traffic (destination, day, purpose, up, down)"
            " VALUES (:destination, :day, :purpose, :up, :down)"
            " ON CONFLICT (destination, day, purpose) DO UPDATE SET up = traffic.up + excluded.up,"
            " down = traffic.down + excluded.down",
            destination=destination,
            day=day,
            purpose=purpose,
            up=up,
            down=down,
        )


def spent(tx: Transaction, destination: str, first: str, last: str) -> list[Spent]:
    """What the days from `first` to `last` took, both included, for each purpose that took anything."""
    rows = tx.all(
        "SELECT purpose, SUM(up), SUM(down) FROM traffic WHERE destination = :destination"
        " AND day BETWEEN :first AND :last GROUP BY purpose",
        destination=destination,
        first=first,
        last=last,
    )
    by_purpose = {purpose: Spent(purpose, int(up), int(down)) for purpose, up, down in rows}
    return [by_purpose[purpose] for purpose in PURPOSES if purpose in by_purpose]


def total(tx: Transaction, destination: str, first: str, last: str) -> int:
    """What the days from `first` to `last` took in all, both included, in bytes."""
    return sum(purpose.total for purpose in spent(tx, destination, first, last))


def lift(tx: Transaction) -> None:
    """Somebody said "sync now": from now on no limit holds anything back, until `end_lift`."""
    tx.run(
        "INSERT INTO counters (name, value) VALUES (:name, :now)"
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        name=LIFTED,
        now=tx.now,
    )


def lifted_at(tx: Transaction) -> int:
    """When the limits were lifted, in milliseconds since 1970 UTC; 0 while they hold."""
    return int(tx.value("SELECT value FROM counters WHERE name = :name", name=LIFTED) or 0)


def end_lift(tx: Transaction) -> None:
    """Nothing waits any more: the limits hold again."""
    tx.run("DELETE FROM counters WHERE name = :name", name=LIFTED)
