"""A hub and a village as `sado serve` builds them, with the hub on a real port and both moved by hand."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import waitress
from waitress.wasyncore import close_all

from sado.channel.gateways import africastalking
from sado.settings import Settings
from sado.station import Station, build_station
from sado.store import Keyring, Store
from sado.store.tables import identity, published_blobs, stations, wanted_blobs
from sado.store.tables import outbox as entries
from sado.sync import outbox
from sado.sync.blobs import publish as sync_blobs
from tests.support.publisher import PUBLISHER, signed
from tests.support.station import TOKEN

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

HUB, VILLAGE = 0, 7
MOST_STEPS = 500


@dataclass
class Down:
    """Both stations; what the hub publishes reaches the village by `settle`."""

    hub: Station
    village: Station

    def settle(self) -> None:
        """Exchange, fetch and take in until nothing waits on either side."""
        assert self.village.upstream is not None
        for _ in range(MOST_STEPS):
            # Now, and not when a poll is due.
            self.village.upstream.client.call()
            self.village.upstream.step()
            self.village.scheduler.get_job("arrivals").func()
            waits = {to for one in (self.village, self.hub) for to, _ in one.store.read(entries.counts)}
            states = {one.state for one in self.village.store.read(wanted_blobs.all_wanted)}
            moving = states & {wanted_blobs.WANTED, wanted_blobs.WHOLE}
            if not moving and not waits & {outbox.UPSTREAM, outbox.station(VILLAGE)}:
                return
        raise AssertionError("It never comes to an end.")

    def offer(self, name: str, content: bytes) -> None:
        """Let the hub offer this, signed, without looking at it: another release may let pass what ours does not."""
        edition = self.hub.store.write(published_blobs.next_edition)
        sync_blobs.publish(self.hub.store, [(signed(name, content, edition), content)])
        self.settle()

    def told(self, name: str) -> tuple[str, str]:
        """What the hub knows of an offer to the village."""
        offers = self.hub.store.read(published_blobs.offers)
        return next((one.state, one.reason) for one in offers if (one.station, one.name) == (VILLAGE, name))


def settings_of(folder: Path, pack: str, **more: object) -> Settings:
    """Settings for a station in this folder, which is made at the first use."""
    settings = Settings(data=str(folder), pack=pack, **more)  # type: ignore[arg-type]
    if not settings.keys.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        store = Store(settings.database, Keyring.create(settings.keys))
        store.write(lambda tx: identity.create(tx, HUB if folder.name == "hub" else VILLAGE))
        store.close()
        settings.publisher.write_text(PUBLISHER.hex())
    return settings


@contextmanager
def built(settings: Settings, clock: Callable[[], float] = time.time) -> Iterator[Station]:
    """The station, not started; its store is closed at the end."""
    station = build_station(settings, Store(settings.database, Keyring.load(settings.keys), clock))
    try:
        yield station
    finally:
        if station.upstream is not None:
            station.upstream.client.close()
        station.store.close()


@contextmanager
def served(app: "WSGIApplication") -> Iterator[int]:
    """The application on a real port. It is closed by the thread that serves: another would close under its feet."""
    sockets: dict[int, object] = {}
    server = waitress.create_server(app, map=sockets, host="127.0.0.1", port=0, threads=4)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield server.effective_port
    finally:
        server.trigger.pull_trigger(lambda: close_all(sockets))
        thread.join()
        server.task_dispatcher.shutdown()


@contextmanager
def open_down(
    folder: Path, pack: str, districts: tuple[str, ...] = (), clock: Callable[[], float] = time.time
) -> Iterator[Down]:
    """A hub and the village that it has admitted, both on this pack; closed at the end."""
    with built(settings_of(folder / "hub", pack), clock) as hub, served(hub.app) as port:
        key_file = folder / "village" / "upstream.key"
        settings = settings_of(
            folder / "village",
            pack,
            blocks=(africastalking.Settings(token=TOKEN),),
            upstream=f"http://127.0.0.1:{port}",
            sync_every_s=0.2,
            sync_idle_s=0.2,
        )
        if not key_file.exists():
            key = hub.store.write(lambda tx: stations.add(tx, VILLAGE, districts))
            key_file.write_text(f"{key.hex()}\n{PUBLISHER.hex()}\n")
            hub.store.write(lambda tx: sync_blobs.offer_all(tx, VILLAGE))
        with built(settings, clock) as village:
            yield Down(hub, village)
