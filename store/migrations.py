"""Every change of the schema, in order. Only a migration creates or alters a table.

Types are the words that PostgreSQL also knows (there BLOB is a domain over bytea); times are BIGINT
milliseconds since 1970 UTC; a column that holds sealed bytes says so.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from store import sqlite
from store.errors import NewerSchemaError

if TYPE_CHECKING:
    import sqlite3

    from sqlite_utils import Database
    from sqlite_utils.migrations import Migrations

SET = "sado"


def apply(connection: sqlite3.Connection, path: Path) -> None:
    """Bring the database to this release's schema. Raises NewerSchemaError when a later release wrote it.

    sqlite-utils, which runs the migrations, is loaded only when there is one to run: it costs a small box 3 MB."""
    applied = _applied(connection)
    names = {migration.__name__ for migration in MIGRATIONS}
    if unknown := applied - names:
        raise NewerSchemaError(
            f"{path} was written by a newer release of Sado ({', '.join(sorted(unknown))}). "
            "Install that release, or restore a backup made before it."
        )
    if applied != names:
        from sqlite_utils import Database

        schema().apply(Database(connection))


def schema() -> Migrations:
    """The migrations as sqlite-utils takes them: each in a transaction with its own record."""
    from sqlite_utils.migrations import Migrations

    registered = Migrations(SET)
    for migration in MIGRATIONS:
        registered()(migration)
    return registered


def _applied(connection: sqlite3.Connection) -> set[str]:
    table = "SELECT 1 FROM sqlite_master WHERE name = '_sqlite_migrations'"
    if connection.execute(table).fetchone() is None:
        return set()
    rows = connection.execute("SELECT name FROM _sqlite_migrations WHERE migration_set = :name", {"name": SET})
    return {row[0] for row in rows}


def _create(database: Database, *statements: str) -> None:
    for statement in statements:
        database.execute(statement)


def m001_station(database: Database) -> None:
    """Who this station is, and its counters."""
    _create(
        database,
        "CREATE TABLE identity (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
        "CREATE TABLE counters (name TEXT PRIMARY KEY, value BIGINT NOT NULL)",
    )


def m002_conversations(database: Database) -> None:
    """Subscribers by keyed hash, their USSD sessions, and wrong tries."""
    _create(
        database,
        """CREATE TABLE subscribers (
            hash BLOB PRIMARY KEY,
            msisdn BLOB NOT NULL, -- sealed
            language TEXT NOT NULL,
            created_at BIGINT NOT NULL)""",
        """CREATE TABLE sessions (
            id BLOB PRIMARY KEY,
            state BLOB NOT NULL, -- sealed
            is_open BOOLEAN NOT NULL,
            outcome TEXT,
            updated_at BIGINT NOT NULL)""",
        """CREATE TABLE attempts (
            hash BLOB PRIMARY KEY,
            tries INTEGER NOT NULL,
            first_at BIGINT NOT NULL)""",
    )


def m003_cases(database: Database) -> None:
    """Cases and their events."""
    _create(
        database,
        """CREATE TABLE cases (
            reference TEXT PRIMARY KEY,
            number BIGINT NOT NULL UNIQUE,
            station INTEGER NOT NULL,
            kind TEXT NOT NULL,
            topic TEXT NOT NULL,
            place TEXT NOT NULL,
            agency TEXT NOT NULL,
            status TEXT NOT NULL,
            language TEXT NOT NULL,
            subscriber BLOB NOT NULL,
            msisdn BLOB NOT NULL, -- sealed
            name BLOB NOT NULL, -- sealed
            text BLOB NOT NULL, -- sealed
            received_at BIGINT NOT NULL,
            registered_at BIGINT,
            updated_at BIGINT NOT NULL)""",
        "CREATE INDEX cases_by_subscriber ON cases (subscriber, number)",
        "CREATE INDEX cases_by_agency ON cases (agency, number)",
        """CREATE TABLE events (
            id TEXT PRIMARY KEY,
            reference TEXT NOT NULL REFERENCES cases (reference),
            number INTEGER NOT NULL,
            kind TEXT NOT NULL,
            actor TEXT NOT NULL,
            text BLOB, -- sealed
            at BIGINT NOT NULL,
            UNIQUE (reference, number))""",
    )


def m004_sync(database: Database) -> None:
    """The outbox, the state of each destination, and how far each lane has come with each peer."""
    _create(
        database,
        """CREATE TABLE outbox (
            id BIGINT PRIMARY KEY,
            destination TEXT NOT NULL,
            lane TEXT NOT NULL,
            number BIGINT NOT NULL,
            kind TEXT NOT NULL,
            reference TEXT NOT NULL,
            body BLOB NOT NULL, -- sealed
            state TEXT NOT NULL,
            attempts INTEGER NOT NULL,
            due_at BIGINT NOT NULL,
            lease_until BIGINT NOT NULL,
            reason TEXT NOT NULL,
            created_at BIGINT NOT NULL,
            finished_at BIGINT,
            UNIQUE (destination, lane, number))""",
        "CREATE INDEX outbox_by_state ON outbox (state, destination, due_at)",
        """CREATE TABLE destinations (
            name TEXT PRIMARY KEY,
            failures INTEGER NOT NULL,
            due_at BIGINT NOT NULL,
            down_since BIGINT,
            ok_at BIGINT,
            reason TEXT NOT NULL)""",
        """CREATE TABLE lanes (
            peer TEXT NOT NULL,
            lane TEXT NOT NULL,
            received BIGINT NOT NULL,
            PRIMARY KEY (peer, lane))""",
        """CREATE TABLE quarantine (
            id BIGINT PRIMARY KEY,
            peer TEXT NOT NULL,
            kind TEXT NOT NULL,
            body BLOB NOT NULL, -- sealed
            reason TEXT NOT NULL,
            at BIGINT NOT NULL)""",
        """CREATE TABLE stations (
            number INTEGER PRIMARY KEY,
            key BLOB NOT NULL, -- sealed
            exchange BIGINT NOT NULL,
            added_at BIGINT NOT NULL,
            seen_at BIGINT)""",
    )


def m005_desk(database: Database) -> None:
    """People who sign in, and the agencies' tokens."""
    _create(
        database,
        """CREATE TABLE accounts (
            name TEXT PRIMARY KEY,
            password TEXT NOT NULL,
            role TEXT NOT NULL,
            agency TEXT NOT NULL,
            failures INTEGER NOT NULL,
            blocked_until BIGINT NOT NULL)""",
        "CREATE TABLE agencies (code TEXT PRIMARY KEY, token BLOB NOT NULL)",
    )


