"""Snapshots of a station's database for another disk, and the way back from one.

A backup is made of a checked copy, sealed (store/backups/file_format.py), and read back before it gets its name. A
restored database begins a new life: under the old incarnation it would give numbers and ids again that others already
know.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import TypeVar

import msgspec
from filelock import FileLock

from sado.store import migrations
from sado.store.backups import file_format, verify
from sado.store.durable import folder_to_disk, private_file, to_disk
from sado.store.engine import Clock, Store
from sado.store.engines.contract import Connection
from sado.store.engines.sqlite import FILES, WAL, SQLite
from sado.store.errors import BackupError, StoreError
from sado.store.keys import Keyring
from sado.store.tables import identity, lane_events, lanes, sign_ins
from sado.store.transaction import Transaction

Result = TypeVar("Result")
PIECE = 1 << 18
LENGTH_BYTES = 4
TEMPORARY = "sado-work-"


class LaneEnd(msgspec.Struct, frozen=True):
    """Where a lane to a peer ends: its last number and the rolling hash there, under this incarnation."""

    peer: str
    incarnation: str
    lane: str
    numbered: int
    hash: str


class Contents(msgspec.Struct, frozen=True):
    """What a backup says of the database in it. `rows` counts those of each table, `made_at` is in milliseconds since
    1970 UTC."""

    station: int
    made_at: int
    size: int
    sha256: str
    rows: dict[str, int]
    lane_ends: list[LaneEnd]


@contextmanager
def temporary_folder(folder: Path) -> Iterator[Path]:
    """A folder inside `folder` for files that only their owner may read. It is removed at the end; after a kill, by
    the next `temporary_folder` or `recover` there."""
    _remove_left(folder)
    made = Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=folder))
    with FileLock(made / "lock"):
        try:
            yield made
        finally:
            shutil.rmtree(made)


def _remove_left(folder: Path) -> None:
    """Remove the temporary folders whose process is gone."""
    for left in folder.glob(f"{TEMPORARY}*"):
        # One that is in use is locked, or belongs to somebody else.
        with contextlib.suppress(OSError), FileLock(left / "lock", timeout=0):
            shutil.rmtree(left)


def make(copy: Path, target: Path, keys: Keyring, made_at: int, kept_until: int = 0) -> Contents:
    """Make a backup of `copy`, a database that nobody serves, into `target`; what is in it. It says of itself until
    when it is kept.

    Every sealed value is opened once before. The file gets its name after it was read back whole from the disk. Raises
    BackupError when a value does not open, when what was read back differs, and for a target that exists."""
    contents = _contents(copy, keys, made_at)
    part = target.with_name(f"{target.name}.part")
    try:
        with private_file(part) as file:
            label = file_format.Label(contents.station, made_at, kept_until)
            file_format.write(file, keys, label, _pieces(contents, copy))
        _read_back(part, keys, contents)
        if target.exists():
            raise BackupError(f"{target} exists; a backup never writes over a file.")
        part.rename(target)
    finally:
        part.unlink(missing_ok=True)
    folder_to_disk(target.parent)
    return contents


def unpack(path: Path, keys: Keyring, write_piece: Callable[[bytes], object]) -> Contents:
    """Hand the database in a backup on, piece by piece. Raises BackupError or KeyFileError: what was handed on before
    is then worth nothing."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        pieces = file_format.read(file, keys)
        contents, begun = _first(pieces)
        for piece in chain([begun], pieces):
            digest.update(piece)
            write_piece(piece)
    if digest.hexdigest() != contents.sha256:
        raise BackupError(f"{path} does not hold what it says: take another backup.")
    return contents


def restore(
    path: Path, database: Path, keys: Keyring, renew: Callable[[Transaction], Result], clock: Clock = time.time
) -> tuple[Contents, Result]:
    """Put the database of a backup in the place of `database`, in a new life; what it holds, and what `renew` says.

    All is done beside the old database, in one transaction: a new incarnation of the station, new numbers for all
    events that are kept for other stations (a peer knows by their ids which it has), nobody signed in, and `renew`, for
    what has to change besides. Then the new file takes its place, and an old one is moved aside. A kill or a power cut
    leaves the old database, or the new one once `recover` was called.

    Raises BackupError or KeyFileError, and then has changed nothing."""
    with temporary_folder(database.parent) as folder:
        restored = folder / database.name
        contents = _unpacked(path, keys, restored)
        store = Store(restored, keys, clock)
        try:
            result = store.write(lambda tx: _begin_anew(tx, renew))
        finally:
            store.close()
        if restored.with_name(f"{restored.name}{WAL}").exists():
            raise BackupError(f"The disk of {database.parent} did not take the new database: make room and try again.")
        with restored.open("rb+") as file:
            to_disk(file)
        restored.rename(_next(database))
        folder_to_disk(database.parent)
    recover(database)
    return contents, result


