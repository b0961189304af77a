"""The line keeps one connection, says little around a frame, and tells an operator what goes wrong."""

import contextlib
import json
import re
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bench.certificate import certificate
from sado.sync.errors import LineDownError
from sado.sync.link.connection import Line
from sado.sync.link.tcp_counters import ByteCount
from sado.sync.wire.frame import LARGEST, PATH
from tests.support.one_by_one import post

HOST = "localhost"
# Nothing that is waited for takes so long.
WAIT_S = 60.0
LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


def whole(body: bytes, status: str = "200 OK", headers: str = "") -> bytes:
    """An answer as the upstream gives it."""
    return f"HTTP/1.1 {status}\r\n{headers}Content-Length: {len(body)}\r\n\r\n".encode() + body


@dataclass
class Caught:
    """A connection that the upstream got: whether its TLS session was resumed, and what was asked on it."""

    is_resumed: bool
    requests: list[bytes] = field(default_factory=list)


# What an upstream does with a request: its answer, or None to hang up; it may also do worse to the connection.
Answer = Callable[[socket.socket, bytes], bytes | None]


def echo(connection: socket.socket, request: bytes) -> bytes:
    """The body, thrown back."""
    return whole(request.partition(b"\r\n\r\n")[2])


class Upstream:
    """A server in a thread; each connection is answered in turn, request by request."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.answer: Answer = echo
        self.caught: list[Caught] = []
        self._tls = tls
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        self.hang_up()
        # A thread that waits in accept() does not notice that its socket is closed.
        self._listening.shutdown(socket.SHUT_RDWR)
        self._thread.join(WAIT_S)
        self._listening.close()

    def hang_up(self) -> None:
        """Close the connections, as a server does with those that lie still."""
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _serve(self) -> None:
        while True:
            try:
                plain, _ = self._listening.accept()
            except OSError:
                return
            plain.settimeout(WAIT_S)
            with contextlib.suppress(OSError), plain, self._secured(plain) as connection:
                self._open.append(connection)
                self._talk(connection)

    def _secured(self, plain: socket.socket) -> socket.socket:
        return self._tls.wrap_socket(plain, server_side=True) if self._tls else plain

    def _talk(self, connection: socket.socket) -> None:
        is_resumed = isinstance(connection, ssl.SSLSocket) and bool(connection.session_reused)
        caught = Caught(is_resumed)
        self.caught.append(caught)
        rest = b""
        while (found := _request(connection, rest)) is not None:
            request, rest = found
            caught.requests.append(request)
            answer = self.answer(connection, request)
            if answer is None:
                return
            connection.sendall(answer)


def _request(connection: socket.socket, begun: bytes) -> tuple[bytes, bytes] | None:
    """The next request, and what follows it already; None at the end."""
    while True:
        head, end, _ = begun.partition(b"\r\n\r\n")
        if end:
            length = LENGTH.search(head)
            size = len(head) + len(end) + (int(length[1]) if length else 0)
            if len(begun) >= size:
                return begun[:size], begun[size:]
        more = connection.recv(65536)
        if not more:
            return None
        begun += more


@dataclass
class World:
    """An upstream, and a line to it."""

    upstream: Upstream
    line: Line

    def post(self, frame: bytes = b"frame", timeout_s: float = WAIT_S) -> bytes:
        """One exchange, as a caller has it: connect first."""
        self.line.connect()
        return post(self.line, frame, timeout_s)

    def refusal(self, timeout_s: float = WAIT_S) -> str:
        """What an operator is told."""
        with pytest.raises(LineDownError) as caught:
            self.post(timeout_s=timeout_s)
        return str(caught.value)


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate and its key."""
    return certificate(tmp_path_factory.mktemp("papers"), HOST)


