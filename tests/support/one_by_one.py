"""A way to the upstream without a line: each frame is answered before the next is sent."""

from collections.abc import Callable

from sado.sync.link.connection import Line

Post = Callable[[bytes, float], bytes]


class OneByOne:
    """A pipe out of what sends a frame and waits for the answer."""

    overlaps = False

    def __init__(self, post: Post, connect: Callable[[], None] = lambda: None) -> None:
        self._post = post
        self.connect = connect
        self._frame = b""

    def send(self, frame: bytes, timeout_s: float) -> None:
        """Keep the frame until the answer is wanted."""
        self._frame = frame

    def receive(self, timeout_s: float) -> bytes:
        """Send it, and wait."""
        return self._post(self._frame, timeout_s)

    def close(self) -> None:
        """Nothing is missing."""


def post(line: Line, frame: bytes, timeout_s: float) -> bytes:
    """The answer to a frame. Raises LineDownError."""
    line.send(frame, timeout_s)
    return line.receive(timeout_s)
