"""When things leave: APScheduler jobs in the station's one process. A job is a few quick steps, never a loop
without end, so that a stop waits for one request at most."""

from __future__ import annotations

import logging
import math
import os
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from apscheduler.schedulers.background import BackgroundScheduler

from sado.store import DiskError, Store, Transaction
from sado.store.tables import (
    attempts,
    deletions,
    deliveries,
    drafts,
    lane_events,
    lanes,
    line_usage,
    messages,
    retention,
    row_readers,
    sessions,
    sign_in_misses,
    sign_ins,
    trusted_devices,
)
from sado.store.tables import outbox as entries
from sado.store.zone_time import DAY_MS
from sado.sync import dispatch, outbox
from sado.sync.blobs.fetch import Arrivals
from sado.sync.dispatch import Transport
from sado.sync.errors import LineDownError
from sado.sync.exchange.client import Client
from sado.sync.link.poll_interval import PollInterval
from sado.sync.wire.frame import FrameError

log = logging.getLogger(__name__)

TICK_S = 1.0
FORGET_EVERY_S = 3600
OTHERS = 0o077
# When the fewest dial.
REWRITE_AT_HOUR = 3
MINUTE_S = 60
SESSION_KEEP_MS = 7 * DAY_MS
ATTEMPT_KEEP_MS = SIGN_IN_KEEP_MS = 2 * DAY_MS
DEVICE_KEEP_MS = 90 * DAY_MS
# Who looks once a year, at her tax, is still known.
READER_KEEP_MS = 400 * DAY_MS
DRAFT_KEEP_MS = MESSAGE_KEEP_MS = 30 * DAY_MS
# Longer than a backup is kept that this station was not told of.
DELETION_KEEP_MS = 35 * DAY_MS
# Longer than any stick with events lies in a drawer.
APPLIED_KEEP_MS = 400 * DAY_MS
MOST_STEPS = 50
IDLE_S = 900.0


class Upstream:
    """The exchange with the upstream, when it is due: at once when something waits that may leave, and else seldom
    (sync/link/poll_interval.py). Over the same line `fetch` gets a range of a blob when there is nothing to
    exchange."""

    def __init__(
        self,
        store: Store,
        client: Client,
        every_s: float,
        idle_s: float = IDLE_S,
        fetch: Callable[[], object] = lambda: None,
    ) -> None:
        self._store = store
        self.client = client
        self._fetch = fetch
        self._poll_interval = PollInterval(every_s, idle_s)
        self._lift_seen = 0
        # Two exchanges at once could arrive in the wrong order, and the later one be refused as a repeat.
        self._one_at_a_time = threading.Lock()

    def step(self, most_s: float = math.inf) -> None:
        """Exchange for as long as it is due and more waits, and begin none after `most_s` seconds. A line that is down
        is not an error: the outbox has noted it, and when to try next."""
        ends_at = time.monotonic() + most_s
        # Who waits for the lock longer than a thread can is content to wait for as long as it takes.
        if not self._one_at_a_time.acquire(timeout=min(most_s, threading.TIMEOUT_MAX)):
            return
        try:
            more, is_busy = self._store.read(self._is_due)
            for _ in range(MOST_STEPS):
                if not more:
                    # One range at most: what was filed meanwhile goes before the next.
                    self._fetch()
                    return
                more = self._exchange()
                self._poll_interval.called(self._store.read(lambda tx: tx.steady), is_busy or more)
                if time.monotonic() > ends_at:
                    return
        finally:
            self._one_at_a_time.release()

    def _exchange(self) -> bool:
        """One exchange; whether more waits on either side and the line is up."""
        try:
            more = self.client.call()
            self._lift_seen = self._store.read(line_usage.lifted_at)
            return more
        except (LineDownError, FrameError, DiskError) as error:
            log.log(logging.ERROR if isinstance(error, DiskError) else logging.INFO, "exchange: %s", error)
            return False

    def _is_due(self, tx: Transaction) -> tuple[bool, bool]:
        """Whether to exchange now, and whether something waits that may leave. A line that is down is left alone
        until its next try."""
        if outbox.rests(tx, outbox.UPSTREAM):
            return False, False
        allowed = self.client.accounting.budget.allowance(tx)
        waits = any(lane_events.waits(tx, outbox.UPSTREAM, lane) for lane in allowed.lanes)
        # "Sync now" calls the upstream once though nothing waits here: something may wait there.
        is_asked = allowed.is_lifted and line_usage.lifted_at(tx) != self._lift_seen
        if waits or is_asked or not allowed.is_whole:
            return waits or is_asked, waits
        is_down = entries.destination(tx, outbox.UPSTREAM).down_since is not None
        return is_down or self._poll_interval.is_due(tx.steady), False


