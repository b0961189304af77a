"""The line to the upstream: one kept HTTP connection, its TLS session resumed when it has to be opened again.

A handshake costs more bytes than a hundred appeals, so the connection is kept for as long as the network lets it live,
and opened again with the session's ticket. A request is written in one piece, with no header that is not needed: on an
open connection one more appeal is two packets.
"""

from __future__ import annotations

import contextlib
import io
import json
import select
import socket
import ssl
from collections.abc import Iterator, Mapping
from http.client import HTTPException, HTTPResponse, IncompleteRead
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

from sado.sync.codes import Cause
from sado.sync.errors import LineDownError
from sado.sync.link.tcp_counters import ByteCount, counted
from sado.sync.wire.frame import LARGEST, PATH

CONNECT_S = 15.0
# Of a refusal's title, where another program than ours says it.
LONGEST_TITLE = 100


class Line:
    """Posts frames to the upstream at `url`, and gets blobs from it; `certificate` is a file with the one to trust,
    where it is not one that the system trusts. `used` is what the line carried since the start, as the network counts
    it."""

    overlaps = True

    def __init__(self, url: str, certificate: Path | None = None) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._port = parts.port or (443 if parts.scheme == "https" else 80)
        self._name = parts.netloc
        self._path = parts.path.rstrip("/")
        self._tls = ssl.create_default_context(cafile=certificate) if parts.scheme == "https" else None
        self._socket: socket.socket | None = None
        self._answers: Answers | None = None
        self._session: ssl.SSLSession | None = None
        self._closed = ByteCount(0, 0)

    @property
    def used(self) -> ByteCount:
        """Bytes up and down, with everything that is around a frame."""
        return self._closed + (counted(self._socket) if self._socket else ByteCount(0, 0))

    def connect(self) -> None:
        """Have a connection to send on; on a dead line this costs a few small packets. Raises LineDownError."""
        if self._socket is not None and _is_left(self._socket):
            self.close()
        if self._socket is not None:
            return
        try:
            self._connect()
        except OSError as error:
            self.close()
            raise LineDownError(_failure(error)) from None

    def send(self, frame: bytes, timeout_s: float) -> None:
        """Send a frame; its answer is received later, in the order in which frames were sent. Raises LineDownError."""
        self._request("POST", PATH, {"Content-Length": str(len(frame))}, frame, timeout_s)

    def receive(self, timeout_s: float) -> bytes:
        """The answer to the oldest frame that has none. Raises LineDownError."""
        return self._response("POST", timeout_s)

    def get(self, target: str, headers: Mapping[str, str], timeout_s: float) -> bytes:
        """What the upstream has at this path and query. Raises LineDownError."""
        self._request("GET", target, headers, b"", timeout_s)
        return self._response("GET", timeout_s)

    def _request(self, method: str, target: str, headers: Mapping[str, str], body: bytes, timeout_s: float) -> None:
        lines = [f"{method} {self._path}{target} HTTP/1.1", f"Host: {self._name}"]
        head = "\r\n".join([*lines, *(f"{name}: {value}" for name, value in headers.items()), "\r\n"])
        if self._socket is None:
            self.connect()
        with self._told() as line:
            line.settimeout(timeout_s)
            line.sendall(head.encode("ascii") + body)

    def _response(self, method: str, timeout_s: float) -> bytes:
        with self._told() as line:
            line.settimeout(timeout_s)
            response = HTTPResponse(cast("socket.socket", self._answers), method=method)
            response.begin()
            answer = response.read(LARGEST + 1)
            if response.status == 200 and not (response.isclosed() and _has_end(response)):
                raise IncompleteRead(answer)
            if isinstance(line, ssl.SSLSocket):
                self._session = line.session
        if response.status != 200 or response.will_close:
            self.close()
        if response.status != 200:
            raise _refusal(response, answer)
        return answer

    @contextlib.contextmanager
    def _told(self) -> Iterator[socket.socket]:
        """The connection; what goes wrong with it as a sentence, and then it is given up."""
        try:
            if self._socket is None:
                raise ConnectionError
            yield self._socket
        except (ConnectionError, HTTPException):
            self.close()
            raise LineDownError(Cause.LINE_CUT) from None
        except OSError as error:
            self.close()
            raise LineDownError(_failure(error)) from None

    def close(self) -> None:
        """Hang up; the next request connects again."""
        if self._answers is not None:
            self._answers.hang_up()
        if self._socket is not None:
            self._closed += counted(self._socket)
            with contextlib.suppress(OSError):
                self._socket.close()
        self._socket = self._answers = None

    def _connect(self) -> None:
        line = self._dial()
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._tls is not None:
            secured = self._socket = self._tls.wrap_socket(
                line, server_hostname=self._host, session=self._session, do_handshake_on_connect=False
            )
            secured.do_handshake()
            line = secured
        self._answers = Answers(line)

    def _dial(self) -> socket.socket:
        """A connection to the first address of the upstream that answers; what is tried in vain is counted too."""
        failure = OSError(f"{self._host} has no address.")
        for family, kind, protocol, _name, address in socket.getaddrinfo(
            self._host, self._port, type=socket.SOCK_STREAM
        ):
            plain = self._socket = socket.socket(family, kind, protocol)
            plain.settimeout(CONNECT_S)
            try:
                plain.connect(address)
            except OSError as error:
                failure = error
                self.close()
            else:
                return plain
        raise failure


class Answers(io.BufferedReader):
    """What comes on a connection. The answers to several requests may lie behind one another in it, so none of them may
    take more than its own with it when it ends."""

    def __init__(self, line: socket.socket) -> None:
        super().__init__(line.makefile("rb", buffering=0))

    def makefile(self, _mode: str) -> Answers:
        """For HTTPResponse, which asks its socket for it."""
        return self

    def close(self) -> None:
        """Nothing: the next answer lies behind this one."""

    def hang_up(self) -> None:
        """Give up the connection."""
        super().close()


def _has_end(response: HTTPResponse) -> bool:
    """Whether an answer says where it ends; what does not may have been cut."""
    return "Content-Length" in response.headers or "Transfer-Encoding" in response.headers


def _failure(error: OSError) -> Cause:
    if isinstance(error, TimeoutError):
        return Cause.UPSTREAM_SILENT
    if isinstance(error, ssl.SSLCertVerificationError):
        return Cause.UPSTREAM_UNTRUSTED
    return Cause.UPSTREAM_UNREACHABLE


def _is_left(kept: socket.socket) -> bool:
    """Whether the other side has hung up: nothing else comes from it unasked. `select` would fail where the station
    has over a thousand files open."""
    poll = select.poll()
    poll.register(kept, select.POLLIN)
    return bool(poll.poll(0))


def _refusal(response: HTTPResponse, body: bytes) -> LineDownError:
    """What the upstream says: a code of ours, or the title of problem details (RFC 9457) from whatever stands before
    it."""
    if response.headers.get("Content-Type", "").startswith("application/problem+json"):
        with contextlib.suppress(ValueError, AttributeError, KeyError, TypeError):
            problem = json.loads(body)
            if problem.get("code") in Cause.__members__:
                return LineDownError(Cause[problem["code"]])
            return LineDownError(Cause.UPSTREAM_REFUSES, str(problem["title"])[:LONGEST_TITLE])
    return LineDownError(Cause.UPSTREAM_HTTP_ERROR, str(response.status))
