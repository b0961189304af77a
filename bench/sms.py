"""How fast SMS come in and go out.

    python bench/sms.py [--quick]

`rate_vs_hops`: SMS from residents taken per second over USSD hops per second, through the same station with FULL
durability, rounds alternating; every fifth message is delivered twice. Each number writes once, so each message has one
reply: `duplicates` are the replies beyond the messages.
`rss_mb`: memory of a station, in MB (10^6 bytes), that has drained 10,000 queued notices (1,000 with --quick) through a
gateway on this machine that answers at once; `drained_per_s`: how fast.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

import load
import serve
from memory import rss_mb

from sado.cases.law import Law
from sado.cases.payloads import Appeal
from sado.cases.service import Cases
from sado.menus.reading import pack
from sado.store import Keyring, Store, Transaction
from sado.store.tables import identity
from sado.store.tables import outbox as entries
from sado.sync import outbox, schedule

SMS_PATH = f"/gateway/africastalking/{serve.TOKEN}/sms"
CLIENTS = 16
ROWS = "SELECT COUNT(*) FROM received_messages"
REPLIES = "SELECT COUNT(*) FROM outbox WHERE kind = 'reply'"
_numbers = itertools.count()


@dataclass
class Sender(load.Client):
    """A gateway that delivers one SMS after another on a kept connection, every fifth one twice."""

    last: int = -1
    again: bool = False

    def send_next(self) -> None:
        """Deliver the next message, or the last one again."""
        self.again = self.last % 5 == 0 and not self.again
        if not self.again:
            self.last = next(_numbers)
        text = "Дар деҳаи мо се рӯз боз об нест, ҳавзи деҳа ҳам холӣ шуд."
        fields = {"id": f"bench-{self.last}", "from": f"+99293{self.last:07}", "to": "1339", "text": text}
        body = urlencode(fields).encode()
        head = f"POST {SMS_PATH} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        self.connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)

    def take(self) -> bool:
        """Read; True when an answer is whole."""
        self.receive()
        if not self.received.endswith(b"\r\n\r\nOK"):
            return False
        assert self.received.startswith(b"HTTP/1.1 200"), self.received
        self.received = b""
        return True


def inbound(messages: int, rounds: int) -> dict[str, float]:
    """SMS and hops in turn on one station, and the rows that the SMS left."""
    with tempfile.TemporaryDirectory(prefix="sado-bench-") as folder:
        with load.served("station", "--folder", folder) as (port, _):
            load.run(port, CLIENTS, hops=300)
            sms, hops = [], []
            for number in range(rounds):
                sms.append(load.run(port, CLIENTS, hops=messages * 5 // 4 // rounds, client=Sender))
                hops.append(load.run(port, CLIENTS, hops=messages // rounds))
                print(f"round {number + 1}: {sms[-1]:8.0f} SMS/s {hops[-1]:8.0f} hops/s", flush=True)
        keys = Keyring.load(Path(folder) / "keys.json")
        store = Store(Path(folder) / "sado.db", keys)
        rows, replies = store.read(lambda tx: (tx.value(ROWS), tx.value(REPLIES)))
        store.close()
    assert rows >= messages, (rows, messages)
    rate = statistics.median(sms) / statistics.median(hops)
    return {"rate_vs_hops": round(rate, 3), "duplicates": replies - rows, "rows": rows}


def drain(notices: int) -> dict[str, float]:
    """A station in its own process that drains its queue; what it says of itself."""
    command = [sys.executable, __file__, "--drain", str(notices)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def drained(notices: int) -> dict[str, float]:
    """Queue so many notices here and send them through the station's own transport."""
    from sado.channel.gateways import africastalking
    from sado.channel.settings import SmsSettings
    from sado.cli.sandbox.provider import Provider
    from sado.settings import Settings
    from sado.station import build_station

    with tempfile.TemporaryDirectory(prefix="sado-bench-") as folder:
        provider = Provider(Path(folder) / "sms.ndjson", "key")
        provider.start()
        settings = Settings(
            data=folder,
            blocks=(
                africastalking.Settings(username="demo", key="key", url=provider.url),
                SmsSettings(per_second=1000.0, at_night=True),
            ),
        )
        settings.folder.mkdir(exist_ok=True)
        store = Store(settings.database, Keyring.create(settings.keys))
        known = store.write(lambda tx: identity.create(tx, 7))
        law = Law.read(pack.load(settings.pack).law)
        cases = Cases(known, False, lambda: law)
        for first in range(0, notices, 500):
            store.write(partial(news, cases=cases, numbers=range(first, first + 500)))
        station = build_station(settings, store)
        began = time.perf_counter()
        while store.read(lambda tx: entries.counts(tx)):
            schedule.send(store, outbox.SMS, station.transports[outbox.SMS])
        seconds = time.perf_counter() - began
        found = {"rss_mb": round(rss_mb(os.getpid()), 1), "drained_per_s": round(notices / seconds)}
        store.close()
        provider.stop()
    return found


def news(tx: Transaction, cases: Cases, numbers: range) -> None:
    """Cases whose residents have to be told."""
    for number in numbers:
        appeal = Appeal(
            kind="complaint",
            topic="water",
            place="KT-YOV",
            agency="HCU",
            language="tg",
            msisdn=f"+99293{number:07}",
            name="Раҳимова Гулнора",
            text="Об нест.",
        )
        filed = cases.open(tx, appeal)
        cases.record(tx, "HCU", filed.reference, "registered", "")


def main() -> None:
    """Run both; the last line is one JSON object."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="1,000 messages, under 40 seconds")
    parser.add_argument("--drain", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.drain:
        print(json.dumps(drained(options.drain)))
        return
    count, rounds = (1_000, 4) if options.quick else (10_000, 8)
    print(json.dumps({**inbound(count, rounds), **drain(count), "messages": count}))


if __name__ == "__main__":
    main()