def read_key(path: Path) -> bytes:
    """The key shared with the upstream, 64 hexadecimal digits in the first line: the publisher's is in the second.
    Raises ValueError with what to do, also where others can read it: the data folder is its owner's alone."""
    if os.name == "posix" and path.exists() and path.stat().st_mode & path.parent.stat().st_mode & OTHERS:
        raise ValueError(f"Others can read {path}: run `chmod 600 {path}`, and `sado station rekey` at the upstream.")
    try:
        key = bytes.fromhex(path.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        key = b""
    if len(key) != 32:
        raise ValueError(f"{path} must hold the key that `sado station add` printed at the upstream.")
    return key


def create(
    store: Store, upstream: Upstream | None, transports: Mapping[str, Transport], keep_days: float = 14
) -> BackgroundScheduler:
    """The scheduler, not yet started. A job that comes late runs once, however late, and never beside itself. What was
    acknowledged is kept for `keep_days`. Raises outbox.DestinationError where a transport is for no destination that
    takes entries one by one."""
    scheduler = BackgroundScheduler(
        timezone="UTC",
        executors={"default": {"type": "threadpool", "max_workers": 4}},
        job_defaults={"coalesce": True, "misfire_grace_time": None, "max_instances": 1},
    )
    if upstream is not None:
        scheduler.add_job(upstream.step, "interval", seconds=TICK_S, id="exchange")
    for name, transport in transports.items():
        outbox.check_single(name)
        scheduler.add_job(send, "interval", [store, name, transport], seconds=TICK_S, id=f"send {name}")
    scheduler.add_job(look_at_clock, "interval", [store], seconds=TICK_S, id="clock")
    scheduler.add_job(forget, "interval", [store, keep_days], seconds=FORGET_EVERY_S, id="forget")
    return scheduler


class Poller(Protocol):
    """What asks a gateway that cannot call us."""

    def step(self) -> None:
        """Take what came."""

    def forget(self) -> None:
        """Have the gateway delete what is done with."""


def poll(scheduler: BackgroundScheduler, poller: Poller) -> None:
    """Ask every second, and have what is done with deleted every hour."""
    scheduler.add_job(poller.step, "interval", seconds=TICK_S)
    scheduler.add_job(poller.forget, "interval", seconds=FORGET_EVERY_S)


def exchange_keys(scheduler: BackgroundScheduler, step: Callable[[float], object]) -> None:
    """Go on with an exchange of the station's keys, which may have been broken off: for half of each second."""
    scheduler.add_job(step, "interval", [TICK_S / 2], seconds=TICK_S, id="keys")


def rewrite(scheduler: BackgroundScheduler, store: Store, time_zone: str) -> None:
    """Each night, where something was deleted, write the file anew; phones wait some seconds at most."""
    scheduler.add_job(rewrite_now, "cron", [store], hour=REWRITE_AT_HOUR, timezone=time_zone, id="rewrite")


def rewrite_now(store: Store) -> None:
    """Write the file anew, if something was deleted. A disk without room for it keeps nobody from serving: the next
    night tries again."""
    try:
        store.rewrite()
    except DiskError as error:
        log.error("the database could not be written anew after a deletion, make room on the disk: %s", error)


def keep_terms(scheduler: BackgroundScheduler, store: Store, step: Callable[[Transaction], bool]) -> None:
    """Each hour, do what the terms of keeping cases ask for, a few cases in each transaction."""
    scheduler.add_job(_keep_terms, "interval", [store, step], seconds=FORGET_EVERY_S, id="retention")


def _keep_terms(store: Store, step: Callable[[Transaction], bool]) -> None:
    for _ in range(MOST_STEPS):
        if not store.write(step):
            return


def take_in(scheduler: BackgroundScheduler, arrivals: Arrivals) -> None:
    """Take in what was fetched; beside the exchange, for a long register takes its time."""
    scheduler.add_job(arrivals.step, "interval", seconds=TICK_S, id="arrivals")


def every_minute(scheduler: BackgroundScheduler, name: str, step: Callable[[], object]) -> None:
    """What is done every minute."""
    scheduler.add_job(step, "interval", seconds=MINUTE_S, id=name)


def send(store: Store, destination: str, transport: Transport) -> None:
    """Send what is due to one destination."""
    for _ in range(MOST_STEPS):
        if not dispatch.step(store, destination, transport):
            return


def look_at_clock(store: Store) -> None:
    """Notice when somebody, or the line, sets the clock."""
    if store.clock.look(store.now()):
        store.write(store.clock.keep)


def forget(store: Store, keep_days: float = 14) -> None:
    """Delete what is no longer needed: acknowledged entries, old sessions and sign-ins, old counts of wrong tries,
    forms that nobody went on with, which SMS were taken, answers to strangers, old deletions; and say of entries whose
    report never came that they are unknown."""
    store.write(lambda tx: entries.forget(tx, int(keep_days * DAY_MS)))
    store.write(lambda tx: lanes.forget_applied(tx, tx.steady - APPLIED_KEEP_MS))
    store.write(outbox.give_up_waiting)
    store.write(lambda tx: deliveries.forget_reports(tx, tx.now - MESSAGE_KEEP_MS))
    store.write(lambda tx: sessions.forget(tx, tx.now - SESSION_KEEP_MS))
    store.write(lambda tx: attempts.forget(tx, tx.now - ATTEMPT_KEEP_MS))
    store.write(lambda tx: row_readers.forget(tx, tx.now - READER_KEEP_MS))
    store.write(lambda tx: entries.forget_strangers(tx, tx.now - ATTEMPT_KEEP_MS))
    store.write(lambda tx: retention.forget(tx, tx.steady - APPLIED_KEEP_MS))
    store.write(lambda tx: deletions.forget(tx, tx.now - DELETION_KEEP_MS))
    store.write(lambda tx: sign_ins.forget(tx, tx.steady - SIGN_IN_KEEP_MS))
    store.write(lambda tx: sign_in_misses.forget(tx, tx.steady - SIGN_IN_KEEP_MS))
    store.write(lambda tx: trusted_devices.forget(tx, tx.steady - DEVICE_KEEP_MS))
    store.write(lambda tx: drafts.forget(tx, tx.now - DRAFT_KEEP_MS))
    store.write(lambda tx: messages.forget(tx, tx.now - MESSAGE_KEEP_MS))
