"""Every sealed value of a database, opened once: the way to find a bit that flipped on the disk.

What an engine checks by itself is the order of the pages and hardly what is in them. What was sealed opens only as it
was written. The columns that are not sealed (times, statuses, agencies) are not guarded so."""

from __future__ import annotations

from collections import Counter

from sado.store.engines.contract import Connection
from sado.store.errors import SealError
from sado.store.keys import Keyring
from sado.store.sealed_values import is_plain, place


def unreadable(connection: Connection, keys: Keyring) -> dict[str, int]:
    """How many values of each sealed column do not open; empty when all do."""
    closed: Counter[str] = Counter()
    for table in connection.tables():
        for column in table.sealed:
            names = ", ".join((*table.key, column))
            rows = connection.execute(f"SELECT {names} FROM {table.name} WHERE {column} IS NOT NULL")  # noqa: S608
            closed[f"{table.name}.{column}"] = sum(not _opens(keys, f"{table.name}.{column}", *row) for row in rows)
    return {column: count for column, count in closed.items() if count}


def _opens(keys: Keyring, column: str, *row: object) -> bool:
    *names, value = row
    if not isinstance(value, bytes):
        return False
    if is_plain(column, value):
        return True
    try:
        keys.unseal_bytes(value, place(column, names))
    except SealError:
        return False
    return True
