"""Exchanging the keys of a station that serves: first the keyed hashes, then the sealed values, a few in each
transaction, so that a hop waits for some milliseconds at most.

The new key is in the key file before the database knows it, and the database knows it before anything needs it; the old
ones stay in the file. So a kill at any moment leaves a station that opens, and goes on where it was. The hashes are
taken in their order and the last one is noted with them: a lookup compares with it and knows which key to use
(`Transaction.lookup`). Each sealed value says itself which key it has.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from sado.store.engine import Store
from sado.store.engines.contract import Table
from sado.store.errors import KeyFileError, SealError, StoreError
from sado.store.keys import Keyring
from sado.store.sealed_values import PLAIN, place
from sado.store.tables import keys as rows
from sado.store.transaction import Transaction

# So many hashes or values are exchanged in one transaction, for which a hop may have to wait.
STEP = 50


@dataclass(frozen=True)
class Progress:
    """How far the exchange to the newest key has come. `waits` says that the hashes wait for an announcement."""

    key: int
    is_whole: bool
    hashes_percent: int
    columns_done: int
    columns: int
    waits: bool


class Rotation:
    """Brings everything to a new key, one step at a time, whoever asks. `rests` tells of work that goes by the order of
    the hashes, such as telling all subscribers something: they stay as they are until it is done."""

    def __init__(self, store: Store, rests: Callable[[Transaction], bool] = lambda tx: False) -> None:
        self._store = store
        self._rests = rests
        self._columns_done = 0
        self._values: Iterator[None] | None = None
        self._one_at_a_time = threading.Lock()

    def begin(self, key_file: Path) -> None:
        """Mint a key and begin to exchange the old one for it. Raises KeyFileError when the key file cannot be
        written, and StoreError while an exchange goes on."""
        with self._one_at_a_time:
            if not self._use().is_whole(self._store.keys.current):
                raise StoreError("The keys are being exchanged already: `sado keys status` tells how far it is.")
            keys = self._store.keys.with_another()
            try:
                keys.save(key_file)
            except OSError as error:
                raise KeyFileError(f"{key_file} cannot be written ({error.strerror}); nothing was changed.") from None
            self._store.keys.take(keys)
            self._store.write(rows.note)

    def step(self, most_s: float = 0.0) -> None:
        """Exchange what is left, and begin no transaction after `most_s` seconds."""
        ends_at = time.monotonic() + most_s
        with self._one_at_a_time:
            while self._one_step(self._use()) and time.monotonic() < ends_at:
                pass

    def progress(self) -> Progress:
        """How far it is."""
        use, newest, waits = self._use(), self._store.keys.current, self._store.read(self._rests)
        columns, is_whole = sum(len(table.sealed) for table in self._store.tables()), use.is_whole(newest)
        is_moved, done = use.hashes == newest, columns if is_whole else self._columns_done
        percent = 100 if is_moved else _percent(use.moved)
        return Progress(newest, is_whole, percent, done, columns, waits and not is_moved)

    def _use(self) -> rows.Use:
        return self._store.read(rows.use)

    def _one_step(self, use: rows.Use) -> bool:
        """Some hashes, or else some values; whether to go on at once."""
        newest = self._store.keys.current
        if use.hashes != newest:
            tables = self._store.tables()
            if self._store.write(lambda tx: not self._rests(tx) and _move(tx, tables)):
                return True
        if use.sealed == newest:
            return False
        if self._values is None:
            self._values = self._reseal()
        if next(self._values, self) is self:
            self._values = None
            self._store.write(lambda tx: rows.set_sealed(tx, newest))
        return True

    def _reseal(self) -> Iterator[None]:
        """Every value that has an older key, in steps."""
        self._columns_done = 0
        for table in self._store.tables():
            for column in table.sealed:
                after: tuple[Any, ...] | None = None
                while found := self._store.read(partial(_older, table=table, column=column, after=after)):
                    self._renew(table, column, found)
                    after = tuple(found[-1][:-1])
                    yield
                self._columns_done += 1

    def _renew(self, table: Table, column: str, found: list[Any]) -> None:
        """Seal these values anew. One that was written meanwhile has the new key already and is left."""
        keys, name = self._store.keys, f"{table.name}.{column}"
        where = " AND ".join(f"{part} = :k{at}" for at, part in enumerate(table.key))
        update = f"UPDATE {table.name} SET {column} = :new WHERE {where} AND {column} = :old"  # noqa: S608
        values = [
            {"new": _bound(keys, old, place(name, key), place(name, key)), "old": old, **_named(key)}
            for *key, old in found
        ]

        def job(tx: Transaction) -> None:
            for each in values:
                tx.run(update, **each)

        self._store.write(job)


def _older(tx: Transaction, *, table: Table, column: str, after: tuple[Any, ...] | None) -> list[Any]:
    """The next values of a column, each behind its row's primary key, that have another key than the newest."""
    key = ", ".join(table.key)
    beyond = f" AND ({key}) > ({', '.join(f':k{at}' for at in range(len(table.key)))})" if after is not None else ""
    return tx.all(
        f"SELECT {key}, {column} FROM {table.name} WHERE substr({column}, 1, 1) NOT IN (:current, :plain){beyond}"  # noqa: S608
        f" ORDER BY {key} LIMIT :limit",
        current=bytes([tx.keys.current]),
        plain=PLAIN,
        limit=STEP,
        **_named(after or ()),
    )


