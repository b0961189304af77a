"""A line that is cut at any byte, as FIN, as RST or by falling silent: through real sockets, every event takes effect
once.

Three sizes of frame. Requests and answers of 200 bytes and of 4 KB are cut at every byte, HTTP's own bytes among them,
those of 52 KB at a sample: one exchange, whose request or answer is cut again and again before it comes through. Then
one exchange after another is cut, with all that two stations do in them, at a sample of their bytes.
"""

import contextlib
import random
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sado.store import Transaction
from sado.store.tables import lane_events, lanes
from sado.sync import outbox
from sado.sync.codes import Cause
from sado.sync.endpoint import Endpoint
from sado.sync.errors import LineDownError
from sado.sync.exchange.client import Client
from sado.sync.link.connection import Line
from sado.sync.wire import frame
from sado.sync.wire.frame import FrameError
from tests.support.cutter import HOWS, Cutter, How, Way
from tests.support.ledger import PEER, count, settle
from tests.support.one_by_one import post
from tests.support.proofs import TIMES, World, open_world, rows, served

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

# A text of so many letters makes a frame of about so many bytes; the last is about the longest that an event may have.
LETTERS = {200: 130, 4096: 6000, 53248: 78000}
SAMPLED = {53248: 2000}
# How many exchanges are cut one after another, each way.
EXCHANGES = {200: 60 * TIMES, 4096: 24 * TIMES, 53248: 9 * TIMES}
AT_ONCE = 32
# What HTTP adds to an answer, about.
HTTP = 150
# How long a client waits on a line that has fallen silent, and for how long when that was too short to see it.
PATIENCE_S = (0.02, 0.2, 2.0, 60.0)
Ask = Callable[[float], object]


def kept(environ: "WSGIEnvironment", start_response: "StartResponse") -> list[bytes]:
    """What is behind the door: something small, which leaves the connection open."""
    environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]


class Repeating:
    """The hub's door, which gives its first answer again and again: the exchange whose answer is cut is one."""

    def __init__(self, door: Endpoint) -> None:
        self._door = door
        self._said: list[bytes] = []

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> list[bytes]:
        if not self._said:
            self._said = [*self._door(environ, start_response)]
            return self._said
        environ["wsgi.input"].read()
        start_response("200 OK", [("Content-Length", str(len(self._said[0])))])
        return self._said


class Wire:
    """A line through a cutter."""

    def __init__(self, target: tuple[str, int]) -> None:
        self.cutter = Cutter(target)
        self.line = Line(f"http://127.0.0.1:{self.cutter.port}")

    def __enter__(self) -> "Wire":
        self.cutter.__enter__()
        return self

    def __exit__(self, *_error: object) -> None:
        self.line.close()
        self.cutter.__exit__()

    def cut(self, ask: Ask, way: Way, after: int, how: How) -> bool:
        """Ask, and cut the line there; whether it came so far. Who was too impatient to see a line fall silent asks
        again."""
        for patience_s in PATIENCE_S if how == "stall" else PATIENCE_S[-1:]:
            self.cutter.arm(way, after, how)
            is_answered = False
            # A socket is closed when nothing holds its error any more.
            with contextlib.suppress(LineDownError, FrameError):
                ask(patience_s)
                is_answered = True
            if is_answered:
                # It was never cut, or a connection that was kept was: the line then asks anew.
                self.cutter.disarm()
                return self.cutter.has_cut_before()
            self.line.close()
            if self.cutter.has_cut():
                return True
        return False


def sent(world: World) -> bytes:
    """The frame that the village would send next."""
    frames: list[bytes] = []

    def lose(packed: bytes, timeout_s: float) -> bytes:
        frames.append(packed)
        raise LineDownError(Cause.UPSTREAM_SILENT)

    program = world.program(lose)
    with pytest.raises(LineDownError):
        program.call()
    program.close()
    return frames[0]


def passed(target: tuple[str, int], packed: bytes) -> dict[Way, int]:
    """How many bytes an exchange of this frame takes each way, HTTP's among them."""
    with Wire(target) as wire:
        post(wire.line, packed, PATIENCE_S[-1])
        return wire.cutter.passed


def places(size: int, whole: int) -> list[int]:
    """Where to cut that many bytes, in each way and for each kind of cut."""
    every = range(whole)
    some = SAMPLED.get(size, 0) // 6
    return sorted(random.Random(size).sample(every, some)) if some else [*every]


def cut_everywhere(target: tuple[str, int], way: Way, after: list[int], ask_on: Callable[[Line, float], object]) -> int:
    """Cut there in each kind; how many cuts there were. Lines that fall silent are waited on many at once."""

    def on_one(how: How, some: list[int]) -> int:
        with Wire(target) as wire:
            return sum(wire.cut(lambda s: ask_on(wire.line, s), way, place, how) for place in some)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        silent = pool.map(lambda start: on_one("stall", after[start::AT_ONCE]), range(AT_ONCE))
        return on_one("fin", after) + on_one("rst", after) + sum(silent)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with open_world(tmp_path) as world:
        settle(world.program())
        yield world


@pytest.mark.long
@pytest.mark.parametrize("size", LETTERS)
def test_a_request_that_is_cut_at_any_byte_is_taken_once_when_it_is_whole(world: World, size: int) -> None:
    world.file(LETTERS[size])
    packed = sent(world)
    assert size * 0.8 < len(packed) < size * 1.2
    with served(kept) as target:
        after = places(size, passed(target, packed)["up"])
    before = rows(world.hub)
    with served(Endpoint(kept, world.hub, count)) as target:
        cuts = cut_everywhere(target, "up", after, lambda line, patience_s: post(line, packed, patience_s))
    assert cuts == len(HOWS) * len(after)
    assert rows(world.hub) == before
    settle(world.program())
    assert world.ledger().is_even


