"""The store: one file, one writer, many readers."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from sado.store import migrations
from sado.store.clock import SteadyClock
from sado.store.engines.contract import Connection, Table
from sado.store.engines.sqlite import SQLite
from sado.store.keys import Keyring
from sado.store.tables import deletions
from sado.store.tables import keys as key_rows
from sado.store.transaction import Transaction
from sado.store.writer import Writer

Result = TypeVar("Result")
Clock = Callable[[], float]
MAX_GROUP = 256


class Store:
    """A station's database. `write` runs a job in a transaction that is on disk when it returns; `read` runs
    one that only looks. `clock` gives seconds since 1970 and is passed in so that a test can set the time."""

    def __init__(self, path: Path, keys: Keyring, clock: Clock = time.time, max_group: int = MAX_GROUP) -> None:
        """Open `path`, brought to this release's schema. Raises StoreError, or DiskError; of the
        former KeyFileError where the keys are not those of this database."""
        self.path = path
        self.keys = keys
        self._clock = clock
        self._engine = SQLite(path)
        self._connection = self._engine.writer()
        with self._connection.disk_errors:
            migrations.apply(self._connection, migrations.MIGRATIONS)
            self.clock = SteadyClock(self._connection)
            self._fit_keys()
        # A kill may have come between a deletion and this, which follows it.
        self._connection.empty_journal()
        self._writer = Writer(self._connection, self._begin, max_group)
        self._idle_readers: list[Connection] = []

    def write(self, job: Callable[[Transaction], Result]) -> Result:
        """Run `job` and return its result once its effects are on disk. A job that raises leaves nothing."""
        with self._connection.disk_errors:
            result: Result = self._writer.run(job)
        return result

    def submit(self, job: Callable[[Transaction], object]) -> Callable[[], object]:
        """Hand `job` to the writer, and go on meanwhile; what is returned waits until its effects are on disk, and
        raises what `write` would. Raises StoreClosedError."""
        submission = self._writer.submit(job)

        def wait() -> object:
            with self._connection.disk_errors:
                return submission.wait()

        return wait

    def read(self, job: Callable[[Transaction], Result]) -> Result:
        """Run `job` on one unchanging view of the data; it cannot write."""
        connection = self._reader()
        with connection.disk_errors:
            connection.begin()
            try:
                return job(self._begin(connection))
            finally:
                connection.rollback()
                self._idle_readers.append(connection)

    def rewrite(self) -> None:
        """Write the file anew where something was deleted since it was last: what SQLite left of it in other pages goes
        too. Phones wait meanwhile, so it is for the night. Raises DiskError."""
        if counted := self.read(deletions.count):
            with self._connection.disk_errors:
                self._writer.rewrite()
            self.write(lambda tx: deletions.note_rewritten(tx, counted))

    def backup(self, target: Path) -> None:
        """Write a checked copy of the whole database to `target` while serving. Raises DiskError or StoreError."""
        self._engine.copy(target)

    def close(self) -> None:
        """Finish the queued jobs and close the file; the readers first, so that the writer checkpoints last."""
        self._writer.close()
        for reader in self._idle_readers:
            reader.close()
        self._connection.close()

    def now(self) -> int:
        """Milliseconds since 1970 UTC."""
        return int(self._clock() * 1000)

    def tables(self) -> list[Table]:
        """Every table, as it is in the database."""
        connection = self._reader()
        with connection.disk_errors:
            try:
                return connection.tables()
            finally:
                self._idle_readers.append(connection)

    def _fit_keys(self) -> None:
        """See that the keys are those of this database, before anything is read or sealed with them. A kill may have
        come between a new key and its row. Raises KeyFileError."""
        tx = self._begin(self._connection)
        key_rows.check(tx)
        if not key_rows.are_noted(tx):
            self._connection.begin()
            key_rows.note(tx)
            self._connection.commit()
        self.keys.is_exchanged |= key_rows.use(tx).hashes != self.keys.current

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