def m006_registers(database: Database) -> None:
    """What agencies publish for lookups: the station's copy of each register, its rows, and the keys they are found by.

    The key comes before the id in one primary key, so a lookup reads one run of one index however many rows there
    are. In a private register id and key are keyed hashes and the body is sealed."""
    _create(
        database,
        """CREATE TABLE registers (
            name TEXT PRIMARY KEY,
            as_of TEXT NOT NULL,
            is_sample BOOLEAN NOT NULL,
            loaded_at BIGINT NOT NULL)""",
        """CREATE TABLE register_rows (
            register TEXT NOT NULL,
            id TEXT NOT NULL,
            body BLOB NOT NULL, -- sealed where the register is private
            as_of TEXT NOT NULL,
            load BIGINT NOT NULL,
            PRIMARY KEY (register, id))""",
        """CREATE TABLE register_keys (
            register TEXT NOT NULL,
            key TEXT NOT NULL,
            until TEXT NOT NULL,
            id TEXT NOT NULL,
            PRIMARY KEY (register, key, until, id))""",
        "CREATE TABLE questions (hash BLOB PRIMARY KEY, reference TEXT NOT NULL)",
    )


def m007_choices(database: Database) -> None:
    """What residents chose for themselves: subscriptions, no SMS, new PINs; and what they said in polls.

    A ballot has no number of its own and no time, and lies where its hash puts it: the rows do not tell in which
    order people voted, nor what."""
    _create(
        database,
        "ALTER TABLE subscribers ADD COLUMN is_muted BOOLEAN NOT NULL DEFAULT FALSE",
        """CREATE TABLE subscriptions (
            subscriber BLOB NOT NULL,
            topic TEXT NOT NULL,
            place TEXT NOT NULL,
            PRIMARY KEY (subscriber, topic, place))""",
        "CREATE INDEX subscriptions_by_topic ON subscriptions (topic, subscriber, place)",
        "CREATE TABLE pins (reference TEXT PRIMARY KEY, generation BIGINT NOT NULL)",
        f"CREATE TABLE ballots (hash BLOB PRIMARY KEY){sqlite.IN_KEY_ORDER}",
        """CREATE TABLE tallies (
            subject TEXT NOT NULL,
            choice TEXT NOT NULL,
            votes BIGINT NOT NULL,
            PRIMARY KEY (subject, choice))""",
    )


