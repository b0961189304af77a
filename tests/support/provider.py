"""The server of an SMS gateway on loopback, which answers as a test tells it to."""

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Asked:
    """One request that came."""

    path: str
    headers: dict[str, str]
    body: str


class Provider(ThreadingHTTPServer):
    """`behaviour` writes each answer; `asked` are the requests that came."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, behaviour: "Behaviour") -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.behaviour = behaviour
        self.asked: list[Asked] = []
        self.url = f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    """Keeps a request and has it answered."""

    server: Provider

    def do_POST(self) -> None:  # noqa: N802
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        self.server.asked.append(Asked(self.path, dict(self.headers), body))
        self.server.behaviour(self)

    do_GET = do_POST  # noqa: N815

    def log_message(self, *args: object) -> None:
        """Say nothing: the output is the tests'."""


Behaviour = Callable[[Handler], None]


@contextmanager
def provider(behaviour: Behaviour) -> Iterator[Provider]:
    """A server, stopped at the end."""
    server = Provider(behaviour)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def answer(content: str, status: int, kind: str = "application/json", length: int = 0, **headers: str) -> Behaviour:
    """Answer with this body; a `length` of more than it has cuts the connection in the middle."""
    body = content.encode()

    def behave(handler: Handler) -> None:
        handler.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(length or len(body)), **headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    return behave


def hung_up(handler: Handler) -> None:
    """Take the request and cut the line without a word."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
    handler.wfile = handler.rfile = open("/dev/null", "r+b")  # noqa: SIM115, PTH123


def silent(handler: Handler) -> None:
    """Take the request and answer later than anybody waits."""
    time.sleep(11)


@contextmanager
def nobody() -> Iterator[str]:
    """An address where nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}"
