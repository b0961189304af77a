"""What a station makes of an upstream, or a proxy before it, that answers otherwise than it should."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sado.store import DiskError, Transaction
from sado.store.tables import lane_events
from sado.store.tables import outbox as entries
from sado.store.tables.events import Event
from sado.sync import outbox
from sado.sync.errors import LineDownError
from sado.sync.exchange import server
from sado.sync.exchange.client import MOST_FAULTS, Client
from sado.sync.link.connection import Line
from sado.sync.link.frame_size import LEAST, FrameSize
from sado.sync.outbox import EventTooLargeError
from sado.sync.wire import frame
from sado.sync.wire.frame import DOWN, UP, FrameError, Message, pack, unpack
from sado.sync.wire.records import MOST_BYTES_OF_ONE
from sado.sync.wire.shared_history import nothing
from tests.support.ledger import VILLAGE, applied, count
from tests.support.one_by_one import OneByOne
from tests.support.proofs import World, open_world
from tests.sync.link.test_connection import Upstream, whole

CALLS = 40
# Nothing that is waited for takes so long.
LONG_S = 60


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with open_world(tmp_path) as world:
        yield world


class HangsUp:
    """How often a proxy has answered, and hung up behind its answer."""

    def __init__(self) -> None:
        self.answers = self.hangs = 0
        self._changed = threading.Condition()

    def hung_up(self) -> None:
        with self._changed:
            self.hangs += 1
            self._changed.notify()

    def wait(self) -> None:
        """Wait until it has hung up behind each of its answers."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.hangs == self.answers, LONG_S)


@contextmanager
def proxy(world: World, header: str, after_each: HangsUp | None = None) -> Iterator[Line]:
    """A line to the hub through a proxy that says `header`, and may hang up after each answer."""

    def answer(connection: socket.socket, request: bytes) -> bytes | None:
        answered = server.answer(world.hub, request.partition(b"\r\n\r\n")[2], count)
        if after_each is not None:
            after_each.answers += 1
        connection.sendall(whole(answered, headers=header))
        if after_each is None:
            return b""
        connection.shutdown(socket.SHUT_WR)
        after_each.hung_up()
        return None

    upstream = Upstream()
    upstream.answer = answer
    line = Line(f"http://127.0.0.1:{upstream.port}")
    try:
        yield line
    finally:
        line.close()
        upstream.close()


def waits(world: World) -> bool:
    return world.village.read(lambda tx: any(lane_events.waits(tx, outbox.UPSTREAM, lane) for lane in "unb"))


def faults_until_even(world: World, line: Line, after_each: HangsUp | None) -> int:
    """How often a call failed until nothing waited; the next call comes when a proxy that hangs up has done so."""
    client, faults = Client(world.village, VILLAGE, world.key, line, count, FrameSize()), 0
    for _ in range(CALLS):
        try:
            client.call()
        except (LineDownError, FrameError):
            faults += 1
        if after_each is not None:
            after_each.wait()
        if not waits(world):
            return faults
    raise AssertionError("Nothing leaves.")


@pytest.mark.parametrize(
    ("header", "hangs_up", "faults"),
    [("", False, 0), ("Connection: close\r\n", True, 2), ("", True, 2)],
    ids=["keeps", "says that it closes", "closes"],
)
def test_events_leave_through_a_proxy_that_hangs_up_after_each_answer(
    world: World, header: str, hangs_up: bool, faults: int
) -> None:
    for _ in range(30):
        world.file(200)
    after_each = HangsUp() if hangs_up else None
    with proxy(world, header, after_each) as line:
        assert faults_until_even(world, line, after_each) <= faults


def test_no_lane_starves_while_a_backlog_leaves_frame_behind_frame(world: World) -> None:
    for _ in range(100):
        world.file(200)
    normal = world.file(lane=outbox.NORMAL)
    with proxy(world, "") as line:
        client = Client(world.village, VILLAGE, world.key, line, count, FrameSize())
        for _ in range(2 * server.EVERY_LANE):
            client.frame_size.limit = LEAST
            client.call()
        client.close()
    assert normal in applied(world.hub)
    assert waits(world)


def test_until_an_answer_is_on_disk_nobody_knows_where_the_upstream_stands(world: World) -> None:
    frames, is_full = [], [False, True, False]

    def post(packed: bytes, timeout_s: float) -> bytes:
        frames.append(packed)
        return world.answer(packed)

    def apply(tx: Transaction, peer: str, event: Event) -> None:
        if is_full[len(frames) - 1]:
            raise DiskError("database or disk is full")

    client = Client(world.village, VILLAGE, world.key, OneByOne(post), apply, FrameSize())
    client.call()
    world.decide()
    with pytest.raises(DiskError):
        client.call()
    world.file()
    client.call()
    assert unpack(UP, world.key, frames[-1], nothing).incarnation


def test_an_upstream_that_answers_one_fault_after_another_is_left_alone(world: World) -> None:
    world.file(200)

    def refuse(packed: bytes, timeout_s: float) -> bytes:
        up = unpack(UP, world.key, packed, nothing)
        return pack(DOWN, VILLAGE, world.key, Message(up.exchange, fault=server.RETIRED))

    client = Client(world.village, VILLAGE, world.key, OneByOne(refuse), count, FrameSize())
    assert [client.call() for _ in range(MOST_FAULTS - 1)] == [True] * (MOST_FAULTS - 1)
    with pytest.raises(FrameError, match="one fault after another"):
        client.call()
    assert waits(world)


def test_an_answer_of_a_later_version_is_told_at_the_station(world: World) -> None:
    world.file(200)

    def answer(packed: bytes, timeout_s: float) -> bytes:
        content = frame.content(VILLAGE, Message(unpack(UP, world.key, packed, nothing).exchange))
        return frame.sealed(DOWN, world.key, bytes([content[0] + 1]) + content[1:])

    with pytest.raises(FrameError):
        Client(world.village, VILLAGE, world.key, OneByOne(answer), count, FrameSize()).call()
    line = world.village.read(lambda tx: entries.destination(tx, outbox.UPSTREAM))
    assert line.reason == "OTHER_VERSION 2 / 1"
    assert waits(world)


@pytest.mark.parametrize("size", [MOST_BYTES_OF_ONE, MOST_BYTES_OF_ONE + 1])
def test_what_fits_no_frame_is_no_event(world: World, size: int) -> None:
    def put() -> int:
        return world.village.write(
            lambda tx: outbox.put(tx, outbox.UPSTREAM, "case.said", "", "x" * (size - len("case.said")))
        )

    if size > MOST_BYTES_OF_ONE:
        with pytest.raises(EventTooLargeError, match="fits no frame"):
            put()
    else:
        assert put()
