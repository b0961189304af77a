"""The audit log on its way up: a station's rows go to its upstream in batches, and are held there against what came
before.

Rows that do not go on from those that are here are kept all the same, as a branch that says why: of a station that was
restored from a backup they are honest, of one whose log was rewritten they are the evidence. Neither stops the lane.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Self

import msgspec

from sado.cases.audit import LONGEST, Action
from sado.cases.audit_check import Wrong
from sado.cases.authorisation import check_sender
from sado.cases.errors import ForeignEventError, UnknownEventError
from sado.cases.payloads import Moment, StationNumber
from sado.store import Store, Transaction
from sado.store.tables import audit as rows
from sado.store.tables import identity
from sado.store.tables.audit import AuditRow, Chain
from sado.store.tables.events import Event
from sado.sync import outbox
from sado.sync.codes import EntryKind

log = logging.getLogger(__name__)

WRITTEN = EntryKind.AUDIT_WRITTEN
# A batch leaves when so many rows wait, or the oldest has waited so long.
BATCH, LONGEST_WAIT_MS = 100, 3600 * 1000
# Each branch is of a restore or of an intruder: a station that begins more has its rows kept aside for a person.
MOST_BRANCHES = 100

Number = Annotated[int, msgspec.Meta(ge=1, lt=1 << 60)]
Hash = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
Texts = Annotated[list[Annotated[str, msgspec.Meta(max_length=LONGEST)]], msgspec.Meta(min_length=1, max_length=BATCH)]
Moments = Annotated[list[Moment], msgspec.Meta(min_length=1, max_length=BATCH)]


class Written(msgspec.Struct, frozen=True):
    """The event that carries rows of a station, from `first` on: the hash before them, the hash behind them, and their
    columns, since what stands together in columns is small on the line. `at` are milliseconds since the row before, of
    the first since 1970 UTC."""

    station: StationNumber
    first: Number
    before: Hash
    hash: Hash
    at: Moments
    who: Texts
    action: Texts
    object: Texts
    detail: Texts

    @classmethod
    def of(cls, batch: Sequence[AuditRow], before: bytes) -> Self:
        """The event of these rows."""
        at = [row.at for row in batch]
        gaps = [later - earlier for earlier, later in zip([0, *at], at, strict=False)]
        columns = {name: [getattr(row, name) for row in batch] for name in ("who", "action", "object", "detail")}
        return cls(batch[0].station, batch[0].number, before.hex(), batch[-1].hash.hex(), gaps, **columns)

    def rows(self) -> list[AuditRow]:
        """The rows, each with the hash that follows from the one before. Raises ValueError for columns that are not
        equally long."""
        told, hashed, at = [], bytes.fromhex(self.before), 0
        columns = zip(self.at, self.who, self.action, self.object, self.detail, strict=True)
        for number, (gap, who, action, about, detail) in enumerate(columns, self.first):
            at += gap
            row = AuditRow(self.station, rows.OWN, number, at, who, action, about, detail)
            hashed = rows.hash_after(hashed, row.content)
            told.append(replace(row, hash=hashed))
        return told


def send(tx: Transaction) -> bool:
    """Queue the next batch of this station's rows for the upstream, where one is due; whether there was one."""
    own = identity.find(tx)
    chain = rows.find_chain(tx, own.number, rows.OWN) if own else None
    if chain is None or chain.sent >= chain.number:
        return False
    batch = rows.after(tx, chain.station, rows.OWN, chain.sent, BATCH)
    is_old = bool(batch) and not 0 <= tx.now - batch[0].at < LONGEST_WAIT_MS
    if not batch or (len(batch) < BATCH and not is_old):
        return False
    body = msgspec.json.encode(Written.of(batch, rows.hash_at(tx, chain.station, rows.OWN, chain.sent))).decode()
    outbox.put(tx, outbox.UPSTREAM, WRITTEN, f"{chain.station:03}", body, outbox.BULK)
    rows.save_chain(tx, replace(chain, sent=batch[-1].number))
    return True


def send_all(store: Store) -> None:
    """Queue every batch that is due; the writer is left alone where nothing waits."""
    while store.read(is_due) and store.write(send):
        pass


def is_due(tx: Transaction) -> bool:
    """Whether rows wait for a batch."""
    own = identity.find(tx)
    chain = rows.find_chain(tx, own.number, rows.OWN) if own else None
    return chain is not None and chain.sent < chain.number


def apply(tx: Transaction, peer: str, event: Event) -> None:
    """Take rows of a station below. Those that are here already change nothing.

    Raises msgspec.ValidationError, ValueError, ForeignEventError or UnknownEventError: the caller keeps the event
    aside."""
    if event.kind != WRITTEN:
        raise UnknownEventError(event.kind)
    said = msgspec.json.decode(event.body, type=Written)
    number, own = f"{said.station:03}", identity.find(tx)
    if peer == outbox.UPSTREAM or event.reference != number or (own is not None and own.number == said.station):
        raise ForeignEventError("The rows are of another station than they say.")
    check_sender(tx, peer, number)
    _take(tx, said, said.rows())


def _take(tx: Transaction, said: Written, told: Sequence[AuditRow]) -> None:
    number, hashed = said.first - 1, bytes.fromhex(said.before)
    is_here = (number, hashed) == (0, rows.ROOT) or rows.branch_with(tx, said.station, number, hashed) is not None
    for row in told:
        if rows.branch_with(tx, said.station, row.number, row.hash) is None:
            break
        number, hashed, is_here = row.number, row.hash, True
    fresh = told[number - said.first + 1 :]
    if fresh:
        chain = _chain(tx, said.station, number, hashed, is_here, fresh[0])
        is_altered = told[-1].hash.hex() != said.hash
        rows.add(tx, replace(chain, finding=Wrong.ALTERED.value) if is_altered else chain, fresh)


def _chain(tx: Transaction, station: int, number: int, hashed: bytes, is_here: bool, first: AuditRow) -> Chain:
    """The chain that ends with this row, or else a new branch. Raises ForeignEventError where there are too many."""
    known = rows.chains(tx, station)
    for chain in known or [Chain(station, began_at=tx.now)]:
        if (chain.number, chain.hash) == (number, hashed):
            return chain
    if len(known) >= MOST_BRANCHES:
        raise ForeignEventError("The station has begun its log anew too often.")
    restored = first.action == Action.RESTORED
    finding = Wrong.GAP if not is_here else Wrong.RESTORED if restored else Wrong.FORKED
    log.error("audit log of station %03d: at row %d it does not go on from what is here (%s)", station, number, finding)
    return Chain(station, len(known), number + 1, hashed, number, hashed, 0, finding.value, tx.now)
