"""Writing down what the line carried, in the transaction that ends an exchange.

The line counts on its own and in between, so each note is of what it counted since the last one: the sums are the bytes
of the line, whatever they went on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sado.store import Transaction
from sado.store.tables import line_usage
from sado.store.tables.lanes import LANES
from sado.sync import outbox
from sado.sync.link.budget import Budget
from sado.sync.link.tcp_counters import ByteCount
from sado.sync.wire.frame import Message

PURPOSE_OF_LANE = dict(zip(LANES, (line_usage.URGENT, line_usage.NORMAL, line_usage.BULK), strict=True))
NOTHING = ByteCount(0, 0)


class Accounting:
    """What one line carried; `used` says so since the start. Everything that uses the line shares it."""

    def __init__(self, budget: Budget | None = None, used: Callable[[], ByteCount] = lambda: NOTHING) -> None:
        self.budget = budget or Budget()
        self._used = used
        self._noted = NOTHING

    def fresh(self) -> ByteCount:
        """What the line carried since the last note."""
        return self._used() - self._noted

    def note(self, tx: Transaction, fresh: ByteCount, weights: Mapping[str, int]) -> None:
        """Write it down as spent on these purposes (store/tables/line_usage.py), by their weights."""
        for what, part in shared(fresh, weights).items():
            line_usage.add(tx, self.budget.day(tx.now), outbox.UPSTREAM, what, part.up, part.down)

    def noted(self, fresh: ByteCount) -> None:
        """It is on disk: a transaction may run twice before it is, so it cannot say so itself."""
        self._noted += fresh


def weights(*messages: Message) -> dict[str, int]:
    """What an exchange went on: the bytes of the events' bodies in each lane, both ways. Without any it was idle."""
    sizes: dict[str, int] = {}
    for message in messages:
        for name, run in message.runs.items():
            size = sum(len(event.body.encode()) + 1 for event in run.events)
            sizes[PURPOSE_OF_LANE[name]] = sizes.get(PURPOSE_OF_LANE[name], 0) + size
    return {what: size for what, size in sizes.items() if size} or {line_usage.IDLE: 1}


def shared(used: ByteCount, weights: Mapping[str, int]) -> dict[str, ByteCount]:
    """`used` divided by these weights; the last gets what is left, so that the parts sum up."""
    rest, whole = used, sum(weights.values())
    parts = {}
    for what, weight in weights.items():
        part = ByteCount(rest.up * weight // whole, rest.down * weight // whole)
        rest, whole, parts[what] = rest - part, whole - weight, part
    return parts
