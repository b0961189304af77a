"""One station as phones meet it: its store, its cases and the USSD webhook, with references that never vary."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient

from cases import service
from cases.service import Cases
from channel import ussd
from channel.effects import Effects
from channel.gateways.africastalking import AfricasTalkingUssd
from channel.hop import Conversation
from menus import pack as packs
from menus.pack import Pack
from store import Keyring, Store, identity
from store.cases import CaseRow
from tests.stations import Clock

NUMBER = 7
TOKEN = "a-token-for-the-tests-0000"
WEBHOOK = f"/gateway/{AfricasTalkingUssd.name}/{TOKEN}/ussd"
KEYS = Keyring({1: b"k" * 32}, 1, b"r" * 32)


@cache
def shipped_pack() -> Pack:
    """The default pack, read once."""
    return packs.load("tajikistan")


@dataclass(frozen=True)
class Station:
    """A station in parts: a test takes hold of the one that it is about."""

    clock: Clock
    store: Store
    cases: Cases
    effects: Effects
    client: FlaskClient

    def filed(self, msisdn: str) -> list[CaseRow]:
        """The latest cases of this phone, newest first."""
        return self.store.read(lambda tx: service.mine(tx, msisdn))

    def agency(self, reference: str, kind: str, text: str = "") -> None:
        """The agency that holds this case moves it."""

        def move(tx: service.Transaction) -> None:
            self.cases.record(tx, self.cases.get(tx, reference).agency, reference, kind, text)

        self.store.write(move)


def webhook(store: Store, effects: Effects) -> FlaskClient:
    """A client of an application that holds the USSD webhook and nothing else."""
    gateway = AfricasTalkingUssd()
    app = Flask("sado", static_folder=None)
    conversation = Conversation(gateway, shipped_pack(), effects)
    app.wsgi_app = ussd.Webhook(app.wsgi_app, store, gateway, conversation, TOKEN)  # type: ignore[method-assign]
    return app.test_client()


@contextmanager
def open_station(folder: Path, make_effects: Callable[[Cases, Pack], Effects] = Effects) -> Iterator[Station]:
    """A station without an upstream in `folder`, closed at the end."""
    clock = Clock()
    store = Store(folder / "station.db", KEYS, clock)
    try:
        cases = Cases(store.write(lambda tx: identity.create(tx, NUMBER)), has_upstream=False)
        effects = make_effects(cases, shipped_pack())
        yield Station(clock, store, cases, effects, webhook(store, effects))
    finally:
        store.close()
