"""Backups made and restored as the commands do it."""

import contextlib
import sqlite3
from pathlib import Path
from typing import Any

from msgspec import structs

from sado.cases import reference
from sado.store import Store
from sado.store.backups import backup
from sado.sync import outbox
from sado.sync.codes import Cause, Reason
from tests.support.stations import APPEAL, START_S, Clock, Station, keys_in

HUB, VILLAGE = 1, 7
PEER = outbox.station(VILLAGE)
MADE_AT = int(START_S * 1000)
WHY = Reason(Cause.GATEWAY_SAID_NOTHING)


def make(store: Store, target: Path) -> backup.Contents:
    """A backup of this store, as `sado backup` makes it."""
    with backup.temporary_folder(store.path.parent) as place:
        store.backup(place / "copy.db")
        return backup.make(place / "copy.db", target, store.keys, MADE_AT)


def restore(file: Path, folder: Path) -> backup.Contents:
    """Restore a backup into a station's folder, whatever database is there, as `sado restore --replace` does."""
    return backup.restore(file, folder / "station.db", keys_in(folder), reference.leave_out, Clock())[0]


def restore_as_it_was(file: Path, folder: Path) -> None:
    """Put the database of a backup back without a new life: what `restore` guards against."""
    with (folder / "station.db").open("wb") as database:
        backup.unpack(file, keys_in(folder), database.write)


def file_case(station: Station, text: str = APPEAL.text) -> str:
    """A case filed at this station; its reference."""
    return station.store.write(lambda tx: station.cases.open(tx, structs.replace(APPEAL, text=text))).reference


def query(store: Store, sql: str, **values: Any) -> list[Any]:
    return store.read(lambda tx: tx.all(sql, **values))


def numbers_of(store: Store, table: str) -> list[int]:
    return [number for (number,) in query(store, f"SELECT number FROM {table} ORDER BY number")]


def flip(folder: Path, table: str, column: str, reference: str) -> None:
    """Flip one bit of a sealed value, as a failing disk does."""
    with contextlib.closing(sqlite3.connect(folder / "station.db")) as connection, connection:
        where = (f"SELECT {column} FROM {table} WHERE reference = ?", (reference,))
        value = bytearray(connection.execute(*where).fetchone()[0])
        value[-1] ^= 1
        connection.execute(f"UPDATE {table} SET {column} = ? WHERE reference = ?", (bytes(value), reference))
