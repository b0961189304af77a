"""What a thin line makes of the exchange: how fast a backlog drains, how long an urgent appeal waits, what a day costs.

    python bench/line.py [--quick] [--corpus FILE]

A village station and its hub, with TLS 1.3 between them, over a line in user space (tests/support/shaper.py): 20 kbit/s
each way, 800 ms there and back. The parts run one after the other, the village from an empty memory in each.

`drain_ratio`: seconds until 1,000 appeals are acknowledged, one exchange in twenty cut at a random byte, over the
bytes of their frames divided by the rate; the connection is opened within that time. `urgent_s`: the longest of
several waits of an urgent appeal, from being filed to being kept at the hub, behind 5 MB of bulk that drains.
`flaky_s`: seconds until 1,000 appeals are through when the line is up for 12 s and away for 18 s;
`one_request_through` is how many are through in as long when all go in one request. `one_more_bytes`: what one more
appeal costs on the open connection, both ways: HTTP, frames and TLS records, as the kernel counts them;
`one_more_ip_bytes` with the headers of IP and TCP of four packets. `idle_kb_per_day`: a day on which nothing comes or
goes, as often as a station calls then, each call as costly as was measured on a kept connection, and
`idle_kb_per_day_reconnecting` when each call has to connect again.
"""

from __future__ import annotations

import argparse
import json
import random
import socket
import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from appeals import appeals
from village import pair

from sado.cases.payloads import Appeal
from sado.sync import outbox
from sado.sync.codes import EntryKind
from sado.sync.link.connection import Line
from sado.sync.link.frame_size import FrameSize
from sado.sync.link.poll_interval import PollInterval
from sado.sync.link.tcp_counters import COUNTS, COUNTS_AT
from tests.support.shaper import Shape

RATE_BPS, DELAY_S = 20_000, 0.4
CUT = 1 / 20
UP_S, AWAY_S = 12.0, 18.0
BULK_BYTES, BULK_EVENT = 5_000_000, 2_000
DAY_S = 86_400
# By then the bulk is under way and the size of an exchange has been found.
SETTLED_S = 12


def thin(**more: Any) -> Shape:
    """The line of a village."""
    return Shape(rate_bps=RATE_BPS, delay_s=DELAY_S, **more)


def drain(corpus: list[Appeal], seed: int) -> dict[str, float]:
    """A backlog over a line that cuts."""
    with pair(thin(cut_chance=CUT, seed=seed), corpus) as (station, at):
        seconds = station.drain(lambda: not station.waits())
        assert at.count() == len(corpus)
        payload = sum(station.sent)
    return {"seconds": seconds, "payload": payload, "ratio": seconds / (payload * 8 / RATE_BPS)}


