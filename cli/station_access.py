"""How a command gets at the station's data: through the process that serves, or, where none does, by itself.

What serves is read only where none does: a command is there at once, also on a small box."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from sado.cli import client
from sado.cli.client import Ask, NotServingError
from sado.settings import Settings
from sado.store import Keyring, Store, StoreError
from sado.store.backups.backup import recover
from sado.store.tables import identity


@contextmanager
def locked(settings: Settings) -> Iterator[None]:
    """Hold the station's folder for this process. SQLite is safe with one process for each file
    (store/engines/sqlite.py). Raises StoreError while another holds it."""
    if not settings.folder.is_dir():
        raise client.no_station(settings.folder)
    lock = FileLock(settings.folder / "station.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise _another_has(settings.folder) from None
    try:
        recover(settings.database)
        yield
    finally:
        lock.release()


def _another_has(folder: Path) -> StoreError:
    if client.is_served(folder):
        return StoreError(
            f"The station in {folder} is being served by another process, and an SQLite file is safe with one process:"
            " stop it first."
        )
    return StoreError(
        f"Another process has the station in {folder}: it is just starting or stopping, or is another command. Try"
        " again in a moment."
    )


def create_store(settings: Settings, number: int) -> Store:
    """The database of a new station with this number, and its keys; keys that are there stay. Raises StoreError where
    there is another station."""
    keys = Keyring.load(settings.keys) if settings.keys.exists() else Keyring.create(settings.keys)
    store = Store(settings.database, keys)
    store.write(lambda tx: identity.create(tx, number))
    return store


def open_store(settings: Settings) -> Store:
    """The station's database with its keys. Raises StoreError."""
    if not settings.database.exists():
        raise client.no_station(settings.folder)
    return Store(settings.database, Keyring.load(settings.keys))


@contextmanager
def opened(settings: Settings) -> Iterator[Store]:
    """The station's database, for this process alone. Raises StoreError while another serves it."""
    with locked(settings):
        store = open_store(settings)
        try:
            yield store
        finally:
            store.close()


def ask(settings: Settings, method: str, what: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """Ask the serving station; when none serves, this process does it. Raises StoreError when it is refused."""
    try:
        return client.call(settings, method, what, body)
    except NotServingError:
        with _answering(settings) as answer:
            return answer(method, what, body)


@contextmanager
def asking(settings: Settings) -> Iterator[Ask]:
    """What asks several things in a row, each as `ask` does; without a serving process the store stays open."""
    try:
        client.call(settings, "GET", "sync", None)
    except NotServingError:
        with _answering(settings) as answer:
            yield answer
    else:
        yield lambda method, what, body: client.call(settings, method, what, body)


@contextmanager
def _answering(settings: Settings) -> Iterator[Ask]:
    """This process as the one that serves the station."""
    from sado.cli import control, recording
    from sado.station import build_station

    with opened(settings) as store:
        station = build_station(settings, store)
        try:
            yield lambda method, what, body: control.do(station, method, what, body, recording.user())
        finally:
            station.hang_up()
