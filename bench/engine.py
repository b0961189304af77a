"""What the engine costs, and whether it grows with the tree or the registers.

    python bench/engine.py [--quick]

`share_of_hop`: one turn of the engine with its layout in Tajik over the same hop through the whole app (parsed,
session loaded, committed with FULL, answered), in one process, alternating. `large_tree_ratio`: a turn in a pack of
5,000 screens over one in a pack of 60; `large_tree_load_s`: reading and checking the large one. `lookup_ratio`: a
lookup among 1,000,000 rows (200,000 with --quick) over one among 1,000, through the store. Medians of the rounds.
"""

from __future__ import annotations

import argparse
import io
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import serve
import yaml
from flask import Flask

from sado.cases.registers.loading import Line, Loading
from sado.cases.registers.lookup import Registers
from sado.channel.effects.register_words import registers_of
from sado.menus import engine
from sado.menus.pack import Pack
from sado.menus.reading import pack
from sado.menus.session import Session
from sado.store import Keyring, Store, Transaction
from sado.store.engine import MAX_GROUP

ANSWERS = ("1", "2", "1", "1", "Ёвон", "1", "Дар деҳаи мо се рӯз боз об нест.")
SMALL, LARGE = 60, 5_000
FEW = 1_000
BATCH = 5_000


def median_s(rounds: int, *timed: Callable[[], float]) -> list[float]:
    """The median seconds of each, round after round in turn, so that what else the machine does falls on all."""
    seconds: list[list[float]] = [[] for _ in timed]
    for _ in range(rounds):
        for taken, run in zip(seconds, timed, strict=True):
            taken.append(run())
    return [statistics.median(taken) for taken in seconds]


def share_of_hop(rounds: int) -> dict[str, float]:
    """A walk through an appeal, hop by hop, in the engine alone and in the whole app."""
    with tempfile.TemporaryDirectory(prefix="sado-bench-") as folder:
        app = serve.station_app(Path(folder), MAX_GROUP, pages=False)
        shipped = pack.load("tajikistan")
        walks = iter(range(10**9))
        whole, alone = median_s(
            rounds, lambda: walk_app(app, next(walks)) / len(ANSWERS), lambda: walk_engine(shipped) / len(ANSWERS)
        )
    return {"share_of_hop": round(alone / whole, 4), "turn_us": round(alone * 1e6, 1), "hop_us": round(whole * 1e6, 1)}


def walk_app(app: Flask, number: int) -> float:
    """Seconds for the hops of one phone through the app, as its server calls it."""
    began = time.perf_counter()
    for hop in range(1, len(ANSWERS) + 1):
        form = {
            "sessionId": f"bench-{number}",
            "serviceCode": "*1339#",
            "phoneNumber": f"+99290{number:07}",
            "networkCode": "43601",
            "text": "*".join(ANSWERS[:hop]),
        }
        body = urlencode(form).encode()
        environ: dict[str, Any] = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": serve.PATH,
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
        }
        answer = b"".join(app.wsgi_app(environ, lambda status, headers, error=None: bytes))
        assert answer.startswith((b"CON ", b"END ")), answer
    return time.perf_counter() - began


def walk_engine(shipped: Pack) -> float:
    """Seconds for the same turns in the engine; the effects are answered from memory."""
    outcomes = {
        "remember_language": engine.Outcome("done"),
        "find_place": engine.Outcome("one", {"place": "ноҳияи Ёвон", "found": "KT-YOV"}),
    }
    began = time.perf_counter()
    turn = engine.start(shipped.tree, None)
    for typed in ANSWERS:
        turn = engine.resume(shipped.tree, turn.session, typed)
        while turn.effect is not None:
            turn = engine.proceed(shipped.tree, turn.session, outcomes[turn.effect.name])
    assert turn.session.screen == "appeal.name", turn.session.screen
    return time.perf_counter() - began


def large_tree_ratio(rounds: int) -> dict[str, float]:
    """The same turns in a small pack and in a large one."""
    small = pack.build("small", grown(SMALL))
    began = time.perf_counter()
    large = pack.build("large", grown(LARGE))
    load_s = time.perf_counter() - began
    few, many = median_s(rounds, lambda: turns(small), lambda: turns(large))
    return {"large_tree_ratio": round(many / few, 3), "large_tree_load_s": round(load_s, 2)}


