"""Fetching what the upstream offers: one range at a time, over the line of the exchange.

What came is kept, so a transfer that was cut, or a station that was switched off, goes on where it stopped. A blob that
is whole and has its hash is handed to what takes blobs of its kind (`Arrivals`), which checks it before it takes
the place of the one before.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from sado.store import DiskError, Store, Transaction
from sado.store.errors import SealError
from sado.store.tables import blobs, line_usage, stations, wanted_blobs
from sado.store.tables.wanted_blobs import Wanted
from sado.sync import outbox
from sado.sync.blobs import delta, protocol
from sado.sync.blobs.protocol import DELTA, NOT_OFFERED, PLAIN, REPEATED, Answer, Request
from sado.sync.blobs.publish import REFUSED, TAKEN, Outcome, keep, save, tell
from sado.sync.errors import LineDownError
from sado.sync.link.accounting import Accounting
from sado.sync.link.frame_size import FrameSize
from sado.sync.wire.frame import FrameError

log = logging.getLogger(__name__)

# (target, headers, seconds to wait) → body. Raises LineDownError.
Get = Callable[[str, Mapping[str, str], float], bytes]
KILLED = (
    "The station ended while it took this in, and does not try again. If something else ended it, publish it again."
)
NOT_ITSELF = "What came does not have the hash that was offered."


class Fetcher:
    """Gets the ranges. Not for two threads at once, nor beside an exchange: they share the line, and its frame size."""

    def __init__(
        self,
        store: Store,
        station: int,
        key: bytes,
        get: Get,
        frame_size: FrameSize,
        accounting: Accounting | None = None,
    ) -> None:
        self._store = store
        self._station = station
        self._key = key
        self._get = get
        self._frame_size = frame_size
        self._accounting = accounting or Accounting()

    def step(self) -> bool:
        """Get one range, if something is wanted and may be fetched now; whether it came.

        A line that is down is not an error: the outbox notes it, and when to try next."""
        wanted, most = self._store.read(self._next)
        if wanted is None:
            return False
        request = self._store.write(lambda tx: self._request(tx, wanted, most))
        try:
            answer = self._asked(request)
        except (LineDownError, FrameError) as error:
            log.info("fetching %s: %s", wanted.name, error)
            return False
        return self._take(wanted, request, answer)

    def _next(self, tx: Transaction) -> tuple[Wanted | None, int]:
        """What to fetch now, and how many bytes of it."""
        allowed = self._accounting.budget.allowance(tx)
        if outbox.BULK not in allowed.lanes or outbox.rests(tx, outbox.UPSTREAM):
            return None, 0
        return wanted_blobs.next_in(tx, wanted_blobs.WANTED), self._frame_size.within(allowed.left)

    def _request(self, tx: Transaction, wanted: Wanted, most: int) -> Request:
        is_plain = wanted.is_plain or wanted.held is None or not blobs.is_here(tx, wanted.held)
        base = b"" if is_plain else wanted.held or b""
        length = min(most, wanted.total - wanted.got) if wanted.total else most
        return Request(self._station, tx.next_number("fetch"), wanted.hash, base, wanted.got, length)

    def _asked(self, request: Request) -> Answer:
        began = time.monotonic()
        try:
            sealed = self._get(request.target, request.headers(self._key), self._frame_size.timeout_s)
            answer = protocol.opened(self._key, request, sealed)
        except (LineDownError, FrameError) as error:
            self._frame_size.failed()
            self._note(lambda tx, reason=error.reason: outbox.destination_down(tx, outbox.UPSTREAM, reason))  # type: ignore[misc]
            raise
        self._frame_size.succeeded(len(sealed), time.monotonic() - began)
        self._note(lambda tx: outbox.destination_ok(tx, outbox.UPSTREAM))
        return answer

    def _note(self, outcome: Callable[[Transaction], None]) -> None:
        """Keep how the line did, and what it carried."""
        fresh = self._accounting.fresh()

        def job(tx: Transaction) -> None:
            outcome(tx)
            self._accounting.note(tx, fresh, {line_usage.BLOBS: 1})

        self._store.write(job)
        self._accounting.noted(fresh)

    def _take(self, wanted: Wanted, request: Request, answer: Answer) -> bool:
        if answer.kind == REPEATED:
            # This disk went back in time.
            number = answer.number
            self._store.write(lambda tx: tx.follow("fetch", request.number, number, stations.LONGEST_JUMP))
        elif answer.kind == NOT_OFFERED:
            # Its next offer is on its way.
            self._store.write(lambda tx: wanted_blobs.wait(tx, wanted.name, tx.now + wanted_blobs.LONGEST_WAIT_MS))
        elif answer.kind in (PLAIN, DELTA) and self._store.write(lambda tx: _add(tx, wanted, request, answer)):
            if request.start + len(answer.content) == answer.number:
                self._put_together(wanted, answer.kind == DELTA)
            return True
        return answer.kind == REPEATED

    def _put_together(self, wanted: Wanted, is_delta: bool) -> None:
        """All bytes are here: make the blob of them. One that is not what was offered is thrown away and fetched once
        more, whole; then it is refused."""
        content = self._store.read(lambda tx: _decoded(tx, wanted, is_delta))
        if content is None:
            self._store.write(lambda tx: _not_itself(tx, wanted, self._station))
            return
        _, pieces = keep(self._store, content)
        self._store.write(lambda tx: _finish(tx, wanted, pieces))


def _add(tx: Transaction, wanted: Wanted, request: Request, answer: Answer) -> bool:
    """Keep a range. False where it is of no use: a later offer came, or the upstream encodes the blob in another way
    than before and it begins anew."""
    wanted_now = wanted_blobs.find(tx, wanted.name)
    if wanted_now is None or wanted_now.number != wanted.number or wanted_now.got != request.start:
        return False
    encoding = bytes([answer.kind]) + answer.encoding
    if wanted_now.total and (wanted_now.encoding, wanted_now.total) != (encoding, answer.number):
        wanted_blobs.start_over(tx, wanted.name, bool(wanted_now.is_plain))
        return False
    end = request.start + len(answer.content)
    if not request.start < end <= answer.number <= _most(wanted.size):
        _not_itself(tx, wanted_now, request.station)
        return False
    wanted_blobs.add_range(tx, replace(wanted_now, encoding=encoding, total=answer.number), answer.content)
    return True


def _most(size: int) -> int:
    """The bytes that an encoding of so many can have (ZSTD_compressBound, about)."""
    return size + size // 128 + 1024


def _decoded(tx: Transaction, wanted: Wanted, is_delta: bool) -> bytes | None:
    """The blob, or None where what came is not it."""
    try:
        base = (blobs.content_of(tx, wanted.held) or b"") if is_delta and wanted.held else b""
        content = delta.unpack(wanted_blobs.ranges(tx, wanted.name), base, wanted.size)
    except (ValueError, SealError):
        return None
    return content if hashlib.sha256(content).digest() == wanted.hash else None


def _not_itself(tx: Transaction, wanted: Wanted, station: int) -> None:
    if not wanted.is_plain:
        log.warning("%s: %s It is fetched again, whole.", wanted.name, NOT_ITSELF)
        wanted_blobs.start_over(tx, wanted.name, is_plain=True)
    else:
        _refuse(tx, wanted, station, NOT_ITSELF)


def _refuse(tx: Transaction, wanted: Wanted, station: int, reason: str) -> None:
    if wanted_blobs.move(tx, wanted, wanted_blobs.REFUSED, reason):
        tell(tx, REFUSED, Outcome(wanted.name, wanted.hash.hex(), station, reason))


def _finish(tx: Transaction, wanted: Wanted, pieces: list[tuple[int, bytes]]) -> None:
    save(tx, wanted.hash, pieces)
    if wanted_blobs.move(tx, wanted, wanted_blobs.WHOLE):
        blobs.finish(tx, wanted.hash, wanted.size)


class RefusedError(Exception):
    """What came cannot be taken in; the message says why, to whoever published it."""


# (what it is, content): take a blob in, or raise RefusedError.
Take = Callable[[Wanted, bytes], None]


def boot_id() -> str:
    """What tells this run of the machine from others; empty where the system does not say."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


