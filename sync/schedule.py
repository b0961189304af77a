"""When things leave: APScheduler jobs in the station's one process. A job is a few quick steps, never a loop
without end, so that a stop waits for one request at most."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from apscheduler.schedulers.background import BackgroundScheduler

from store import DiskError, Store, Transaction, attempts, deliveries, drafts, entries, messages, sessions
from sync import dispatch, exchange, outbox
from sync.dispatch import Transport
from sync.exchange import Apply, LineDownError
from sync.line import Line
from sync.wire import FrameError

log = logging.getLogger(__name__)

TICK_S = 1.0
FORGET_EVERY_S = 3600
SESSION_KEEP_MS = 7 * 24 * 3600 * 1000
ATTEMPT_KEEP_MS = 2 * 24 * 3600 * 1000
DRAFT_KEEP_MS = MESSAGE_KEEP_MS = 30 * 24 * 3600 * 1000
MOST_STEPS = 50


class Upstream:
    """The exchange with the upstream, when it is due."""

    def __init__(self, store: Store, station: int, key: bytes, line: Line, apply: Apply, every_s: float) -> None:
        self._store = store
        self._station = station
        self._key = key
        self._line = line
        self._apply = apply
        self._every_ms = int(every_s * 1000)
        # Two exchanges at once could arrive in the wrong order, and the later one be refused as a repeat.
        self._one_at_a_time = threading.Lock()

    def step(self) -> None:
        """Exchange for as long as it is due and more waits. A line that is down is not an error: the outbox has
        noted it, and when to try next."""
        with self._one_at_a_time:
            more = self._store.read(self._is_due)
            for _ in range(MOST_STEPS):
                if not more:
                    return
                more = self._exchange()

    def _exchange(self) -> bool:
        """One exchange; whether more waits on either side and the line is up."""
        try:
            return exchange.call_upstream(self._store, self._station, self._key, self._line.post, self._apply)
        except (LineDownError, FrameError, DiskError) as error:
            log.info("exchange: %s", error)
            return False

    def _is_due(self, tx: Transaction) -> bool:
        """Something waits, or we have not asked for a while; and the line is not being left alone."""
        state = entries.destination(tx, outbox.UPSTREAM)
        if state.due_at > tx.now:
            return False
        waits = any(entries.in_lane(tx, outbox.UPSTREAM, lane, 0, 1) for lane in outbox.LANES)
        return waits or (state.ok_at or 0) + self._every_ms <= tx.now


def read_key(path: Path) -> bytes:
    """The key shared with the upstream, 64 hexadecimal digits. Raises ValueError with what to do."""
    try:
        key = bytes.fromhex(path.read_text().strip())
    except (OSError, ValueError):
        key = b""
    if len(key) != 32:
        raise ValueError(f"{path} must hold the key that `sado station add` printed at the upstream.")
    return key


def create(store: Store, upstream: Upstream | None, transports: Mapping[str, Transport]) -> BackgroundScheduler:
    """The scheduler, not yet started. A job that comes late runs once, however late, and never beside itself."""
    scheduler = BackgroundScheduler(
        timezone="UTC",
        executors={"default": {"type": "threadpool", "max_workers": 3}},
        job_defaults={"coalesce": True, "misfire_grace_time": None, "max_instances": 1},
    )
    if upstream is not None:
        scheduler.add_job(upstream.step, "interval", seconds=TICK_S, id="exchange")
    for name, transport in transports.items():
        scheduler.add_job(send, "interval", [store, name, transport], seconds=TICK_S, id=f"send {name}")
    scheduler.add_job(forget, "interval", [store], seconds=FORGET_EVERY_S, id="forget")
    return scheduler


class Mailbox(Protocol):
    """What comes through a gateway that cannot call us."""

    def step(self) -> None:
        """Take what came."""

    def forget(self) -> None:
        """Have the gateway delete what is done with."""


def empty(scheduler: BackgroundScheduler, mailbox: Mailbox) -> None:
    """Empty a mailbox every second, and have it tidied every hour."""
    scheduler.add_job(mailbox.step, "interval", seconds=TICK_S, id="mailbox")
    scheduler.add_job(mailbox.forget, "interval", seconds=FORGET_EVERY_S, id="mailbox forget")


def send(store: Store, destination: str, transport: Transport) -> None:
    """Send what is due to one destination."""
    for _ in range(MOST_STEPS):
        if not dispatch.step(store, destination, transport):
            return


def forget(store: Store) -> None:
    """Delete what is no longer needed: acknowledged entries, old sessions, old counts of wrong tries, forms that
    nobody went on with, which SMS were taken; and say of entries whose report never came that they are unknown."""
    store.write(outbox.forget_old)
    store.write(outbox.give_up_waiting)
    store.write(lambda tx: deliveries.forget_reports(tx, tx.now - MESSAGE_KEEP_MS))
    store.write(lambda tx: sessions.forget(tx, tx.now - SESSION_KEEP_MS))
    store.write(lambda tx: attempts.forget(tx, tx.now - ATTEMPT_KEEP_MS))
    store.write(lambda tx: drafts.forget(tx, tx.now - DRAFT_KEEP_MS))
    store.write(lambda tx: messages.forget(tx, tx.now - MESSAGE_KEEP_MS))
