"""The server: who holds connections open, sends slowly or sends too much keeps nobody else out."""

import contextlib
import resource
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import waitress
from waitress.wasyncore import close_all

from sado.channel.front import Webhook, Webhooks
from sado.cli.server import LARGEST_HEAD, Limits, listening
from sado.sync.wire import frame
from tests.support.processes import TOKEN, VILLAGE, Phone, Station, until

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

HOP = "/gateway/kannel/a-token-for-the-tests-0000/ussd"
SMS = "/gateway/kannel/a-token-for-the-tests-0000/sms"
HALF = b"POST /gateway/x HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n"
KIB = 1024
# For what happens at all; and for what must not happen, long enough to be seen if it did.
SOON_S, NOT_S = 30, 2
USUAL = Limits()


def app(environ: "WSGIEnvironment", start_response: "StartResponse") -> list[bytes]:
    """Says how large the body is that it was told of, and how much of it is there."""
    body = b"%s %d" % (environ.get("CONTENT_LENGTH", "").encode(), len(environ["wsgi.input"].read()))
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


class Sender:
    """A connection to a server, by hand."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=SOON_S)

    def __enter__(self) -> "Sender":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def ask(self, path: str, *headers: str, body: bytes = b"") -> tuple[int, bytes]:
        """Post, and have the status and what the app said."""
        lines = "".join(f"{line}\r\n" for line in (f"POST {path} HTTP/1.1", "Host: a", *headers))
        self.send(lines.encode() + b"\r\n" + body)
        return self.answer()

    def answer(self) -> tuple[int, bytes]:
        """The next answer."""
        received = b""
        while b"\r\n\r\n" not in received:
            part = self.socket.recv(65536)
            assert part, f"hung up after {received!r}"
            received += part
        head, _, body = received.partition(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        while len(body) < length:
            body += self.socket.recv(65536)
        self.head = head
        return int(head.split()[1]), body

    def is_ended(self, within_s: float = SOON_S) -> bool:
        """Whether the server hangs up in this time."""
        self.socket.settimeout(within_s)
        try:
            return self.socket.recv(65536) == b""
        except TimeoutError:
            return False
        except ConnectionError:
            return True


@contextmanager
def served(limits: Limits = USUAL, application: "WSGIApplication" = app, trusted_proxy: str = "") -> Iterator[int]:
    """A server in this process; its port."""
    server = listening(application, "127.0.0.1", 0, 2, limits, trusted_proxy)
    with running(server):
        yield server.effective_port


@contextmanager
def running(server: waitress.server.BaseWSGIServer) -> Iterator[None]:
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield
    finally:
        server.trigger.pull_trigger(lambda: close_all(server._map))
        thread.join()
        server.task_dispatcher.shutdown()


@contextmanager
def many(port: int, count: int, say: bytes) -> Iterator[list[Sender]]:
    """So many connections that each say this."""
    _have_files(2 * count + 500)
    with ExitStack() as stack:
        senders = [stack.enter_context(Sender(port)) for _ in range(count)]
        for sender in senders:
            with contextlib.suppress(ConnectionError):
                sender.send(say)
        yield senders


def _have_files(wanted: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


@pytest.fixture
def station(tmp_path: Path) -> Iterator[Station]:
    station = Station(tmp_path / "station", VILLAGE, {"africastalking_token": TOKEN})
    yield station.start()
    station.end()


@pytest.mark.parametrize(
    ("count", "said"),
    [(110, HALF), (97, b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"), (1000, HALF), (1000, b""), (2500, HALF)],
)
def test_a_hop_is_answered_beside_idle_connections(station: Station, count: int, said: bytes) -> None:
    with many(station.port, count, said):
        assert Phone(station.webhook, "+992900000001").walk("1")
        assert station.is_up()


def test_110_half_requests_silence_a_server_without_these_limits() -> None:
    server = waitress.create_server(app, map={}, host="127.0.0.1", port=0, threads=2)
    with running(server), many(server.effective_port, 110, HALF), Sender(server.effective_port) as late:
        late.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert not late.is_ended(NOT_S)
        with pytest.raises(TimeoutError):
            late.answer()


def test_500_stations_keep_their_connections_whoever_else_comes() -> None:
    with served() as port, many(port, 500, b"") as stations:
        for station in stations:
            assert station.ask(frame.PATH)[0] == 200
        with many(port, 2000, HALF):
            assert [station.ask(frame.PATH)[0] for station in stations] == [200] * 500


def test_a_full_table_ends_the_strangers_that_were_idle_longest() -> None:
    patient = Limits(connections=10, request_s=600, idle_s=600)
    with served(patient) as port, Sender(port) as known, Sender(port) as working:
        assert known.ask(HOP)[0] == 200
        with many(port, 8, b"") as first:
            # A connection is the server's only once it took it from the system: a busy one may answer another before.
            assert [one.ask("/")[0] for one in first] == [200] * 8
            for one in first:
                one.send(HALF)
            assert working.ask("/")[0] == 200
            with many(port, 4, HALF):
                assert [one.is_ended() for one in first[:4]] == [True] * 4
                assert not any(one.is_ended(0.1) for one in first[4:])
                assert known.ask(HOP)[0] == 200
                assert working.ask("/")[0] == 200


def refuses(environ: "WSGIEnvironment", start_response: "StartResponse") -> list[bytes]:
    start_response("404 Not Found", [("Content-Length", "0")])
    return []


def test_only_who_shows_a_secret_is_known() -> None:
    with served(Limits(idle_s=0.5), refuses) as port, Sender(port) as wrong:
        assert wrong.ask(HOP)[0] == 404
        assert wrong.is_ended()
    with served(Limits(idle_s=0.5)) as port, Sender(port) as page, Sender(port) as right:
        assert page.ask("/signin")[0] == right.ask(HOP)[0] == 200
        assert page.is_ended()
        assert not right.is_ended(NOT_S)


def test_who_shows_the_token_in_a_header_is_known() -> None:
    webhooks = Webhooks(refuses, [Webhook("kannel", "ussd", TOKEN, lambda request: "OK")])
    bare = "/gateway/kannel/ussd"
    with served(Limits(idle_s=0.5), webhooks) as port, Sender(port) as wrong, Sender(port) as right:
        assert wrong.ask(bare, f"Authorization: Bearer {TOKEN}x")[0] == 404
        assert right.ask(bare, f"Authorization: Bearer {TOKEN}")[0] == 200
        assert wrong.is_ended()
        assert not right.is_ended(NOT_S)


def caller(environ: "WSGIEnvironment", start_response: "StartResponse") -> list[bytes]:
    """Says who called, and what is left of a proxy's header."""
    body = f"{environ['REMOTE_ADDR']} {environ.get('HTTP_X_FORWARDED_FOR', '')}".encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


