"""The wiring: settings and store become a station, whose `app` answers requests.

Two things are registered here that packages may not import from each other: `sync` gets the handler for events
from other stations (`Events.apply`) and the transport for SMS (`Notices`).
"""

from __future__ import annotations

import contextlib
import logging
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import cast
from zoneinfo import ZoneInfo

from apscheduler.schedulers.background import BackgroundScheduler
from flask import Flask, g, has_app_context
from werkzeug.local import LocalProxy

from sado.cases import audit, audit_check, audit_exchange
from sado.cases.events import Events
from sado.cases.filing_rate import FilingRate
from sado.cases.registers.lookup import Registers
from sado.cases.residents import subscriptions
from sado.cases.residents.additions import Additions
from sado.cases.residents.consultation import Consultation
from sado.cases.residents.privacy import Privacy
from sado.cases.retention import Retention
from sado.cases.service import Cases
from sado.channel import build as channels
from sado.channel.build import Channel
from sado.channel.contract import Context
from sado.channel.effects.register_words import registers_of
from sado.channel.effects.registry import all_effects
from sado.channel.front import Webhook, Webhooks
from sado.channel.gateways.registry import GATEWAYS
from sado.channel.settings import BLOCKS, SmsSettings
from sado.channel.sms.inbox import Inbox
from sado.channel.sms.notices import Notices
from sado.channel.sms.reports import Reports
from sado.channel.sms.send_policy import SendPolicy
from sado.channel.versions import Versions
from sado.desk import pages, recording
from sado.menus.pack import Pack
from sado.publishing import checking, publisher
from sado.publishing.intake import NewPacks
from sado.publishing.offers import Publishing
from sado.settings import Settings, SettingsError, told
from sado.store import Store, StoreError, Transaction
from sado.store.rotation import Rotation
from sado.store.tables import blobs, identity, lanes
from sado.store.tables import outbox as entries
from sado.store.tables.events import Apply
from sado.store.tables.identity import Identity
from sado.sync import endpoint, outbox, schedule
from sado.sync import status as sync_status
from sado.sync.blobs.fetch import Arrivals, Fetcher
from sado.sync.blobs.publish import BlobEvents
from sado.sync.by_hand.transfer import FileTransfer
from sado.sync.dispatch import Transport
from sado.sync.exchange import aside
from sado.sync.exchange.client import Client
from sado.sync.health import Health
from sado.sync.link.accounting import Accounting
from sado.sync.link.budget import Budget, decimal, limits_from, windows_from
from sado.sync.link.connection import Line
from sado.sync.link.frame_size import FrameSize
from sado.sync.status import Status

log = logging.getLogger(__name__)

# mallopt(3). glibc's own threshold, until it raises it.
M_ARENA_MAX, M_MMAP_THRESHOLD = -8, -3
MMAP_THRESHOLD = 128 * 1024
# The phone page speaks this gateway's format.
PHONE_PAGE_CALLS = "africastalking"
# What may be posted to a page, and to the API of agencies: the longest text of a form, each letter as an escape.
LARGEST_PAGE = 64 * 1024


@dataclass(frozen=True)
class Station:
    """One running station: `app` answers requests; `start` and `stop` frame its life."""

    settings: Settings
    store: Store
    identity: Identity
    cases: Cases
    versions: Versions
    publishing: Publishing
    app: Flask
    upstream: schedule.Upstream | None
    file_transfer: FileTransfer
    release: Callable[[Transaction, int], bool]
    sync_status: Callable[[Transaction], Status]
    transports: dict[str, Transport]
    rotation: Rotation
    scheduler: BackgroundScheduler

    def start(self) -> None:
        """Give back the leases of the last process, note which settings are new, and begin to send what waits."""
        schedule.look_at_clock(self.store)
        self.store.write(entries.release_all)
        self.store.write(blobs.recover)
        # Also at the start: a box may be off at night.
        schedule.rewrite_now(self.store)
        now, unset = (told(settings, BLOCKS) for settings in (self.settings, Settings()))
        self.store.write(lambda tx: audit.record_settings(tx, now, unset))
        self.scheduler.start()

    def stop(self) -> None:
        """Let the running jobs end, and hang up."""
        self.scheduler.shutdown()
        self.hang_up()

    def hang_up(self) -> None:
        """End the line to the upstream, and the process that packs for it."""
        if self.upstream is not None:
            self.upstream.client.close()

    @property
    def pack(self) -> Pack:
        """The version of the pack that is served now."""
        return self.versions.current.pack

    @property
    def registers(self) -> Registers:
        """The registers of that version."""
        return registers_of(self.pack)


