"""What the store asks of a database. An engine is a file beside this one, and knows nothing of what is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

# A whole number that a column holds is no larger.
LARGEST = 2**63 - 1


@dataclass(frozen=True)
class Table:
    """A table as it is in the database: the columns of its key in order, and those whose type is SEALED_BLOB or
    HASH_BLOB."""

    name: str
    key: tuple[str, ...]
    sealed: tuple[str, ...]
    hashed: tuple[str, ...]


class Cursor(Protocol):
    """What a statement gives back."""

    def fetchone(self) -> Any:
        """The next row, or None."""

    def __iter__(self) -> Iterator[Any]:
        """The rows, one after another."""
        ...

    def fetchall(self) -> list[Any]:
        """The rows that are left."""
        ...


class Connection(Protocol):
    """One connection, for one piece of work at a time. A statement has named parameters (`:name`).

    `disk_errors` is entered around a transaction: DiskError is raised where the disk is at fault, and what the work
    itself is at fault for as it is."""

    @property
    def disk_errors(self) -> AbstractContextManager[None]:
        """See above."""
        ...

    def execute(self, sql: str, parameters: Mapping[str, Any] = ..., /) -> Cursor:
        """Run one statement. Raises the driver's own errors, since a hop runs many; see `disk_errors`."""
        ...

    def begin(self) -> None:
        """Begin a transaction; on the connection that writes, one that no other can come between."""

    def commit(self) -> None:
        """Have all that was done since `begin` on the disk."""

    def rollback(self) -> None:
        """Undo all that was done since `begin`. Raises nothing: what fails has undone it already."""

    def close(self) -> None:
        """Give the connection up."""

    def empty_journal(self) -> bool:
        """Leave no copy of what was deleted in the journal, between two transactions. False where somebody reads from
        it still; nobody is waited for."""
        ...

    def rewrite(self) -> None:
        """Write the whole database anew, between two transactions: without copies of rows that were moved and then
        deleted. It takes as much room again while it runs."""
        ...

    def damage(self) -> str:
        """What the engine's own check finds wrong with the database; empty when it finds nothing."""
        ...

    def tables(self) -> list[Table]:
        """Every table, by name."""
        ...

    def applied(self) -> list[str]:
        """The names of the migrations that this database went through, in order."""
        ...

    def migrate(self, migrations: Sequence[Migration]) -> None:
        """Run those of the migrations that were not applied, each in a transaction together with its record."""


Migration = Callable[[Connection], None]
