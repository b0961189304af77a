"""Large frames are packed by a process of their own, so that no phone waits behind one.

Packing is Python, and while it runs the threads that answer phones wait for the interpreter, 5 ms each time they let go
of it. The process beside the station gives way to everything else on the machine (nice 19), holds no key and no file,
and goes when its pipe is closed: also when the station is killed.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from multiprocessing.connection import Connection, Pipe

import msgspec

from sync import frame
from sync.frame import Memory, Message

log = logging.getLogger(__name__)

# Bodies of so many bytes are packed in a few milliseconds: to hand them over would win nothing.
SMALL = 32 * 1024
PATIENCE_S = 60
NICENESS = 19

Work = tuple[int, Message, Memory | None]


class Packer:
    """Makes the frames of a station. Its process begins with the first large frame; whoever has no more to send calls
    `close`, and the next large frame begins another."""

    def __init__(self, python: str = sys.executable) -> None:
        self._python = python
        self._process: subprocess.Popen[bytes] | None = None
        self._pipe: Connection | None = None

    @property
    def pid(self) -> int | None:
        """Its process, while there is one."""
        return self._process.pid if self._process else None

    def pack(self, direction: bytes, station: int, key: bytes, message: Message, memory: Memory | None = None) -> bytes:
        """As `frame.pack`, and the same bytes. Where the process cannot do it, for no memory is left for it or somebody
        killed it, this one does."""
        if frame.size_of(message.runs) < SMALL:
            return frame.pack(direction, station, key, message, memory)
        try:
            content = self._asked(msgspec.msgpack.encode((station, message, memory)))
        except (OSError, EOFError) as error:
            log.warning("a frame is packed by the station itself: %s", type(error).__name__)
            self.close()
            return frame.pack(direction, station, key, message, memory)
        return frame.sealed(direction, key, content)

    def close(self) -> None:
        """End the process, if there is one."""
        if self._pipe is not None:
            self._pipe.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._pipe = self._process = None

    def _asked(self, work: bytes) -> bytes:
        pipe = self._pipe or self._begin()
        pipe.send_bytes(work)
        if not pipe.poll(PATIENCE_S):
            raise TimeoutError
        return pipe.recv_bytes()

    def _begin(self) -> Connection:
        self._pipe, theirs = Pipe()
        command = [self._python, "-m", __name__, str(theirs.fileno())]
        with theirs:
            # In a session of its own: Ctrl-C at a terminal is for the station, which then closes the pipe.
            self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()], start_new_session=True)  # noqa: S603
        return self._pipe


def serve(pipe: Connection) -> None:
    """Pack what comes, until nobody is there to ask."""
    while True:
        try:
            work = msgspec.msgpack.decode(pipe.recv_bytes(), type=Work)
        except EOFError:
            return
        pipe.send_bytes(frame.content(*work))


if __name__ == "__main__":
    os.nice(NICENESS)
    serve(Connection(int(sys.argv[1])))