def spare_memory() -> None:
    """One heap of the C library instead of one for each thread: a small box has three megabytes more. And what is large
    goes back to the system once it is freed: after the first sign-in glibc would keep the 19 MiB that Argon2 takes.
    Only glibc knows the settings; elsewhere nothing happens."""
    import ctypes

    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(M_ARENA_MAX, 1)
        mallopt(M_MMAP_THRESHOLD, MMAP_THRESHOLD)


def build_station(settings: Settings, store: Store) -> Station:
    """A station on this store. Raises StoreError or ValueError, each with what to do."""
    own = store.read(identity.find)
    if own is None:
        raise StoreError("This database has no station number. Run `sado init --station NUMBER`.")
    chosen, fault = checking.choose(store, settings.pack)
    filing_rate = FilingRate(settings.filings_per_hour)
    cases = Cases(own, bool(settings.upstream), lambda: versions.current.law, filing_rate=filing_rate)
    versions = Versions(chosen, lambda served: all_effects(cases, served), settings.service_code, fault)
    pack, apply = _current(versions), _events(cases, own.number, _publisher(settings)).apply
    channel, policy = _channel(settings, store, cases, versions), _send_policy(settings, pack)
    budget = _budget(settings, pack)
    upstream = _upstream(settings, store, own, apply, budget)

    def status_of(tx: Transaction) -> Status:
        frame_size = upstream.client.frame_size if upstream else None
        return sync_status.of(tx, budget, frame_size, filing_rate.is_flooded(tx))

    app = _app(store, channel.webhooks, apply)
    health = Health(store, upstream is not None, filing_rate.is_flooded)
    app.add_url_rule("/healthz", "healthz", lambda: health.told(versions.fault))

    def release(tx: Transaction, number: int) -> bool:
        return aside.release(tx, number, apply)

    pages.create(app, store, cases, pack, _options(settings, channel.webhooks, policy, status_of, release))
    publishing = _publishing(settings, store, versions)
    transports: dict[str, Transport] = {}
    if channel.failover:
        transports[outbox.SMS] = Notices(store, channel.failover, pack, cases, policy)
    rotation = Rotation(store, subscriptions.are_told)
    scheduler = schedule.create(store, upstream, transports, settings.sync_keep_days)
    schedule.every_minute(scheduler, "health", health.look)
    schedule.exchange_keys(scheduler, rotation.step)
    schedule.keep_terms(scheduler, store, Retention(lambda: versions.current.law).step)
    schedule.rewrite(scheduler, store, pack.time_zone)
    for poller in channel.pollers:
        schedule.poll(scheduler, poller)
    if upstream:
        schedule.take_in(scheduler, Arrivals(store, own.number, publishing.take))
        schedule.every_minute(scheduler, "audit", lambda: audit_exchange.send_all(store))
    schedule.every_minute(scheduler, "verify", lambda: audit_check.verify_daily(store))
    schedule.every_minute(scheduler, "refusals", recording.of(app).refusals.flush)
    transfer = FileTransfer(store, own.number, schedule.read_key(settings.upstream_key) if upstream else None, apply)
    return Station(
        settings,
        store,
        own,
        cases,
        versions,
        publishing,
        app,
        upstream,
        transfer,
        release,
        status_of,
        transports,
        rotation,
        scheduler,
    )


def _events(cases: Cases, number: int, publisher: bytes | None) -> Events:
    """Which handler takes which events of other stations."""
    return Events(
        {
            "case": cases.apply,
            "tally": Consultation(cases.has_upstream).apply,
            "privacy": Privacy(cases.has_upstream).apply,
            "addition": Additions(cases).apply,
            "audit": audit_exchange.apply,
            "blob": BlobEvents(number, publisher).apply,
        }
    )


def _publishing(settings: Settings, store: Store, versions: Versions) -> Publishing:
    name, arrived = Path(settings.pack).resolve().name, NewPacks(store, versions)
    return Publishing(store, name, versions, arrived, lambda: _publisher(settings))


