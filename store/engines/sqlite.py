"""SQLite: all that differs from another engine, in one file.

WAL with `synchronous=FULL`: in emulated power cuts WAL+NORMAL lost acknowledged rows in two runs of three,
WAL+FULL in none (tests/store/test_power_cut.py). Only the writer's connection checkpoints: SQLite before
3.51.3 can corrupt a WAL when two connections checkpoint at the same instant, so readers are query-only.
"""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from sado.store.errors import StoreError

BEGIN = "BEGIN IMMEDIATE"
BUSY_TIMEOUT_MS = 5000
CACHE_KIB = 256
# Ends a CREATE TABLE whose rows lie in the order of their key. Without it a hidden number tells in which order they
# came.
IN_KEY_ORDER = " WITHOUT ROWID"

# The disk is full, fails or has damaged a page: nothing was kept. The same work may succeed later, or once a person has
# mended the disk; a job that is at fault itself raises another.
DiskError = sqlite3.OperationalError
AnyError = sqlite3.DatabaseError
DAMAGED = "The database is damaged ({}): stop the station, check the disk, restore the last backup (docs/backup.md)."


def told(error: AnyError) -> AnyError:
    """The error for those outside: a DiskError also where the file is damaged."""
    return DiskError(DAMAGED.format(error)) if _is_damage(error) else error


def is_of_disk(error: Exception) -> bool:
    """Whether the disk is at fault, and not the job."""
    return isinstance(error, DiskError) or _is_damage(error)


def _is_damage(error: Exception) -> bool:
    """Whether the file is damaged: SQLite has no class of its own for that, only the one above all."""
    return type(error) is sqlite3.DatabaseError


class SQLite:
    """Opens connections to one database file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def writer(self) -> sqlite3.Connection:
        """The one connection that writes. It may be used by the writer thread after another opened it."""
        connection = self._connect()
        mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        if mode != "wal":
            raise StoreError(f"{self.path} cannot be kept in WAL mode; put it on a local disk.")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        # What a resident has deleted is overwritten, not only unlinked from its page.
        connection.execute("PRAGMA secure_delete = ON")
        return connection

    def reader(self) -> sqlite3.Connection:
        """A connection that can only look."""
        connection = self._connect()
        connection.execute("PRAGMA query_only = ON")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        return connection

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
        connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        connection.execute("PRAGMA trusted_schema = OFF")
        return connection


def copy(source: sqlite3.Connection, target: Path) -> None:
    """Copy a live database to `target` by SQLite's backup API and check the copy.

    Raises StoreError if the copy does not pass `integrity_check`; `target` is then removed."""
    with contextlib.closing(sqlite3.connect(target)) as copied:
        source.backup(copied)
        verdict = _verdict(copied)
    if verdict != "ok":
        target.unlink()
        raise StoreError(f"The copy is damaged ({verdict}): check the disk and run the backup again.")


def look(path: Path) -> sqlite3.Connection:
    """A connection to a database that no process serves, only to look."""
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    connection.execute("PRAGMA trusted_schema = OFF")
    return connection


def _verdict(copied: sqlite3.Connection) -> str:
    """What `integrity_check` says; a file in such a state that it fails has a verdict too."""
    try:
        copied.execute("PRAGMA journal_mode = DELETE")
        return str(copied.execute("PRAGMA integrity_check").fetchone()[0])
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError as error:
        return str(error)
