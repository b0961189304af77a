"""Blobs: menus and registers, which are too large for events. The upstream publishes them under names and offers them
to its stations; a station fetches what it is offered (sync/blobs/fetch.py) and answers ranges to those behind it.

A name has two parts (`pack/tajikistan`, `register/taxes`), or three for the part of a register that is about one
district (`register/vacancies/TJ-KT-07`; `-` for what is about none). A station that serves some districts is offered
their parts, one that serves all the whole. An offer is an event; a later one of the same name takes its place.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping
from typing import Annotated

import msgspec
from msgspec import Meta

from sado.store import Store, Transaction
from sado.store.tables import blobs, published_blobs, stations, wanted_blobs
from sado.store.tables.events import Event
from sado.store.tables.published_blobs import Published
from sado.store.tables.stations import Served
from sado.store.tables.wanted_blobs import Wanted
from sado.sync import outbox
from sado.sync.blobs import delta, protocol
from sado.sync.blobs.protocol import DELTA, NOT_OFFERED, PLAIN, REPEATED, Answer, Request
from sado.sync.blobs.signature import HASH_BYTES, LONGEST_NAME, Hash, Name, SignatureError, Signed
from sado.sync.codes import Cause, CausedError, EntryKind
from sado.sync.errors import UnknownStationError
from sado.sync.wire.frame import FrameError

log = logging.getLogger(__name__)

OFFERED, TAKEN, REFUSED = EntryKind.BLOB_OFFERED, EntryKind.BLOB_TAKEN, EntryKind.BLOB_REFUSED
NO_DISTRICT = "-"
# The largest blob: a village box holds it and its base in memory once, while it is put together.
MOST_BYTES = 32 << 20
# The longest range that is answered at once, whatever was asked for.
LONGEST_RANGE = 512 * 1024
# Pieces of a blob in one transaction, which a phone may have to wait for: some milliseconds.
PIECES = 4
# Encodings that stay in memory between two ranges, in bytes.
CACHE_BYTES = 16 << 20
LONGEST_REASON = 500


class Offer(Signed, frozen=True):
    """The body of an offer: what the publisher signed, and the bytes of the blob."""

    size: int


class Outcome(msgspec.Struct, frozen=True, omit_defaults=True):
    """The body of what a station says of an offer; `reason` is why it refused."""

    name: Name
    hash: Hash
    station: int
    reason: Annotated[str, Meta(max_length=LONGEST_REASON)] = ""


class BlobTooLargeError(ValueError):
    """A blob is larger than any station takes: publish less under one name."""


def keep(store: Store, content: bytes) -> tuple[bytes, list[tuple[int, bytes]]]:
    """Write the content piece by piece, so that nobody waits long; the hash, and the last pieces. The blob is there
    once these are written and `blobs.finish` was called: in the transaction that gives it a use."""
    blob, pieces = hashlib.sha256(content).digest(), list(blobs.pieces_of(content))
    while len(pieces) > PIECES:
        some, pieces = pieces[:PIECES], pieces[PIECES:]
        store.write(lambda tx, some=some: save(tx, blob, some))  # type: ignore[misc]
    return blob, pieces


def save(tx: Transaction, blob: bytes, pieces: Collection[tuple[int, bytes]]) -> None:
    """Write these pieces."""
    for number, piece in pieces:
        blobs.save_piece(tx, blob, number, piece)


def publish(store: Store, named: Iterable[tuple[Signed, bytes]]) -> int:
    """Let each of these names stand for its content, and offer it to the stations it is for; how many names stand for
    something new. What is not new is offered again to those that do not have it. Raises BlobTooLargeError."""
    published = {signed.name: _published(store, signed, content) for signed, content in named}
    # Once all are there: which names a station wants depends on the others.
    for name in published:
        store.write(lambda tx, name=name: _offer_to_all(tx, name))  # type: ignore[misc]
    return sum(published.values())


def pass_on(store: Store, signed: Signed, content: bytes) -> None:
    """Publish what came from the upstream, as it is signed. Of a whole and its parts those go that came before: they
    are not news any more."""
    whole, part = _split(signed.name)

    def withdraw(tx: Transaction) -> None:
        for name in published_blobs.published(tx):
            if _split(name)[0] == whole and bool(_split(name)[1]) != bool(part):
                published_blobs.withdraw(tx, name)

    store.write(withdraw)
    publish(store, [(signed, content)])


def _published(store: Store, signed: Signed, content: bytes) -> bool:
    """Whether it is new."""
    name = signed.name
    if len(content) > MOST_BYTES:
        raise BlobTooLargeError(f"{name} has {len(content)} bytes; a station takes {MOST_BYTES} at most.")
    before = store.read(lambda tx: published_blobs.find(tx, name))
    if before is not None and (before.hash, before.edition) == (bytes.fromhex(signed.hash), signed.edition):
        return False
    blob, pieces = keep(store, content)

    def finish(tx: Transaction) -> None:
        save(tx, blob, pieces)
        blobs.finish(tx, blob, len(content))
        published_blobs.publish(tx, name, Published(blob, signed.edition, signed.signature))

    store.write(finish)
    return True


def _offer_to_all(tx: Transaction, name: str) -> None:
    published = published_blobs.published(tx)
    has, parted = published_blobs.takers(tx, name, published[name].hash), _parted(published)
    for station in stations.served(tx):
        if station.number not in has and _is_for(name, published, parted, station):
            _offer(tx, station.number, name, published[name])


def offer_all(tx: Transaction, number: int) -> None:
    """Offer everything that is published to a station that was just admitted."""
    published = published_blobs.published(tx)
    for station in stations.served(tx):
        if station.number == number:
            for name in wanted_by(published, station):
                _offer(tx, number, name, published[name])


def wanted_by(names: Collection[str], station: Served) -> list[str]:
    """Those of the published names that are for a station, in their order. A whole and its parts are not both for one:
    a relay gets every part, for it can sign none for those behind it."""
    parted = _parted(names)
    return [name for name in names if _is_for(name, names, parted, station)]


def _parted(names: Collection[str]) -> set[str]:
    """The wholes of which there are parts."""
    return {_split(name)[0] for name in names if _split(name)[1]}


def _is_for(name: str, names: Collection[str], parted: Collection[str], station: Served) -> bool:
    """Whether a name is for a station; `parted` are those of which there are parts."""
    whole, part = _split(name)
    if not part:
        return name not in parted or not (station.districts or station.is_relay)
    if station.districts:
        return part == NO_DISTRICT or part in station.districts
    return station.is_relay or whole not in names


def _split(name: str) -> tuple[str, str]:
    kind, _, rest = name.partition("/")
    what, _, part = rest.partition("/")
    return f"{kind}/{what}", part


def _offer(tx: Transaction, number: int, name: str, published: Published) -> None:
    blob = published.hash
    published_blobs.offer(tx, number, name, blob)
    offer = Offer(name, published.edition, blob.hex(), published.signature, blobs.size_of(tx, blob))
    outbox.put(tx, outbox.station(number), OFFERED, "", msgspec.json.encode(offer).decode(), outbox.BULK)


def tell(tx: Transaction, kind: EntryKind, outcome: Outcome) -> None:
    """Tell the upstream what became of its offer. A refusal does not wait for a cheap hour: somebody has to mend it."""
    lane = outbox.NORMAL if kind == REFUSED else outbox.BULK
    short = msgspec.structs.replace(outcome, reason=outcome.reason[:LONGEST_REASON])
    outbox.put(tx, outbox.UPSTREAM, kind, "", msgspec.json.encode(short).decode(), lane)


class BlobEvents:
    """The events about blobs at the station with this number, which takes what this publisher (a public key) signed."""

    def __init__(self, station: int, publisher: bytes | None) -> None:
        self._station = station
        self._publisher = publisher

    def apply(self, tx: Transaction, peer: str, event: Event) -> None:
        """Take an offer from the upstream, or what a station says of ours. Raises CausedError for what is neither,
        ValueError for what cannot be read."""
        if event.kind == OFFERED and peer == outbox.UPSTREAM:
            self._want(tx, msgspec.json.decode(event.body, type=Offer))
        elif event.kind in (TAKEN, REFUSED) and peer != outbox.UPSTREAM:
            said = msgspec.json.decode(event.body, type=Outcome)
            # What a station behind another says passes here on its way up.
            if peer == outbox.station(said.station):
                state = wanted_blobs.TAKEN if event.kind == TAKEN else wanted_blobs.REFUSED
                published_blobs.settle(
                    tx, said.station, said.name, _hash(said.hash), state, said.reason[:LONGEST_REASON]
                )
        else:
            raise CausedError(Cause.EVENT_FOREIGN, event.kind)

    def _want(self, tx: Transaction, offer: Offer) -> None:
        blob, before = _hash(offer.hash), wanted_blobs.find(tx, offer.name)
        try:
            self._check(offer, before)
        except ValueError as error:
            log.warning("%s is not fetched: %s", offer.name[:LONGEST_NAME], error)
            tell(tx, REFUSED, Outcome(offer.name[:LONGEST_NAME], offer.hash, self._station, str(error)))
            return
        if before and before.hash == blob and before.state in (wanted_blobs.WANTED, wanted_blobs.WHOLE):
            wanted_blobs.wait(tx, offer.name, 0)
            return
        wanted_blobs.want(tx, offer.name, blob, offer.size, offer.edition, offer.signature)
        if before and before.held == blob:
            taken = wanted_blobs.find(tx, offer.name)
            assert taken is not None  # noqa: S101 - it was written just now
            wanted_blobs.move(tx, taken, wanted_blobs.TAKEN)
            tell(tx, TAKEN, Outcome(offer.name, offer.hash, self._station))

    def _check(self, offer: Offer, before: Wanted | None) -> None:
        """Raises ValueError with what is wrong with an offer."""
        if not 0 < offer.size <= MOST_BYTES or not 0 < len(offer.name) <= LONGEST_NAME:
            raise BlobTooLargeError(f"At most {MOST_BYTES} bytes are taken.")
        offer.check(self._publisher)
        is_again = before and (offer.edition, offer.hash) == (before.edition, before.hash.hex())
        if before and not is_again and offer.edition <= before.edition:
            raise SignatureError(f"Edition {offer.edition} is not newer than {before.edition}, which came before.")


def _hash(text: str) -> bytes:
    digest = bytes.fromhex(text)
    if len(digest) != HASH_BYTES:
        raise ValueError("This is no SHA-256.")
    return digest


class BlobServer:
    """Answers ranges of the blobs that are offered to the station that asks."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._encodings: OrderedDict[tuple[bytes, bytes], bytes] = OrderedDict()
        self._lock = threading.Lock()

    def answer(self, path: str, query: str, headers: Mapping[str, str]) -> bytes:
        """The sealed answer to a request. Raises FrameError or UnknownStationError, and then has changed nothing."""
        request, mac = protocol.read(path, query, headers)
        station = self._store.read(lambda tx: stations.find(tx, request.station))
        if station is None:
            raise UnknownStationError(
                f"Station {request.station} is not admitted here; run `sado station add {request.station}`."
            )
        if not request.is_from(station.key, mac):
            raise FrameError(Cause.MAC_WRONG)
        last = self._store.write(lambda tx: stations.accept_fetch(tx, request.station, request.number))
        answer = self._given(request) if last is None else Answer(REPEATED, last)
        return answer.sealed(station.key, request)

    def _given(self, request: Request) -> Answer:
        base = self._store.read(lambda tx: _base(tx, request))
        if base is None:
            return Answer(NOT_OFFERED)
        encoded = self._encoded(request.hash, base)
        kind = DELTA if base else PLAIN
        end = request.start + min(request.length, LONGEST_RANGE)
        return Answer(kind, len(encoded), protocol.name_of(encoded), encoded[request.start : end])

    def _encoded(self, blob: bytes, base: bytes) -> bytes:
        """The same bytes for every range: those of the last few are kept, and made again when they are gone."""
        with self._lock:
            encoded = self._encodings.pop((blob, base), None)
            if encoded is None:
                encoded = self._store.read(lambda tx: _encode(tx, blob, base))
            self._encodings[blob, base] = encoded
            while len(self._encodings) > 1 and sum(map(len, self._encodings.values())) > CACHE_BYTES:
                self._encodings.popitem(last=False)
            return encoded


def _base(tx: Transaction, request: Request) -> bytes | None:
    """The hash of what to make a difference to, empty for none; None when the blob is not this station's to have. Only
    a version of the same name is a base: a difference to anything else could tell what that is."""
    name = published_blobs.offered_name(tx, request.station, request.hash)
    if name is None or not blobs.is_here(tx, request.hash):
        return None
    return request.base if request.base and published_blobs.is_version(tx, name, request.base) else b""


def _encode(tx: Transaction, blob: bytes, base: bytes) -> bytes:
    content, old = blobs.content_of(tx, blob), blobs.content_of(tx, base) if base else b""
    if content is None or old is None:
        raise FrameError(Cause.BLOB_REPLACED)
    return delta.pack(content, old)
