"""Every sealed value of a database, opened once: the way to find a bit that flipped on the disk.

SQLite's `integrity_check` looks at the order of the pages and hardly at what is in them. What was sealed opens only
as it was written. The columns that are not sealed (times, statuses, agencies) are not guarded so."""

from __future__ import annotations

import sqlite3
from collections import Counter

from sado.store.errors import SealError
from sado.store.keys import Keyring
from sado.store.tables import (
    blobs,
    drafts,
    outbox,
    received_events,
    registers,
    requests,
    sessions,
    stations,
    subscribers,
)

# For each sealed column its rows: what names the row, and the value last.
COLUMNS = {
    "cases.msisdn": "SELECT reference, msisdn FROM cases",
    "cases.name": "SELECT reference, name FROM cases",
    "cases.text": "SELECT reference, text FROM cases",
    "events.text": "SELECT id, text FROM events WHERE text IS NOT NULL",
    outbox.BODY: "SELECT id, body FROM outbox",
    received_events.BODY: "SELECT peer, number, body FROM heard",
    "quarantine.body": "SELECT id, body FROM quarantine",
    stations.KEY: "SELECT number, key FROM stations",
    subscribers.MSISDN: "SELECT hash, msisdn FROM subscribers",
    sessions.STATE: "SELECT id, state FROM sessions",
    drafts.STATE: "SELECT id, state FROM drafts",
    registers.BODY: "SELECT register, id, body FROM register_rows",
    requests.TEXT: "SELECT id, text FROM requests WHERE text IS NOT NULL",
    blobs.PIECE: "SELECT hash, number, content FROM blob_pieces",
    blobs.RANGE: "SELECT name, start, content FROM blob_ranges",
}
# How the body of a row in a register that is not private begins: it is JSON, and not sealed.
PLAIN = b"{"


def unreadable(connection: sqlite3.Connection, keys: Keyring) -> dict[str, int]:
    """How many values of each sealed column do not open; empty when all do."""
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    closed: Counter[str] = Counter()
    for column, rows in COLUMNS.items():
        if column.partition(".")[0] in tables:
            closed[column] += sum(not _opens(keys, column, *row) for row in connection.execute(rows))
    return {column: count for column, count in closed.items() if count}


def _opens(keys: Keyring, column: str, *row: object) -> bool:
    *names, value = row
    if not isinstance(value, bytes):
        return False
    if column == registers.BODY and value.startswith(PLAIN):
        return True
    place = " ".join(name.hex() if isinstance(name, bytes) else str(name) for name in names)
    try:
        keys.unseal_bytes(value, f"{column}:{place}")
    except SealError:
        return False
    return True