@pytest.mark.parametrize(
    ("proxy", "headers", "told"),
    [
        ("127.0.0.1", ["X-Forwarded-For: 10.1.0.1"], "10.1.0.1"),
        ("127.0.0.1", ["X-Forwarded-For: 10.1.0.1, 192.0.2.7"], "192.0.2.7"),
        ("127.0.0.1", ["X-Forwarded-For: 10.1.0.1", "X-Forwarded-For: 192.0.2.7"], "192.0.2.7"),
        ("127.0.0.1", ["Forwarded: for=10.1.0.1"], "127.0.0.1"),
        ("127.0.0.1", [], "127.0.0.1"),
        ("127.0.0.2", ["X-Forwarded-For: 10.1.0.1"], "127.0.0.1"),
        ("", ["X-Forwarded-For: 10.1.0.1"], "127.0.0.1"),
        ("", ["Forwarded: for=10.1.0.1"], "127.0.0.1"),
    ],
)
def test_only_the_last_hop_of_the_proxy_that_is_trusted_says_who_calls(
    proxy: str, headers: list[str], told: str
) -> None:
    with served(USUAL, caller, proxy) as port, Sender(port) as sender:
        assert sender.ask("/", *headers)[1].decode().split()[0] == told


@pytest.mark.parametrize("start", [b"", b"POST / HTTP/1.1\r\nContent-Length: 1000\r\n\r\n"], ids=["head", "body"])
def test_who_sends_byte_by_byte_is_cut_off(start: bytes) -> None:
    def is_cut_off(limits: Limits, within_s: float) -> bool:
        with served(limits) as port, Sender(port) as slow:
            slow.send(start)
            return until(lambda: _is_refused(slow, b"G"), within_s)

    assert is_cut_off(Limits(request_s=0.5), SOON_S)
    assert not is_cut_off(Limits(request_s=60), 2 * NOT_S)


def _is_refused(sender: Sender, data: bytes) -> bool:
    try:
        sender.send(data)
    except ConnectionError:
        return True
    return False


