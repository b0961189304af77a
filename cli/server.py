"""The server of `sado serve`: waitress, hardened so that nobody who only holds connections open keeps others out.

What is bounded: how many connections there are, how long each may take for a request and be idle, how large heads and
bodies are, and how much of what came lies in memory. A connection that showed a key or a token is known, and waits
longer. Whoever asks for more than there is gets the place of the connection that was idle longest, a stranger's first.
"""

from __future__ import annotations

import contextlib
import re
import resource
import selectors
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import Any
from wsgiref.types import WSGIApplication

from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.server import BaseWSGIServer, MultiSocketServer, TcpWSGIServer
from waitress.task import ErrorTask, ThreadedTaskDispatcher, WSGITask

from sado.channel import contract, front
from sado.desk.pages import HEADERS
from sado.station import LARGEST_PAGE
from sado.sync.blobs import protocol
from sado.sync.wire import frame

LARGEST_HEAD = 16 * 1024
# A connection that holds no more than this may hold it, however many there are.
LITTLE = 16 * 1024
# Files for the database, the line and the gateways.
OTHER_FILES = 200
SEND_BYTES = 18000
_LENGTH, _ENCODING = (re.compile(rb"(?im)^%s[ \t]*:" % name) for name in (b"content-length", b"transfer-encoding"))


@dataclass(frozen=True)
class Limits:
    """How many connections there may be, how much of requests that are not answered yet they may hold together, and for
    how many seconds a request may come, an answer be taken, and a connection be idle: a stranger's, or a known one."""

    connections: int = 2000
    held: int = 16 << 20
    request_s: float = 20
    answer_s: float = 120
    idle_s: float = 30
    # A station calls its upstream every 15 minutes where nothing happens.
    known_idle_s: float = 1200


def listening(
    app: WSGIApplication, host: str, port: int, threads: int, limits: Limits = Limits(), trusted_proxy: str = ""
) -> BaseWSGIServer | MultiSocketServer:
    """A server of this app that has its port, and answers once its `run` is called. Only `trusted_proxy` is believed
    who called it, and the last hop alone. Raises OSError.

    What a page or a screen says leaves in one piece: Waitress would send the head by itself, and a hop costs a fifth
    more for it (bench/hops.py)."""
    # A body lies in memory, never in a file: how much of them there may be is bounded here, and a disk is slow.
    adjustments = Adjustments(
        host=host,
        port=port,
        threads=threads,
        ident=None,
        asyncore_use_poll=True,
        cleanup_interval=1,
        connection_limit=sys.maxsize,
        max_request_header_size=LARGEST_HEAD,
        max_request_body_size=2 * frame.LARGEST,
        inbuf_overflow=2 * frame.LARGEST,
        **_believed(trusted_proxy),
    )
    # Given above, it would warn that a later release has it no more.
    adjustments.send_bytes = SEND_BYTES
    dispatcher, sockets = ThreadedTaskDispatcher(), dict[int, Any]()
    dispatcher.set_thread_count(threads)
    limits = replace(limits, connections=_room(limits.connections))
    servers = [Server(app, sockets, dispatcher, adjustments, address, limits) for address in adjustments.listen]
    if len(servers) == 1:
        return servers[0]
    return MultiSocketServer(sockets, adjustments, [], dispatcher)


def _believed(proxy: str) -> dict[str, Any]:
    """Waitress' settings for headers of a proxy; it takes those of anybody else off the request."""
    if not proxy:
        return {}
    return {"trusted_proxy": str(ip_address(proxy)), "trusted_proxy_headers": {"x-forwarded-for"}}


def largest_body(path: str) -> int:
    """How much may be posted to this address."""
    if path == frame.PATH:
        return frame.LARGEST
    return front.largest_body(path) if path.startswith(contract.PREFIX) else LARGEST_PAGE


def _needs_secret(path: str) -> bool:
    """Whether only who has a key or a token is answered 200 there."""
    return path == frame.PATH or path.startswith((protocol.PREFIX, contract.PREFIX))


def _room(most: int) -> int:
    """For how many connections there are files, at most so many; the process gets more if it may have them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = most + OTHER_FILES
    if soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return min(most, max(soft - OTHER_FILES, soft // 2))


class Parser(HTTPRequestParser):  # type: ignore[misc]
    """A request. A body that is too large for its address is not read: the app, which sees how large it is, says so in
    its own words, and the connection ends."""

    _largest = 0
    _is_refused = False

    def received(self, data: bytes) -> int:
        """Take a piece; how much of it was this request's."""
        consumed = int(super().received(data))
        # A body in chunks does not say how large it is; its framing counts too.
        if self.chunked and self.body_bytes_received > self._largest:
            self._refuse(self.body_bytes_received)
            self.completed = True
        return len(data) if self._is_refused else consumed

    def parse_header(self, head: bytes) -> None:
        """Read the head. Raises ParsingError where it says in two ways how long the body is: another server between us
        and the sender might believe the other one (RFC 9112, section 6.1)."""
        if _LENGTH.search(head) and _ENCODING.search(head):
            raise ParsingError("Content-Length and Transfer-Encoding do not go together.")
        try:
            super().parse_header(head)
        except ValueError:
            # Python reads no whole number of thousands of digits.
            raise ParsingError("Content-Length is no length.") from None
        self._largest = largest_body(self.path)
        if self.content_length > self._largest:
            self._refuse(self.content_length)

    def _refuse(self, length: int) -> None:
        self._is_refused = True
        self.body_rcv, self.content_length, self.chunked, self.expect_continue = None, 0, False, False
        self.headers |= {"CONTENT_LENGTH": str(length), "CONNECTION": "close"}


