"""Every change of the schema, in order. Only a migration creates or alters a table; docs/adding.md says how to add one.

It is written in what both SQLite and PostgreSQL take. Times are BIGINT milliseconds since 1970 UTC. Four words are not
PostgreSQL's own and have to be made there first:

    CREATE DOMAIN blob AS bytea;
    CREATE DOMAIN sealed_blob AS bytea;
    CREATE DOMAIN hash_blob AS bytea;
    CREATE COLLATION "binary" FROM "C";    the order of the code points, which is SQLite's

A SEALED_BLOB holds sealed values, each bound to its column and to the primary key of its row; a HASH_BLOB holds keyed
hashes, and an index begins with it. What checks a backup (store/backups/verify.py) and what exchanges the keys
(store/rotation.py) find them by that.
"""

from __future__ import annotations

from sado.store.engines.contract import Connection, Migration
from sado.store.errors import NewerSchemaError, OtherSchemaError


def check(connection: Connection, migrations: tuple[Migration, ...]) -> bool:
    """Whether a migration has to run. Raises NewerSchemaError or OtherSchemaError for a schema that none leads from."""
    applied, names = connection.applied(), [migration.__name__ for migration in migrations]
    if applied[: len(names)] == names[: len(applied)]:
        if later := applied[len(names) :]:
            raise NewerSchemaError(
                f"This database was written by a newer release of Sado ({', '.join(later)}). "
                "Install that release, or restore a backup made before it."
            )
        return applied != names
    raise OtherSchemaError(
        f"This database was written before the first release of Sado ({applied[-1]}), and nothing converts it. Move it "
        "away and make a new one with `sado init`; what is in it can be read with the release that wrote it."
    )


def apply(connection: Connection, migrations: tuple[Migration, ...]) -> None:
    """Bring the database to this release's schema. Raises NewerSchemaError or OtherSchemaError, and changes nothing."""
    if check(connection, migrations):
        connection.migrate(migrations)


