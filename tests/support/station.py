"""One station as phones meet it: its store, its cases and the USSD webhook, with references that never vary."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import cycle
from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient

from sado.cases import views
from sado.cases.filing_rate import FilingRate
from sado.cases.registers import csv_file
from sado.cases.registers.csv_file import RegisterFile
from sado.cases.registers.loading import Loading
from sado.cases.service import Cases
from sado.channel.build import connect, set_up
from sado.channel.contract import Context, address
from sado.channel.effects.contract import Effects
from sado.channel.effects.register_words import registers_of
from sado.channel.effects.registry import all_effects
from sado.channel.front import Webhooks
from sado.channel.gateways import africastalking
from sado.channel.settings import SmsSettings
from sado.channel.sms.inbox import Inbox
from sado.channel.sms.reports import Reports
from sado.channel.versions import Versions
from sado.menus.pack import Pack
from sado.menus.reading import pack as packs
from sado.store import Keyring, Store, Transaction
from sado.store.tables import identity
from sado.store.tables.cases import CaseRow
from tests.support.stations import Clock

NUMBER = 7
TOKEN = "a-token-for-the-tests-0000"
WEBHOOK = address(africastalking.NAME, TOKEN, "ussd")
KEYS = Keyring({1: b"k" * 32}, 1, b"r" * 32)


@cache
def shipped_pack() -> Pack:
    """The default pack, read once."""
    return packs.load("tajikistan").dialled_at("*1339#")


@dataclass(frozen=True)
class Station:
    """A station in parts: a test takes hold of the one that it is about."""

    clock: Clock
    store: Store
    pack: Pack
    cases: Cases
    effects: Effects
    client: FlaskClient

    def filed(self, msisdn: str) -> list[CaseRow]:
        """The latest cases of this phone, newest first."""
        return self.store.read(lambda tx: views.mine(tx, msisdn))

    def files(self, msisdn: str, count: int) -> None:
        """So many cases are filed from this phone; only their count is kept."""
        self.store.write(lambda tx: [self.cases.filing_rate.note(tx, msisdn, is_proven=True) for _ in range(count)])

    def is_busy(self) -> None:
        """As many are filed in this hour as are usual, from as many phones."""

        def file(tx: Transaction) -> None:
            for number in range(self.cases.filing_rate.per_hour):
                self.cases.filing_rate.note(tx, f"+99293{number:07}", is_proven=True)

        self.store.write(file)

    def load_samples(self, *names: str) -> None:
        """The shipped samples of these registers, as of the station's day; nobody is told of their rows."""
        known, samples = registers_of(self.pack), packs.PACKS / self.pack.name / "samples"
        loading = Loading(self.store, known, lambda tx, register, values: None)
        day = known.today(self.store.now()).isoformat()
        for name in names:
            with RegisterFile(samples / f"{name}.csv", known.get(name), known.languages) as file:
                report = csv_file.load(file, loading, name, day, is_whole=True, progress=lambda position: None)
            assert report.rejected == []

    def agency(self, reference: str, kind: str, text: str = "") -> None:
        """The agency that holds this case moves it."""

        def move(tx: Transaction) -> None:
            self.cases.record(tx, self.cases.get(tx, reference).agency, reference, kind, text)

        self.store.write(move)


def webhook(store: Store, cases: Cases, versions: Versions) -> FlaskClient:
    """A client of an application that has Africa's Talking's addresses and nothing else."""
    block = africastalking.Settings(token=TOKEN, username="sado", key="key")
    gateways = set_up([africastalking], lambda kind: block, Context(versions.current.pack.country, "*1339#", ""))
    inbox, reports = Inbox(versions), Reports(cases)
    channel = connect(gateways, SmsSettings(), store, versions, inbox, reports)
    app = Flask("sado", static_folder=None)
    app.wsgi_app = Webhooks(app.wsgi_app, channel.webhooks)  # type: ignore[method-assign]
    return app.test_client()


@contextmanager
def open_station(
    folder: Path,
    make_effects: Callable[[Cases, Pack], Effects] = all_effects,
    pack: Pack | None = None,
    clock: Clock | None = None,
) -> Iterator[Station]:
    """A station without an upstream in `folder`, closed at the end. It serves the default pack unless told another."""
    clock, pack = clock or Clock(), pack or shipped_pack()
    store = Store(folder / "station.db", KEYS, clock)
    try:
        who = store.write(lambda tx: identity.create(tx, NUMBER))
        filing_rate = FilingRate(draw=cycle("735").__next__)
        cases = Cases(who, False, lambda: versions.current.law, filing_rate=filing_rate)
        versions = Versions(pack, lambda one: make_effects(cases, one), "*1339#")
        yield Station(clock, store, pack, cases, versions.current.effects, webhook(store, cases, versions))
    finally:
        store.close()
