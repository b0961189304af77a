"""What a station says next follows from what it knows of its upstream: no line, no clock, no database."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sado.store.tables import lanes
from sado.sync.exchange import lane
from sado.sync.exchange.server import REPEATED, UNKNOWN_HISTORY
from sado.sync.exchange.state import MOST_CUTS_BEHIND, Agreement, ExchangeState, Flight, Here, Plan, plan
from sado.sync.wire.frame import Mark, Message, Run
from sado.sync.wire.records import Wired

OURS, OTHER = b"our life", b"new life"
BEGIN = {name: Mark(0, lanes.beginning(OURS, name)) for name in lanes.LANES}
THEIRS = {name: Mark(4, name.encode()) for name in lanes.LANES}
NEWER = {**THEIRS, "n": Mark(5, b"n5")}
SIZE, NOW = 100, 10.0


def here(
    urgent: int = 0, ours: bytes = OURS, received: Mapping[str, Mark] = THEIRS, acked: Mapping[str, Mark] = BEGIN
) -> Here:
    """A station with so many urgent events, of which some are acknowledged."""
    return Here(ours, received, acked, {name: urgent if name == "u" else 0 for name in acked})


def run_of(count: int, after: Mark = BEGIN["u"]) -> Run:
    """So many events after this mark."""
    numbers = range(after.upto + 1, after.upto + 1 + count)
    return Run(after.upto + 1, after.hash, [Wired("case.said", "", str(number)) for number in numbers])


EVENTS = Message(1, runs={"u": run_of(2)})
QUESTION = Message(1, marks=THEIRS, incarnation=OURS)
UNSURE = ExchangeState(overlaps=True)
SURE = replace(UNSURE, agreement=Agreement(OURS, THEIRS))
ONE_BY_ONE, SURE_ONE_BY_ONE = ExchangeState(overlaps=False), replace(SURE, overlaps=False)
HELLO = Plan(BEGIN, THEIRS, OURS)


@pytest.mark.parametrize(
    ("state", "at", "planned"),
    [
        # Who knows nothing says all, and where two frames may have been on their way asks before it repeats any.
        (ONE_BY_ONE, here(urgent=2), HELLO),
        (UNSURE, here(urgent=2), Plan({}, THEIRS, OURS)),
        (UNSURE, here(received={}), Plan({}, {}, OURS)),
        # Who was told that the other side compressed with what is not here says so.
        (replace(ONE_BY_ONE, needs_history=True), here(), replace(HELLO, fault=UNKNOWN_HISTORY)),
        # Who knows where the other stands says what is new, and all where nothing is.
        (SURE, here(urgent=2), Plan(BEGIN)),
        (SURE, here(received=NEWER), Plan(BEGIN, {"n": NEWER["n"]})),
        (SURE, here(), HELLO),
        # A lane that may not leave now is not looked at.
        (SURE, here(urgent=2, acked={"n": BEGIN["n"]}), Plan({"n": BEGIN["n"]}, THEIRS, OURS)),
        # Numbered anew: the upstream knows another incarnation.
        (SURE, here(urgent=2, ours=OTHER), Plan(BEGIN, THEIRS, OTHER)),
    ],
)
def test_the_first_frame_says_what_the_upstream_may_not_know(state: ExchangeState, at: Here, planned: Plan) -> None:
    assert plan(state, at) == planned


@pytest.mark.parametrize(
    ("state", "up", "at", "planned"),
    [
        # What follows the frame on its way, as if it had arrived.
        (SURE, EVENTS, here(urgent=3), Plan({**BEGIN, "u": lane.end_of(EVENTS.runs["u"])})),
        (SURE, EVENTS, here(urgent=2), None),
        (SURE, QUESTION, here(urgent=1), Plan(BEGIN)),
        # Somebody else acknowledged more meanwhile: a file carried by hand.
        (SURE, EVENTS, here(urgent=9, acked={"u": Mark(5, b"u5")}), Plan({"u": Mark(5, b"u5")})),
        # Behind a question the events may go, with whole hashes; behind events that may not have followed, none.
        (UNSURE, QUESTION, here(urgent=1), Plan(BEGIN, incarnation=OURS)),
        (UNSURE, EVENTS, here(urgent=3), None),
        (SURE, EVENTS, here(urgent=3, ours=OTHER), None),
        (SURE_ONE_BY_ONE, EVENTS, here(urgent=3), None),
    ],
)
def test_a_second_frame_goes_behind_the_first_where_it_can_only_win(
    state: ExchangeState, up: Message, at: Here, planned: Plan | None
) -> None:
    assert plan(state.sent(up, OURS, SIZE, NOW), at) == planned


def test_no_third_frame_goes_behind_two() -> None:
    assert plan(SURE.sent(EVENTS, OURS, SIZE, NOW).sent(EVENTS, OURS, SIZE, NOW), here(urgent=99)) is None


TAKEN = {"u": Mark(2, b"")}


@pytest.mark.parametrize(
    ("before", "up", "down", "agreement"),
    [
        (UNSURE, QUESTION, Message(1), Agreement(OURS, THEIRS)),
        (SURE, EVENTS, Message(1, marks=TAKEN), SURE.agreement),
        (SURE, Message(1, marks={"n": NEWER["n"]}), Message(1), Agreement(OURS, NEWER)),
        # It stands elsewhere than we thought, took nothing, or was never told who we are.
        (SURE, EVENTS, Message(1, marks={"u": Mark(1, b"")}), None),
        (SURE, EVENTS, Message(1), None),
        (SURE, EVENTS, Message(1, marks=TAKEN, fault=REPEATED), None),
        (UNSURE, EVENTS, Message(1, marks=TAKEN), None),
    ],
)
def test_the_two_agree_once_a_frame_was_taken_whole(
    before: ExchangeState, up: Message, down: Message, agreement: Agreement | None
) -> None:
    after = replace(before, needs_history=True).sent(up, OURS, SIZE, NOW).answered(down, NOW + 1)
    assert (after.agreement, after.needs_history, after.flights) == (agreement, False, ())


def test_faults_are_counted_until_an_answer_has_none() -> None:
    state, counted = ONE_BY_ONE, []
    for fault in (REPEATED, REPEATED, 0, REPEATED):
        state = state.sent(QUESTION, OURS, SIZE, NOW).answered(Message(1, fault=fault), NOW)
        counted.append(state.faults)
    assert counted == [1, 2, 0, 1]


def test_after_an_answer_the_line_is_free_for_the_frame_behind() -> None:
    state = SURE.sent(EVENTS, OURS, SIZE, NOW).sent(QUESTION, OURS, SIZE, NOW + 1)
    (flight,) = state.answered(Message(1, marks=TAKEN), NOW + 5).flights
    assert flight == Flight(QUESTION, OURS, SIZE, NOW + 5, is_behind=True)


def test_after_a_fault_nobody_knows_anything_but_that_history_is_missing() -> None:
    lost = SURE.sent(EVENTS, OURS, SIZE, NOW).failed(needs_history=True)
    assert lost == replace(UNSURE, needs_history=True)
    assert lost.failed() == lost
    assert SURE.sent(EVENTS, OURS, SIZE, NOW).hung_up() == UNSURE


def cut_behind(state: ExchangeState) -> ExchangeState:
    """The first of two frames is answered, then the line is cut."""
    two = replace(state, agreement=SURE.agreement).sent(EVENTS, OURS, SIZE, NOW).sent(EVENTS, OURS, SIZE, NOW)
    return two.answered(Message(1, marks=TAKEN), NOW).failed()


def test_a_line_that_is_cut_behind_each_answer_is_given_frames_one_by_one() -> None:
    state = UNSURE
    for cuts in range(1, MOST_CUTS_BEHIND + 1):
        state = cut_behind(state)
        assert state.overlaps == (cuts < MOST_CUTS_BEHIND)


def test_an_answer_to_a_frame_behind_makes_good_the_cuts_before() -> None:
    two = replace(cut_behind(UNSURE), agreement=SURE.agreement)
    two = two.sent(EVENTS, OURS, SIZE, NOW).sent(EVENTS, OURS, SIZE, NOW)
    for _ in range(2):
        two = two.answered(Message(1, marks=TAKEN), NOW)
    assert cut_behind(two).overlaps


# Any line


@dataclass
class Both:
    """A station and an upstream as numbers: `made` events of the urgent lane are known here, `there` are received
    there; `frames` are on their way, `answers` on their way back."""

    state: ExchangeState
    made: int = 0
    acked: Mark = BEGIN["u"]
    there: Mark = BEGIN["u"]
    frames: list[Message] = field(default_factory=list)
    is_known: bool = False

    def here(self) -> Here:
        return Here(OURS, THEIRS, {"u": self.acked}, {"u": self.made})

    def send(self, most: int) -> None:
        """Send all that is planned, so many events in a frame at most."""
        while (step := plan(self.state, self.here())) is not None:
            assert len(self.state.flights) < 1 + self.state.overlaps
            after = step.after.get("u")
            count = min(self.made - after.upto, most) if after else 0
            runs = {"u": run_of(count, after)} if after and count else {}
            assert self.state.agreement or step.incarnation, "who is not sure says who it is"
            assert runs or step.marks or step.incarnation, "no frame says nothing"
            up = Message(1, marks={**step.marks}, runs=runs, incarnation=step.incarnation)
            self.state = self.state.sent(up, OURS, SIZE, NOW)
            self.frames.append(up)

    def take(self, up: Message) -> Message:
        """The upstream's answer."""
        self.is_known |= bool(up.incarnation)
        assert self.is_known, "an upstream is never spoken to briefly that does not know us"
        run = up.runs.get("u")
        if run is not None and run.first <= self.there.upto + 1 and run.last > self.there.upto:
            self.there = lane.end_of(run)
        return Message(1, marks={"u": self.there})

    def hear(self, down: Message) -> None:
        self.acked = down.marks["u"]
        self.state = self.state.answered(down, NOW)


LOST = st.sampled_from(["request", "answer", "program", "nothing", "nothing", "nothing"])


@given(
    overlaps=st.booleans(),
    steps=st.lists(st.tuples(st.integers(0, 5), st.integers(1, 3), LOST), max_size=30),
)
def test_whatever_a_line_loses_every_event_arrives_in_order(overlaps: bool, steps: list[tuple[int, int, str]]) -> None:
    both = Both(ExchangeState(overlaps))
    quiet = [(0, 3, "nothing")] * (sum(made for made, _, _ in steps) + 5)
    for made, most, lost in steps + quiet:
        both.made += made
        both.send(most)
        up, *both.frames = both.frames
        if lost == "request":
            both.state, both.frames = both.state.failed(), []
            continue
        down = both.take(up)
        if lost in ("answer", "program"):
            for behind in both.frames:
                both.take(behind)
            both.frames = []
            both.state = both.state.failed() if lost == "answer" else ExchangeState(overlaps)
        else:
            both.hear(down)
    assert both.there.upto == both.acked.upto == both.made
    assert both.there == lane.end_of(run_of(both.made))
