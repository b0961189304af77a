"""A thin, flaky village line between a client and a server on 127.0.0.1, in user space: this kernel has no netem.

    with Shaper(("127.0.0.1", server.port), rate_bps=20_000, delay_s=0.4) as line:
        requests.get(f"http://127.0.0.1:{line.port}/healthz")

A TCP proxy, one asyncio loop in one thread. Payload alone costs airtime: headers, acknowledgements and lost packets do
not, so a rate is what TCP itself would reach. connect() returns at once; its round trip is paid by the first bytes, so
a client's timeout of connecting never fires here.
"""

import asyncio
import contextlib
import fcntl
import math
import random
import socket
import struct
import threading
from dataclasses import dataclass, field, replace
from typing import Any, Literal

How = Literal["fin", "rst", "stall"]
PACKET = 1_400
# What may wait for the radio, 24,000 bytes together: in our queue, and in the kernel's buffer of a connection.
QUEUE, KERNEL = 16_000, 4_000
WITHOUT_LIMIT = 16_000_000
POLL_S = 0.001
# Linux: the bytes not sent yet; those sent and not acknowledged would cost a delayed acknowledgement.
SIOCOUTQNSD = 0x894B
FIRST_GUESS = 2_000
RESET = struct.pack("ii", 1, 0)


@dataclass(frozen=True)
class Shape:
    """How a line is.

    `rate_bps` is for each direction, shared by its connections; `delay_s` is one way. With a `schedule` the line is up
    for the first and then away for the second number of seconds, over and over, and starts `phase_s` into that. Going
    away ends what is open as `away_as` says, and answers what is opened meanwhile in the same way.

    `cut_chance` is for each exchange: client bytes that come after an answer or after `silence_s`, and their answer.
    Nobody knows its length when it begins: the point is drawn within the length of the last whole one, and where this
    one is shorter, the cut falls into the next.

    `cut_up_after` and `cut_down_after` end one connection, as `cut_as` says, when exactly so many bytes came through;
    with 0, when the first byte would.
    """

    rate_bps: float | None = None
    delay_s: float = 0.0
    schedule: tuple[float, float] | None = None
    phase_s: float = 0.0
    away_as: Literal["rst", "stall"] = "rst"
    cut_chance: float = 0.0
    silence_s: float = 1.0
    seed: int = 0
    cut_up_after: int | None = None
    cut_down_after: int | None = None
    cut_as: How = "rst"

    def airtime_s(self, size: int) -> float:
        return size * 8 / self.rate_bps if self.rate_bps else 0.0

    @property
    def window(self) -> int:
        """The bytes that one connection may have on its way: those in the queue, and those in the air."""
        return QUEUE + int(self.rate_bps / 8 * self.delay_s) if self.rate_bps else WITHOUT_LIMIT


class _Radio:
    """One direction: one queue for all connections, first come, first served."""

    def __init__(self, shape: Shape) -> None:
        self._shape = shape
        self._turn = asyncio.Lock()
        self.free_at = 0.0

    async def send(self, size: int) -> float:
        """Wait until the queue has room; when the last of these bytes will come out at the far end."""
        async with self._turn:
            await _until(self.free_at - self._shape.airtime_s(QUEUE - size))
            # Counted from when the radio was free, not from when we woke: late timers do not add up.
            now = asyncio.get_running_loop().time()
            self.free_at = max(now, self.free_at) + self._shape.airtime_s(size)
            return self.free_at + self._shape.delay_s


class _Dice:
    """Where the exchanges of a line are cut by chance."""

    def __init__(self, shape: Shape) -> None:
        self._chance, self._random = shape.cut_chance, random.Random(shape.seed)
        self._left: int | None = None
        self.length = FIRST_GUESS

    def throw(self) -> None:
        """An exchange begins."""
        if self._left is None and self._random.random() < self._chance:
            self._left = self._random.randrange(self.length)

    def let_through(self, size: int) -> int:
        """How many of these bytes pass; when not all do, this is the cut."""
        if self._left is None:
            return size
        passing = min(size, self._left)
        self._left = self._left - size if passing == size else None
        return passing


@dataclass
class _Flow:
    """One direction of one connection."""

    is_up: bool
    source: socket.socket
    target: socket.socket
    radio: _Radio
    # When it arrives, what (b"" is the end, None a reset), and whether an exchange begins with it.
    queue: asyncio.Queue[tuple[float, bytes | None, bool]] = field(default_factory=asyncio.Queue)
    room: asyncio.Event = field(default_factory=asyncio.Event)
    held: int = 0
    passed: int = 0