def recover(database: Path) -> None:
    """Finish what a kill left half done: remove copies, and give a restored database its place. For the process that
    holds the station's folder, before it opens the database. Raises StoreError."""
    restored = _next(database)
    if restored.exists():
        _move_aside(database, restored.stat().st_mtime)
        restored.rename(database)
        folder_to_disk(database.parent)
    _remove_left(database.parent)


def _next(database: Path) -> Path:
    """A restored database that waits for its place."""
    return database.with_name(f"{database.name}.restored")


def _move_aside(database: Path, at: float) -> None:
    """Move the files of a database into a folder with this date (seconds since 1970 UTC). Nothing is ever deleted."""
    aside = database.with_name(f"replaced-{datetime.fromtimestamp(at):%Y-%m-%d-%H%M%S}")
    for name in (f"{database.name}{part}" for part in FILES):
        if not (old := database.with_name(name)).exists():
            continue
        if (aside / name).exists():
            raise StoreError(f"{aside / name} exists already: move that folder elsewhere and run this again.")
        aside.mkdir(mode=0o700, exist_ok=True)
        old.rename(aside / name)
        folder_to_disk(aside)
    folder_to_disk(database.parent)


def _begin_anew(tx: Transaction, renew: Callable[[Transaction], Result]) -> Result:
    identity.renew(tx)
    sign_ins.end_everybodys(tx)
    for peer in lanes.peers(tx):
        lane_events.renew(tx, peer.name)
    return renew(tx)


def _unpacked(path: Path, keys: Keyring, copy: Path) -> Contents:
    """Unpack a backup into `copy` and check it against what it says of itself."""
    with os.fdopen(os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        contents = unpack(path, keys, file.write)
    if _contents(copy, keys, contents.made_at) != contents:
        raise BackupError(f"{path} does not hold what it says: take another backup.")
    return contents


def _contents(copy: Path, keys: Keyring, made_at: int) -> Contents:
    """Look a database over. Raises BackupError when it is damaged."""
    with copy.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    with contextlib.closing(SQLite(copy).read_only()) as connection, connection.disk_errors:
        return _checked(connection, keys, made_at, copy.stat().st_size, digest)


WHAT_NOW = "the disk is failing. Keep the last good backup, and restore it on another disk (docs/backup.md)."


def _checked(connection: Connection, keys: Keyring, made_at: int, size: int, digest: str) -> Contents:
    if damage := connection.damage():
        raise BackupError(f"The copy is damaged ({damage}): {WHAT_NOW}")
    migrations.check(connection, migrations.MIGRATIONS)
    if closed := verify.unreadable(connection, keys):
        values = ", ".join(f"{count} of {column}" for column, count in closed.items())
        raise BackupError(f"Values that were sealed do not open ({values}). Where the key file is right, {WHAT_NOW}")
    tx = Transaction(connection, keys, made_at)
    station = identity.find(tx)
    if station is None:
        raise BackupError("This database has no station number. Run `sado init --station NUMBER`.")
    return Contents(station.number, made_at, size, digest, _counts(connection), lane_ends(tx))


def lane_ends(tx: Transaction) -> list[LaneEnd]:
    """Where each lane to each peer ends."""
    rows = tx.all(
        "SELECT p.name, p.ours, l.lane, l.numbered, l.numbered_hash FROM lanes l JOIN peers p ON p.name = l.peer"
        " ORDER BY p.name, l.lane"
    )
    return [LaneEnd(peer, ours.hex(), lane, number, rolling.hex()) for peer, ours, lane, number, rolling in rows]


def _counts(connection: Connection) -> dict[str, int]:
    names = [table.name for table in connection.tables()]
    return {name: int(connection.execute(f"SELECT COUNT(*) FROM {name}").fetchone()[0]) for name in names}  # noqa: S608


def _pieces(contents: Contents, copy: Path) -> Iterator[bytes]:
    """What is sealed: the length of the contents, the contents (JSON), and the database."""
    encoded = msgspec.json.encode(contents)
    yield len(encoded).to_bytes(LENGTH_BYTES) + encoded
    with copy.open("rb") as file:
        while piece := file.read(PIECE):
            yield piece


def _first(pieces: Iterator[bytes]) -> tuple[Contents, bytes]:
    """The contents, and the beginning of the database that came in the same piece."""
    begun, length = b"", LENGTH_BYTES
    while len(begun) < length:
        begun += next(pieces)
        if len(begun) >= LENGTH_BYTES:
            length = LENGTH_BYTES + int.from_bytes(begun[:LENGTH_BYTES])
    return msgspec.json.decode(begun[LENGTH_BYTES:length], type=Contents), begun[length:]


def _read_back(part: Path, keys: Keyring, contents: Contents) -> None:
    try:
        kept = unpack(part, keys, lambda piece: None)
    except StoreError as error:
        raise BackupError(f"{part.parent} did not keep what was written: use another disk. ({error})") from error
    if kept != contents:
        raise BackupError(f"{part.parent} did not keep what was written: use another disk.")
