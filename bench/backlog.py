"""What phones notice while a fortnight's backlog drains, and what a long log costs an exchange.

    python bench/backlog.py [--quick] [--rate BITS_PER_SECOND]

A village and a hub, each a process of its own as `sado serve` starts it, and a line between them
(tests/support/shaper.py) of 256 kbit/s, which is more than a village has; with `--rate 0` of any speed, so that the
backlog drains as fast as the two can on one machine. Ten sessions a second begin at the village, each of ten hops that
file an appeal: first with the hub away, then while 20,000 appeals (3,000 with --quick) drain, then with nothing to
drain.

`p95_ms_alone`: the 95th percentile of the hops' times without a drain; `p95_ms_draining`: while it lasts; `ratio` of
the two. `drained` appeals took `seconds`, of which there are 900 at most (25 with --quick), however many still wait;
`rss_mb` is what the village's process then holds, in MB (10^6 bytes). `log_ratio`: an exchange of a village with
200,000 acknowledged events in its log (50,000 with --quick) over one with 200; they alternate, medians.
`log_ratio_beyond_memory`: over one with 1,000, which has as much to remember for the compressor as the large one, as
that with 200 has not.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import selectors
import socket
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import load
import requests
from appeals import appeals
from long_log import log_ratios
from memory import rss_mb

from sado.cases.law import Law
from sado.cases.payloads import Appeal
from sado.cases.service import Cases
from sado.menus.reading import pack
from sado.store import Keyring, Store, Transaction
from sado.store.tables import identity
from tests.support.processes import HUB, VILLAGE, Station
from tests.support.shaper import Shaper

EVERY_S, PHONES = 0.1, 40
QUIET_S = 4.0
RATE_BPS = 256_000.0
BACKLOG, QUICK_BACKLOG = 20_000, 3_000
LONG_LOG, QUICK_LONG_LOG = 200_000, 50_000
LONGEST_S, QUICK_LONGEST_S = 900.0, 25.0
LOOK_EVERY_S = 0.5
BATCH = 1000


class Phone(load.Client):
    """A phone that dials when it is told to, and notes how long each hop took."""

    def begin(self) -> None:
        """Begin a session."""
        self.ask()

    def ask(self) -> None:
        """The next hop."""
        self.asked_at = time.perf_counter()
        self.send_next()

    @property
    def is_done(self) -> bool:
        """Whether the session has come to its end."""
        return self.hop > len(load.ANSWERS)


def sessions(port: int, goes_on: Callable[[float], bool]) -> list[float]:
    """Begin a session every EVERY_S for as long as it `goes_on` (told the seconds gone); milliseconds of each hop."""
    selector, took = selectors.DefaultSelector(), []
    free = [Phone(socket.create_connection(("127.0.0.1", port))) for _ in range(PHONES)]
    for phone in free:
        phone.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(phone.connection, selectors.EVENT_READ, phone)
    began = due = time.perf_counter()
    while goes_on(time.perf_counter() - began):
        while due <= time.perf_counter():
            due += EVERY_S
            if free:
                free.pop().begin()
        for key, _ in selector.select(max(due - time.perf_counter(), 0)):
            phone = key.data
            if phone.take():
                took.append((time.perf_counter() - phone.asked_at) * 1000)
                if phone.is_done:
                    free.append(phone)
                else:
                    phone.ask()
    for key in [*selector.get_map().values()]:
        key.fileobj.close()  # type: ignore[union-attr]
    return took


def p95(values: list[float]) -> float:
    """The 95th percentile."""
    return statistics.quantiles(values, n=20)[-1]


def file_backlog(village: Station, count: int) -> None:
    """What was filed in a fortnight without a line."""
    store = Store(village.folder / "sado.db", Keyring.load(village.folder / "keys.json"))
    known = store.read(identity.find)
    assert known is not None
    law = Law.read(pack.load("tajikistan").law)
    cases = Cases(known, True, lambda: law)
    made = appeals(None, count)
    for first in range(0, count, BATCH):
        store.write(partial(open_all, cases=cases, filed=made[first : first + BATCH]))
    store.close()


def open_all(tx: Transaction, cases: Cases, filed: list[Appeal]) -> None:
    """File these appeals."""
    for appeal in filed:
        cases.open(tx, appeal)


@contextmanager
def both(folder: Path, rate_bps: float | None) -> Iterator[tuple[Station, Station]]:
    """A hub and a village with a line between them; neither is started."""
    hub = Station(folder / "hub", HUB)
    with Shaper(("127.0.0.1", hub.port), rate_bps=rate_bps) as line:
        upstream = f"http://127.0.0.1:{line.port}"
        settings = {"africastalking_token": load.PATH.split("/")[3], "upstream": upstream, "sync_every_s": 1}
        village = Station(folder / "village", VILLAGE, settings)
        (village.folder / "upstream.key").write_text(hub.sado("station", "add", str(VILLAGE)))
        try:
            yield hub, village
        finally:
            village.end()
            hub.end()


class Watch(threading.Thread):
    """How much waits at a village, looked up beside the phones: they would seem slower if they did it themselves."""

    def __init__(self, village: Station, waits: int) -> None:
        super().__init__(daemon=True)
        self.waits = waits
        self._village = village
        self._ended = threading.Event()

    def run(self) -> None:
        """Look until the end; a village too busy to say is asked again."""
        while not self._ended.wait(LOOK_EVERY_S):
            with contextlib.suppress(requests.RequestException):
                self.waits = self._village.health()["outbox"]["waiting"]

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        if self.is_alive():
            self.join()


def ask_for(village: Station) -> None:
    """Have the village try its line at once."""
    with contextlib.suppress(requests.RequestException):
        village.sync_now()


def drain(count: int, rate_bps: float | None, longest_s: float) -> dict[str, float]:
    """The backlog and the phones."""
    with (
        tempfile.TemporaryDirectory(prefix="sado-bench-") as folder,
        both(Path(folder), rate_bps) as (hub, village),
        Watch(village, count) as watch,
    ):
        file_backlog(village, count)
        village.start()
        watch.start()
        alone = sessions(village.port, lambda gone_s: gone_s < QUIET_S)
        hub.start()
        # It answers when all is through, or after so long that nobody waits for it.
        asking = threading.Thread(target=ask_for, args=[village], daemon=True)
        asking.start()
        began = time.perf_counter()
        draining = sessions(village.port, lambda gone_s: watch.waits > BATCH / 10 and gone_s < longest_s)
        seconds = time.perf_counter() - began
        held = rss_mb(village.process.pid) if village.process else 0
        alone += sessions(village.port, lambda gone_s: gone_s < QUIET_S)
    return {
        "p95_ms_alone": round(p95(alone), 2),
        "p95_ms_draining": round(p95(draining), 2),
        "ratio": round(p95(draining) / p95(alone), 2),
        "drained": count - watch.waits,
        "seconds": round(seconds, 1),
        "hops": len(draining),
        "rss_mb": round(held, 1),
    }


def main() -> None:
    """Run both parts; the last line is one JSON object."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="under 40 seconds")
    parser.add_argument("--rate", type=float, default=RATE_BPS, help="of the line, in bits per second; 0: no limit")
    options = parser.parse_args()
    count, longest_s, long_log = (
        (QUICK_BACKLOG, QUICK_LONGEST_S, QUICK_LONG_LOG) if options.quick else (BACKLOG, LONGEST_S, LONG_LOG)
    )
    ratios = log_ratios(long_log)
    drained = drain(count, options.rate or None, longest_s)
    print(json.dumps({**drained, **ratios}))


if __name__ == "__main__":
    main()
