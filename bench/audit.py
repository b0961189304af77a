"""What the audit log costs a hop and a page, and how fast it is verified.

    python bench/audit.py [--quick]

`page_ratio`: pages of a case in a second that sixteen readers get of a station with the log, over those of one without,
rounds in turn, and `page_cpu_ratio` what each page takes of the processor; `ms_alone`: how long one who reads alone
waits for each. `hop_rows`: rows that whole appeals of phones have written to the log. `verify_ratio`: rows that
`sado audit verify` goes through in a second, over those of a bare loop that reads the same rows and hashes each behind
the last, in turn; of a million rows, 100,000 with --quick. `row_bytes`: what a row takes in the database. `line_bytes`:
what a row takes in a frame.
"""

from __future__ import annotations

import argparse
import hashlib
import http.client
import json
import os
import random
import re
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import load
import msgspec
from memory import Visitor

sys.path.insert(0, str(Path(__file__).parent.parent))

from sado.cases import audit, audit_check
from sado.cases.audit import Action
from sado.cases.audit_exchange import BATCH, Written
from sado.settings import Settings
from sado.store import Keyring, Store, Transaction
from sado.store.tables import audit as rows
from sado.sync.wire import frame
from sado.sync.wire.frame import Message, Run
from sado.sync.wire.records import Wired
from tests.support.stations import open_station

AT_ONCE = 10_000
READERS = 16
STATION = 7


class Reader(threading.Thread):
    """Somebody who reads one page again and again."""

    def __init__(self, port: int, cookies: str, path: str, until: float) -> None:
        super().__init__()
        self.count = 0
        self._connection = http.client.HTTPConnection("127.0.0.1", port)
        self._head, self._path, self._until = {"Cookie": cookies}, path, until

    def run(self) -> None:
        """Read until it is time."""
        while time.perf_counter() < self._until:
            self._connection.request("GET", self._path, headers=self._head)
            answer = self._connection.getresponse()
            answer.read()
            assert answer.status == 200  # noqa: PLR2004 - it is the page
            self.count += 1
        self._connection.close()


def page_rate(port: int, cookies: str, path: str, readers: int, seconds: float) -> float:
    """Pages in a second that so many readers get."""
    began = time.perf_counter()
    crowd = [Reader(port, cookies, path, began + seconds) for _ in range(readers)]
    for reader in crowd:
        reader.start()
    for reader in crowd:
        reader.join()
    return sum(reader.count for reader in crowd) / (time.perf_counter() - began)


@dataclass
class Found:
    """What the rounds found of one station: pages in a second of a crowd and of one reader alone, and what a page of
    the crowd took of the processor, in milliseconds."""

    crowd: list[float] = field(default_factory=list)
    alone: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)


def page_rates(rounds: int, seconds: float) -> dict[str, Found]:
    """Pages of a station with the log and of one without, in turn."""
    found = {"with": Found(), "without": Found()}
    with load.served("station", "--pages") as one, load.served("station", "--pages", "--unrecorded") as two:
        where = {name: (*server, *signed_in(server[0])) for name, server in (("with", one), ("without", two))}
        for number in range(rounds):
            for name, (port, pid, cookies, path) in where.items():
                before = cpu_ms(pid)
                rate = page_rate(port, cookies, path, READERS, seconds)
                found[name].cpu_ms.append((cpu_ms(pid) - before) / (rate * seconds))
                found[name].crowd.append(rate)
                found[name].alone.append(page_rate(port, cookies, path, 1, seconds / 2))
                print(f"round {number + 1}: {name:8} {rate:6.0f} pages/s", flush=True)
    return found


def cpu_ms(pid: int) -> float:
    """What a process took of the processor so far, in it and for it."""
    told = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(told[11]) + int(told[12])) * 1000 / os.sysconf("SC_CLK_TCK")


def signed_in(port: int) -> tuple[str, str]:
    """The cookies of an operator, and the address of a case."""
    found = re.search(r"\d{10}", load.walk(port)[-1])
    assert found is not None, "the walk gave no reference"
    visitor = Visitor(port, "operator")
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in visitor.cookies)
    return cookies, f"/operator/case/{found[0]}"


