"""Sealed values as the database has them: which are sealed, and what each is bound to."""

from __future__ import annotations

from collections.abc import Sequence

from sado.store.tables import registers

# How the body of a row in a register that is not private begins: it is JSON, and not sealed.
PLAIN = b"{"


def place(column: str, key: Sequence[object]) -> str:
    """What a value in this column ("table.column") of the row with this primary key is bound to."""
    return f"{column}:{' '.join(part.hex() if isinstance(part, bytes) else str(part) for part in key)}"


def is_plain(column: str, value: bytes) -> bool:
    """Whether a value that lies among sealed ones is not sealed itself."""
    return column == registers.BODY and value.startswith(PLAIN)
