"""A station that is nothing but a store, an exchange and a load, to be killed again and again.

    python -m tests.support.exchange_process hub FOLDER GUARD
    python -m tests.support.exchange_process village FOLDER GUARD URL KEY

Importing what it needs takes longer than it will live. So this process does that once, and for each line on its
standard input makes a child that is the station, writes the child's id, waits for its end, and writes an empty line.
What people at the station try and what they are promised is appended to two files: what a killed process wrote is
there.

A line may name where the child is to die by its own hand, as if it were killed there: `made`, when somebody's event is
half made, or `applied`, when an event has taken effect and the cursor has not moved.

GUARD is `safe`, or the guard that is taken away, to show that its absence is noticed: `eager` promises before it has
written, `apart` commits effects before the cursor that says so."""

import contextlib
import logging
import os
import random
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path

import waitress

from sado.store import Store, Transaction
from sado.store.tables.events import Apply, Event
from sado.sync import outbox
from sado.sync.endpoint import Endpoint
from sado.sync.errors import LineDownError
from sado.sync.link.connection import Line
from sado.sync.wire.frame import FrameError
from tests.support import ledger
from tests.support.ledger import PEER, known_by, put, said
from tests.support.one_by_one import post
from tests.support.stations import keys_in

PEOPLE = 3
PAUSE_S, RETRY_S = 0.01, 0.01
TRIED, PROMISED = "tried", "promised"
MADE, APPLIED = "made", "applied"
NOT_FOUND = [("Content-Length", "0")]


def count_apart(tx: Transaction, peer: str, event: Event) -> None:
    """Apply an event, and commit that before its number and its id are noted. The part that is open goes with it."""
    ledger.count(tx, peer, event)
    tx.run("DELETE FROM applied_events WHERE id = :id", id=event.id)
    tx.run("COMMIT")
    tx.run("BEGIN IMMEDIATE")
    tx.run("SAVEPOINT part")


class People:
    """Those who use a station: each makes one event after another. `body` says what the next is, or None for none."""

    def __init__(self, folder: Path, store: Store, peer: str, guard: str, dies_at: str) -> None:
        self._logs = {
            name: os.open(folder / name, os.O_WRONLY | os.O_APPEND | os.O_CREAT) for name in (TRIED, PROMISED)
        }
        self._store, self._peer, self._is_eager, self._dies_at = store, peer, guard == "eager", dies_at

    def begin(self, body: Callable[[int], str | None]) -> None:
        for number in range(PEOPLE):
            threading.Thread(target=self._work, args=[number, body], daemon=True).start()

    def _work(self, number: int, body: Callable[[int], str | None]) -> None:
        while True:
            time.sleep(random.uniform(0, 2 * PAUSE_S))
            if (words := body(number)) is not None:
                self._make(words)

    def _make(self, words: str) -> None:
        def write() -> None:
            self._store.write(lambda tx: put(tx, self._peer, words, random.choice(("u", "n", "n", "n"))))

        def promise() -> None:
            self._note(PROMISED, words)

        self._note(TRIED, words)
        first, second = (promise, write) if self._is_eager else (write, promise)
        first()
        if self._dies_at == MADE:
            die()
        second()

    def _note(self, name: str, words: str) -> None:
        os.write(self._logs[name], f"{known_by(words)}\n".encode())


def village(folder: Path, guard: str, dies_at: str, url: str, key: str) -> None:
    """Appeals are filed, and exchanged over and over."""
    store = Store(folder / "station.db", keys_in(folder))
    line = Line(url)
    program = ledger.client(store, bytes.fromhex(key), partial(post, line), apply_of(guard, dies_at))
    life, numbers = os.getpid(), iter(range(1 << 30))
    People(folder, store, outbox.UPSTREAM, guard, dies_at).begin(lambda _: said(f"appeal {life} {next(numbers)}"))
    while True:
        try:
            program.call()
            time.sleep(PAUSE_S)
        except (LineDownError, FrameError):
            time.sleep(RETRY_S)


def hub(folder: Path, guard: str, dies_at: str, listener: socket.socket) -> None:
    """Stations are answered, and so are the appeals that have come: each of the people has its own share of them."""
    store = Store(folder / "station.db", keys_in(folder))
    answered: set[str] = set()

    def next_answer(number: int) -> str | None:
        open_ones = [name for name in ledger.applied(store) if hash_of(name) == number and name not in answered]
        if not open_ones:
            return None
        answered.add(open_ones[0])
        return said(f"answer to {open_ones[0]}")

    answered |= {known.removeprefix("answer to ").rsplit(" ", 1)[0] for known in made(folder, TRIED)}
    People(folder, store, PEER, guard, dies_at).begin(next_answer)
    logging.getLogger("waitress").setLevel(logging.CRITICAL)
    waitress.serve(Endpoint(nothing, store, apply_of(guard, dies_at)), sockets=[listener], threads=2, _quiet=True)


def hash_of(name: str) -> int:
    return int(name[-4:], 16) % PEOPLE


def nothing(environ: object, start_response: Callable[..., object]) -> list[bytes]:
    start_response("404 Not Found", NOT_FOUND)
    return []


def apply_of(guard: str, dies_at: str) -> Apply:
    apply = count_apart if guard == "apart" else ledger.count

    def apply_and_die(tx: Transaction, peer: str, event: Event) -> None:
        apply(tx, peer, event)
        die()

    return apply_and_die if dies_at == APPLIED else apply


def die() -> None:
    """The power goes, as seen from inside."""
    os.kill(os.getpid(), signal.SIGKILL)


def made(folder: Path, name: str) -> list[str]:
    """What the people of this station tried, or were promised."""
    with contextlib.suppress(FileNotFoundError):
        return (folder / name).read_text().splitlines()
    return []


def main(side: str, folder: str, guard: str, *line: str) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    for dies_at in map(str.strip, sys.stdin):
        if not (child := os.fork()):
            try:
                if side == "hub":
                    hub(Path(folder), guard, dies_at, listener)
                else:
                    village(Path(folder), guard, dies_at, *line)
            finally:
                # Whatever it died of: a child never goes on as its parent.
                traceback.print_exc()
                os._exit(1)
        print(child, flush=True)
        os.waitpid(child, 0)
        print(flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