@pytest.fixture
def secure(papers: tuple[Path, Path]) -> Iterator[World]:
    """A line with TLS."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*papers)
    upstream = Upstream(tls)
    world = World(upstream, Line(f"https://{HOST}:{upstream.port}/hub/", papers[0]))
    yield world
    world.line.close()
    upstream.close()


@pytest.fixture
def plain() -> Iterator[World]:
    """A line without."""
    upstream = Upstream()
    world = World(upstream, Line(f"http://127.0.0.1:{upstream.port}"))
    yield world
    world.line.close()
    upstream.close()


def test_a_connection_is_kept_over_many_posts(secure: World) -> None:
    for number in range(5):
        assert secure.post(b"frame %d" % number) == b"frame %d" % number
    assert [len(one.requests) for one in secure.upstream.caught] == [5]


def test_a_request_has_three_lines_and_the_frame(secure: World) -> None:
    secure.post(b"\0\r\n\r\nframe")
    (request,) = secure.upstream.caught[0].requests
    port = secure.upstream.port
    assert request == (
        f"POST /hub{PATH} HTTP/1.1\r\nHost: {HOST}:{port}\r\nContent-Length: 10\r\n\r\n".encode() + b"\0\r\n\r\nframe"
    )


def test_a_connection_that_the_upstream_closed_is_opened_again_with_the_same_session(secure: World) -> None:
    for _ in range(3):
        assert secure.post() == b"frame"
        secure.upstream.hang_up()
        # The thread has noticed when it takes the next connection.
    assert secure.post() == b"frame"
    assert [one.is_resumed for one in secure.upstream.caught] == [False, True, True, True]


def test_a_resumed_connection_costs_less_than_a_new_one(secure: World) -> None:
    secure.post()
    first = secure.line.used
    secure.line.close()
    secure.post()
    assert (secure.line.used - first).down < first.down


def test_an_upstream_that_says_that_it_closes_is_believed(plain: World) -> None:
    plain.upstream.answer = lambda connection, request: whole(b"last", headers="Connection: close\r\n")
    assert plain.post() == b"last"
    plain.upstream.hang_up()
    plain.upstream.answer = echo
    assert plain.post() == b"frame"
    assert [len(one.requests) for one in plain.upstream.caught] == [1, 1]


def test_two_frames_may_be_on_their_way_and_their_answers_come_in_one_piece(plain: World) -> None:
    held: list[bytes] = []

    def both_at_once(connection: socket.socket, request: bytes) -> bytes:
        held.append(echo(connection, request))
        return b"".join(held) if len(held) == 2 else b""

    plain.upstream.answer = both_at_once
    plain.line.connect()
    plain.line.send(b"one", WAIT_S)
    plain.line.send(b"two", WAIT_S)
    assert [plain.line.receive(WAIT_S), plain.line.receive(WAIT_S)] == [b"one", b"two"]


def test_a_connection_is_kept_also_beside_a_thousand_open_files(plain: World) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(1100):
            stack.enter_context(Path("/dev/null").open())
        plain.post()
        assert plain.post() == b"frame"
    assert len(plain.upstream.caught) == 1


def test_an_answer_that_is_there_is_no_sign_that_the_upstream_has_left(plain: World) -> None:
    plain.line.connect()
    plain.line.send(b"one", WAIT_S)
    # The answer lies in the socket before the next frame is sent.
    assert plain.line._socket is not None
    plain.line._socket.recv(1, socket.MSG_PEEK)
    plain.line.send(b"two", WAIT_S)
    assert [plain.line.receive(WAIT_S), plain.line.receive(WAIT_S)] == [b"one", b"two"]
    assert len(plain.upstream.caught) == 1


def test_without_a_frame_on_its_way_no_answer_comes(plain: World) -> None:
    with pytest.raises(LineDownError, match="the line was cut"):
        plain.line.receive(WAIT_S)


@pytest.mark.parametrize("world", ["secure", "plain"])
def test_used_grows_by_more_than_the_frames(world: str, request: pytest.FixtureRequest) -> None:
    found: World = request.getfixturevalue(world)
    assert found.line.used == ByteCount(0, 0)
    before = ByteCount(0, 0)
    for size in (1, 1_000, 50_000):
        found.post(bytes(size))
        # The kernel counts what leaves when it is acknowledged: this answer came after all that was sent.
        grown = found.line.used - before
        assert grown.down >= size
        before = found.line.used
    assert before.up >= 1_001
    found.line.close()
    assert found.line.used.total >= before.total
    found.post(b"more")
    assert found.line.used.total > before.total


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (
            whole(
                json.dumps({"title": "x", "code": "STATION_UNKNOWN"}).encode(),
                "403 Forbidden",
                "Content-Type: application/problem+json\r\n",
            ),
            "the upstream has not admitted this station: run `sado station add` there",
        ),
        (
            whole(
                json.dumps({"code": "OTHER_VERSION"}).encode(),
                "400 Bad Request",
                "Content-Type: application/problem+json\r\n",
            ),
            "update the upstream first",
        ),
        (whole(b"no json", "403 Forbidden", "Content-Type: application/problem+json\r\n"), "HTTP status: 403"),
        (whole(b"[]", "403 Forbidden", "Content-Type: application/problem+json\r\n"), "HTTP status: 403"),
        (whole(b'{"title":"x"}', "502 Bad Gateway", "Content-Type: text/html\r\n"), "HTTP status: 502"),
        (whole(b"", "204 No Content"), "HTTP status: 204"),
        (whole(b"", "302 Found", "Location: http://localhost/\r\n"), "HTTP status: 302"),
        (b"no http at all\r\n\r\n", "the line was cut"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", "the line was cut"),
        (b"HTTP/1.1 200 OK\r\nContent-", "the line was cut"),
        (b"HTTP/1.1 200 OK\r\n\r\nno length", "the line was cut"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf", "the line was cut"),
        (b"", "the line was cut"),
    ],
)
def test_what_goes_wrong_is_told_in_a_sentence_and_the_next_post_goes_on(
    plain: World, answer: bytes, sentence: str
) -> None:
    def once(connection: socket.socket, request: bytes) -> None:
        connection.sendall(answer)
        plain.upstream.answer = echo

    plain.upstream.answer = once
    assert sentence in plain.refusal()
    assert plain.post() == b"frame"


def test_a_connection_that_is_reset_is_a_line_that_was_cut(plain: World) -> None:
    def reset(connection: socket.socket, request: bytes) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        plain.upstream.answer = echo

    plain.upstream.answer = reset
    assert plain.refusal() == "the line was cut"
    assert plain.post() == b"frame"


def test_a_cut_within_tls_is_a_line_that_was_cut(secure: World) -> None:
    def cut(connection: socket.socket, request: bytes) -> None:
        connection.sendall(whole(b"half of it")[:-5])
        secure.upstream.answer = echo

    secure.upstream.answer = cut
    assert secure.refusal() == "the line was cut"
    assert secure.post() == b"frame"


def test_an_upstream_that_is_silent_is_told_after_the_time_that_it_has(plain: World) -> None:
    silent = threading.Event()

    def wait(connection: socket.socket, request: bytes) -> None:
        silent.wait(WAIT_S)

    plain.upstream.answer = wait
    assert plain.refusal(timeout_s=0.05) == "the upstream does not answer in time"
    plain.upstream.answer = echo
    silent.set()
    assert plain.post() == b"frame"


def test_a_port_where_nobody_listens_is_told() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        line = Line(f"http://127.0.0.1:{bound.getsockname()[1]}")
        for attempt in (line.connect, lambda: post(line, b"frame", WAIT_S)):
            with pytest.raises(LineDownError, match="the upstream cannot be reached"):
                attempt()


def test_a_name_that_nobody_has_is_told() -> None:
    with pytest.raises(LineDownError, match="the upstream cannot be reached"):
        Line("https://hub.invalid").connect()


def test_a_certificate_that_is_not_the_one_to_trust_is_told(secure: World, tmp_path: Path) -> None:
    other, _ = certificate(tmp_path, HOST)
    stranger = Line(f"https://{HOST}:{secure.upstream.port}", other)
    with pytest.raises(LineDownError, match="certificate"):
        stranger.connect()
    assert secure.upstream.caught == []
    assert secure.post() == b"frame"


def test_a_certificate_of_another_name_is_told(secure: World, papers: tuple[Path, Path]) -> None:
    stranger = Line(f"https://127.0.0.1:{secure.upstream.port}", papers[0])
    with pytest.raises(LineDownError, match="certificate"):
        stranger.connect()
    assert secure.post() == b"frame"


def test_an_answer_without_end_is_read_no_further_than_a_frame_goes(plain: World) -> None:
    plain.upstream.answer = lambda connection, request: whole(bytes(3 * LARGEST))
    assert plain.refusal() == "the line was cut"
    plain.upstream.hang_up()
    plain.upstream.answer = echo
    assert plain.post() == b"frame"


def test_an_answer_in_chunks_is_read_whole(plain: World) -> None:
    """As a proxy in front of the upstream may send it."""
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nframe\r\n0\r\n\r\n"
    plain.upstream.answer = lambda connection, request: answer
    assert [plain.post(), plain.post()] == [b"frame", b"frame"]
    assert len(plain.upstream.caught) == 1


def test_a_blob_is_asked_for_on_the_same_connection(plain: World) -> None:
    plain.post()
    plain.upstream.answer = lambda connection, request: whole(b"blob")
    assert plain.line.get("/x/2/blob?from=0", {"Range": "bytes=0-3"}, WAIT_S) == b"blob"
    (caught,) = plain.upstream.caught
    lines = caught.requests[1].split(b"\r\n")
    assert lines[0] == b"GET /x/2/blob?from=0 HTTP/1.1"
    assert lines[2:] == [b"Range: bytes=0-3", b"", b""]