def urgent(corpus: list[Appeal], seed: int) -> list[float]:
    """How long each of these appeals takes while bulk drains."""
    chance = random.Random(seed)
    waits: list[float] = []
    with pair(thin()) as (station, at):
        fill = [json.dumps({"noise": chance.randbytes(BULK_EVENT // 2).hex()}) for _ in range(BULK_BYTES // BULK_EVENT)]
        station.store.write(
            lambda tx: [outbox.put(tx, outbox.UPSTREAM, EntryKind.BLOB_OFFERED, "", body, outbox.BULK) for body in fill]
        )
        ended = threading.Event()
        draining = threading.Thread(target=lambda: station.drain(ended.is_set), daemon=True)
        draining.start()
        time.sleep(SETTLED_S)
        for number, appeal in enumerate(corpus, 1):
            time.sleep(chance.uniform(0, 8))
            station.file(appeal)
            began = time.monotonic()
            while at.count() < number:
                time.sleep(0.01)
            waits.append(time.monotonic() - began)
        ended.set()
        draining.join()
        assert station.waits(), "the bulk was gone before the last appeal"
    return waits


class OneRequest(FrameSize):
    """Everything at once, however long it takes."""

    def __init__(self) -> None:
        super().__init__()
        self.limit = 10**7

    def succeeded(self, size: int, seconds: float) -> None:
        """Nothing is learnt."""

    def failed(self) -> None:
        """Nothing is learnt."""


def flaky(corpus: list[Appeal], most_s: float, frame_size: FrameSize | None = None) -> tuple[float, int]:
    """Seconds until all are through on a line that goes away again and again, and how many were in `most_s`."""
    with pair(thin(schedule=(UP_S, AWAY_S)), corpus, frame_size) as (station, at):
        ends_at = time.monotonic() + most_s
        seconds = station.drain(lambda: not station.waits() or time.monotonic() > ends_at)
        return seconds, at.count()


def one_more(corpus: list[Appeal], more: int) -> dict[str, float]:
    """What appeals cost one by one on a connection that is open, after `corpus` is through; and a call for nothing."""
    with pair(Shape(), corpus[:-more]) as (station, at):
        station.drain(lambda: not station.waits())
        costs, ip_costs = [], []
        for appeal in corpus[-more:]:
            station.file(appeal)
            before, ip_before = payload(station.line), station.line.used
            station.client.call()
            costs.append(payload(station.line) - before)
            ip_costs.append((station.line.used - ip_before).total)
        began = station.line.used
        station.client.call()
        idle = station.line.used - began
        station.line.close()
        station.client.call()
        reconnect = station.line.used - began - idle
        assert at.count() == len(corpus)
    return {
        "bytes": statistics.median(costs),
        "ip_bytes": statistics.median(ip_costs),
        "idle": idle.total,
        "reconnect": reconnect.total,
    }


def payload(line: Line) -> int:
    """What the open connection has carried both ways, without the headers of packets."""
    assert line._socket is not None
    said = line._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, COUNTS_AT + COUNTS.size)
    acked, received, _, _ = COUNTS.unpack_from(said, COUNTS_AT)
    return int(acked + received)


def calls_per_quiet_day() -> int:
    """How often a station calls on a day on which nothing comes or goes."""
    poll_interval = PollInterval(60.0, 900.0)
    poll_interval.called(0, True)
    calls = 0
    for now in range(0, DAY_S * 1000, 1000):
        if poll_interval.is_due(now):
            poll_interval.called(now, False)
            calls += 1
    return calls


def cost_part(corpus: Path | None, _: bool) -> dict[str, Any]:
    """What one more appeal and an idle day cost."""
    cost = one_more(appeals(corpus, 1200), 25)
    calls = calls_per_quiet_day()
    return {
        "one_more_bytes": cost["bytes"],
        "one_more_ip_bytes": cost["ip_bytes"],
        "calls_per_quiet_day": calls,
        "idle_kb_per_day": round(calls * cost["idle"] / 1000, 1),
        "idle_kb_per_day_reconnecting": round(calls * cost["reconnect"] / 1000, 1),
    }


def drain_part(corpus: Path | None, is_quick: bool) -> dict[str, Any]:
    """How fast a backlog drains: the median of several runs with cuts in other places."""
    filed = appeals(corpus, 600 if is_quick else 1000)
    ratios = [round(drain(filed, seed)["ratio"], 2) for seed in range(1 if is_quick else 5)]
    return {"drain_ratio": statistics.median(ratios), "drain_ratios": ratios}


def urgent_part(corpus: Path | None, is_quick: bool) -> dict[str, Any]:
    """How long an urgent appeal waits behind bulk."""
    waits = urgent(appeals(corpus, 2 if is_quick else 10), 1)
    return {"urgent_s": round(max(waits), 1), "urgent_median_s": round(statistics.median(waits), 1)}


def flaky_part(corpus: Path | None, is_quick: bool) -> dict[str, Any]:
    """How long it takes on a line that goes away, and what becomes of one large request there."""
    filed = appeals(corpus, 450 if is_quick else 1000)
    seconds, count = flaky(filed, 300)
    found: dict[str, Any] = {"flaky_s": round(seconds, 1), "flaky_through": count}
    if not is_quick:
        found["one_request_through"] = flaky(filed, max(seconds, 70), OneRequest())[1]
    return found


PARTS = {"cost": cost_part, "drain": drain_part, "urgent": urgent_part, "flaky": flaky_part}


def main() -> None:
    """Measure, print what was found, and last one JSON object. The quick form runs the parts at once: each waits for
    its own line most of the time."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--quick", action="store_true", help="fewer appeals, under 40 s")
    options.add_argument("--corpus", type=Path, help="appeals, one JSON object a line")
    options.add_argument("--only", choices=PARTS, help="one part")
    given = options.parse_args()
    wanted = [given.only] if given.only else list(PARTS)
    with ThreadPoolExecutor(len(wanted) if given.quick else 1) as pool:
        parts = [pool.submit(PARTS[name], given.corpus, given.quick) for name in wanted]
        found: dict[str, Any] = {}
        for part in parts:
            print(part.result(), flush=True)
            found |= part.result()
    print(json.dumps(found))


if __name__ == "__main__":
    main()
