"""Every value of a store, and what it says to one who has the keys."""

import contextlib
from collections.abc import Iterator

from sado.store import Store
from sado.store.engines.sqlite import SQLite
from sado.store.errors import SealError


def values(store: Store) -> Iterator[tuple[str, object, str | None]]:
    """Each value with its column ("table.column") and the text that was sealed in it, None where none was."""
    with contextlib.closing(SQLite(store.path).reader()) as connection:
        for table in connection.tables():
            columns = [name for (name,) in connection.execute(f"SELECT name FROM pragma_table_info('{table.name}')")]
            for row in connection.execute(f"SELECT * FROM {table.name}"):
                named = dict(zip(columns, row, strict=True))
                key = " ".join(_written(named[column]) for column in table.key)
                for column, value in named.items():
                    yield f"{table.name}.{column}", value, _unsealed(store, value, f"{table.name}.{column}:{key}")


def _written(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


def _unsealed(store: Store, value: object, place: str) -> str | None:
    try:
        return store.keys.unseal_bytes(value, place).decode(errors="replace") if isinstance(value, bytes) else None
    except SealError:
        return None