class Arrivals:
    """Hands on what was fetched whole. It is taken in again from the start where the machine was switched off
    meanwhile, so the same blob may be handed on any number of times. But where the process alone ended, the blob may be
    why, and would end each that follows: it is marked before it is tried, and not tried again."""

    def __init__(self, store: Store, station: int, take: Take, boot: str | None = None) -> None:
        self._store = store
        self._station = station
        self._take = take
        self._boot = boot_id() if boot is None else boot
        self._mark = f"{self._boot} {secrets.token_hex(8)}"

    def step(self) -> bool:
        """Hand on the oldest; False when there is none. One that is refused is kept aside with the reason, and the one
        before goes on being used."""
        wanted = self._store.read(lambda tx: wanted_blobs.next_in(tx, wanted_blobs.WHOLE))
        if wanted is None:
            return False
        try:
            if self._has_killed(wanted):
                raise RefusedError(KILLED)
            self._store.write(lambda tx: wanted_blobs.mark(tx, wanted, self._mark))
            content = self._store.read(lambda tx: blobs.content_of(tx, wanted.hash))
            if content is None:
                raise RefusedError("It is not whole any more.")
            self._take(wanted, content)
        except DiskError:
            raise
        except Exception as error:
            reason = str(error) if isinstance(error, RefusedError) else f"an error there ({type(error).__name__})"
            log.warning("%s is not taken: %s", wanted.name, reason, exc_info=not isinstance(error, RefusedError))
            self._store.write(lambda tx: _refuse(tx, wanted, self._station, reason))
        else:
            self._store.write(lambda tx: self._hold(tx, wanted))
        return True

    def _has_killed(self, wanted: Wanted) -> bool:
        """Whether another process of this run of the machine tried it, and did not come to say what came of it."""
        return wanted.tried.startswith(f"{self._boot} ") and wanted.tried != self._mark

    def _hold(self, tx: Transaction, wanted: Wanted) -> None:
        wanted_blobs.hold(tx, wanted)
        if wanted_blobs.move(tx, wanted, wanted_blobs.TAKEN):
            tell(tx, TAKEN, Outcome(wanted.name, wanted.hash.hex(), self._station))
