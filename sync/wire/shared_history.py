"""What both sides of a lane already have: the urgent events right before those that a frame carries.

The compressor takes their text for a dictionary, and the columns take the encodings that suited them. The frame says
how many they are, and a check; who has others refuses it, and it is sent again without (sync/exchange/history.py).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import msgspec

from sado.sync.wire import columns
from sado.sync.wire.records import Wired

# The lane whose events are shared.
LANE = "u"
# So much text of theirs is used, and as many events as fill it.
MOST_BYTES = 96 * 1024
MOST_EVENTS = 600


@dataclass(frozen=True)
class SharedHistory:
    """The events after one number of the sender's urgent lane, up to another, as far as they are here, each with the
    time at which it was made as its negative `ago`; and the lane's rolling hash there."""

    after: int
    upto: int
    events: list[Wired]
    hash: bytes = b""

    def check(self, size: int) -> bytes:
        """So many bytes that tell whether the other side has the same."""
        return hashlib.blake2b(msgspec.msgpack.encode((self.hash, self.events)), digest_size=size).digest()

    @cached_property
    def text(self) -> bytes:
        """What they say, for the compressor."""
        return columns.content_of(self.events)[-MOST_BYTES:] if self.events else b""

    @cached_property
    def schemas(self) -> columns.Schemas:
        """How they were written, for the columns."""
        return columns.schemas_of(self.events)

    @property
    def time(self) -> int:
        """When the last of them was made, by its station's clock: what comes now is not long after."""
        return -self.events[-1].ago if self.events else 0


NO_HISTORY = SharedHistory(0, 0, [])

# Gives the history after one number, up to another.
Recall = Callable[[int, int], SharedHistory]


def nothing(after: int, upto: int) -> SharedHistory:
    """The history where nothing was received or kept."""
    return SharedHistory(after, upto, [])
