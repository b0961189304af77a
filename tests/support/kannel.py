"""Kannel for real, on the configuration of docs/gateways/kannel.md: its two boxes, and the toy SMSC's line protocol."""

from __future__ import annotations

import re
import shutil
import socket
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import requests

from tests.support.processes import free_port, until
from tests.support.servers import PLACES

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

DOCS = Path(__file__).parents[2] / "docs" / "gateways" / "kannel.md"
TOKEN = "a-token-for-the-tests-0000"
USERNAME, PASSWORD = "sado", "change-me-sendsms"
START_S, ANSWER_S = 60.0, 60.0


def documented(*names: str) -> str:
    """The blocks of these names in the documentation, joined."""
    blocks = dict(re.findall(r"^```([a-z-]+)\n(.*?)^```", DOCS.read_text("utf-8"), re.DOTALL | re.MULTILINE))
    return "\n".join(blocks[name] for name in names)


def changed(config: str, changes: Mapping[str, object]) -> str:
    """The configuration with other values. Each must be there: what the docs no longer say, the tests must not."""
    for old, new in changes.items():
        assert old in config, f"{old!r} is not in {DOCS.name} any more"
        config = config.replace(old, str(new))
    return config


class Kannel:
    """bearerbox and smsbox in `folder`; the blocks `names` of the docs, with `changes`."""

    def __init__(self, folder: Path, app_port: int, *names: str, changes: Mapping[str, object]) -> None:
        self._folder = folder
        self.sendsms_port, admin, boxes = free_port(), free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.sendsms_port}/cgi-bin/sendsms"
        ours = {"13013": self.sendsms_port, "13001": boxes, "13000": admin, "127.0.0.1:8080": f"127.0.0.1:{app_port}"}
        places = {f"/var/{name}/kannel": folder / name for name in ("log", "spool", "lib")}
        quicker = {"http-queue-delay = 10": "http-queue-delay = 1"}
        config = changed(documented("kannel", *names), {**ours, **places, **quicker, "TOKEN": TOKEN, **changes})
        (folder / "kannel.conf").write_text(config, "utf-8")
        for place in places.values():
            place.mkdir()
        with closing(sqlite3.connect(folder / "lib" / "reports.db")) as reports:
            reports.executescript(documented("sql"))
        self._ports = {"bearerbox": boxes, "smsbox": self.sendsms_port}
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        """Begin to serve, and wait until both boxes do."""
        for box, port in self._ports.items():
            program = shutil.which(box, path=PLACES)
            assert program is not None
            with (self._folder / f"{box}.out").open("ab") as out:
                self._running[box] = subprocess.Popen(
                    [program, "-v", "2", "kannel.conf"], cwd=self._folder, stdout=out, stderr=out
                )
            is_up = _answers if box == "smsbox" else _listens
            assert until(lambda is_up=is_up, port=port: is_up(port), START_S, 0.02), self.said  # type: ignore[misc]

    def kill(self, *boxes: str) -> None:
        """The power goes, or these boxes alone."""
        for box in boxes or tuple(self._running):
            process = self._running.pop(box)
            process.kill()
            process.wait()

    @property
    def spooled(self) -> int:
        """How many messages it keeps on disk."""
        return sum(file.is_file() for file in (self._folder / "spool").rglob("*"))

    @property
    def said(self) -> str:
        """All that it logged."""
        files = [*self._folder.glob("*.out"), *self._folder.glob("log/*")]
        return "\n".join(file.read_text("utf-8", "replace") for file in files)


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
        return True
    return False


def _answers(port: int) -> bool:
    """Whether HTTP is answered: a connection given up at once may take the next one with it."""
    with suppress(requests.RequestException):
        return requests.get(f"http://127.0.0.1:{port}/", timeout=START_S).status_code > 0
    return False


def toy_port(port: int) -> dict[str, object]:
    """What to change for the fake SMSC to listen here."""
    return {"port = 10000": f"port = {port}"}


def operator_port(port: int) -> dict[str, object]:
    """What to change for an SMSC of ours to be the operator's."""
    return {
        "host = smsc.operator.example": "host = 127.0.0.1",
        "port = 2775": f"port = {port}",
        "reconnect-delay = 5": "reconnect-delay = 1",
    }


class ToySmsc:
    """A client of Kannel's fake SMSC: lines of `sender receiver type data`, both ways."""

    def __init__(self, port: int) -> None:
        assert until(lambda: self._connected(port), START_S, 0.05)
        self.lines: list[str] = []
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def say(self, line: str) -> None:
        self._socket.sendall(f"{line}\n".encode())

    def close(self) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()

    def _connected(self, port: int) -> bool:
        with suppress(OSError):
            self._socket = socket.create_connection(("127.0.0.1", port), 0.2)
            self._socket.settimeout(None)
            return True
        return False

    def _read(self) -> None:
        with suppress(OSError), self._socket.makefile("rb") as stream:
            self.lines.extend(line.decode().rstrip("\n") for line in stream)


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, *args: object) -> None:
        """Say nothing: the output is the tests'."""


@contextmanager
def served(app: WSGIApplication, port: int) -> Iterator[None]:
    """The application on this port of loopback."""
    server = make_server("127.0.0.1", port, app, _Server, _Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def wait(happened: Callable[[], bool], kannel: Kannel) -> None:
    """Wait for something that Kannel is to do; when it does not, show what it said."""
    started = time.monotonic()
    assert until(happened, ANSWER_S, 0.02), f"nothing in {time.monotonic() - started:.0f} s:\n{kannel.said}"