def _move(tx: Transaction, tables: list[Table]) -> bool:
    """Make the next hashes anew, in every column that has them: True."""
    use = rows.use(tx)
    # The id of its key is the first byte of a hash: so those that have to be moved lie together.
    target = tx.keys.current if use.moved is None else use.target
    after, top = use.moved or bytes([use.hashes]), bytes([use.hashes + 1])
    columns = [(table, column) for table in tables for column in table.hashed]
    ends = [_last_of_step(tx, table, column, after, top) for table, column in columns]
    last = min((end for end in ends if end is not None), default=None)
    for table, column in columns:
        _move_column(tx, table, column, (after, last or top), target)
    if last is None:
        rows.set_moved(tx, target)
    else:
        rows.set_moving(tx, target, last)
    return True


def _last_of_step(tx: Transaction, table: Table, column: str, after: bytes, top: bytes) -> bytes | None:
    """The hash that a step through this column ends with; None where it has fewer left."""
    end: bytes | None = tx.value(
        f"SELECT {column} FROM {table.name} WHERE {column} > :after AND {column} < :top"  # noqa: S608
        f" ORDER BY {column} LIMIT 1 OFFSET :step",
        after=after,
        top=top,
        step=STEP - 1,
    )
    return end


def _move_column(tx: Transaction, table: Table, column: str, between: tuple[bytes, bytes], target: int) -> None:
    """Make the hashes of this column anew that follow the first of these, up to the last. Where a hash is a row's
    primary key, what is sealed in the row is bound to it and is sealed anew."""
    sealed = table.sealed if table.key == (column,) else ()
    found = tx.all(
        f"SELECT DISTINCT {', '.join((column, *sealed))} FROM {table.name}"  # noqa: S608
        f" WHERE {column} > :after AND {column} <= :last",
        after=between[0],
        last=between[1],
    )
    sets = ", ".join(f"{name} = :new_{name}" for name in (column, *sealed))
    for old, *values in found:
        new = tx.keys.rehashed(old, target)
        changed: dict[str, Any] = {f"new_{column}": new, "old": old}
        for name, value in zip(sealed, values, strict=True):
            where = f"{table.name}.{name}"
            changed[f"new_{name}"] = _bound(tx.keys, value, place(where, [old]), place(where, [new]))
        tx.run(f"UPDATE {table.name} SET {sets} WHERE {column} = :old", **changed)  # noqa: S608


def _bound(keys: Keyring, value: bytes, old: str, new: str) -> bytes:
    """The value bound to its new place. One that does not open stays as it is: a backup tells of it."""
    try:
        return keys.seal_bytes(keys.unseal_bytes(value, old), new)
    except SealError:
        return value


def _percent(moved: bytes | None) -> int:
    """How many of the hashes lie up to this one: what follows the id of the key is spread evenly."""
    return int.from_bytes((moved or b"")[1:3].ljust(2, b"\0")) * 100 // 0x10000


def _named(key: Any) -> dict[str, Any]:
    return {f"k{at}": part for at, part in enumerate(key)}
