"""The line that tests and benchmarks put between a village and its hub is as thin and as flaky as they asked for.

Waits have lower bounds alone: a busy machine may be late, and a line is never early.
"""

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.support.processes import until
from tests.support.shaper import Shaper

MEGABIT, DELAY_S = 1_000_000, 0.02
TIMEOUT_S = 60
SHORT_S = 0.3
HEAD = struct.Struct(">II")


class Server:
    """Whoever names two sizes and then sends as much as the first gets as much as the second; what came is kept."""

    def __init__(self) -> None:
        self.came: list[int] = []
        self.endings: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address: tuple[str, int] = self._listener.getsockname()
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                thread = threading.Thread(target=self._serve, args=self._listener.accept()[:1])
                self._threads.append(thread)
                thread.start()

    def _serve(self, client: socket.socket) -> None:
        number, ending = len(self.came), "fin"
        self.came.append(0)
        try:
            with client, client.makefile("rb") as stream:
                while head := self._read(stream.read1, number, HEAD.size):
                    up, down = HEAD.unpack(head)
                    self._read(stream.read1, number, up)
                    client.sendall(b"d" * down)
        except (OSError, struct.error) as error:
            ending = "fin" if isinstance(error, struct.error) else "rst"
        self.endings.append(ending)

    def _read(self, read: Callable[[int], bytes], number: int, size: int) -> bytes:
        found = b""
        while len(found) < size and (part := read(size - len(found))):
            self.came[number] += len(part)
            found += part
        return found


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.close()


@contextmanager
def client(line: Shaper) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", line.port), timeout=TIMEOUT_S) as connection:
        yield connection


def ask(connection: socket.socket, up: int = 1, down: int = 1) -> int:
    """One exchange: so many bytes there, so many back; how many came back before an end."""
    connection.sendall(HEAD.pack(up, down) + b"u" * up)
    return receive(connection, down)


def receive(connection: socket.socket, size: int) -> int:
    came = 0
    while came < size and (part := connection.recv(size - came)):
        came += len(part)
    return came


def timed(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def exchange(line: Shaper, up: int = 1, down: int = 1) -> int:
    """One exchange on a connection of its own."""
    with client(line) as connection:
        return ask(connection, up, down)


def is_dead(connection: socket.socket) -> bool:
    """Whether a byte sent, sooner or later, meets a reset."""

    def met_reset() -> bool:
        try:
            connection.sendall(b"u")
        except (ConnectionResetError, BrokenPipeError):
            return True
        return False

    return until(met_reset, TIMEOUT_S, 0.01)


def test_bytes_take_the_time_that_the_rate_gives_them(server: Server) -> None:
    with Shaper(server.address, rate_bps=MEGABIT) as line:
        assert timed(lambda: exchange(line, up=25_000)) >= 0.2
        assert timed(lambda: exchange(line, down=25_000)) >= 0.2


def test_a_line_without_a_limit_slows_nothing(server: Server) -> None:
    with Shaper(server.address) as line:
        assert timed(lambda: exchange(line, up=250_000, down=250_000)) < 4 * 8 * 250_000 / MEGABIT


def test_connections_share_the_rate(server: Server) -> None:
    with Shaper(server.address, rate_bps=MEGABIT) as line, client(line) as one, client(line) as other:
        began = time.monotonic()
        for connection in (one, other):
            connection.sendall(HEAD.pack(12_500, 1) + b"u" * 12_500)
        assert receive(one, 1) + receive(other, 1) == 2
        assert time.monotonic() - began >= 0.2


def test_the_two_directions_do_not_share_it(server: Server) -> None:
    with Shaper(server.address, rate_bps=8_000) as line, client(line) as one, client(line) as other:
        one.sendall(HEAD.pack(1, 100_000) + b"u")
        assert until(lambda: line.down_bytes >= 14_000, TIMEOUT_S)
        other.sendall(b"u")
        # Behind what waits to come down it would take fourteen seconds.
        assert until(lambda: sum(server.came) == HEAD.size + 2, TIMEOUT_S, 0.001)


def test_a_connection_costs_a_round_trip_before_its_first_byte(server: Server) -> None:
    with Shaper(server.address, delay_s=DELAY_S) as line:
        began = time.monotonic()
        with client(line) as connection:
            ask(connection)
            assert time.monotonic() - began >= 4 * DELAY_S
            assert timed(lambda: ask(connection)) >= 2 * DELAY_S


def test_what_passed_is_counted_to_the_byte(server: Server) -> None:
    with Shaper(server.address, rate_bps=MEGABIT, delay_s=DELAY_S) as line:
        assert (line.opened, line.up_bytes, line.down_bytes) == (0, 0, 0)
        exchange(line, up=3_000, down=5_000)
        exchange(line, up=1, down=2)
        assert (line.opened, line.up_bytes, line.down_bytes) == (2, 3_001 + 2 * HEAD.size, 5_002)


def test_a_client_ahead_of_the_line_has_to_wait(server: Server) -> None:
    with Shaper(server.address, rate_bps=8_000) as line, socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_000)
        connection.connect(("127.0.0.1", line.port))
        connection.settimeout(SHORT_S)
        with pytest.raises(TimeoutError):
            connection.sendall(HEAD.pack(1_000_000, 0) + b"u" * 1_000_000)
        assert line.up_bytes < 24_000


