"""A station's desk for the tests: a real database, a person of each role, and a webhook that says what it got."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from flask import Flask, request
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from sado.cases.payloads import Appeal, Filed
from sado.cases.service import Cases
from sado.desk import pages, passwords
from sado.menus.reading import pack
from sado.store import Keyring, Store
from sado.store.tables import accounts, identity
from sado.sync import status
from sado.sync.exchange import aside
from sado.sync.link.budget import Budget
from sado.sync.link.frame_size import FrameSize
from tests.support.stations import shipped_law

START = 1_783_900_800.0  # 13 July 2026, 05:00 in Dushanbe
PASSWORD = "correct horse battery"
PEOPLE = {
    "operator": "zarina",
    "officer": "bahrom",
    "phone": "madina",
    "supervisor": "gulchehra",
    "administrator": "dilbar",
    "auditor": "farid",
}
PUBLISHER = bytes(range(32))
WEBHOOK = "/gateway/test/secret/ussd"
PACK = pack.load("tajikistan")
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
HASHED = passwords.hash_password(PASSWORD)


@dataclass
class Clock:
    """Seconds since 1970, moved by hand."""

    now: float = START

    def __call__(self) -> float:
        return self.now


@dataclass
class Desk:
    """One station's pages and what lies beneath them. `hops` is what the webhook got; `says` is what it answers in
    place of an echo."""

    app: Flask
    store: Store
    cases: Cases
    clock: Clock
    hops: list[dict[str, str]] = field(default_factory=list)
    says: str = ""

    def visitor(self, address: str = "127.0.0.1") -> FlaskClient:
        """A browser that reads English, nobody signed in."""
        client = self.app.test_client()
        client.environ_base.update(HTTP_ACCEPT_LANGUAGE="en", REMOTE_ADDR=address, HTTP_USER_AGENT=FIREFOX)
        return client

    def signed_in(self, role: str, address: str = "127.0.0.1") -> FlaskClient:
        """A browser with the person of this role signed in."""
        client = self.visitor(address)
        assert enter(client, PEOPLE[role], PASSWORD).status_code == 302
        return client

    def file(self, msisdn: str = "+992900000101") -> Filed:
        """An appeal filed from a phone."""
        appeal = Appeal("complaint", "water", "SU-KHU", "HCU", "tg", msisdn, "Раҳимова Гулнора", "Об нест.")
        return self.store.write(lambda tx: self.cases.open(tx, appeal))

    def moved(self, number: str, kind: str, text: str = "", to: str = "") -> None:
        """The hub's word has come that HCU moved a case that was filed here."""
        hub = Cases(self.store.write(lambda tx: identity.create(tx, 7)), has_upstream=False, law=shipped_law)
        self.store.write(lambda tx: hub.record(tx, "HCU", number, kind, text, to=to))


@contextmanager
def build(folder: Path, **changed: object) -> Iterator[Desk]:
    """A desk in `folder`; `changed` are options other than these."""
    clock = Clock()
    store = Store(folder / "sado.db", Keyring.create(folder / "keys.json"), clock)
    has_upstream = bool(changed.get("has_upstream", True))
    cases = Cases(store.write(lambda tx: identity.create(tx, 7)), has_upstream, shipped_law)
    for role, name in PEOPLE.items():
        store.write(lambda tx, n=name, r=role: accounts.save(tx, n, HASHED, r, "HCU" if r == "officer" else ""))
    app = Flask("sado", static_folder=None)
    desk = Desk(app, store, cases, clock)
    _add_webhook(app, desk)
    options = {
        "phone_page": True,
        "phone_sms_url": "",
        "service_code": "*1339#",
        "ussd_path": WEBHOOK,
        "secure_cookies": False,
        "has_upstream": True,
        "is_costly": lambda tx: False,
        "spent_peers": lambda tx: [],
        "sync_status": lambda tx: status.of(tx, Budget(), FrameSize(), False),
        "release": lambda tx, number: aside.release(tx, number, cases.apply),
        "publisher": lambda: PUBLISHER,
    }
    pages.create(app, store, cases, PACK, pages.Options(**{**options, **changed}))
    try:
        yield desk
    finally:
        store.close()


def enter(client: FlaskClient, name: str, password: str, **fields: str) -> TestResponse:
    """Sign in through the form."""
    return post(client, "/signin", "/signin", name=name, password=password, **fields)


def post(client: FlaskClient, page: str, path: str, **fields: str) -> TestResponse:
    """Send a form as `page` gives it, with its token."""
    return client.post(path, data={"csrf_token": token_on(client, page), **fields})


def token_on(client: FlaskClient, page: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get(page).text)
    assert found, f"{page} has no form"
    return found[1]


def _add_webhook(app: Flask, desk: Desk) -> None:
    """Echoes in the gateway's format; `0` ends a session, `bad` is refused."""

    @app.post(WEBHOOK)
    def hop() -> tuple[str, int]:
        desk.hops.append(request.form.to_dict())
        text = request.form["text"]
        if text == "bad":
            return "text is bad", 400
        if desk.says:
            return f"CON {desk.says}", 200
        return f"{'END' if text.endswith('0') else 'CON'} You typed [{text}]\n1. Об", 200

    @app.post(f"{WEBHOOK}-end")
    def end() -> str:
        desk.hops.append(request.form.to_dict())
        return ""
