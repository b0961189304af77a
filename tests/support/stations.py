"""Real stations in a temporary folder, with a clock that stands until it is moved."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from sado.cases.law import Law
from sado.cases.payloads import Appeal
from sado.cases.service import Cases
from sado.menus.reading import pack as packs
from sado.store import Keyring, Store
from sado.store.tables import identity

START_S = 1_800_000_000.0
APPEAL = Appeal(
    kind="complaint",
    topic="water",
    place="TJ-KT-07",
    agency="water",
    language="tg",
    msisdn="+992900000001",
    name="Гулнора Раҳимова",
    text="Се рӯз боз об нест, лутфан ёрӣ диҳед.",
)


@cache
def shipped_law() -> Law:
    """The default pack's rules of the law, read once."""
    return Law.read(yaml.safe_load((packs.PACKS / "tajikistan" / "law.yaml").read_text("utf-8")))


class Clock:
    """Seconds since 1970, moved by hand."""

    def __init__(self, now: float = START_S) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def move(self, seconds: float) -> None:
        """Later, or earlier when negative."""
        self.now += seconds


@dataclass(frozen=True)
class Station:
    """A store, and the cases of the station that it belongs to."""

    store: Store
    cases: Cases


def keys_in(folder: Path) -> Keyring:
    """The folder's key file, made at the first use."""
    path = folder / "keys.json"
    return Keyring.load(path) if path.exists() else Keyring.create(path)


@contextmanager
def open_store(folder: Path, clock: Clock | None = None) -> Iterator[Store]:
    """The folder's store, closed at the end."""
    store = Store(folder / "station.db", keys_in(folder), clock or Clock())
    try:
        yield store
    finally:
        store.close()


@contextmanager
def open_station(
    folder: Path, number: int, *, has_upstream: bool = True, clock: Clock | None = None
) -> Iterator[Station]:
    """The station that lives in `folder`."""
    with open_store(folder, clock) as store:
        who = store.write(lambda tx: identity.create(tx, number))
        yield Station(store, Cases(who, has_upstream, shipped_law))
