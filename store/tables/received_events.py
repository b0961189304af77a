"""The last urgent events that came from each peer, kept a while: the compressor learns the peer's own words from them.

They are what the peer knows that we have, so it may compress with them and we can decompress. Nothing is learnt from
one peer for another."""

from __future__ import annotations

from sado.store.errors import SealError
from sado.store.tables.events import MOST_READ, Event
from sado.store.transaction import Transaction

BODY = "received_events.body"


def keep(tx: Transaction, peer: str, number: int, event: Event, rolling: bytes) -> None:
    """Keep the event with this number of the peer's urgent lane, and the lane's rolling hash at it."""
    tx.run(
        "INSERT INTO received_events (peer, number, kind, reference, at, hash, body)"
        " VALUES (:peer, :number, :kind, :reference, :at, :hash, :body)"
        " ON CONFLICT (peer, number) DO NOTHING",
        peer=peer,
        number=number,
        kind=event.kind,
        reference=event.reference,
        at=event.at,
        hash=rolling,
        body=tx.seal(event.body, BODY, f"{peer} {number}"),
    )


def between(tx: Transaction, peer: str, after: int, upto: int) -> list[tuple[str, str, str, int]]:
    """(kind, reference, body, time at its maker) of the events numbered after `after` up to `upto`, in order, as far as
    they are still kept; none where the disk has damaged one, and where they are more than may be read at once, so that
    the peer says it again without them."""
    rows = "FROM received_events WHERE peer = :peer AND number > :after AND number <= :upto"
    where = {"peer": peer, "after": after, "upto": upto}
    if tx.value(f"SELECT COALESCE(SUM(LENGTH(body)), 0) {rows}", **where) > MOST_READ:  # noqa: S608
        return []
    kept = tx.all(f"SELECT number, kind, reference, at, body {rows} ORDER BY number", **where)  # noqa: S608
    try:
        return [
            (kind, reference, tx.unseal(body, BODY, f"{peer} {number}"), at)
            for number, kind, reference, at, body in kept
        ]
    except SealError:
        return []


def hash_at(tx: Transaction, peer: str, number: int) -> bytes:
    """The lane's rolling hash at this number; nothing where the event is not kept."""
    event = "SELECT hash FROM received_events WHERE peer = :peer AND number = :number"
    return bytes(tx.value(event, peer=peer, number=number) or b"")


def trim(tx: Transaction, peer: str, upto: int) -> None:
    """Delete what came up to this number."""
    tx.run("DELETE FROM received_events WHERE peer = :peer AND number <= :upto", peer=peer, upto=upto)


def forget(tx: Transaction, peer: str) -> None:
    """Delete what came from this peer."""
    tx.run("DELETE FROM received_events WHERE peer = :peer", peer=peer)


def forget_all(tx: Transaction) -> None:
    """Delete everything, and let nobody compress with what was sent so far: somebody wants her words deleted."""
    tx.run("DELETE FROM received_events")
    tx.run(
        "UPDATE peers SET history_since = COALESCE("
        "(SELECT acked FROM lanes WHERE lanes.peer = peers.name AND lanes.lane = 'u'), 0)"
    )