class _Connection:
    """A client's connection, and the one to the server that belongs to it."""

    task: asyncio.Task[None]

    def __init__(self, line: "Shaper", client: socket.socket) -> None:
        client.setblocking(False)
        self._line, self._shape, self._armed = line, line.shape, line.cut
        self._ends = (client, server) = (client, _small(socket.socket()))
        self._up, self._down = _Flow(True, client, server, line.up), _Flow(False, server, client, line.down)
        self._is_cut = self._is_lost = self._is_dead = False
        # The next byte of the client begins an exchange; so long is the present one.
        self._is_answered, self._length = True, 0

    async def run(self) -> None:
        """Pass bytes until both sides have closed. SYN and SYN-ACK take a round trip; the server hears of the client
        for the first time with the packet that follows."""
        async with asyncio.TaskGroup() as group:
            await asyncio.sleep(2 * self._shape.delay_s)
            group.create_task(self._take(self._up))
            await asyncio.sleep(self._shape.delay_s)
            if not self._is_dead:
                try:
                    await asyncio.get_running_loop().sock_connect(self._down.source, self._line.target)
                except OSError:
                    self.end("rst")
                group.create_task(self._take(self._down))
                group.create_task(self._give(self._down))
            group.create_task(self._give(self._up))
        if not self._is_dead:
            self._line.dice.length = self._length or self._line.dice.length
        self._close()

    def end(self, how: How) -> None:
        """Nothing passes from here on. Both sides are still read, for nothing: a close with unread bytes is a reset."""
        self._is_dead = True
        if how == "rst":
            self.task.cancel()
            return
        if how == "fin":
            for end in self._ends:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_WR)
        self._tell()

    def lose(self) -> None:
        """The line went away, or is away."""
        self._is_lost = True
        self.end(self._shape.away_as)

    def leave(self, _task: asyncio.Task[None]) -> None:
        """The task is done, or never began: what is still open is reset."""
        for end in self._ends:
            if end.fileno() >= 0:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self._close()
        self._line.connections.discard(self)
        self._tell()

    def _close(self) -> None:
        for end in self._ends:
            end.close()

    def _tell(self) -> None:
        if self._is_cut:
            self._is_cut = False
            self._line.fired.set()

    async def _take(self, flow: _Flow) -> None:
        """Put on the air what one side sends, as fast as the air takes it."""
        loop = asyncio.get_running_loop()
        data: bytes | None = b"-"
        while data:
            asked_at = loop.time()
            try:
                data = await loop.sock_recv(flow.source, PACKET)
            except OSError:
                data = None
            size = len(data or b"")
            if self._is_dead:
                if data and flow.is_up and self._is_lost and self._line.is_up:
                    self.end("rst")
                # A sender is no faster on a dead line than on a live one.
                await asyncio.sleep(self._shape.airtime_s(size))
                continue
            begins = flow.is_up and size > 0 and (self._is_answered or loop.time() - asked_at >= self._shape.silence_s)
            self._is_answered = self._is_answered and not begins
            self._line.count(flow.is_up, size)
            flow.held += size
            flow.queue.put_nowait((await flow.radio.send(size), data, begins))
            while flow.held > self._shape.window:
                flow.room.clear()
                await flow.room.wait()
        flow.queue.put_nowait((0.0, data, False))

    async def _give(self, flow: _Flow) -> None:
        """Hand to the other side what has arrived, until the end."""
        data: bytes | None = b"-"
        while data:
            due, data, begins = await flow.queue.get()
            await _until(due)
            if not self._is_dead:
                try:
                    await self._hand_over(flow, data, begins)
                except OSError:
                    self.end("rst")
            flow.held -= len(data or b"")
            flow.room.set()

    async def _hand_over(self, flow: _Flow, data: bytes | None, begins: bool) -> None:
        if data is None:
            self.end("rst")
        elif not data:
            flow.target.shutdown(socket.SHUT_WR)
        else:
            passing, how = self._let_through(flow, len(data), begins)
            await asyncio.get_running_loop().sock_sendall(flow.target, data[:passing])
            flow.passed += passing
            if how:
                await _sent(flow.target)
                self.end(how)

    def _let_through(self, flow: _Flow, size: int, begins: bool) -> tuple[int, How | None]:
        """How many of the bytes that arrived pass, and how the connection ends after them, if it does."""
        dice, cut = self._line.dice, self._line.cut
        if cut is not None and cut is self._armed:
            after = cut.cut_up_after if flow.is_up else cut.cut_down_after
            if after is not None and flow.passed + size >= after:
                self._line.cut, self._is_cut = None, True
                return after - flow.passed, cut.cut_as
        if begins:
            dice.length, self._length = self._length or dice.length, 0
            dice.throw()
        self._is_answered = self._is_answered or not flow.is_up
        self._length += size
        passing = dice.let_through(size)
        return passing, None if passing == size else "rst"


