"""A village station, and the line to its hub: what is filed, what leaves, and what the frames weigh."""

from __future__ import annotations

import contextlib
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tls_hub import HTTPS, VILLAGE, Hub, hub, new_store

from sado.cases.events import Events
from sado.cases.law import Law
from sado.cases.payloads import Appeal
from sado.cases.service import Cases
from sado.menus.reading import pack
from sado.store import Store
from sado.store.tables import identity, lane_events
from sado.sync import outbox
from sado.sync.errors import LineDownError
from sado.sync.exchange.client import Client
from sado.sync.link.connection import Line
from sado.sync.link.frame_size import FrameSize
from sado.sync.wire.frame import FrameError

sys.path.append(str(Path(__file__).parent.parent))

from tests.support.shaper import Shape, Shaper

WAIT_S = 0.05


@dataclass
class Village:
    """A station that calls over a line; `sent` are the bytes of the frames that were answered."""

    store: Store
    cases: Cases
    client: Client
    line: Line
    sent: list[int]

    def file(self, appeal: Appeal) -> str:
        """File an appeal; its reference."""
        return self.store.write(lambda tx: self.cases.open(tx, appeal)).reference

    def waits(self) -> bool:
        """Whether anything is not acknowledged."""
        return self.store.read(lambda tx: any(lane_events.waits(tx, outbox.UPSTREAM, lane) for lane in "unb"))

    def drain(self, until: Callable[[], bool]) -> float:
        """Exchange until something has happened; seconds. A fault is waited for a moment and tried again, as an
        operator's "try now" does: what a station waits on its own is a matter of the backoff."""
        began = time.monotonic()
        while not until():
            try:
                self.client.call()
            except (LineDownError, FrameError):
                time.sleep(WAIT_S)
        return time.monotonic() - began


class Counted:
    """A line that keeps the sizes of the frames that were answered."""

    overlaps = True

    def __init__(self, line: Line) -> None:
        self._line = line
        self._flying: list[int] = []
        self.answered: list[int] = []
        self.connect, self.close = line.connect, line.close

    def send(self, frame: bytes, timeout_s: float) -> None:
        """Send a frame."""
        self._line.send(frame, timeout_s)
        self._flying.append(len(frame))

    def receive(self, timeout_s: float) -> bytes:
        """The next answer; none comes for what was on its way when the line was cut."""
        try:
            answer = self._line.receive(timeout_s)
        except LineDownError:
            self._flying.clear()
            raise
        self.answered.append(self._flying.pop(0))
        return answer


@contextlib.contextmanager
def village(folder: Path, at: Hub, filed: Sequence[Appeal]) -> Iterator[tuple[Store, Cases]]:
    """A station where these appeals wait."""
    store = new_store(folder / "village")
    law = Law.read(pack.load("tajikistan").law)
    cases = Cases(store.write(lambda tx: identity.create(tx, VILLAGE)), True, lambda: law)
    store.write(lambda tx: [cases.open(tx, appeal) for appeal in filed])
    yield store, cases
    store.close()


@contextlib.contextmanager
def pair(
    shape: Shape, filed: Sequence[Appeal] = (), frame_size: FrameSize | None = None
) -> Iterator[tuple[Village, Hub]]:
    """A village where these appeals wait, and a hub; the line between them begins now."""
    with (
        tempfile.TemporaryDirectory() as name,
        hub(Path(name)) as at,
        village(Path(name), at, filed) as (store, cases),
        Shaper(("127.0.0.1", at.port), shape) as shaped,
    ):
        # A line without a shape is the port itself.
        port = at.port if shape == Shape() else shaped.port
        line = Line("https://localhost" if port == HTTPS else f"https://localhost:{port}", at.trusted)
        counted = Counted(line)
        apply = Events({"case": cases.apply}).apply
        client = Client(store, VILLAGE, at.key, counted, apply, frame_size or FrameSize())
        yield Village(store, cases, client, line, counted.answered), at
        line.close()