def test_empty_lines_are_no_request() -> None:
    with served(Limits(idle_s=0.5)) as port, Sender(port) as idle:
        assert until(lambda: _is_refused(idle, b"\r\n\r\n"), SOON_S)


@pytest.mark.parametrize("path", [HOP, SMS, frame.PATH, "/operator", "/agency/v1/cases"])
def test_a_body_that_is_too_large_for_its_address_is_not_read(path: str) -> None:
    largest = {HOP: 16 * KIB, f"{HOP}-end": 16 * KIB, SMS: 64 * KIB, frame.PATH: KIB * KIB}.get(path, 64 * KIB)
    with served() as port, Sender(port) as sender, Sender(port) as other:
        told = f"Content-Length: {largest}"
        assert sender.ask(path, told, body=bytes(largest)) == (200, b"%d %d" % (largest, largest))
        told = f"Content-Length: {largest + 1}"
        assert sender.ask(path, told, body=bytes(100)) == (200, b"%d 0" % (largest + 1))
        assert sender.is_ended()
        chunks = b"%x\r\n" % largest + bytes(largest) + b"\r\n1\r\n\0\r\n0\r\n\r\n"
        said, length = other.ask(path, "Transfer-Encoding: chunked", body=chunks)
        assert (said, length.split()[1]) == (200, b"0") and int(length.split()[0]) > largest
        assert other.is_ended()


def test_a_body_in_chunks_is_taken_where_it_is_small() -> None:
    with served() as port, Sender(port) as sender:
        chunks = b"5\r\nhello\r\n0\r\n\r\n"
        assert sender.ask(HOP, "Transfer-Encoding: chunked", body=chunks) == (200, b"5 5")
        assert sender.ask(HOP)[0] == 200


def test_what_is_too_large_is_not_even_asked_for() -> None:
    with served() as port, Sender(port) as sender:
        status, _ = sender.ask(HOP, "Expect: 100-continue", f"Content-Length: {20 * KIB}")
        assert status == 200
        assert sender.is_ended()


@pytest.mark.parametrize(
    "headers",
    [
        ("Content-Length: 5", "Transfer-Encoding: chunked"),
        ("transfer-encoding: chunked", "content-length: 0"),
        ("Content-Length: 5", "Transfer-Encoding:"),
        ("Content-Length: 5", "Content-Length: 6"),
    ],
)
def test_two_lengths_of_one_body_are_refused(headers: tuple[str, str]) -> None:
    with served() as port, Sender(port) as sender:
        assert sender.ask("/", *headers, body=b"5\r\nhello\r\n0\r\n\r\n")[0] == 400
        assert b"X-Content-Type-Options: nosniff" in sender.head
        assert sender.is_ended()


def test_a_large_head_is_refused() -> None:
    with served() as port, Sender(port) as sender, Sender(port) as other:
        assert sender.ask("/", f"Cookie: {'a' * (LARGEST_HEAD - KIB)}")[0] == 200
        assert other.ask("/", f"Cookie: {'a' * LARGEST_HEAD}")[0] == 431


def test_what_strangers_hold_in_memory_is_bounded() -> None:
    large = b"POST /x HTTP/1.1\r\nContent-Length: 100000\r\n\r\n" + bytes(50_000)

    def ended(limits: Limits, within_s: float) -> int:
        with served(limits) as port, Sender(port) as known:
            assert known.ask(HOP)[0] == 200
            known.send(large)
            with many(port, 10, large) as strangers:
                until(lambda: sum(one.is_ended(0.1) for one in strangers) > 5, within_s)
                known.send(bytes(50_000))
                assert known.answer()[0] == 200
                return sum(one.is_ended(0.1) for one in strangers)

    assert ended(Limits(held=300_000), SOON_S) >= 6
    assert ended(USUAL, NOT_S) == 0


def test_who_does_not_take_an_answer_is_cut_off() -> None:
    def long(environ: "WSGIEnvironment", start_response: "StartResponse") -> list[bytes]:
        start_response("200 OK", [("Content-Length", str(8 << 20))])
        return [bytes(8 << 20)]

    with served(Limits(answer_s=0.5), long) as port, Sender(port) as deaf:
        deaf.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        time.sleep(2 * NOT_S)
        taken = 0
        with contextlib.suppress(ConnectionError):
            while part := deaf.socket.recv(1 << 20):
                taken += len(part)
        assert taken < 8 << 20
