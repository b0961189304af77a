"""How the exchange stands, all read at one moment: what waits and why, what the line carried, whose clock is wrong.

The command line and the operator's page put the same facts into words.
"""

from __future__ import annotations

from dataclasses import dataclass

from sado.store import Transaction
from sado.store.tables import lanes, line_usage, quarantine
from sado.store.tables import outbox as entries
from sado.store.tables.line_usage import Spent
from sado.store.tables.outbox import Destination
from sado.sync import outbox
from sado.sync.link.budget import Allowance, Budget
from sado.sync.link.frame_size import FrameSize

# A clock that is wrong by more is told of.
CLOCK_ALARM_MS = 5 * 60 * 1000


@dataclass(frozen=True)
class Waiting:
    """The events of one lane that wait for the upstream; `oldest` is when the oldest was made."""

    lane: str
    count: int
    oldest: int
    may_leave: bool


@dataclass(frozen=True)
class WrongClock:
    """A station whose clock is ahead of ours by over five minutes, or behind where it is negative. Which of the two is
    wrong is for a person to see."""

    peer: str
    ahead_ms: int


@dataclass(frozen=True)
class Status:
    """`line` is None at a station without an upstream, which has nothing but `clocks` and `aside`, the number of events
    kept aside, and the peers that are `stopped` because no more of them may be. `chunk` is how many bytes one exchange
    may carry each way, `goodput` how many a second it was measured to carry (0: not measured yet). `lifted_at` is when
    somebody said "sync now" (0: it is done). `is_flooded` says that more cases came this hour than is usual."""

    line: Destination | None
    budget: Budget
    allowance: Allowance
    waiting: list[Waiting]
    today: list[Spent]
    month: list[Spent]
    clocks: list[WrongClock]
    aside: int
    stopped: list[str]
    chunk: int
    goodput: float
    lifted_at: int
    is_flooded: bool


def of(tx: Transaction, budget: Budget, frame_size: FrameSize | None, is_flooded: bool) -> Status:
    """How it stands; `frame_size` is that of the exchange with the upstream, None without one. `is_flooded` comes
    from who counts the cases (cases/filing_rate.py)."""
    allowance = budget.allowance(tx)
    return Status(
        line=entries.destination(tx, outbox.UPSTREAM) if frame_size else None,
        budget=budget,
        allowance=allowance,
        waiting=[
            Waiting(lane, count, oldest, lane in allowance.lanes)
            for lane, count, oldest in entries.counts_by_lane(tx, outbox.UPSTREAM)
        ],
        today=line_usage.spent(tx, outbox.UPSTREAM, *budget.days_of(tx.now, is_daily=True)),
        month=line_usage.spent(tx, outbox.UPSTREAM, *budget.days_of(tx.now, is_daily=False)),
        clocks=[
            WrongClock(peer.name, peer.ahead_ms) for peer in lanes.peers(tx) if abs(peer.ahead_ms) > CLOCK_ALARM_MS
        ],
        aside=quarantine.count(tx),
        stopped=quarantine.full_peers(tx),
        chunk=frame_size.limit if frame_size else 0,
        goodput=frame_size.goodput if frame_size else 0.0,
        lifted_at=line_usage.lifted_at(tx) if allowance.is_lifted else 0,
        is_flooded=is_flooded,
    )