def test_a_side_that_closed_still_gets_its_answer(server: Server) -> None:
    with Shaper(server.address, delay_s=DELAY_S) as line, client(line) as connection:
        connection.sendall(HEAD.pack(1, 5_000) + b"u")
        connection.shutdown(socket.SHUT_WR)
        assert receive(connection, 5_001) == 5_000
        assert until(lambda: server.endings == ["fin"], TIMEOUT_S)


def test_a_client_that_resets_resets_the_server(server: Server) -> None:
    with Shaper(server.address, delay_s=DELAY_S) as line:
        with client(line) as connection:
            ask(connection)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        assert until(lambda: server.endings == ["rst"], TIMEOUT_S)


def test_where_no_server_listens_the_client_is_reset() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        with Shaper(nobody.getsockname()) as line, pytest.raises(ConnectionError), client(line) as connection:
            connection.recv(1)


@pytest.mark.parametrize("after", [0, 1, 1_400, 1_401, 4_999])
def test_a_request_is_cut_after_exactly_so_many_bytes(server: Server, after: int) -> None:
    with Shaper(server.address, cut_up_after=after) as line:
        with pytest.raises(ConnectionError):
            exchange(line, up=5_000)
        assert line.fired.wait(TIMEOUT_S)
        assert until(lambda: server.endings == ["rst"], TIMEOUT_S)
        assert server.came == [after]


@pytest.mark.parametrize("after", [0, 1, 1_400, 1_401, 4_999])
def test_an_answer_is_cut_after_exactly_so_many_bytes(server: Server, after: int) -> None:
    with Shaper(server.address, cut_down_after=after) as line, client(line) as connection:
        if after:
            assert ask(connection, down=after) == after
        else:
            connection.sendall(HEAD.pack(1, 1) + b"u")
        with pytest.raises(ConnectionError):
            ask(connection)
        assert line.fired.wait(TIMEOUT_S)
        assert server.came[0] >= HEAD.size + 1


def test_a_cut_that_closes_lets_both_sides_read_to_the_end(server: Server) -> None:
    with Shaper(server.address, cut_down_after=700, cut_as="fin") as line:
        assert exchange(line, down=5_000) == 700
        assert line.fired.wait(TIMEOUT_S)
        assert until(lambda: server.endings == ["fin"], TIMEOUT_S)


def test_a_cut_that_stalls_leaves_the_connection_open_and_silent(server: Server) -> None:
    with Shaper(server.address, cut_down_after=700, cut_as="stall") as line, client(line) as connection:
        assert ask(connection, down=700) == 700
        assert line.fired.wait(TIMEOUT_S)
        connection.settimeout(SHORT_S)
        with pytest.raises(TimeoutError):
            ask(connection)
        assert server.came == [HEAD.size + 1]
        assert server.endings == []


def test_a_cut_happens_once_and_can_be_armed_again(server: Server) -> None:
    with Shaper(server.address, cut_up_after=3) as line:
        for _ in range(2):
            with pytest.raises(ConnectionError):
                exchange(line)
            assert line.fired.wait(TIMEOUT_S)
            assert exchange(line) == 1
            line.arm(cut_up_after=4)
            assert not line.fired.is_set()


def test_a_cut_waits_for_the_connection_that_gets_so_far(server: Server) -> None:
    with Shaper(server.address, cut_up_after=2_000) as line:
        assert exchange(line, up=100) == 1
        assert not line.fired.is_set()
        with pytest.raises(ConnectionError):
            exchange(line, up=5_000)


