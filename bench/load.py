"""A load of phones: many connections in one process, each walking through a whole appeal again and again."""

from __future__ import annotations

import contextlib
import itertools
import os
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

SERVE = Path(__file__).parent / "serve.py"
PATH = "/gateway/africastalking/bench-token-bench-token-bench/ussd"
ANSWERS = ("1", "2", "1", "1", "Ёвон", "1", "Дар деҳаи мо се рӯз боз об нест.", "Раҳимова Гулнора", "1")
_walks = itertools.count()


@dataclass
class Client:
    """One phone on one kept connection."""

    connection: socket.socket
    walk: int = field(default_factory=lambda: next(_walks))
    hop: int = 0
    received: bytes = b""
    shown: str = ""

    def send_next(self) -> None:
        """Send the next hop of the walk; after the last one a new walk begins."""
        if self.hop > len(ANSWERS):
            self.walk, self.hop = next(_walks), 0
        body = urlencode(
            {
                "sessionId": f"bench-{os.getpid()}-{self.walk}",
                "serviceCode": "*1339#",
                "phoneNumber": f"+99290{self.walk % 10_000_000:07}",
                "networkCode": "43601",
                "text": "*".join(ANSWERS[: self.hop]),
            }
        ).encode()
        head = f"POST {PATH} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        self.connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)

    def receive(self) -> None:
        """Read what came. Raises AssertionError when the server has hung up, for nothing would ever come again."""
        part = self.connection.recv(65536)
        assert part, "the server hung up"
        self.received += part

    def take(self) -> bool:
        """Read; True when an answer is whole. Raises AssertionError for an answer that is not right."""
        self.receive()
        head, found, body = self.received.partition(b"\r\n\r\n")
        if not found:
            return False
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        if len(body) < length:
            return False
        assert head.startswith(b"HTTP/1.1 200"), head
        assert body.startswith((b"CON ", b"END ")), body
        assert b"\xd0\xa8\xd0\xb0\xd0\xb1\xd0\xb0\xd0\xba\xd0\xb0" not in body, "the station apologised"
        self.received, self.shown = b"", body.decode()
        self.hop += 1
        return True


def run(port: int, clients: int, seconds: float = 0, hops: int = 0, client: type[Client] = Client) -> float:
    """Load the server for so long, or for so many hops; hops per second."""
    selector = selectors.DefaultSelector()
    phones = [client(socket.create_connection(("127.0.0.1", port))) for _ in range(clients)]
    for phone in phones:
        phone.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(phone.connection, selectors.EVENT_READ, phone)
        phone.send_next()
    done, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds or done < hops:
        for key, _ in selector.select(1):
            if key.data.take():
                done += 1
                key.data.send_next()
    elapsed = time.perf_counter() - began
    for phone in phones:
        phone.connection.close()
    return done / elapsed


def walk(port: int) -> list[str]:
    """The screens of one walk, one after another."""
    phone = Client(socket.create_connection(("127.0.0.1", port)))
    screens = []
    with phone.connection:
        for _ in range(len(ANSWERS) + 1):
            phone.send_next()
            while not phone.take():
                pass
            screens.append(phone.shown)
    return screens


@contextlib.contextmanager
def served(app: str, *options: str, environment: dict[str, str] | None = None) -> Iterator[tuple[int, int]]:
    """A server of serve.py in its own process; its port and process id."""
    with started(command(app, *options), environment) as server:
        yield server


def command(app: str, *options: str) -> list[str]:
    """Starts a server of serve.py."""
    return [sys.executable, str(SERVE), app, *options]


@contextlib.contextmanager
def started(command: list[str], environment: dict[str, str] | None = None) -> Iterator[tuple[int, int]]:
    """A process that prints its port on the first line; its port and process id."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | (environment or {}))
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline()), process.pid
    finally:
        process.kill()
        process.wait()