def _publisher(settings: Settings) -> bytes | None:
    """The public key whose signatures are taken here. Raises SignatureError."""
    return publisher.held(settings.publisher, settings.upstream_key if settings.upstream else None)


def _channel(settings: Settings, store: Store, cases: Cases, versions: Versions) -> Channel:
    """The gateways that are set up, and what answers them. Raises ValueError for settings that do not go together."""
    context = Context(versions.current.pack.country, settings.service_code, f"http://127.0.0.1:{settings.port}")
    gateways = channels.set_up(GATEWAYS, settings.block, context)
    inbox, reports = Inbox(versions), Reports(cases)
    return channels.connect(gateways, settings.block(SmsSettings), store, versions, inbox, reports)


def _send_policy(settings: Settings, pack: Pack) -> SendPolicy:
    sms = settings.block(SmsSettings)
    # Rounded up: 0 is no limit, which nobody means who sets the smallest one.
    return SendPolicy(pack, math.ceil(sms.daily_budget * 1000), sms.at_night, sms.notices_per_station)


def _app(store: Store, webhooks: Iterable[Webhook], apply: Apply) -> Flask:
    """The app that the pages are put on; before it stand the gateways' webhooks and the exchange, plain WSGI."""
    app = Flask("sado", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_PAGE
    app.wsgi_app = Webhooks(app.wsgi_app, webhooks)  # type: ignore[method-assign]
    app.wsgi_app = endpoint.Endpoint(app.wsgi_app, store, apply)  # type: ignore[method-assign]
    return app


def _options(
    settings: Settings,
    webhooks: Iterable[Webhook],
    policy: SendPolicy,
    status_of: Callable[[Transaction], Status],
    release: Callable[[Transaction, int], bool],
) -> pages.Options:
    return pages.Options(
        phone_page=settings.phone_page,
        phone_sms_url=settings.phone_sms_url,
        service_code=settings.service_code,
        ussd_path=next((one.path for one in webhooks if one.gateway == PHONE_PAGE_CALLS), ""),
        secure_cookies=settings.secure_cookies,
        has_upstream=bool(settings.upstream),
        is_costly=policy.is_alarming,
        spent_peers=policy.spent_peers,
        sync_status=status_of,
        release=release,
        publisher=lambda: publisher.held_or_made(
            settings.publisher_key, settings.publisher, settings.upstream_key if settings.upstream else None
        ),
    )


def _current(versions: Versions) -> Pack:
    """The version that is served at the moment somebody looks: another may come while the station serves. A page looks
    many times, and sees one from its beginning to its end."""

    def look() -> Pack:
        now = versions.current.pack
        return g.setdefault("pack", now) if has_app_context() else now

    return cast(Pack, LocalProxy(look))


def _budget(settings: Settings, pack: Pack) -> Budget:
    """The rules of the line. Raises ValueError for those that do not go together."""
    price = decimal(settings.sync_price_per_mb)
    limits = limits_from(
        daily_kb=settings.sync_daily_kb,
        monthly_mb=settings.sync_monthly_mb,
        daily_money=settings.sync_daily_money,
        monthly_money=settings.sync_monthly_money,
        price=price,
    )
    return Budget(ZoneInfo(pack.time_zone), windows_from(settings.sync_windows), limits, price)


def _upstream(
    settings: Settings, store: Store, own: Identity, apply: Apply, budget: Budget
) -> schedule.Upstream | None:
    """What calls the station to exchange with, if there is one; the store is told when that has changed. Raises
    SettingsError."""
    if store.read(lanes.has_upstream) != bool(settings.upstream):
        store.write(lambda tx: lanes.set_upstream(tx, bool(settings.upstream)))
    if not settings.upstream:
        return None
    key = schedule.read_key(settings.upstream_key)
    try:
        line = Line(settings.upstream, settings.upstream_certificate)
    except OSError as error:
        file = settings.upstream_certificate_file
        raise SettingsError(f"SADO_UPSTREAM_CERTIFICATE_FILE={file!r} holds no certificate in PEM: {error}.") from None
    accounting = Accounting(budget, lambda: line.used)
    client = Client(store, own.number, key, line, apply, FrameSize(), accounting)
    fetcher = Fetcher(store, own.number, key, line.get, client.frame_size, accounting)
    return schedule.Upstream(store, client, settings.sync_every_s, settings.sync_idle_s, fetcher.step)