def grown(screens: int) -> dict[str, bytes]:
    """The shipped pack's shared files, with a tree of so many screens in its place."""
    dropped = ("trees/", "commands.yaml")
    files = {path: data for path, data in pack.files_of("tajikistan").items() if not path.startswith(dropped)}
    shared = yaml.safe_load(files["pack.yaml"])
    words = {"tg": "Мавзӯъ", "ru": "Тема", "en": "Topic"}
    shared["topics"] = dict.fromkeys(shared["routing"], words)
    shared["kinds"] = dict.fromkeys(yaml.safe_load(files["law.yaml"])["kinds"], words)
    files["pack.yaml"] = yaml.safe_dump(shared, allow_unicode=True).encode()
    lines = ["lang: {type: language, go: root}", "resume: {type: goto, go: root}"]
    for number in range(screens - 2):
        name = f"s{number}" if number else "root"
        lines += [f"{name}:", "  type: choice", "  text: {tg: Экрани навбатӣ, ru: Экран, en: Screen}", "  options:"]
        for place in range(1, 6):
            target = (number * 5 + place) % (screens - 2)
            go = f"s{target}" if target else "root"
            lines.append(f"    - {{go: {go}, text: {{tg: Интихоби {place}, ru: Выбор {place}, en: Choice {place}}}}}")
    return {**files, "trees/grown.yaml": "\n".join(lines).encode()}


def turns(grown_pack: Pack) -> float:
    """Seconds for 200 turns."""
    session: Session = engine.start(grown_pack.tree, "tg").session
    began = time.perf_counter()
    for number in range(200):
        session = engine.resume(grown_pack.tree, session, str(number % 5 + 1)).session
    return time.perf_counter() - began


def lookup_ratio(rounds: int, many: int) -> dict[str, float]:
    """Lookups of licences spread over the whole register, in two stations."""
    shipped = pack.load("tajikistan")
    with opened(shipped, FEW) as few_looked, opened(shipped, many) as many_looked:
        few, among_many = median_s(rounds, few_looked, many_looked)
    return {"lookup_ratio": round(among_many / few, 3), "lookup_us": round(among_many * 1e6, 1), "rows": many}


@contextmanager
def opened(shipped: Pack, rows: int) -> Iterator[Callable[[], float]]:
    """A station with so many licences; gives a function that looks up 200 of them, in seconds for each."""
    registers = registers_of(shipped)
    with tempfile.TemporaryDirectory(prefix="sado-bench-") as folder:
        store = Store(Path(folder) / "station.db", Keyring({1: b"k" * 32}, 1, b"r" * 32))
        loading = Loading(store, registers, lambda tx, register, values: None)
        load = loading.begin("licences", time.strftime("%Y-%m-%d", time.gmtime(time.time() - 86400)))
        for first in range(0, rows, BATCH):
            loading.keep(load, [Line(number, licence(number)) for number in range(first, min(first + BATCH, rows))])
            if first % 50_000 == 0:
                print(f"loading {rows} rows: {first} are in", file=sys.stderr)
        loading.end(load, is_sample=False)
        step = max(1, rows // 199)

        def looked_up() -> float:
            began = time.perf_counter()
            for place in range(200):
                store.read(partial(look, registers=registers, number=place * step % rows))
            return (time.perf_counter() - began) / 200

        yield looked_up
        store.close()


def look(tx: Transaction, registers: Registers, number: int) -> None:
    """One lookup, which must find its row."""
    found = registers.find(tx, "licences", {"number": licence(number)["number"]})
    assert len(found.rows) == 1, number


def licence(number: int) -> dict[str, str]:
    """An invented licence."""
    return {
        "number": f"АМ № {number:07}",
        "tin": f"{100_000_000 + number}",
        "holder": f"Корхонаи {number}",
        "activity": "pharmacy",
        "status": "valid",
        "valid_until": "2030-12-31",
        "sample": "",
    }


def main() -> None:
    """Run the three comparisons; the last line is one JSON object."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="under 40 seconds")
    quick = parser.parse_args().quick
    rounds = 30 if quick else 200
    found: dict[str, float] = {}
    parts: list[Callable[[], dict[str, float]]] = [
        lambda: share_of_hop(rounds),
        lambda: large_tree_ratio(rounds),
        lambda: lookup_ratio(rounds, 200_000 if quick else 1_000_000),
    ]
    for part in parts:
        found |= part()
        print(found, flush=True)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