class Shaper:
    """A line to `target`: connect to `port`. It serves inside a `with`, and leaves no socket and no thread.

    `up_bytes` and `down_bytes` are the payload that it took from clients and from the server, whether or not it
    arrived; `opened` is how many connections it was asked for.
    """

    def __init__(self, target: tuple[str, int], shape: Shape | None = None, **changes: Any) -> None:
        self.target, self.shape = target, replace(shape or Shape(), **changes)
        self.up, self.down, self.dice = _Radio(self.shape), _Radio(self.shape), _Dice(self.shape)
        self.is_up, self.port = True, 0
        self.opened = self.up_bytes = self.down_bytes = 0
        self.connections: set[_Connection] = set()
        self.fired = threading.Event()
        self.cut: Shape | None = self.shape
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="shaper")

    def arm(self, cut_up_after: int | None = None, cut_down_after: int | None = None, cut_as: How = "rst") -> None:
        """Cut the first that gets so far of the connections that are opened from now on; `fired` is set when it is."""
        self.fired.clear()
        self.cut = replace(self.shape, cut_up_after=cut_up_after, cut_down_after=cut_down_after, cut_as=cut_as)

    def count(self, is_up: bool, size: int) -> None:
        if is_up:
            self.up_bytes += size
        else:
            self.down_bytes += size

    def turn(self, is_up: bool) -> None:
        """Let the line go away or come back, as its schedule would, for a test that wants it now."""
        asyncio.run_coroutine_threadsafe(self._turn(is_up), self._loop).result()

    def __enter__(self) -> "Shaper":
        self._listener = _small(socket.socket())
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(128)
        self.port = int(self._listener.getsockname()[1])
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_error: object) -> None:
        # A loop that failed is closed already, and its thread has told why.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self) -> None:
        try:
            with self._listener:
                asyncio.run(self._serve())
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        async with asyncio.TaskGroup() as group:
            # Not sock_accept: cancelled at the wrong moment, it loses a socket.
            self._loop.add_reader(self._listener, self._accept, group)
            schedule = group.create_task(self._keep_schedule())
            await self._stop.wait()
            self._loop.remove_reader(self._listener)
            for task in (schedule, *(connection.task for connection in self.connections)):
                task.cancel()

    def _accept(self, group: asyncio.TaskGroup) -> None:
        with contextlib.suppress(BlockingIOError, ConnectionError):
            connection = _Connection(self, self._listener.accept()[0])
            connection.task = group.create_task(connection.run())
            connection.task.add_done_callback(connection.leave)
            self.connections.add(connection)
            self.opened += 1
            if not self.is_up:
                connection.lose()

    async def _keep_schedule(self) -> None:
        began = self._loop.time() - self.shape.phase_s
        up_s, away_s = self.shape.schedule or (math.inf, 0.0)
        while True:
            now = self._loop.time()
            into_s = (now - began) % (up_s + away_s)
            await self._turn(into_s < up_s)
            self._ready.set()
            await _until(now - into_s + (up_s if self.is_up else up_s + away_s))

    async def _turn(self, is_up: bool) -> None:
        self.is_up = is_up
        if not is_up:
            # What was queued goes with the line.
            self.up.free_at = self.down.free_at = 0.0
            for connection in self.connections:
                connection.lose()


def _small(end: socket.socket) -> socket.socket:
    """Buffers and packets as small as a line's: to the sender, what a kernel holds looks as if it were on its way."""
    end.setblocking(False)
    end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, KERNEL)
    end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL)
    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, PACKET)
    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return end


async def _until(moment: float) -> None:
    """Sleep to a moment of the loop's clock; not at all when it is past."""
    left_s = moment - asyncio.get_running_loop().time()
    if left_s > 0:
        await asyncio.sleep(left_s)


async def _sent(end: socket.socket) -> None:
    """Wait until the kernel has sent all that it was given: a reset throws away what has not left."""
    while any(fcntl.ioctl(end, SIOCOUTQNSD, bytes(4))):
        await asyncio.sleep(POLL_S)