def fill(store: Store, count: int) -> None:
    """So many rows, as a busy station writes them."""
    chance = random.Random(STATION)  # noqa: S311 - invents rows
    people, actions = [audit.person(f"operator{n}") for n in range(12)], [*Action]

    def job(tx: Transaction) -> None:
        chain = rows.find_chain(tx, STATION, rows.OWN) or rows.Chain(STATION)
        made = [
            rows.AuditRow(
                STATION,
                rows.OWN,
                0,
                tx.now + number * 997,
                chance.choice(people),
                chance.choice(actions).value,
                f"007{chance.randrange(10**7):07}",
                "",
            )
            for number in range(min(AT_ONCE, count))
        ]
        rows.add(tx, chain, made)

    for _ in range(0, count, AT_ONCE):
        store.write(job)


def bare(store: Store) -> int:
    """Read the rows and hash each behind the last; how many."""

    def job(tx: Transaction) -> int:
        hashed, count, number = bytes(32), 0, 0
        while step := tx.all(
            "SELECT number, hash, station, number, at, who, action, object, detail FROM audit WHERE station = :station"
            " AND branch = 0 AND number > :number ORDER BY number LIMIT :limit",
            station=STATION,
            number=number,
            limit=audit_check.STEP,
        ):
            for row in step:
                hashed = hashlib.sha256(hashed + repr(row[2:]).encode()).digest()
            count, number = count + len(step), step[-1][0]
        return count

    return store.read(job)


def verify_rates(store: Store, count: int, rounds: int) -> dict[str, float]:
    """Rows in a second of both, medians of rounds in turn."""
    rates: dict[str, list[float]] = {"verify": [], "bare": []}
    for number in range(rounds):
        for name in rates:
            began = time.perf_counter()
            if name == "bare":
                assert bare(store) == count
            else:
                assert audit_check.verify(store) == []
            rates[name].append(count / (time.perf_counter() - began))
            print(f"round {number + 1}: {name:8} {rates[name][-1]:10.0f} rows/s", flush=True)
    return {name: median(found) for name, found in rates.items()}


def line_bytes(store: Store) -> float:
    """What a row takes on the line: a frame with one batch less a frame with nothing, by its rows."""
    batch = store.read(lambda tx: rows.after(tx, STATION, rows.OWN, 0, BATCH))
    body = msgspec.json.encode(Written.of(batch, rows.ROOT)).decode()
    sizes = []
    for events in ([], [Wired("audit.written", f"{STATION:03}", body)]):
        runs = {"b": Run(1, bytes(8), events)} if events else {}
        message = Message(STATION, 1, incarnation=bytes(8), runs=runs)
        sizes.append(len(frame.pack(frame.UP, STATION, bytes(32), message)))
    return (sizes[1] - sizes[0]) / len(batch)


def hop_rows() -> int:
    """How many rows whole appeals of phones over HTTP write."""
    with tempfile.TemporaryDirectory(prefix="sado-bench-") as folder:
        with load.served("station", "--folder", folder) as (port, _):
            load.run(port, 4, hops=200)
        settings = Settings(data=folder)
        store = Store(settings.database, Keyring.load(settings.keys))
        try:
            return int(store.read(lambda tx: tx.value("SELECT COUNT(*) FROM audit")))
        finally:
            store.close()


def main() -> None:
    """Measure; the last line is one JSON object."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="under 60 seconds")
    quick = parser.parse_args().quick
    count, rounds, seconds = (100_000, 4, 1.0) if quick else (1_000_000, 9, 4)
    pages = page_rates(rounds, seconds)
    written = hop_rows()
    with tempfile.TemporaryDirectory(prefix="sado-bench-") as folder:
        with open_station(Path(folder), STATION) as station:
            fill(station.store, count)
            rates = verify_rates(station.store, count, 5)
            on_line = line_bytes(station.store)
        size = (Path(folder) / "station.db").stat().st_size
    print(
        json.dumps(
            {
                "page_ratio": round(median(pages["with"].crowd) / median(pages["without"].crowd), 3),
                "page_cpu_ratio": round(median(pages["with"].cpu_ms) / median(pages["without"].cpu_ms), 3),
                "verify_ratio": round(rates["verify"] / rates["bare"], 3),
                "hop_rows": written,
                "pages_per_s": {name: round(median(one.crowd)) for name, one in pages.items()},
                "ms_alone": {name: round(1000 / median(one.alone), 2) for name, one in pages.items()},
                "rows_per_s": {name: round(rate) for name, rate in rates.items()},
                "row_bytes": round(size / count),
                "line_bytes": round(on_line, 1),
            }
        )
    )


if __name__ == "__main__":
    main()
