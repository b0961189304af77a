"""A line that is cut at one byte: a proxy in front of a server, for one client with one connection at a time."""

import contextlib
import fcntl
import queue
import select
import socket
import struct
import threading
import time
from dataclasses import dataclass
from typing import Literal

How = Literal["fin", "rst", "stall"]
Way = Literal["up", "down"]
HOWS: tuple[How, ...] = ("fin", "rst", "stall")
RESET = struct.pack("ii", 1, 0)
SIOCOUTQNSD = 0x894B
CHUNK = 1 << 16
POLL_S = 0.0001
TIMEOUT_S = 60


@dataclass
class Cut:
    """After how many bytes, which way, and how it ends."""

    way: Way
    after: int
    how: How


class Cutter:
    """Connect to `port`. What is armed happens once, to bytes that pass after it. A cut as FIN lets both sides read to
    the end of what passed; one as RST resets both; one that stalls keeps silent until the client hangs up."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._cut: Cut | None = None
        # What has passed over the present connection.
        self.passed: dict[Way, int] = {"up": 0, "down": 0}
        # Of each connection that is over, whether it was cut.
        self._over: queue.Queue[bool] = queue.Queue()
        self._thread = threading.Thread(target=self._run, name="cutter")

    def arm(self, way: Way, after: int, how: How) -> None:
        """Cut after so many bytes from now on."""
        while not self._over.empty():
            self._over.get()
        self._cut = Cut(way, after, how)

    def disarm(self) -> None:
        """Let everything pass."""
        self._cut = None

    def has_cut(self) -> bool:
        """Whether the connection that ends now was cut; waits for its end."""
        return self._over.get(timeout=TIMEOUT_S)

    def has_cut_before(self) -> bool:
        """Whether a connection was cut since the cut was armed, though the present one is whole."""
        return not self._over.empty() and self._over.get()

    def __enter__(self) -> "Cutter":
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _run(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                was_cut = False
                with client, socket.create_connection(self._target) as server, contextlib.suppress(ConnectionError):
                    was_cut = self._pass(client, server)
                self._over.put(was_cut)

    def _pass(self, client: socket.socket, server: socket.socket) -> bool:
        """Hand on what comes from either side, until one hangs up, or the cut: whether that was it."""
        for end in (client, server):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.passed = {"up": 0, "down": 0}
        while True:
            ready = select.select([client, server, self._listener], [], [])[0]
            if self._listener in ready:
                return False
            for end in ready:
                data = end.recv(CHUNK)
                target = server if end is client else client
                way: Way = "up" if end is client else "down"
                passing = self._passing(way, len(data))
                self.passed[way] += passing
                target.sendall(data[:passing])
                if passing < len(data):
                    self._end(client, server)
                    return True
                if not data:
                    return False

    def _passing(self, way: Way, size: int) -> int:
        """How many of so many bytes pass."""
        cut = self._cut
        if cut is None or cut.way != way:
            return size
        passing = min(size, cut.after)
        cut.after -= passing
        return passing

    def _end(self, client: socket.socket, server: socket.socket) -> None:
        assert self._cut is not None
        how, self._cut = self._cut.how, None
        if how == "fin":
            for end in (client, server):
                end.shutdown(socket.SHUT_WR)
            # A close with unread bytes would be a reset.
            drain(client)
            drain(server)
            return
        if how == "stall":
            drain(client)
        for end in (client, server):
            reset(end)


def drain(end: socket.socket) -> None:
    """Read until the other side has hung up."""
    with contextlib.suppress(ConnectionError):
        while end.recv(CHUNK):
            pass


def reset(end: socket.socket) -> None:
    """Hang up with a reset, when all that was given to the kernel has left: a reset throws away the rest."""
    while any(fcntl.ioctl(end, SIOCOUTQNSD, bytes(4))):
        time.sleep(POLL_S)
    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    end.close()