def test_an_armed_cut_leaves_open_connections_alone(server: Server) -> None:
    with Shaper(server.address) as line, client(line) as connection:
        ask(connection)
        line.arm(cut_up_after=1)
        assert ask(connection) == 1


def test_a_line_that_goes_away_resets_what_is_open_and_what_is_opened(server: Server) -> None:
    with Shaper(server.address) as line, client(line) as connection:
        ask(connection)
        line.turn(False)
        with pytest.raises(ConnectionError):
            connection.recv(1)
        with pytest.raises(ConnectionError):
            exchange(line)
        line.turn(True)
        assert exchange(line) == 1


def test_a_line_that_goes_away_silently_swallows_bytes_and_resets_old_connections_once_it_is_back(
    server: Server,
) -> None:
    with Shaper(server.address, away_as="stall") as line, client(line) as before:
        ask(before)
        line.turn(False)
        with client(line) as meanwhile:
            for connection in (before, meanwhile):
                connection.settimeout(SHORT_S)
                with pytest.raises(TimeoutError):
                    ask(connection)
            line.turn(True)
            assert is_dead(before)
            assert is_dead(meanwhile)
        assert server.came == [HEAD.size + 1]
        assert exchange(line) == 1


def test_bytes_on_their_way_when_the_line_goes_away_are_lost(server: Server) -> None:
    with Shaper(server.address, rate_bps=8_000) as line, client(line) as connection:
        connection.sendall(HEAD.pack(14_000, 1) + b"u" * 14_000)
        assert until(lambda: line.up_bytes == HEAD.size + 14_000, TIMEOUT_S, 0.001)
        line.turn(False)
        assert until(lambda: server.endings == ["rst"], TIMEOUT_S)
        assert server.came[0] < 14_000


def test_a_schedule_turns_the_line_by_itself(server: Server) -> None:
    began = time.monotonic()
    with Shaper(server.address, schedule=(SHORT_S, SHORT_S), phase_s=SHORT_S) as line:
        assert until(lambda: line.is_up, TIMEOUT_S, 0.001)
        assert time.monotonic() - began >= SHORT_S
        assert until(lambda: not line.is_up, TIMEOUT_S, 0.001)
        assert time.monotonic() - began >= 2 * SHORT_S


@pytest.mark.parametrize(
    ("phase_s", "is_up"), [(0, True), (3_500, True), (3_600, False), (7_100, False), (7_200, True)]
)
def test_a_schedule_starts_in_its_phase(server: Server, phase_s: float, is_up: bool) -> None:
    with Shaper(server.address, schedule=(3_600, 3_600), phase_s=phase_s) as line:
        assert line.is_up == is_up


def outcomes(server: Server, chance: float, seed: int = 1, count: int = 200) -> list[bool]:
    """Which of so many exchanges came through, each on the connection of the last while there is one."""
    found: list[bool] = []
    with Shaper(server.address, cut_chance=chance, seed=seed) as line:
        while len(found) < count:
            with contextlib.suppress(ConnectionError), client(line) as connection:
                while len(found) < count:
                    found.append(False)
                    found[-1] = ask(connection, up=100, down=300) == 300
    return found


def test_chance_cuts_about_as_many_exchanges_as_it_says_and_the_same_ones_each_time(server: Server) -> None:
    found = outcomes(server, 0.2)
    assert 20 <= found.count(False) <= 60
    assert outcomes(server, 0.2) == found
    assert outcomes(server, 0.2, seed=2) != found


def test_no_chance_cuts_nothing_and_certainty_everything(server: Server) -> None:
    assert all(outcomes(server, 0.0, count=50))
    assert sum(outcomes(server, 1.0, count=50)) <= 2_000 // 400


def test_a_line_leaves_no_thread_and_resets_what_is_open(server: Server) -> None:
    before = threading.active_count()
    with Shaper(server.address) as line:
        connection = socket.create_connection(("127.0.0.1", line.port), timeout=TIMEOUT_S)
        ask(connection)
    with connection, pytest.raises(ConnectionError):
        connection.recv(1)
    assert until(lambda: threading.active_count() <= before, TIMEOUT_S)
    with pytest.raises(ConnectionError):
        exchange(line)
