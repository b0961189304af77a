"""SQLite: all that differs from another engine, in one file.

WAL with `synchronous=FULL`: in emulated power cuts WAL+NORMAL lost acknowledged rows in two runs of three,
WAL+FULL in none (tests/store/test_power_cut.py). Only the writer's connection checkpoints: SQLite before
3.51.3 can corrupt a WAL when two connections checkpoint at the same instant, so readers are query-only.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from sado.store.engines.contract import Migration, Table
from sado.store.errors import DiskError, StoreError

BUSY_TIMEOUT_MS = 5000
CACHE_KIB = 256
MIGRATION_SET = "sado"
# The endings of the files that one database has.
WAL = "-wal"
FILES = ("", WAL, "-shm")
SEALED_TYPE, HASH_TYPE = "SEALED_BLOB", "HASH_BLOB"
DAMAGED = "The database is damaged ({}): stop the station, check the disk, restore the last backup (docs/backup.md)."


class _DiskErrors(contextlib.ContextDecorator):
    """Raises DiskError for what the disk is at fault for. For a damaged file SQLite has no class of its own, only the
    one above all."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if isinstance(error, sqlite3.OperationalError):
            raise DiskError(str(error)) from error
        if kind is sqlite3.DatabaseError:
            raise DiskError(DAMAGED.format(error)) from error


DISK_ERRORS = _DiskErrors()


class Connection:
    """A connection to one file (store/engines/contract.py). `execute` is the driver's own: a wrapper would cost every
    statement of a hop, so its errors are looked at by `disk_errors`, once for a transaction."""

    disk_errors = DISK_ERRORS

    def __init__(self, driver: sqlite3.Connection, begin: str = "BEGIN") -> None:
        self.execute = driver.execute
        self.driver = driver
        self._begin = begin

    def begin(self) -> None:
        """Begin a transaction."""
        self.execute(self._begin)

    def commit(self) -> None:
        """Flush the WAL to the disk."""
        self.execute("COMMIT")

    def rollback(self) -> None:
        """Undo the transaction; a disk that fails may have ended it."""
        with contextlib.suppress(Exception):
            self.execute("ROLLBACK")

    def empty_journal(self) -> bool:
        """Checkpoint the WAL and cut it to nothing. False where a reader needs it still."""
        self.execute("PRAGMA busy_timeout = 0")
        try:
            is_busy = self.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        except sqlite3.OperationalError:
            # A full disk: the next transaction tells of it.
            is_busy = True
        finally:
            self.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        return not is_busy

    def rewrite(self) -> None:
        """VACUUM, and its journal emptied."""
        self.execute("VACUUM")
        self.empty_journal()

    def close(self) -> None:
        """Close the file."""
        self.driver.close()

    def damage(self) -> str:
        """What `integrity_check` says; a file in such a state that it fails has damage too."""
        try:
            verdict = str(self.execute("PRAGMA integrity_check").fetchone()[0])
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError as error:
            return str(error)
        return "" if verdict == "ok" else verdict

    def tables(self) -> list[Table]:
        """Every table, by name."""
        names = self.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall()
        return [self._table(name) for (name,) in names]

    def _table(self, name: str) -> Table:
        columns = self.execute(f"SELECT pk, name, type FROM pragma_table_info('{name}')").fetchall()  # noqa: S608
        key = tuple(column for place, column, _ in sorted(columns) if place)
        sealed, hashed = (
            tuple(name for _, name, kind in columns if kind == wanted) for wanted in (SEALED_TYPE, HASH_TYPE)
        )
        return Table(name, key, sealed, hashed)

    def applied(self) -> list[str]:
        """The migrations in the order of their numbers, as sqlite-utils keeps them."""
        if self.execute("SELECT 1 FROM sqlite_master WHERE name = '_sqlite_migrations'").fetchone() is None:
            return []
        names = "SELECT name FROM _sqlite_migrations WHERE migration_set = :name ORDER BY name"
        return [name for (name,) in self.execute(names, {"name": MIGRATION_SET}).fetchall()]

    def migrate(self, migrations: Sequence[Migration]) -> None:
        """sqlite-utils runs them. It is loaded only here: it costs a small box 3 MB."""
        from sqlite_utils import Database
        from sqlite_utils.migrations import Migrations

        registered = Migrations(MIGRATION_SET)
        for migration in migrations:
            registered(name=migration.__name__)(lambda _, migration=migration: migration(self))
        registered.apply(Database(self.driver))


class SQLite:
    """Opens connections to one database file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @DISK_ERRORS
    def writer(self) -> Connection:
        """The one connection that writes. It may be used by the writer thread after another opened it."""
        driver = self._connect()
        mode = driver.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        if mode != "wal":
            raise StoreError(f"{self.path} cannot be kept in WAL mode; put it on a local disk.")
        driver.execute("PRAGMA synchronous = FULL")
        driver.execute("PRAGMA foreign_keys = ON")
        # What a resident has deleted is overwritten, not only unlinked from its page: without it a quarter of what was
        # deleted is still in the file. With it, 2 of 5,760 values were, where SQLite had moved rows to another page and
        # left copies; those go with the next night's `rewrite`.
        driver.execute("PRAGMA secure_delete = ON")
        return Connection(driver, "BEGIN IMMEDIATE")

    @DISK_ERRORS
    def reader(self) -> Connection:
        """A connection that can only look."""
        driver = self._connect()
        driver.execute("PRAGMA query_only = ON")
        driver.execute("PRAGMA wal_autocheckpoint = 0")
        return Connection(driver)

    @DISK_ERRORS
    def read_only(self) -> Connection:
        """A connection that can only look, to a database that no process serves."""
        driver = sqlite3.connect(f"{self.path.absolute().as_uri()}?mode=ro", uri=True)
        driver.execute("PRAGMA trusted_schema = OFF")
        return Connection(driver)

    @DISK_ERRORS
    def copy(self, target: Path) -> None:
        """Copy the live database to `target` by SQLite's backup API and check the copy.

        Raises DiskError, and StoreError if the copy is not sound; `target` is then removed."""
        with contextlib.closing(sqlite3.connect(target)) as copied:
            with contextlib.closing(self.reader()) as source:
                source.driver.backup(copied)
            damage = Connection(copied).damage()
            if not damage:
                copied.execute("PRAGMA journal_mode = DELETE")
        if damage:
            target.unlink()
            raise StoreError(f"The copy is damaged ({damage}): check the disk and run the backup again.")

    def _connect(self) -> sqlite3.Connection:
        driver = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
        driver.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        driver.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        driver.execute("PRAGMA trusted_schema = OFF")
        return driver
