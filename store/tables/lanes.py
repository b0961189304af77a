"""The lanes between this station and a peer, both ways, as rows.

Sending, a lane is the peer's entries of the outbox (store/tables/outbox.py), numbered 1, 2, 3 … Each has an id and the
lane's rolling hash up to it:

    id    = H(hash before it, kind, reference, body)   fixed at birth, 8 bytes
    hash  = H(hash before it, id)                      begins with H(incarnation, lane)

so both sides make the same ids out of what they already have, and none travels. An incarnation is new for each life
of the numbers: a station whose disk went back in time, or that cannot go on where its peer stands, mints another
and numbers what it still holds anew (`renew`); then an id differs from the one made in its place and travels with
its event. Receiving, a lane is a cursor and the hash at it.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, replace

from sado.store.tables import received_events
from sado.store.transaction import Transaction

LANES = ("u", "n", "b")
HASH_BYTES, SHORT_BYTES = 8, 4
LANE_COLUMNS = "peer, lane, received, received_hash, numbered, numbered_hash, acked, acked_hash"


@dataclass(frozen=True)
class Lane:
    """Where a lane stands: `received` from the peer, and of our own events `numbered` and `acked`, each with the hash
    at that number."""

    peer: str
    lane: str
    received: int = 0
    received_hash: bytes = b""
    numbered: int = 0
    numbered_hash: bytes = b""
    acked: int = 0
    acked_hash: bytes = b""


@dataclass(frozen=True)
class Peer:
    """A station that we exchange with: the incarnation under which we number events for it, the one under which it
    numbers for us, by how much its clock is ahead of ours, and since which number of ours its history is as ours."""

    name: str
    ours: bytes
    theirs: bytes = b""
    ahead_ms: int = 0
    history_since: int = 0


def event_id(before: bytes, kind: str, reference: str, body: str) -> bytes:
    """The id of an event that comes after the hash `before`."""
    return hash_after(before, "\0".join((kind, reference, body)).encode())


def hash_after(before: bytes, event: bytes) -> bytes:
    """The rolling hash of a lane after the event with this id."""
    return hashlib.blake2b(before + event, digest_size=HASH_BYTES).digest()


def beginning(incarnation: bytes, lane: str) -> bytes:
    """The rolling hash of a lane before its first event."""
    return hash_after(incarnation, lane.encode())


def new_incarnation() -> bytes:
    """A name for another life of the numbers: 64 random bits, so that no two stations ever make the same ids."""
    return secrets.token_bytes(HASH_BYTES)


def short(rolling: bytes) -> bytes:
    """What tells of a rolling hash, where that is enough, that two sides have the same. It depends on every bit: of a
    beginning the other side would not see that the disk has damaged the end."""
    return hashlib.blake2b(rolling, digest_size=SHORT_BYTES).digest()


def is_same(rolling: bytes, said: bytes) -> bool:
    """Whether a peer says this rolling hash, whole or short."""
    return said in (rolling, short(rolling))


def peer(tx: Transaction, name: str) -> Peer:
    """The peer; one that is new gets an incarnation."""
    row = tx.one("SELECT name, ours, theirs, ahead_ms, history_since FROM peers WHERE name = :name", name=name)
    if row is not None:
        return Peer(*row)
    met = Peer(name, new_incarnation())
    save_peer(tx, met)
    return met


def save_peer(tx: Transaction, peer: Peer) -> None:
    """Keep what is known of a peer."""
    tx.run(
        "INSERT INTO peers (name, ours, theirs, ahead_ms, history_since)"
        " VALUES (:name, :ours, :theirs, :ahead_ms, :history_since) ON CONFLICT (name) DO UPDATE SET"
        " ours = excluded.ours, theirs = excluded.theirs, ahead_ms = excluded.ahead_ms,"
        " history_since = excluded.history_since",
        **peer.__dict__,
    )


def peers(tx: Transaction) -> list[Peer]:
    """Every peer, by name."""
    return [Peer(*row) for row in tx.all("SELECT name, ours, theirs, ahead_ms, history_since FROM peers ORDER BY name")]


def find(tx: Transaction, peer_name: str, lane: str) -> Lane:
    """The lane; one never used stands at its beginning."""
    row = tx.one(
        f"SELECT {LANE_COLUMNS} FROM lanes WHERE peer = :peer AND lane = :lane",  # noqa: S608
        peer=peer_name,
        lane=lane,
    )
    return Lane(*row) if row is not None else _new(peer(tx, peer_name), lane)


def save(tx: Transaction, lane: Lane) -> None:
    """Keep where a lane stands."""
    tx.run(
        f"INSERT INTO lanes ({LANE_COLUMNS}) VALUES (:peer, :lane, :received, :received_hash, :numbered,"  # noqa: S608
        " :numbered_hash, :acked, :acked_hash) ON CONFLICT (peer, lane) DO UPDATE SET received = excluded.received,"
        " received_hash = excluded.received_hash, numbered = excluded.numbered,"
        " numbered_hash = excluded.numbered_hash, acked = excluded.acked, acked_hash = excluded.acked_hash",
        **lane.__dict__,
    )


def _new(peer: Peer, lane: str) -> Lane:
    ours, theirs = beginning(peer.ours, lane), beginning(peer.theirs, lane)
    return Lane(peer.name, lane, 0, theirs, 0, ours, 0, ours)


def begin_receiving(tx: Transaction, peer: Peer, incarnation: bytes) -> bool:
    """The peer numbers its events anew, under this incarnation: every cursor begins again. False, and nothing
    changes, when it is one that the peer has left before: the frame is old."""
    if _is_retired(tx, peer.name, incarnation):
        return False
    if peer.theirs:
        tx.run(
            "INSERT INTO retired_incarnations (peer, incarnation) VALUES (:peer, :incarnation)"
            " ON CONFLICT (peer, incarnation) DO NOTHING",
            peer=peer.name,
            incarnation=peer.theirs,
        )
    save_peer(tx, replace(peer, theirs=incarnation))
    for name in LANES:
        lane = find(tx, peer.name, name)
        save(tx, replace(lane, received=0, received_hash=beginning(incarnation, name)))
    received_events.forget(tx, peer.name)
    return True


def _is_retired(tx: Transaction, name: str, incarnation: bytes) -> bool:
    retired = "SELECT 1 FROM retired_incarnations WHERE peer = :peer AND incarnation = :incarnation"
    return tx.one(retired, peer=name, incarnation=incarnation) is not None


def is_new(tx: Transaction, event: bytes) -> bool:
    """Note the id of an event that is being applied. False when an event with this id was applied before: it came by a
    second way."""
    row = tx.one(
        "INSERT INTO applied_events (id, at) VALUES (:id, :at) ON CONFLICT (id) DO NOTHING RETURNING id",
        id=event,
        at=tx.steady,
    )
    return row is not None


def is_not_applied(tx: Transaction, event: bytes) -> None:
    """Take back the note of an event that was not applied after all."""
    tx.run("DELETE FROM applied_events WHERE id = :id", id=event)


def forget_applied(tx: Transaction, before: int) -> None:
    """Delete the ids noted before `before`, by the clock that nobody sets."""
    tx.run("DELETE FROM applied_events WHERE at < :before", before=before)


def has_upstream(tx: Transaction) -> bool:
    """Whether this station has an upstream now, as it was told when it started."""
    return bool(tx.value("SELECT value FROM counters WHERE name = 'has upstream'"))


def set_upstream(tx: Transaction, is_there: bool) -> None:
    """Keep whether this station has an upstream: events from below then go on to it."""
    tx.run(
        "INSERT INTO counters (name, value) VALUES ('has upstream', :value)"
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        value=int(is_there),
    )
