"""An upstream as stations call it: a hub behind TLS 1.3, on this machine."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import waitress
from certificate import certificate

from sado.cases.events import Events
from sado.cases.law import Law
from sado.cases.service import Cases
from sado.menus.reading import pack
from sado.store import Keyring, Store
from sado.store.tables import identity, stations
from sado.sync import endpoint

VILLAGE, HUB = 7, 0
HTTPS = 443


@dataclass
class Hub:
    """An upstream behind TLS on this machine."""

    store: Store
    key: bytes
    port: int
    trusted: Path

    def count(self) -> int:
        """How many cases are here."""
        return int(self.store.read(lambda tx: tx.value("SELECT COUNT(*) FROM cases")))


@contextlib.contextmanager
def hub(folder: Path) -> Iterator[Hub]:
    """A hub that serves, and in front of it TLS that passes the bytes on, as stunnel would."""
    store = new_store(folder / "hub")
    who = store.write(lambda tx: identity.create(tx, HUB))
    law = Law.read(pack.load("tajikistan").law)
    cases = Cases(who, False, lambda: law)
    handlers = {"case": cases.apply, "blob": lambda tx, peer, event: None}
    server = waitress.create_server(
        endpoint.Endpoint(not_found, store, Events(handlers).apply), host="127.0.0.1", port=0, threads=4, ident=None
    )
    threading.Thread(target=server.run, daemon=True).start()
    chain, key = certificate(folder, "localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    context.num_tickets = 1
    with tls_relay(context, server.effective_port) as port:
        yield Hub(store, store.write(lambda tx: stations.add(tx, VILLAGE)), port, chain)
    server.close()
    store.close()


def not_found(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """There is nothing else here."""
    start_response("404 Not Found", [])
    return []


def listening() -> socket.socket:
    """A server's socket on 443, as an upstream has, whose number no request says; on another port where that is taken
    or forbidden."""
    try:
        return socket.create_server(("127.0.0.1", HTTPS))
    except OSError:
        return socket.create_server(("127.0.0.1", 0))


@contextlib.contextmanager
def tls_relay(context: ssl.SSLContext, inner: int) -> Iterator[int]:
    """A port that speaks TLS outside and passes the bytes to the port `inner`."""
    with listening() as listener:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    outside, _ = listener.accept()
                    threading.Thread(target=pass_on, args=(context, outside, inner), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]


def pass_on(context: ssl.SSLContext, outside: socket.socket, inner: int) -> None:
    """One connection: requests in, answers out, one after the other."""
    with contextlib.suppress(OSError), outside, socket.create_connection(("127.0.0.1", inner)) as inside:
        outside.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with context.wrap_socket(outside, server_side=True) as tls:
            back = threading.Thread(target=copy, args=(inside, tls), daemon=True)
            back.start()
            copy(tls, inside)


def copy(source: socket.socket, target: socket.socket) -> None:
    """Pass bytes on until one side ends."""
    with contextlib.suppress(OSError):
        while part := source.recv(65536):
            target.sendall(part)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)


def new_store(folder: Path) -> Store:
    """An empty station's store."""
    folder.mkdir()
    return Store(folder / "sado.db", Keyring.create(folder / "keys.json"))
