"""What a station knows of its upstream between two frames, and what follows from it for the next one.

Nothing here has a line, a clock or a database: the client (sync/exchange/client.py) brings what it read, does what is
planned, and tells what came of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sado.sync.exchange import lane
from sado.sync.exchange.server import UNKNOWN_HISTORY
from sado.sync.wire.frame import Mark, Message

# Some proxies hang up after each answer: when that cost so many frames and saved none, frames go one by one.
MOST_CUTS_BEHIND = 2


@dataclass(frozen=True)
class Flight:
    """A frame of `size` bytes that was sent and has no answer yet. `ours` is the incarnation that its events were
    numbered under, `since` when the line was free for it (seconds); `is_behind` says that another was on its way."""

    up: Message
    ours: bytes
    size: int
    since: float
    is_behind: bool


@dataclass(frozen=True)
class Agreement:
    """What the upstream has answered to: the incarnation that we number events under, and the marks of its own."""

    incarnation: bytes
    told: Mapping[str, Mark]


@dataclass(frozen=True)
class ExchangeState:
    """What is known of the upstream. Without an `agreement` nobody knows what the last frame achieved, and the next is
    a hello; `needs_history` says that it compressed an answer with events that are not here. Of `flights` there are
    two at most, and two only where the line `overlaps`."""

    overlaps: bool
    agreement: Agreement | None = None
    needs_history: bool = False
    flights: tuple[Flight, ...] = ()
    cuts_behind: int = 0
    faults: int = 0

    @property
    def may_send(self) -> bool:
        """Whether there is something to plan before the answer comes. A second frame goes behind one that has none
        when we know where the upstream stands, or have just asked."""
        if not self.flights:
            return True
        first, *others = self.flights
        return self.overlaps and not others and (self.agreement is not None or not first.up.runs)

    def sent(self, up: Message, ours: bytes, size: int, now: float) -> ExchangeState:
        """A frame is on its way."""
        return replace(self, flights=(*self.flights, Flight(up, ours, size, now, bool(self.flights))))

    def answered(self, down: Message, now: float) -> ExchangeState:
        """The oldest frame has its answer."""
        first, *others = self.flights
        return replace(
            self,
            agreement=self._agreed(first.up, down),
            needs_history=False,
            flights=tuple(replace(flight, since=now) for flight in others),
            cuts_behind=0 if first.is_behind else self.cuts_behind,
            faults=self.faults + 1 if down.fault else 0,
        )

    def _agreed(self, up: Message, down: Message) -> Agreement | None:
        """None where the upstream did not take all of a frame: it stands elsewhere than we thought."""
        before = self.agreement or Agreement(b"", {})
        incarnation = up.incarnation or before.incarnation
        was_taken = all(name in down.marks and down.marks[name].upto >= run.last for name, run in up.runs.items())
        if down.fault or not was_taken or not incarnation:
            return None
        return Agreement(incarnation, {**before.told, **up.marks})

    def failed(self, needs_history: bool = False) -> ExchangeState:
        """The line is down, or what came is no answer."""
        cuts = self.cuts_behind + (bool(self.flights) and self.flights[0].is_behind)
        return replace(
            self.hung_up(),
            overlaps=self.overlaps and cuts < MOST_CUTS_BEHIND,
            needs_history=needs_history or self.needs_history,
            cuts_behind=cuts,
        )

    def hung_up(self) -> ExchangeState:
        """What is on its way has no answer and will have none."""
        return replace(self, agreement=None, flights=())


@dataclass(frozen=True)
class Here:
    """Where this station stands: the incarnation that it numbers events for the upstream under, how far it received the
    lanes of the upstream (none before it knows the upstream), and of its own lanes that may leave now how far each is
    acknowledged and numbered."""

    ours: bytes
    received: Mapping[str, Mark]
    acked: Mapping[str, Mark]
    numbered: Mapping[str, int]


@dataclass(frozen=True)
class Plan:
    """What to send: the events that come `after` these marks, and what is said beside them. With an incarnation it is a
    hello."""

    after: Mapping[str, Mark]
    marks: Mapping[str, Mark] = field(default_factory=dict)
    incarnation: bytes = b""
    fault: int = 0


def plan(state: ExchangeState, here: Here) -> Plan | None:
    """What to send next; None when the answer to what is on its way comes first."""
    if not state.may_send:
        return None
    return _behind(state.flights[0], state, here) if state.flights else _first(state, here)


def _first(state: ExchangeState, here: Here) -> Plan:
    """Only what is new, where the upstream knows the rest and there is something new. Otherwise a hello says all, also
    to hear whether the upstream is still what it was."""
    agreement = state.agreement
    if agreement is not None and agreement.incarnation == here.ours:
        news = {name: mark for name, mark in here.received.items() if mark != agreement.told.get(name)}
        if news or _waits(here, here.acked):
            return Plan(here.acked, news)
    # Where two frames may have been on their way, it costs less to ask which arrived than to send them again.
    after = {} if agreement is None and state.overlaps else here.acked
    return Plan(after, here.received, here.ours, UNKNOWN_HISTORY if state.needs_history else 0)


def _behind(first: Flight, state: ExchangeState, here: Here) -> Plan | None:
    """What follows the frame that is on its way, as if it had arrived; None when nothing does, or when everything was
    numbered anew since."""
    ends = {name: lane.end_of(run) for name, run in first.up.runs.items() if name in here.acked}
    after = {**here.acked, **{name: end for name, end in ends.items() if end.upto > here.acked[name].upto}}
    if first.ours != here.ours or not _waits(here, after):
        return None
    # Before we know where the upstream stands, it needs whole hashes to see what it has.
    return Plan(after, incarnation=b"" if state.agreement else here.ours)


def _waits(here: Here, after: Mapping[str, Mark]) -> bool:
    return any(here.numbered[name] > mark.upto for name, mark in after.items())