@pytest.mark.long
@pytest.mark.parametrize("size", LETTERS)
def test_an_answer_that_is_cut_at_any_byte_is_refused_and_made_good_by_the_next(world: World, size: int) -> None:
    world.decide(LETTERS[size])
    packed = sent(world)
    believed: list[bytes] = []

    def ask(line: Line, patience_s: float) -> None:
        answer = post(line, packed, patience_s)
        frame.unpack(frame.DOWN, world.key, answer)
        believed.append(answer)

    with served(Repeating(Endpoint(kept, world.hub, count))) as target:
        whole = passed(target, packed)["down"]
        assert size * 0.8 < whole < size * 1.2 + HTTP
        after = places(size, whole)
        assert cut_everywhere(target, "down", after, ask) == len(HOWS) * len(after)
    assert believed == []
    settle(world.program())
    assert world.ledger().is_even


# Whole exchanges


def refill(world: World, letters: int) -> None:
    """Let an event wait on each side."""
    for store, peer, make in ((world.village, outbox.UPSTREAM, world.file), (world.hub, PEER, world.decide)):
        if not store.read(lambda tx, peer=peer: lane_events.waits(tx, peer, outbox.URGENT)):
            make(letters)


def cut_exchanges(
    world: World, letters: int, way: Way, most: int, call: Callable[[Client], object] = Client.call
) -> int:
    """Cut so many exchanges, spread over their bytes, each third of them in the same kind, every second on a connection
    that was kept; how many came so far as to be cut."""
    fired, patience = 0, [PATIENCE_S[-1]]
    with served(Endpoint(kept, world.hub, count)) as target, Wire(target) as wire:
        program = world.program(lambda packed, _: post(wire.line, packed, patience[0]))

        def ask(patience_s: float) -> None:
            patience[:] = [patience_s]
            call(program)

        refill(world, letters)
        call(program)
        refill(world, letters)
        whole = wire.cutter.passed[way]
        for number, after in enumerate(range(0, whole, max(whole // most, 1))):
            refill(world, letters)
            wire.line.close()
            if number % 2:
                wire.line.get("/kept", {}, PATIENCE_S[-1])
            fired += wire.cut(ask, way, after, HOWS[number % 3])
        patience[:] = PATIENCE_S[-1:]
        settle(program)
    return fired


@pytest.mark.long
@pytest.mark.parametrize("way", ["up", "down"])
@pytest.mark.parametrize("size", LETTERS)
def test_exchanges_that_are_cut_lose_and_double_nothing(world: World, size: int, way: Way) -> None:
    cuts = cut_exchanges(world, LETTERS[size], way, EXCHANGES[size])

    print(f"{cuts} exchanges of {size} bytes cut: {world.ledger()}")
    assert cuts >= min(EXCHANGES[size], size) * 0.9
    assert world.ledger().is_even


def forget_what_was_sent(tx: Transaction) -> None:
    """Take everything that was sent for received, and delete it."""
    lane = lanes.find(tx, outbox.UPSTREAM, outbox.URGENT)
    lane_events.finish(tx, lane, lane.numbered, lane.numbered_hash)
    tx.run("DELETE FROM outbox WHERE destination = :upstream", upstream=outbox.UPSTREAM)


def test_a_village_that_takes_what_it_sent_for_received_is_found_out(world: World) -> None:
    def call(program: Client) -> None:
        try:
            program.call()
        except (LineDownError, FrameError):
            world.village.write(forget_what_was_sent)
            raise

    cut_exchanges(world, LETTERS[200], "up", 10, call)
    assert world.ledger().lost > 0


class Forgetful:
    """A hub's door behind which the transaction of the effects neither moves the cursor nor keeps the ids."""

    def __init__(self, world: World) -> None:
        self._world, self._door = world, Endpoint(kept, world.hub, count)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> list[bytes]:
        before = self._world.hub.write(lambda tx: lanes.find(tx, PEER, outbox.URGENT))
        answer = [*self._door(environ, start_response)]
        self._world.hub.write(lambda tx: lanes.save(tx, before))
        self._world.hub.write(lambda tx: lanes.forget_applied(tx, tx.now + 1))
        return answer


def test_a_hub_that_moves_its_cursor_after_the_effects_is_found_out(world: World) -> None:
    world.file(LETTERS[200])
    with served(Forgetful(world)) as target, Wire(target) as wire:
        program = world.program(lambda packed, _: post(wire.line, packed, PATIENCE_S[-1]))
        assert wire.cut(lambda _: program.call(), "down", 30, "rst")
    settle(world.program())
    assert world.ledger().duplicated == 1


@pytest.mark.parametrize("how", HOWS)
def test_a_cut_leaves_what_came_before_it(how: How) -> None:
    """The cutter itself: so many bytes of an answer arrive, and no more."""
    came = []
    with served(kept) as target, Wire(target) as wire:

        def ask(patience_s: float) -> None:
            with socket.create_connection(("127.0.0.1", wire.cutter.port), timeout=patience_s) as connection:
                connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                try:
                    while data := connection.recv(100):
                        came.append(data)
                except OSError:
                    pass
            raise LineDownError(Cause.LINE_CUT)

        assert wire.cut(ask, "down", 9, how)
    assert b"".join(came)[-9:] == b"HTTP/1.1 "