def m008_terms(database: Database) -> None:
    """Until when the law wants an answer, and where a case was passed on to."""
    _create(
        database,
        "ALTER TABLE cases ADD COLUMN due_at BIGINT",
        "ALTER TABLE cases ADD COLUMN is_short BOOLEAN NOT NULL DEFAULT FALSE",
        "ALTER TABLE cases ADD COLUMN extensions INTEGER NOT NULL DEFAULT 0",
        "CREATE INDEX cases_by_due ON cases (status, due_at)",
        "ALTER TABLE events ADD COLUMN agency TEXT NOT NULL DEFAULT ''",
        "CREATE INDEX events_forwarded ON events (actor, at) WHERE kind = 'forwarded'",
    )


def m009_drafts(database: Database) -> None:
    """Half-written forms, and every version of the pack that a session may still be on."""
    _create(
        database,
        """CREATE TABLE drafts (
            id BIGINT PRIMARY KEY,
            subscriber BLOB NOT NULL,
            state BLOB NOT NULL, -- sealed
            started_at BIGINT NOT NULL,
            updated_at BIGINT NOT NULL)""",
        "CREATE INDEX drafts_by_subscriber ON drafts (subscriber, updated_at)",
        """CREATE TABLE packs (
            version TEXT PRIMARY KEY,
            name TEXT NOT NULL,
            files BLOB NOT NULL,
            published_at BIGINT NOT NULL)""",
    )


def m010_messages(database: Database) -> None:
    """Which SMS from residents were taken: a gateway may deliver one again."""
    _create(database, "CREATE TABLE messages (hash BLOB PRIMARY KEY, taken_at BIGINT NOT NULL)")


def m011_deliveries(database: Database) -> None:
    """What became of the SMS that were sent, and what they cost; reports that came before their message was known. A
    notice looks for a later one of its case among ten thousand that wait."""
    _create(
        database,
        """CREATE TABLE deliveries (
            entry BIGINT PRIMARY KEY,
            message BLOB NOT NULL,
            reference TEXT NOT NULL,
            kind TEXT NOT NULL,
            gateway TEXT NOT NULL,
            language TEXT NOT NULL,
            encoding TEXT NOT NULL,
            segments INTEGER NOT NULL,
            latin_segments INTEGER NOT NULL,
            price BIGINT NOT NULL,
            state TEXT NOT NULL,
            word TEXT NOT NULL,
            sent_at BIGINT NOT NULL,
            updated_at BIGINT NOT NULL)""",
        "CREATE INDEX outbox_by_case ON outbox (reference)",
        "CREATE INDEX deliveries_by_message ON deliveries (message)",
        "CREATE INDEX deliveries_by_case ON deliveries (reference)",
        "CREATE INDEX deliveries_by_time ON deliveries (sent_at)",
        """CREATE TABLE early_reports (
            message BLOB PRIMARY KEY,
            state TEXT NOT NULL,
            word TEXT NOT NULL,
            at BIGINT NOT NULL)""",
    )


MIGRATIONS = (
    m001_station,
    m002_conversations,
    m003_cases,
    m004_sync,
    m005_desk,
    m006_registers,
    m007_choices,
    m008_terms,
    m009_drafts,
    m010_messages,
    m011_deliveries,
)