FIRST = (
    # Who this station is, its keys (store/tables/keys.py), and its counters.
    "CREATE TABLE identity (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    "CREATE TABLE keys (id INTEGER PRIMARY KEY, proof BLOB NOT NULL)",
    "CREATE TABLE key_use (hashes INTEGER NOT NULL, target INTEGER NOT NULL, moved BLOB, sealed INTEGER NOT NULL)",
    "CREATE TABLE counters (name TEXT PRIMARY KEY, value BIGINT NOT NULL)",
    # Subscribers by keyed hash, and what they chose for themselves.
    """CREATE TABLE subscribers (
        hash HASH_BLOB PRIMARY KEY,
        msisdn SEALED_BLOB NOT NULL,
        language TEXT NOT NULL,
        is_muted BOOLEAN NOT NULL DEFAULT FALSE,
        created_at BIGINT NOT NULL)""",
    """CREATE TABLE subscriptions (
        subscriber HASH_BLOB NOT NULL,
        topic TEXT NOT NULL,
        place TEXT NOT NULL,
        PRIMARY KEY (subscriber, topic, place))""",
    "CREATE INDEX subscriptions_by_topic ON subscriptions (topic, subscriber, place)",
    "CREATE TABLE pins (reference TEXT PRIMARY KEY, generation BIGINT NOT NULL, key INTEGER NOT NULL)",
    # What phones do: USSD sessions, half-written forms, SMS that were taken (a gateway may deliver one again), wrong
    # tries.
    """CREATE TABLE sessions (
        id HASH_BLOB PRIMARY KEY,
        state SEALED_BLOB NOT NULL,
        is_open BOOLEAN NOT NULL,
        outcome TEXT,
        updated_at BIGINT NOT NULL)""",
    """CREATE TABLE drafts (
        id BIGINT PRIMARY KEY,
        subscriber HASH_BLOB NOT NULL,
        state SEALED_BLOB NOT NULL,
        started_at BIGINT NOT NULL,
        updated_at BIGINT NOT NULL)""",
    "CREATE INDEX drafts_by_subscriber ON drafts (subscriber, updated_at)",
    "CREATE TABLE received_messages (hash HASH_BLOB PRIMARY KEY, received_at BIGINT NOT NULL)",
    "CREATE TABLE attempts (hash HASH_BLOB PRIMARY KEY, tries INTEGER NOT NULL, first_at BIGINT NOT NULL)",
    # Which phone has found which row of a register about persons.
    "CREATE TABLE row_readers (hash HASH_BLOB PRIMARY KEY, subscriber HASH_BLOB NOT NULL, read_at BIGINT NOT NULL)",
    "CREATE INDEX row_readers_by_subscriber ON row_readers (subscriber)",
    # Polls: who has voted, and apart from that what was voted.
    "CREATE TABLE ballots (place INTEGER PRIMARY KEY, hash HASH_BLOB NOT NULL UNIQUE)",
    """CREATE TABLE tallies (
        subject TEXT NOT NULL,
        choice TEXT NOT NULL,
        source TEXT NOT NULL,
        votes BIGINT NOT NULL,
        PRIMARY KEY (subject, choice, source))""",
    # Cases, what happened to them, and what stations asked of the hub.
    """CREATE TABLE cases (
        reference TEXT COLLATE "binary" PRIMARY KEY,
        number BIGINT NOT NULL UNIQUE,
        station INTEGER NOT NULL,
        kind TEXT NOT NULL,
        topic TEXT NOT NULL,
        place TEXT NOT NULL,
        agency TEXT NOT NULL,
        status TEXT NOT NULL,
        language TEXT NOT NULL,
        subscriber HASH_BLOB NOT NULL,
        msisdn SEALED_BLOB NOT NULL,
        name SEALED_BLOB NOT NULL,
        text SEALED_BLOB NOT NULL,
        received_at BIGINT NOT NULL,
        registered_at BIGINT,
        updated_at BIGINT NOT NULL,
        due_at BIGINT,
        is_short BOOLEAN NOT NULL,
        extensions INTEGER NOT NULL,
        version BIGINT NOT NULL,
        is_withdrawn BOOLEAN NOT NULL)""",
    "CREATE INDEX cases_by_subscriber ON cases (subscriber, number)",
    "CREATE INDEX cases_by_agency ON cases (agency, number)",
    "CREATE INDEX cases_by_due ON cases (status, due_at)",
    """CREATE TABLE events (
        id TEXT PRIMARY KEY,
        reference TEXT COLLATE "binary" NOT NULL REFERENCES cases (reference),
        number INTEGER NOT NULL,
        kind TEXT NOT NULL,
        actor TEXT NOT NULL,
        text SEALED_BLOB,
        at BIGINT NOT NULL,
        agency TEXT NOT NULL,
        version BIGINT NOT NULL,
        person TEXT NOT NULL,
        UNIQUE (reference, number))""",
    "CREATE INDEX events_forwarded ON events (actor, at) WHERE kind = 'forwarded'",
    """CREATE TABLE requests (
        id TEXT PRIMARY KEY,
        number BIGINT NOT NULL UNIQUE,
        reference TEXT COLLATE "binary" NOT NULL REFERENCES cases (reference),
        station INTEGER NOT NULL,
        kind TEXT NOT NULL,
        text SEALED_BLOB,
        agency TEXT NOT NULL,
        is_short BOOLEAN NOT NULL,
        actor TEXT NOT NULL,
        base BIGINT NOT NULL,
        at BIGINT NOT NULL,
        outcome TEXT NOT NULL,
        version BIGINT NOT NULL,
        person TEXT NOT NULL)""",
    "CREATE INDEX requests_by_case ON requests (reference, number)",
    "CREATE INDEX requests_open ON requests (outcome, number) WHERE outcome IN ('waiting', 'hard')",
    # The station's copies of registers: rows, and the keys they are found by. The key comes before the id in one
    # primary key, so a lookup reads one run of one index however many rows there are. In a private register id and key
    # are keyed hashes and the body is sealed.
    """CREATE TABLE registers (
        name TEXT PRIMARY KEY,
        as_of TEXT NOT NULL,
        is_sample BOOLEAN NOT NULL,
        loaded_at BIGINT NOT NULL)""",
    """CREATE TABLE register_parts (
        register TEXT NOT NULL,
        part TEXT NOT NULL,
        as_of TEXT NOT NULL,
        PRIMARY KEY (register, part))""",
    """CREATE TABLE register_rows (
        register TEXT NOT NULL,
        id TEXT COLLATE "binary" NOT NULL,
        body SEALED_BLOB NOT NULL,
        as_of TEXT NOT NULL,
        load BIGINT NOT NULL,
        part TEXT NOT NULL,
        PRIMARY KEY (register, id))""",
    """CREATE TABLE register_keys (
        register TEXT NOT NULL,
        key TEXT NOT NULL,
        until TEXT COLLATE "binary" NOT NULL,
        id TEXT COLLATE "binary" NOT NULL,
        PRIMARY KEY (register, key, until, id))""",
    "CREATE TABLE questions (hash HASH_BLOB PRIMARY KEY, reference TEXT NOT NULL)",
    # The outbox, and the state of each destination. A notice looks for a later one of its case among ten thousand that
    # wait.
    """CREATE TABLE outbox (
        id BIGINT PRIMARY KEY,
        destination TEXT NOT NULL,
        lane TEXT NOT NULL,
        number BIGINT NOT NULL,
        kind TEXT NOT NULL,
        reference TEXT NOT NULL,
        body SEALED_BLOB NOT NULL,
        state TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        due_at BIGINT NOT NULL,
        lease_until BIGINT NOT NULL,
        reason TEXT NOT NULL,
        created_at BIGINT NOT NULL,
        steady_at BIGINT NOT NULL,
        finished_at BIGINT,
        event BLOB,
        hash BLOB,
        hops INTEGER NOT NULL,
        UNIQUE (destination, lane, number))""",
    "CREATE INDEX outbox_by_state ON outbox (state, destination, due_at)",
    "CREATE INDEX outbox_by_case ON outbox (reference)",
    """CREATE TABLE destinations (
        name TEXT PRIMARY KEY,
        failures INTEGER NOT NULL,
        due_at BIGINT NOT NULL,
        down_since BIGINT,
        ok_at BIGINT,
        reason TEXT NOT NULL)""",
    # What became of the SMS that were sent, and what they cost; reports that came before their message was known.
    """CREATE TABLE deliveries (
        entry BIGINT PRIMARY KEY,
        message HASH_BLOB NOT NULL,
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
    "CREATE INDEX deliveries_by_message ON deliveries (message)",
    "CREATE INDEX deliveries_by_case ON deliveries (reference)",
    "CREATE INDEX deliveries_by_time ON deliveries (sent_at)",
    """CREATE TABLE early_reports (
        message HASH_BLOB PRIMARY KEY,
        state TEXT NOT NULL,
        word TEXT NOT NULL,
        at BIGINT NOT NULL)""",
    # The exchange: stations below, what is known of each peer, how far each lane has come both ways, and which events
    # were applied, received of late, or set aside.
    """CREATE TABLE stations (
        number INTEGER PRIMARY KEY,
        key SEALED_BLOB NOT NULL,
        exchange_number BIGINT NOT NULL,
        fetch_number BIGINT NOT NULL,
        districts TEXT NOT NULL,
        through INTEGER,
        added_at BIGINT NOT NULL,
        seen_at BIGINT)""",
    """CREATE TABLE peers (
        name TEXT PRIMARY KEY,
        ours BLOB NOT NULL,
        theirs BLOB NOT NULL,
        ahead_ms BIGINT NOT NULL,
        history_since BIGINT NOT NULL)""",
    """CREATE TABLE retired_incarnations (
        peer TEXT NOT NULL,
        incarnation BLOB NOT NULL,
        PRIMARY KEY (peer, incarnation))""",
    """CREATE TABLE lanes (
        peer TEXT NOT NULL,
        lane TEXT NOT NULL,
        received BIGINT NOT NULL,
        received_hash BLOB NOT NULL,
        numbered BIGINT NOT NULL,
        numbered_hash BLOB NOT NULL,
        acked BIGINT NOT NULL,
        acked_hash BLOB NOT NULL,
        PRIMARY KEY (peer, lane))""",
    "CREATE TABLE applied_events (id BLOB PRIMARY KEY, at BIGINT NOT NULL)",
    "CREATE INDEX applied_events_by_time ON applied_events (at)",
    """CREATE TABLE received_events (
        peer TEXT NOT NULL,
        number BIGINT NOT NULL,
        kind TEXT NOT NULL,
        reference TEXT NOT NULL,
        at BIGINT NOT NULL,
        hash BLOB NOT NULL,
        body SEALED_BLOB NOT NULL,
        PRIMARY KEY (peer, number))""",
    """CREATE TABLE quarantine (
        id BIGINT PRIMARY KEY,
        peer TEXT NOT NULL,
        kind TEXT NOT NULL,
        reference TEXT NOT NULL,
        body SEALED_BLOB NOT NULL,
        reason TEXT NOT NULL,
        at BIGINT NOT NULL,
        happened_at BIGINT NOT NULL)""",
    "CREATE INDEX quarantine_by_peer ON quarantine (peer)",
    "CREATE INDEX quarantine_by_case ON quarantine (reference)",
    # What the line carried, by day and purpose.
    """CREATE TABLE traffic (
        destination TEXT NOT NULL,
        day TEXT COLLATE "binary" NOT NULL,
        purpose TEXT NOT NULL,
        up BIGINT NOT NULL,
        down BIGINT NOT NULL,
        PRIMARY KEY (destination, day, purpose))""",
    # Menus and registers on their way down: blobs by their hash, what is published and offered to whom, what this
    # station wants and how much of it is here; and every version of the pack that a session may still be on.
    "CREATE TABLE blobs (hash BLOB PRIMARY KEY, size BIGINT NOT NULL)",
    """CREATE TABLE blob_pieces (
        hash BLOB NOT NULL,
        number INTEGER NOT NULL,
        content SEALED_BLOB NOT NULL,
        PRIMARY KEY (hash, number))""",
    """CREATE TABLE published_blobs (
        name TEXT NOT NULL,
        number BIGINT NOT NULL,
        hash BLOB NOT NULL,
        edition BIGINT NOT NULL,
        signature TEXT NOT NULL,
        at BIGINT NOT NULL,
        PRIMARY KEY (name, number))""",
    """CREATE TABLE offered_blobs (
        station INTEGER NOT NULL,
        name TEXT NOT NULL,
        hash BLOB NOT NULL,
        state TEXT NOT NULL,
        reason TEXT NOT NULL,
        at BIGINT NOT NULL,
        PRIMARY KEY (station, name))""",
    """CREATE TABLE wanted_blobs (
        name TEXT PRIMARY KEY,
        number BIGINT NOT NULL,
        hash BLOB NOT NULL,
        size BIGINT NOT NULL,
        edition BIGINT NOT NULL,
        signature TEXT NOT NULL,
        state TEXT NOT NULL,
        reason TEXT NOT NULL,
        held BLOB,
        encoding BLOB NOT NULL,
        total BIGINT NOT NULL,
        got BIGINT NOT NULL,
        is_plain BOOLEAN NOT NULL,
        due_at BIGINT NOT NULL,
        tried TEXT NOT NULL)""",
    """CREATE TABLE blob_ranges (
        name TEXT NOT NULL,
        start BIGINT NOT NULL,
        content SEALED_BLOB NOT NULL,
        PRIMARY KEY (name, start))""",
    """CREATE TABLE packs (
        version TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        files BLOB NOT NULL,
        published_at BIGINT NOT NULL,
        served BIGINT NOT NULL,
        based BIGINT NOT NULL DEFAULT 0)""",
    # Who did and read what: a chain for each station, where each ends, and what was wrong when they were last verified
    # (store/tables/audit.py). What the settings were at the last start.
    """CREATE TABLE audit (
        station INTEGER NOT NULL,
        branch INTEGER NOT NULL,
        number BIGINT NOT NULL,
        at BIGINT NOT NULL,
        who TEXT NOT NULL,
        action TEXT NOT NULL,
        object TEXT NOT NULL,
        detail TEXT NOT NULL,
        hash BLOB NOT NULL,
        PRIMARY KEY (station, number, branch))""",
    "CREATE INDEX audit_by_time ON audit (at)",
    "CREATE INDEX audit_by_object ON audit (object, at)",
    """CREATE TABLE audit_chains (
        station INTEGER NOT NULL,
        branch INTEGER NOT NULL,
        first BIGINT NOT NULL,
        before BLOB NOT NULL,
        number BIGINT NOT NULL,
        hash BLOB NOT NULL,
        sent BIGINT NOT NULL,
        finding TEXT NOT NULL,
        began_at BIGINT NOT NULL,
        PRIMARY KEY (station, branch))""",
    "CREATE TABLE audit_checks (at BIGINT PRIMARY KEY, faults TEXT NOT NULL)",
    "CREATE TABLE seen_settings (hash HASH_BLOB PRIMARY KEY, name TEXT NOT NULL)",
    # People who sign in.
    """CREATE TABLE accounts (
        name TEXT PRIMARY KEY,
        full_name TEXT NOT NULL,
        role TEXT NOT NULL,
        agency TEXT NOT NULL,
        language TEXT NOT NULL,
        password TEXT NOT NULL,
        must_change BOOLEAN NOT NULL,
        is_disabled BOOLEAN NOT NULL,
        is_removed BOOLEAN NOT NULL DEFAULT FALSE,
        created_at BIGINT NOT NULL,
        totp SEALED_BLOB,
        totp_step BIGINT NOT NULL)""",
    """CREATE TABLE recovery_codes (
        account TEXT NOT NULL REFERENCES accounts (name) ON DELETE CASCADE,
        hash BLOB NOT NULL,
        PRIMARY KEY (account, hash))""",
    # Their sign-ins, the devices that they have signed in on, and wrong tries. Moments by the clock that nobody sets.
    """CREATE TABLE sign_ins (
        hash BLOB PRIMARY KEY,
        account TEXT NOT NULL REFERENCES accounts (name) ON DELETE CASCADE,
        device TEXT NOT NULL,
        needs_code BOOLEAN NOT NULL,
        created_at BIGINT NOT NULL,
        seen_at BIGINT NOT NULL)""",
    "CREATE INDEX sign_ins_by_account ON sign_ins (account, seen_at)",
    """CREATE TABLE trusted_devices (
        account TEXT NOT NULL REFERENCES accounts (name) ON DELETE CASCADE,
        hash BLOB NOT NULL,
        at BIGINT NOT NULL,
        PRIMARY KEY (account, hash))""",
    """CREATE TABLE sign_in_misses (
        hash HASH_BLOB PRIMARY KEY,
        misses INTEGER NOT NULL,
        at BIGINT NOT NULL,
        is_passing BOOLEAN NOT NULL)""",
    "CREATE INDEX sign_in_misses_by_time ON sign_in_misses (is_passing, at)",
    # The agencies' tokens, and the code with which the first account is made.
    "CREATE TABLE agency_tokens (agency TEXT PRIMARY KEY, hash BLOB NOT NULL, created_at BIGINT NOT NULL)",
    "CREATE TABLE first_code (hash BLOB PRIMARY KEY, expires_at BIGINT NOT NULL, tries INTEGER NOT NULL)",
)


def m001_first(connection: Connection) -> None:
    """The schema of the first release."""
    for statement in FIRST:
        connection.execute(statement)


def m002_deletion(connection: Connection) -> None:
    """Whose a session and an entry of the outbox are; what retention has done; what residents had deleted, and which
    backups may still hold it."""
    for statement in (
        "ALTER TABLE sessions ADD COLUMN subscriber HASH_BLOB",
        "CREATE INDEX sessions_by_subscriber ON sessions (subscriber)",
        "ALTER TABLE outbox ADD COLUMN subscriber HASH_BLOB",
        "CREATE INDEX outbox_by_subscriber ON outbox (subscriber)",
        "ALTER TABLE cases ADD COLUMN steady_at BIGINT NOT NULL DEFAULT 0",
        "ALTER TABLE cases ADD COLUMN nameless_at BIGINT",
        "CREATE INDEX cases_by_end ON cases (kind, status, updated_at)",
        'CREATE TABLE deleted_cases (reference TEXT COLLATE "binary" PRIMARY KEY, at BIGINT NOT NULL)',
        "CREATE TABLE deletions (hash HASH_BLOB PRIMARY KEY, at BIGINT NOT NULL)",
        "CREATE TABLE backups (made_at BIGINT PRIMARY KEY, kept_until BIGINT NOT NULL)",
    ):
        connection.execute(statement)


MIGRATIONS: tuple[Migration, ...] = (m001_first, m002_deletion)
