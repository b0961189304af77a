"""Large frames are packed by a process of their own, so that no phone waits behind one.

Packing is Python, and while it runs the threads that answer phones wait for the interpreter, 5 ms each time they let go
of it. The process beside the station gives way to everything else on the machine (nice 19), holds no key and no file,
and goes when its pipe is closed: also when the station is killed.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import subprocess
import sys
import threading
from multiprocessing.connection import Connection, Pipe
from pathlib import Path

import msgspec

from sado.store.tables import lanes
from sado.sync.wire import frame
from sado.sync.wire.frame import Message
from sado.sync.wire.shared_history import SharedHistory

log = logging.getLogger(__name__)

# Bodies of so many bytes are packed in a few milliseconds: to hand them over would win nothing.
SMALL = 32 * 1024
PATIENCE_S = 60
NICENESS = 19

Work = tuple[int, Message, SharedHistory | None]


def _release() -> str:
    """What tells these files from those of another release, which may be installed while a station serves: the process
    would then pack frames that say they are of this one."""
    wire = Path(__file__).parents[1] / "wire"
    files = [Path(__file__), Path(lanes.__file__), *(path for path in sorted(wire.iterdir()) if path.is_file())]
    return hashlib.blake2b(b"".join(path.read_bytes() for path in files), digest_size=8).hexdigest()


RELEASE = _release()


class Packer:
    """Makes the frames of a station. Its process begins with the first large frame; whoever has no more to send calls
    `close`, and the next large frame begins another."""

    def __init__(self, python: str = sys.executable) -> None:
        self._python = python
        self.patience_s: float = PATIENCE_S
        self._process: subprocess.Popen[bytes] | None = None
        self._pipe: Connection | None = None

    @property
    def pid(self) -> int | None:
        """Its process, while there is one."""
        return self._process.pid if self._process else None

    def pack(
        self, direction: bytes, station: int, key: bytes, message: Message, history: SharedHistory | None = None
    ) -> bytes:
        """As `frame.pack`, and the same bytes. Where the process cannot do it, for no memory is left for it or somebody
        killed it, this one does."""
        if frame.size_of(message.runs) < SMALL:
            return frame.pack(direction, station, key, message, history)
        try:
            content = self._asked(msgspec.msgpack.encode((station, message, history)))
        except (OSError, EOFError) as error:
            log.warning("a frame is packed by the station itself: %s", type(error).__name__)
            self.close()
            return frame.pack(direction, station, key, message, history)
        except BaseException:
            # The answer that is still to come would be taken for that to the next frame.
            self.close()
            raise
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
        if self._pipe is None or self._process is None:
            self._pipe, self._process = self._begin()
        # A process that stands still takes nothing and gives nothing: its end ends both kinds of waiting.
        impatience = threading.Timer(self.patience_s, self._process.kill)
        impatience.start()
        try:
            self._pipe.send_bytes(work)
            return self._pipe.recv_bytes()
        finally:
            impatience.cancel()

    def _begin(self) -> tuple[Connection, subprocess.Popen[bytes]]:
        ours, theirs = Pipe()
        # -P: not what lies in the folder that the station was started in.
        command = [self._python, "-P", "-m", __name__, str(theirs.fileno()), RELEASE]
        surroundings = {name: value for name, value in os.environ.items() if not name.startswith("SADO_")}
        with theirs:
            try:
                # In a group of its own: Ctrl-C at a terminal is for the station, which then closes the pipe. Not in a
                # session of its own, for among those Linux shares the processor out evenly (sched(7), autogroup).
                process = subprocess.Popen(  # noqa: S603
                    command, pass_fds=[theirs.fileno()], env=surroundings, process_group=0
                )
            except OSError:
                ours.close()
                raise
        return ours, process


def serve(pipe: Connection) -> None:
    """Pack what comes, until nobody is there to ask."""
    with contextlib.suppress(EOFError, OSError):
        while True:
            pipe.send_bytes(frame.content(*msgspec.msgpack.decode(pipe.recv_bytes(), type=Work)))


if __name__ == "__main__":
    os.nice(NICENESS)
    if sys.argv[2] == RELEASE:
        serve(Connection(int(sys.argv[1])))
