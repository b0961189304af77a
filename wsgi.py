"""The wiring: settings → store → app. The one module that imports every package.

Two things are registered here that packages may not import from each other: `sync` gets the handler for events
from other stations (`Cases.apply`) and the transport for SMS (`Notices`).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from apscheduler.schedulers.background import BackgroundScheduler
from flask import Flask, Response, jsonify

import desk.pages
from cases.service import Cases
from channel import ussd
from channel.effects import Effects
from channel.gateways.africastalking import AfricasTalkingSms, AfricasTalkingUssd
from channel.hop import Conversation
from channel.notices import Notices
from menus import pack as packs
from menus.pack import Pack
from settings import Settings
from store import Keyring, Store, StoreError, entries, identity
from store.identity import Identity
from sync import outbox, schedule, web
from sync.dispatch import Transport
from sync.line import Line

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Station:
    """One running station: `app` answers requests; `start` and `stop` frame its life."""

    settings: Settings
    store: Store
    identity: Identity
    cases: Cases
    app: Flask
    upstream: schedule.Upstream | None
    transports: dict[str, Transport]
    scheduler: BackgroundScheduler

    def start(self) -> None:
        """Give back the leases of the last process, and begin to send what waits."""
        self.store.write(outbox.recover)
        self.scheduler.start()

    def stop(self) -> None:
        """Let the running jobs end, then close the store."""
        self.scheduler.shutdown()
        self.store.close()


def open_store(settings: Settings) -> Store:
    """The station's database with its keys. Raises StoreError."""
    if not settings.database.exists():
        raise StoreError(f"There is no station in {settings.folder}. Run `sado init --station NUMBER` first.")
    return Store(settings.database, Keyring.load(settings.keys))


def build(settings: Settings, store: Store) -> Station:
    """A station on this store. Raises StoreError, TreeError or ValueError, each with what to do."""
    known = store.read(identity.find)
    if known is None:
        raise StoreError("This database has no station number. Run `sado init --station NUMBER`.")
    pack = packs.load(settings.pack)
    cases = Cases(known, has_upstream=bool(settings.upstream))
    app = Flask("sado", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = 1 << 20
    ussd_path = _add_channel(app, settings, store, Effects(cases, pack), pack)
    app.register_blueprint(web.create(store, cases.apply))
    desk.pages.create(
        app,
        store,
        cases,
        pack,
        desk.pages.Options(
            phone_page=settings.phone_page,
            phone_sms_url=settings.phone_sms_url,
            service_code=settings.service_code,
            ussd_path=ussd_path,
            secure_cookies=settings.secure_cookies,
            has_upstream=bool(settings.upstream),
        ),
    )
    # Cookies do not tell ports apart: two stations on one machine need two names.
    app.config["SESSION_COOKIE_NAME"] = f"sado-{known.number:03}"
    upstream = _upstream(settings, store, known, cases)
    transports = _transports(settings, pack, cases)
    scheduler = schedule.create(store, upstream, transports)
    app.add_url_rule("/healthz", "healthz", lambda: _health(store, upstream is not None))
    return Station(settings, store, known, cases, app, upstream, transports, scheduler)


def _add_channel(app: Flask, settings: Settings, store: Store, effects: Effects, pack: Pack) -> str:
    """Put the USSD webhook in front of the app; its path, or nothing without a token."""
    token = settings.africastalking_token
    if not token:
        return ""
    gateway = AfricasTalkingUssd()
    conversation = Conversation(gateway, pack, effects)
    app.wsgi_app = ussd.Webhook(app.wsgi_app, store, gateway, conversation, token)  # type: ignore[method-assign]
    return f"/gateway/{gateway.name}/{token}/ussd"


def _upstream(settings: Settings, store: Store, known: Identity, cases: Cases) -> schedule.Upstream | None:
    if not settings.upstream:
        return None
    key = schedule.read_key(settings.upstream_key)
    line = Line(settings.upstream)
    return schedule.Upstream(store, known.number, key, line, cases.apply, settings.sync_every_s)


def _transports(settings: Settings, pack: Pack, cases: Cases) -> dict[str, Transport]:
    if not settings.africastalking_username:
        return {}
    gateway = AfricasTalkingSms(
        settings.africastalking_username,
        settings.africastalking_key,
        settings.africastalking_sender,
        settings.africastalking_url,
    )
    return {outbox.SMS: Notices(gateway, pack, cases, settings.service_code)}


def _health(store: Store, has_upstream: bool) -> tuple[Response, int]:
    """Whether the store, the line and the outbox are well. Only a store that cannot write is a fault (503): a line
    that is down is a normal state."""
    try:
        store.write(lambda tx: tx.next_number("health"))
        line, counts = store.read(lambda tx: (entries.destination(tx, outbox.UPSTREAM), entries.counts(tx)))
    except Exception:
        log.exception("health: the store failed")
        return jsonify(status="failed", store="cannot write"), 503
    given_up = sum(count for (_, state), (count, _) in counts.items() if state in outbox.GIVEN_UP)
    waiting = sum(count for (_, state), (count, _) in counts.items() if state in outbox.WAITING)
    line_word = _line_word(line) if has_upstream else "none"
    status = "degraded" if line.down_since or given_up else "ok"
    return jsonify(status=status, store="ok", line=line_word, outbox={"waiting": waiting, "given_up": given_up}), 200


def _line_word(line: entries.Destination) -> str:
    if line.down_since:
        return "down"
    return "up" if line.ok_at else "not tried yet"
