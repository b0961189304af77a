"""One unit of work on the database: rows in and out, sealed values, one moment in time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from sado.store.engines.contract import Connection
from sado.store.errors import DiskError
from sado.store.keys import Keyring

Row = Any


def in_list(name: str, values: Iterable[Any]) -> tuple[str, dict[str, Any]]:
    """SQL for what stands after IN, and the named parameters that it speaks of: for as many values as there are."""
    parameters = {f"{name}{index}": value for index, value in enumerate(values)}
    return f"({', '.join(f':{parameter}' for parameter in parameters) or 'NULL'})", parameters


class Transaction:
    """Handed to a job by `Store.write` and `Store.read`; all that it does is kept or dropped together.

    `now` is the one moment of this work in milliseconds since 1970 UTC, so that rows written together
    carry the same time. `steady` is the same moment by a clock that nobody sets (store/clock.py). A job sets `wipes`
    where what it deletes has to leave the journal too, right after the commit.
    """

    __slots__ = ("_connection", "keys", "now", "steady", "wipes")

    def __init__(self, connection: Connection, keys: Keyring, now: int, steady: int | None = None) -> None:
        self._connection = connection
        self.keys = keys
        self.now = now
        self.steady = now if steady is None else steady
        self.wipes = False

    def run(self, sql: str, **values: Any) -> None:
        """Execute a statement whose rows nobody wants."""
        self._connection.execute(sql, values)

    def one(self, sql: str, **values: Any) -> Row | None:
        """The first row, or None."""
        row: Row | None = self._connection.execute(sql, values).fetchone()
        return row

    def all(self, sql: str, **values: Any) -> list[Row]:
        """Every row."""
        return self._connection.execute(sql, values).fetchall()

    def value(self, sql: str, **values: Any) -> Any:
        """The first column of the first row, or None."""
        row = self.one(sql, **values)
        return None if row is None else row[0]

    def part(self, job: Callable[[], object]) -> Exception | None:
        """Run a part of this work. Where it raises, it alone is undone; its error. What the disk is at fault for is
        raised: then all of this work is undone."""
        failed = None
        self.run("SAVEPOINT part")
        try:
            with self._connection.disk_errors:
                job()
        except DiskError:
            raise
        except Exception as error:
            self.run("ROLLBACK TO part")
            failed = error
        self.run("RELEASE part")
        return failed

    def next_number(self, counter: str) -> int:
        """1, 2, 3 … for each counter, without a gap: a job undone gives its number back."""
        return int(
            self.value(
                "INSERT INTO counters (name, value) VALUES (:name, 1)"
                " ON CONFLICT (name) DO UPDATE SET value = counters.value + 1 RETURNING value",
                name=counter,
            )
        )

    def skip_to(self, counter: str, value: int) -> None:
        """Let the next number of the counter be above `value`; one that is higher already stays."""
        self.run(
            "INSERT INTO counters (name, value) VALUES (:name, :value) ON CONFLICT (name) DO UPDATE SET value ="
            " CASE WHEN counters.value < excluded.value THEN excluded.value ELSE counters.value END",
            name=counter,
            value=value,
        )

    def lookup(self, value: str) -> bytes:
        """What a row is found by (`Keyring.lookup`), also in the middle of an exchange of the keys."""
        return self.rehashed(self.keys.lookup(value, 1)) if self.keys.is_exchanged else self.keys.lookup(value)

    def rehashed(self, hashed: bytes) -> bytes:
        """A keyed hash that was kept outside the tables' own columns, as the row has it now: keys may have been
        exchanged since."""
        if not self.keys.is_exchanged:
            return self.keys.rehashed(hashed)
        ((hashes, target, moved),) = self.all("SELECT hashes, target, moved FROM key_use")
        before = self.keys.rehashed(hashed, hashes)
        return self.keys.rehashed(before, target) if moved is not None and before <= moved else before

    def follow(self, counter: str, said: int, told: int, longest: int) -> None:
        """Let the counter go on behind `told`, which the other side says was the last number that it noted when we said
        `said`. It takes no number that is ahead by more than `longest`, so we go no further at once; and back where we
        are further, which somebody must have lied us into."""
        if said - told > longest:
            self.run("UPDATE counters SET value = :value WHERE name = :name", name=counter, value=told)
        else:
            self.skip_to(counter, min(told, said + longest))

    def seal(self, text: str, column: str, row: object) -> bytes:
        """Encrypt for `column` ("table.column") of the row with this key."""
        return self.keys.seal(text, f"{column}:{row}")

    def unseal(self, sealed: bytes, column: str, row: object) -> str:
        """Decrypt what `seal` made. Raises SealError."""
        return self.keys.unseal(sealed, f"{column}:{row}")

    def seal_bytes(self, content: bytes, column: str, row: object) -> bytes:
        """As `seal`, for what is no text."""
        return self.keys.seal_bytes(content, f"{column}:{row}")

    def unseal_bytes(self, sealed: bytes, column: str, row: object) -> bytes:
        """Decrypt what `seal_bytes` made. Raises SealError."""
        return self.keys.unseal_bytes(sealed, f"{column}:{row}")
