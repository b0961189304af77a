"""The store: one file, one writer, many readers."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from sado.store import migrations
from sado.store.clock import SteadyClock
from sado.store.engines import sqlite
from sado.store.keys import Keyring
from sado.store.transaction import Connection, Transaction
from sado.store.writer import Writer

Result = TypeVar("Result")
Clock = Callable[[], float]
MAX_GROUP = 256


class Store:
    """A station's database. `write` runs a job in a transaction that is on disk when it returns; `read` runs
    one that only looks. `clock` gives seconds since 1970 and is passed in so that a test can set the time."""

    def __init__(self, path: Path, keys: Keyring, clock: Clock = time.time, max_group: int = MAX_GROUP) -> None:
        """Open `path`, brought to this release's schema. Raises NewerSchemaError or another StoreError."""
        self.path = path
        self.keys = keys
        self._clock = clock
        self._engine = sqlite.SQLite(path)
        self._connection = self._engine.writer()
        migrations.apply(self._connection, path)
        self.clock = SteadyClock(self._connection)
        self._writer = Writer(self._connection, self._begin, sqlite.BEGIN, max_group)
        self._idle_readers: list[Connection] = []

    def write(self, job: Callable[[Transaction], Result]) -> Result:
        """Run `job` and return its result once its effects are on disk. A job that raises leaves nothing."""
        try:
            result: Result = self._writer.run(job)
        except sqlite.AnyError as error:
            raise sqlite.told(error) from error
        return result

    def read(self, job: Callable[[Transaction], Result]) -> Result:
        """Run `job` on one unchanging view of the data; it cannot write."""
        connection = self._reader()
        connection.execute("BEGIN")
        try:
            return job(self._begin(connection))
        except sqlite.AnyError as error:
            raise sqlite.told(error) from error
        finally:
            with contextlib.suppress(sqlite.AnyError):  # A disk that fails may have ended it.
                connection.execute("ROLLBACK")
            self._idle_readers.append(connection)

    def backup(self, target: Path) -> None:
        """Write a checked copy of the whole database to `target` while serving. Raises StoreError."""
        with contextlib.closing(self._engine.reader()) as reader:
            sqlite.copy(reader, target)

    def close(self) -> None:
        """Finish the queued jobs and close the file; the readers first, so that the writer checkpoints last."""
        self._writer.close()
        for reader in self._idle_readers:
            reader.close()  # type: ignore[attr-defined]
        self._connection.close()

    def now(self) -> int:
        """Milliseconds since 1970 UTC."""
        return int(self._clock() * 1000)

    def _begin(self, connection: Connection) -> Transaction:
        now = self.now()
        return Transaction(connection, self.keys, now, now - self.clock.steps_ms)

    def _reader(self) -> Connection:
        """One that nobody reads with now: as many are opened as read at once, not one for each thread, since each keeps
        the schema and a cache of its own."""
        try:
            return self._idle_readers.pop()
        except IndexError:
            return self._engine.reader()
