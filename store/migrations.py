"""Every change of the schema, in order. Only a migration creates or alters a table.

Types are the words that PostgreSQL also knows (there BLOB is a domain over bytea); times are BIGINT
milliseconds since 1970 UTC; a column that holds sealed bytes says so.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sado.store.engines import sqlite
from sado.store.errors import NewerSchemaError
from sado.store.tables import lanes

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


def m012_exchange(database: Database) -> None:
    """Lanes with incarnations and rolling hashes, both ways; which events were applied; what is known of each peer.

    Events that wait get numbers of the new kind. Those that an earlier release sent leave their lanes: they had no
    ids by which a peer would know them again."""
    _create(
        database,
        """CREATE TABLE peers (
            name TEXT PRIMARY KEY,
            ours BLOB NOT NULL,
            theirs BLOB NOT NULL,
            ahead_ms BIGINT NOT NULL,
            memory_since BIGINT NOT NULL)""",
        "CREATE TABLE retired (peer TEXT NOT NULL, incarnation BLOB NOT NULL, PRIMARY KEY (peer, incarnation))",
        f"CREATE TABLE applied (event BLOB PRIMARY KEY, at BIGINT NOT NULL){sqlite.IN_KEY_ORDER}",
        "CREATE INDEX applied_by_time ON applied (at)",
        """CREATE TABLE heard (
            peer TEXT NOT NULL,
            number BIGINT NOT NULL,
            kind TEXT NOT NULL,
            reference TEXT NOT NULL,
            at BIGINT NOT NULL,
            body BLOB NOT NULL, -- sealed
            PRIMARY KEY (peer, number))""",
        *(f"ALTER TABLE lanes ADD COLUMN {name}_hash BLOB NOT NULL DEFAULT ''" for name in ("received", "numbered")),
        "ALTER TABLE lanes ADD COLUMN acked_hash BLOB NOT NULL DEFAULT ''",
        "ALTER TABLE lanes ADD COLUMN numbered BIGINT NOT NULL DEFAULT 0",
        "ALTER TABLE lanes ADD COLUMN acked BIGINT NOT NULL DEFAULT 0",
        "ALTER TABLE outbox ADD COLUMN event BLOB",
        "ALTER TABLE outbox ADD COLUMN hash BLOB",
        "ALTER TABLE outbox ADD COLUMN hops INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE outbox ADD COLUMN steady_at BIGINT NOT NULL DEFAULT 0",
        "UPDATE outbox SET steady_at = created_at",
        "UPDATE outbox SET lane = 'old ' || lane WHERE destination <> 'sms' AND state <> 'queued'",
        "ALTER TABLE stations ADD COLUMN through INTEGER",
    )
    ours: dict[str, bytes] = {}
    known = [peer for (peer,) in database.execute("SELECT peer FROM lanes UNION SELECT destination FROM outbox")]
    for peer in {*known} - {"sms"}:
        ours[peer] = lanes.new_incarnation()
        database.execute(
            "INSERT INTO peers VALUES (?, ?, ?, 0, 0)", [peer, ours[peer], lanes.before_incarnations(peer)]
        )
    for name, last in list(database.execute("SELECT name, value FROM counters WHERE name LIKE 'lane %'")):
        _, peer, lane = name.split()
        if peer in ours:
            _number_anew(database, peer, lane, ours[peer], last)
    for peer, lane in list(database.execute("SELECT peer, lane FROM lanes")):
        database.execute(
            "UPDATE lanes SET received_hash = ?, numbered_hash = CASE numbered_hash WHEN '' THEN ? ELSE numbered_hash"
            " END, acked_hash = ? WHERE peer = ? AND lane = ?",
            [
                lanes.beginning(lanes.before_incarnations(peer), lane),
                lanes.beginning(ours[peer], lane),
                lanes.beginning(ours[peer], lane),
                peer,
                lane,
            ],
        )


def _number_anew(database: Database, peer: str, lane: str, incarnation: bytes, last: int) -> None:
    """Give what waits in a lane ids and hashes. For the upstream it is numbered from 1, as in any new life; for a
    station it keeps its numbers, since a station of the release before goes on counting by them."""
    number = next((value for (value,) in database.execute("SELECT value FROM identity WHERE name = 'number'")), 0)
    sender = f"station:{int(number):03}" if peer == "upstream" else f"upstream of {peer}"
    waiting = list(
        database.execute(
            "SELECT id, number, kind, reference FROM outbox WHERE destination = ? AND lane = ? ORDER BY number",
            [peer, lane],
        )
    )
    acked = 0 if peer == "upstream" else (waiting[0][1] - 1 if waiting else last)
    rolling = lanes.beginning(incarnation, lane)
    for number, (entry, before, kind, reference) in enumerate(waiting, acked + 1):
        event = lanes.id_before_incarnations(sender, lane, before, kind, reference)
        rolling = lanes.hash_after(rolling, event)
        database.execute(
            "UPDATE outbox SET number = ?, event = ?, hash = ? WHERE id = ?", [number, event, rolling, entry]
        )
    database.execute(
        "INSERT INTO lanes (peer, lane, received, numbered, numbered_hash, acked) VALUES (?, ?, 0, ?, ?, ?)"
        " ON CONFLICT (peer, lane) DO UPDATE SET numbered = excluded.numbered,"
        " numbered_hash = excluded.numbered_hash, acked = excluded.acked",
        [peer, lane, acked + len(waiting), rolling, acked],
    )


def m013_traffic(database: Database) -> None:
    """What the line carried, by day and purpose."""
    _create(
        database,
        """CREATE TABLE traffic (
            destination TEXT NOT NULL,
            day TEXT NOT NULL,
            what TEXT NOT NULL,
            up BIGINT NOT NULL,
            down BIGINT NOT NULL,
            PRIMARY KEY (destination, day, what))""",
    )


def m014_conflicts(database: Database) -> None:
    """The hub's order of the moves of a case, wishes for no more notices, and what stations asked of the hub.

    The moves of an earlier release are counted from the history, which hub and station have alike."""
    moves = "kind NOT IN ('received', 'added', 'notified')"
    _create(
        database,
        "ALTER TABLE cases ADD COLUMN version BIGINT NOT NULL DEFAULT 0",
        "ALTER TABLE cases ADD COLUMN is_withdrawn BOOLEAN NOT NULL DEFAULT FALSE",
        "ALTER TABLE events ADD COLUMN version BIGINT NOT NULL DEFAULT 0",
        "UPDATE events SET version = (SELECT COUNT(*) FROM events AS earlier WHERE earlier.reference = events.reference"  # noqa: S608
        f" AND earlier.number <= events.number AND earlier.{moves}) WHERE {moves}",
        "UPDATE cases SET version = (SELECT COALESCE(MAX(version), 0) FROM events"
        " WHERE events.reference = cases.reference)",
        """CREATE TABLE requests (
            id TEXT PRIMARY KEY,
            number BIGINT NOT NULL UNIQUE,
            reference TEXT NOT NULL REFERENCES cases (reference),
            station INTEGER NOT NULL,
            kind TEXT NOT NULL,
            text BLOB, -- sealed
            agency TEXT NOT NULL,
            is_short BOOLEAN NOT NULL,
            actor TEXT NOT NULL,
            base BIGINT NOT NULL,
            at BIGINT NOT NULL,
            outcome TEXT NOT NULL,
            version BIGINT NOT NULL)""",
        "CREATE INDEX requests_by_case ON requests (reference, number)",
        "CREATE INDEX requests_open ON requests (outcome, number) WHERE outcome IN ('waiting', 'hard')",
    )


def m015_blobs(database: Database) -> None:
    """Menus and registers on their way down: blobs by their hash, what is published and offered to whom, what this
    station wants and how much of it is here. Which districts a station serves, the part of a register that a row
    belongs to, and in which order versions of the pack were served."""
    _create(
        database,
        "CREATE TABLE blobs (hash BLOB PRIMARY KEY, size BIGINT NOT NULL)",
        """CREATE TABLE blob_pieces (
            hash BLOB NOT NULL,
            number INTEGER NOT NULL,
            content BLOB NOT NULL, -- sealed
            PRIMARY KEY (hash, number))""",
        """CREATE TABLE published (
            name TEXT NOT NULL,
            number BIGINT NOT NULL,
            hash BLOB NOT NULL,
            at BIGINT NOT NULL,
            PRIMARY KEY (name, number))""",
        """CREATE TABLE offered (
            station INTEGER NOT NULL,
            name TEXT NOT NULL,
            hash BLOB NOT NULL,
            state TEXT NOT NULL,
            reason TEXT NOT NULL,
            at BIGINT NOT NULL,
            PRIMARY KEY (station, name))""",
        """CREATE TABLE wanted (
            name TEXT PRIMARY KEY,
            number BIGINT NOT NULL,
            hash BLOB NOT NULL,
            size BIGINT NOT NULL,
            state TEXT NOT NULL,
            reason TEXT NOT NULL,
            held BLOB,
            encoding BLOB NOT NULL,
            total BIGINT NOT NULL,
            got BIGINT NOT NULL,
            is_plain BOOLEAN NOT NULL,
            due_at BIGINT NOT NULL)""",
        """CREATE TABLE blob_ranges (
            name TEXT NOT NULL,
            start BIGINT NOT NULL,
            content BLOB NOT NULL, -- sealed
            PRIMARY KEY (name, start))""",
        "ALTER TABLE stations ADD COLUMN districts TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE stations ADD COLUMN fetch BIGINT NOT NULL DEFAULT 0",
        "ALTER TABLE register_rows ADD COLUMN part TEXT NOT NULL DEFAULT ''",
        """CREATE TABLE register_parts (
            register TEXT NOT NULL,
            part TEXT NOT NULL,
            as_of TEXT NOT NULL,
            PRIMARY KEY (register, part))""",
        "ALTER TABLE packs ADD COLUMN served BIGINT NOT NULL DEFAULT 0",
        "ALTER TABLE packs ADD COLUMN based BIGINT NOT NULL DEFAULT 0",
        "UPDATE packs SET served = (SELECT COUNT(*) FROM packs p WHERE p.published_at <= packs.published_at)",
        "UPDATE packs SET based = served",
        "INSERT INTO counters (name, value) SELECT 'packs', COUNT(*) FROM packs",
    )


def m016_heard_hash(database: Database) -> None:
    """The rolling hash at each event that was heard. What was heard before has none, and is sent again without."""
    _create(database, "ALTER TABLE heard ADD COLUMN hash BLOB NOT NULL DEFAULT ''")


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
    m012_exchange,
    m013_traffic,
    m014_conflicts,
    m015_blobs,
    m016_heard_hash,
)