class Answer(WSGITask):  # type: ignore[misc]
    """A request that the app answers."""

    def finish(self) -> None:
        """Send the answer. The loop reads nothing more from the connection until this has ended."""
        super().finish()
        shows_secret = self.status.startswith("200") and _needs_secret(self.request.path)
        self.channel.has_answered(shows_secret)


class Refusal(ErrorTask):  # type: ignore[misc]
    """A request that does not reach the app."""

    def execute(self) -> None:
        """Say so, protected as a page is."""
        self.response_headers.extend(HEADERS.items())
        super().execute()


class Connection(HTTPChannel):  # type: ignore[misc]
    """A connection. `since` is when it was made or last answered, `begun` when the request that is coming began;
    `held` is what came of requests that are not answered yet."""

    parser_class, task_class, error_task_class = Parser, Answer, Refusal
    is_known = False
    held = 0
    begun = 0.0

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self.since = time.monotonic()
        super().__init__(*arguments, **named)

    def readable(self) -> bool:
        """Never: where only a request can come, the quiet ones are watched together."""
        # The loop may ask once more after it has ended.
        if self.connected and super().readable():
            self.server.quiet.watch(self)
        return False

    def received(self, data: bytes) -> bool:
        """Take what came."""
        if self.request is None:
            self.begun = time.monotonic()
        self.held += len(data)
        took = bool(super().received(data))
        if self.held > LITTLE:
            self.server.let_go_of_much()
        return took

    def has_answered(self, shows_secret: bool) -> None:
        """A request was answered: one that only who has a key or a token is answered, or another."""
        self.since, self.held = time.monotonic(), 0
        self.is_known = self.is_known or shows_secret

    def del_channel(self, map: Any = None) -> None:  # noqa: A002 - waitress names it
        """It ends."""
        self.server.quiet.forget(self)
        super().del_channel(map)

    def is_overdue(self, now: float) -> bool:
        """Whether it may be cut off: too slow with a request or in taking an answer, or idle for too long."""
        limits: Limits = self.server.limits
        if self.requests:
            return False
        if self.request is not None:
            # It may have come while the one before was worked on.
            return now > max(self.begun, self.since) + limits.request_s
        usual = limits.answer_s if self.total_outbufs_len else limits.idle_s
        return now > self.since + (limits.known_idle_s if self.is_known else usual)


class Quiet(wasyncore.dispatcher):  # type: ignore[misc]
    """The connections from which only a request can come, as one in the server's loop: the loop asks each of its own
    at every turn, and a thousand idle ones would slow every hop."""

    def __init__(self, sockets: dict[int, Any]) -> None:
        super().__init__(map=sockets)
        self._selector = selectors.DefaultSelector()
        self._fileno = self._selector.fileno()
        self.add_channel()

    def writable(self) -> bool:
        """Never."""
        return False

    def handle_read_event(self) -> None:
        """Something came from some of them: back into the loop with those."""
        for key, _ in self._selector.select(0):
            # Another one may have been ended to make room while this one waited for its turn.
            if key.data.connected:
                self.forget(key.data)
                self._map[key.fd] = key.data
                wasyncore.read(key.data)

    def watch(self, connection: Connection) -> None:
        """From now on it is quiet."""
        del self._map[connection.socket.fileno()]
        self._selector.register(connection.socket, selectors.EVENT_READ, connection)

    def close(self) -> None:
        """End them all."""
        for key in list(self._selector.get_map().values()):
            key.data.handle_close()
        self._selector.close()
        super().close()

    def forget(self, connection: Connection) -> None:
        """It is not quiet any more."""
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(connection.socket)


class Server(TcpWSGIServer):  # type: ignore[misc]
    """One address that is listened on."""

    channel_class = Connection

    def __init__(
        self,
        app: WSGIApplication,
        sockets: dict[int, Any],
        dispatcher: ThreadedTaskDispatcher,
        adjustments: Adjustments,
        address: Any,
        limits: Limits,
    ) -> None:
        self.limits = limits
        self.quiet = Quiet(sockets)
        super().__init__(app, sockets, dispatcher=dispatcher, adj=adjustments, sockinfo=address)

    def handle_accept(self) -> None:
        """Take a new connection; where there is no room, it takes another's place."""
        super().handle_accept()
        if len(self.active_channels) > self.limits.connections:
            *others, _new = self.active_channels.values()
            free = sorted(_free(others), key=lambda one: (one.is_known, one.since))
            # Several at once, or a flood of them would cost a look at all for each.
            strangers = [one for one in free[: 1 + self.limits.connections // 20] if not one.is_known]
            _end(strangers or free[:1])

    def let_go_of_much(self) -> None:
        """End the connection that holds most, a stranger's first, where all of them hold too much."""
        every = list(self.active_channels.values())
        if sum(one.held for one in every) > self.limits.held:
            _end(sorted(_free(every), key=lambda one: (one.is_known, -one.held))[:1])

    def maintenance(self, now: float) -> None:
        """End those that are overdue. The clock of the wall, `now`, may be set at any time."""
        moment = time.monotonic()
        _end([one for one in self.active_channels.values() if one.is_overdue(moment)])


def _free(connections: Iterable[Connection]) -> list[Connection]:
    """Those that nobody works for."""
    return [one for one in connections if not one.requests]


def _end(connections: Iterable[Connection]) -> None:
    for one in connections:
        one.handle_close()
