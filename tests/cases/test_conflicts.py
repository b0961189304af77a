"""Moves made in two places: the hub orders them, and whoever asked elsewhere is never lost.

conflicts.txt is the table of every pair: a move made at the hub, and another asked for at a station that had not heard
of it. `pytest --update` rewrites it. The rule that it is held against is written here a second time, in other words.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec
import pytest

from sado.cases import conflicts, errors, payloads, statuses, terms, views
from sado.cases.conflicts import Rule
from sado.cases.payloads import Decided, Move, Moved, Requested, by_agency
from sado.cases.requests import Clash
from sado.cases.service import Cases
from sado.cases.statuses import MOVES, STATUSES
from sado.store import Store, Transaction
from sado.store.tables import cases as rows
from sado.store.tables import identity, lanes, quarantine, requests, stations
from sado.store.tables import outbox as entries
from sado.store.tables.cases import CaseRow, EventRow
from sado.store.tables.events import Event
from sado.store.tables.requests import RequestRow
from sado.sync import outbox
from sado.sync.exchange import server
from sado.sync.exchange.client import Client
from sado.sync.link.frame_size import FrameSize
from tests.support.one_by_one import OneByOne
from tests.support.stations import APPEAL, START_S, Clock, open_store, shipped_law

GOLDEN = Path(__file__).parent / "conflicts.txt"
VILLAGE, DISTRICT, HUB = 7, 5, 1
PEER = outbox.station(VILLAGE)
HOLDER, OTHER, THIRD = "HCU", "ELC", "TAX"
YEAR_S = 365 * 24 * 3600
CLOCKS = [(0, 0), (YEAR_S, -YEAR_S), (-YEAR_S, YEAR_S)]
APPEAL_TO_HOLDER = msgspec.structs.replace(APPEAL, agency=HOLDER)
FORWARD_BY_OPERATOR = "forwarded (operator)"
REOPEN_FOR_RESIDENT = "reopened (resident)"


@dataclass
class Side:
    """One station, and every event that came to it."""

    number: int
    store: Store
    cases: Cases
    came: list[tuple[str, Event]] = field(default_factory=list)

    def apply(self, tx: Transaction, peer: str, event: Event) -> None:
        self.came.append((peer, event))
        self.cases.apply(tx, peer, event)

    def repeat(self, events: Sequence[tuple[str, Event]]) -> None:
        """These events come again, past the lanes' own guard."""
        for peer, event in events:
            self.store.write(lambda tx, peer=peer, event=event: self.cases.apply(tx, peer, event))  # type: ignore[misc]

    def case(self, number: str) -> CaseRow:
        return self.store.read(lambda tx: self.cases.get(tx, number))

    def history(self, number: str) -> list[EventRow]:
        return self.store.read(lambda tx: rows.events_of(tx, number))

    def asked(self, number: str) -> list[RequestRow]:
        return self.store.read(lambda tx: requests.of_case(tx, number))

    def clashes(self, number: str) -> list[Clash]:
        return self.store.read(lambda tx: self.cases.clashes(tx, self.cases.get(tx, number)))

    def told(self, number: str) -> int:
        """How many SMS were put for the resident."""
        return len([one for one in self.store.read(lambda tx: entries.of_case(tx, number)) if one.kind == "notice"])

    def aside(self) -> list[str]:
        return [one.reason for one in self.store.read(lambda tx: quarantine.listed(tx, 99))]

    def kept(self) -> list[list[object]]:
        """All that is kept of cases and what leaves about them."""
        tables = {
            "cases": "reference, status, agency, due_at, registered_at, version, is_withdrawn",
            "events": "id, number, kind, actor, at, version",
            "requests": "id, outcome, version, base, at",
            "outbox": "kind, reference, destination",
        }
        return self.store.read(
            lambda tx: [
                list(tx.all(f"SELECT {columns} FROM {table} ORDER BY 1, 2")) for table, columns in tables.items()
            ]
        )

    def move(self, number: str, kind: str, text: str = "", to: str = "") -> None:
        """The agency that holds the case, or that will if the hub takes what was asked for, moves it or asks to."""
        self.store.write(lambda tx: self._move(tx, number, kind, text, to))

    def make(self, tx: Transaction, number: str, what: str, side: str) -> None:
        """One of the moves of the table, with words and a goal of its own for each side."""
        kind, to = what.partition(" ")[0], {"hub": OTHER, "station": THIRD}[side]
        if what in (statuses.WITHDRAWN, FORWARD_BY_OPERATOR, REOPEN_FOR_RESIDENT):
            self.cases.wish(tx, number, kind, to if kind == statuses.FORWARDED else "")
        else:
            text = f"{kind} in the words of the {side}" if kind in statuses.WITH_WORDS else ""
            self._move(tx, number, kind, text, to)

    def _move(self, tx: Transaction, number: str, kind: str, text: str, to: str) -> None:
        holder = self.cases.stands(tx, self.cases.get(tx, number)).agency
        self.cases.record(tx, holder, number, kind, text, to=to if kind == statuses.FORWARDED else "")


@dataclass
class Two:
    """A village and the hub, with a line between them."""

    village: Side
    hub: Side
    client: Client

    def settle(self) -> None:
        """Exchange until nothing waits."""
        while self.client.call():
            pass

    def file(self) -> str:
        """A case filed in the village and known at the hub."""
        number = self.village.store.write(lambda tx: self.village.cases.open(tx, APPEAL_TO_HOLDER)).reference
        self.settle()
        return number

    def brought(self, *kinds: str) -> str:
        """The same, moved so at the hub, and that known in the village."""
        number = self.file()
        for kind in kinds:
            self.hub.move(number, kind, "Words.", OTHER)
        self.settle()
        return number

    def outcome(self, number: str) -> str:
        """What became of the last request; both sides say the same."""
        (here, there) = (self.hub.asked(number)[-1], self.village.asked(number)[-1])
        assert (here.outcome, here.version) == (there.outcome, there.version)
        return here.outcome


@contextmanager
def side(folder: Path, number: int, clock: Clock, has_upstream: bool, rule: Rule = conflicts.decide) -> Iterator[Side]:
    with open_store(folder, clock) as store:
        who = store.write(lambda tx: identity.create(tx, number))
        store.write(lambda tx: lanes.set_upstream(tx, has_upstream))
        yield Side(number, store, Cases(who, has_upstream, shipped_law, rule))


def line(below: Side, above: Side) -> Client:
    """The line from one station to its upstream."""
    key = above.store.write(lambda tx: stations.add(tx, below.number))
    return Client(
        below.store,
        below.number,
        key,
        OneByOne(lambda frame, timeout_s: server.answer(above.store, frame, above.apply)),
        below.apply,
        FrameSize(),
    )


@contextmanager
def open_two(
    folder: Path, hub_s: int = 0, village_s: int = 0, rule: Rule = conflicts.decide, clock: Clock | None = None
) -> Iterator[Two]:
    """Both, each with a clock that is wrong by so many seconds."""
    clock = clock or Clock(START_S)
    with (
        side(folder / "hub", HUB, clock if not hub_s else Clock(START_S + hub_s), False, rule) as hub,
        side(folder / "village", VILLAGE, clock if not village_s else Clock(START_S + village_s), True) as village,
    ):
        yield Two(village, hub, line(village, hub))


@pytest.fixture
def clock() -> Clock:
    return Clock(START_S)


@pytest.fixture
def two(tmp_path: Path, clock: Clock) -> Iterator[Two]:
    with open_two(tmp_path, clock=clock) as pair:
        yield pair


# The table of every pair


def ways() -> dict[str, list[str]]:
    """The shortest way to each status, found in the table of moves."""
    found: dict[str, list[str]] = {statuses.RECEIVED: []}
    while len(found) < len(STATUSES):
        for status in list(found):
            for kind in sorted(MOVES[status] - found.keys()):
                found[kind] = [*found[status], kind]
    return {status: found[status] for status in STATUSES}


def may(status: str) -> list[str]:
    """Every move that somebody may make from a status."""
    agency = [kind for kind in STATUSES if kind in MOVES[status]]
    operator = [FORWARD_BY_OPERATOR] if statuses.FORWARDED in MOVES[status] else []
    resident = [REOPEN_FOR_RESIDENT] if statuses.REOPENED in MOVES[status] else []
    return [*agency, *operator, *resident, statuses.WITHDRAWN]


PAIRS = [(status, one, other) for status in STATUSES for one in may(status) for other in may(status)]


@dataclass(frozen=True)
class Result:
    """What came of one pair."""

    number: str
    outcome: str
    status: str


def run(two: Two, is_request_first: bool = False) -> dict[tuple[str, str, str], Result]:
    """Make every pair, each on a case of its own, and let the two stations exchange."""
    village, hub = two.village, two.hub

    def filed(tx: Transaction) -> dict[tuple[str, str, str], str]:
        return {pair: village.cases.open(tx, APPEAL_TO_HOLDER).reference for pair in PAIRS}

    def brought(tx: Transaction) -> None:
        for (status, _one, _other), number in numbers.items():
            for kind in ways()[status]:
                hub.make(tx, number, kind, "hub")

    def made(tx: Transaction) -> None:
        for (_status, one, _other), number in numbers.items():
            hub.make(tx, number, one, "hub")

    def asked(tx: Transaction) -> None:
        for (_status, _one, other), number in numbers.items():
            village.make(tx, number, other, "station")

    numbers = village.store.write(filed)
    two.settle()
    hub.store.write(brought)
    two.settle()
    village.store.write(asked)
    if is_request_first:
        two.settle()
    else:
        hub.store.write(made)
        two.settle()
    return {pair: Result(number, two.outcome(number), hub.case(number).status) for pair, number in numbers.items()}


def drawn(results: dict[tuple[str, str, str], Result]) -> str:
    """The table as text."""
    lines = [
        "# What becomes of a request when the hub has moved the case meanwhile. Rewritten by `pytest --update`;",
        "# the rule is in cases/conflicts.py. The last column is where the case then stands.",
    ]
    for status in STATUSES:
        lines += ["", f"from {status}", f"    {'made at the hub':21} {'asked at a station':21} {'becomes':8} then"]
        lines += [
            f"    {one:21} {other:21} {result.outcome:8} {result.status}"
            for (begun, one, other), result in results.items()
            if begun == status
        ]
    return "\n".join(lines) + "\n"


def expected(status: str, one: str, other: str) -> str:
    """The rule once more. The same wish twice is no conflict. A wish for no more notices stands beside everything.
    What cannot follow is kept. An operator's wish yields to the agency. A longer term and a status do not meet, but
    whatever else meets."""
    first, second = one.partition(" ")[0], other.partition(" ")[0]
    if first == second and second not in (*statuses.WITH_WORDS, statuses.FORWARDED):
        return "applied"
    if statuses.WITHDRAWN in (first, second):
        return "soft"
    if second not in MOVES[first]:
        return "hard"
    if other == FORWARD_BY_OPERATOR:
        return "hard"
    return "soft" if statuses.EXTENDED in (first, second) else "hard"


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Two, dict[tuple[str, str, str], Result]]]:
    with open_two(tmp_path_factory.mktemp("played")) as two:
        yield two, run(two)


Played = tuple[Two, dict[tuple[str, str, str], Result]]


def test_every_pair_becomes_what_the_rule_says(played: Played) -> None:
    assert {pair: result.outcome for pair, result in played[1].items()} == {pair: expected(*pair) for pair in PAIRS}


def test_the_table_is_the_one_that_was_agreed(played: Played, update: bool) -> None:
    if update:
        GOLDEN.write_text(drawn(played[1]), "utf-8")
    assert drawn(played[1]) == GOLDEN.read_text("utf-8")


@pytest.mark.long
@pytest.mark.parametrize(("hub_s", "village_s"), CLOCKS[1:])
def test_no_clock_has_a_say(tmp_path: Path, hub_s: int, village_s: int) -> None:
    with open_two(tmp_path, hub_s, village_s) as two:
        assert drawn(run(two)) == GOLDEN.read_text("utf-8")


@pytest.mark.long
@pytest.mark.parametrize(("hub_s", "village_s"), CLOCKS)
def test_what_comes_first_to_the_hub_is_first(tmp_path: Path, hub_s: int, village_s: int) -> None:
    with open_two(tmp_path, hub_s, village_s) as two:
        assert {result.outcome for result in run(two, is_request_first=True).values()} == {"applied"}


def test_nothing_is_kept_aside_and_both_stations_agree(played: Played) -> None:
    two, results = played
    assert (two.hub.aside(), two.village.aside()) == ([], [])
    for result in results.values():
        here, there = two.hub.case(result.number), two.village.case(result.number)
        assert (here.status, here.agency, here.due_at, here.version) == (
            there.status,
            there.agency,
            there.due_at,
            there.version,
        )
        assert here.is_withdrawn is there.is_withdrawn


def test_both_values_of_every_pair_are_kept(played: Played) -> None:
    two, results = played
    for (_status, one, other), result in results.items():
        made = [event.kind for event in two.hub.history(result.number)]
        assert one.partition(" ")[0] in made
        (asked,) = two.hub.asked(result.number)
        kind = other.partition(" ")[0]
        words = f"{kind} in the words of the station" if kind in statuses.WITH_WORDS else ""
        assert (asked.kind, asked.text, asked.station) == (kind, words, VILLAGE)
        if result.outcome == "soft":
            (event,) = [event for event in two.hub.history(result.number) if event.version == asked.version]
            assert (event.kind, event.text) == (kind, words)


def test_every_hard_one_lies_beside_what_came_before_it(played: Played) -> None:
    two, results = played
    for (_status, one, _other), result in results.items():
        clashes = two.hub.clashes(result.number)
        assert len(clashes) == (result.outcome == "hard")
        for clash in clashes:
            assert [event.kind for event in clash.since] == [one.partition(" ")[0]]
            assert clash.request.kind != "" and clash.request.outcome == "hard"


def test_events_that_come_again_or_late_change_nothing(tmp_path: Path) -> None:
    with open_two(tmp_path) as two:
        run(two)
        before = two.hub.kept(), two.village.kept()
        for one in (two.hub, two.village):
            came = list(one.came)
            one.repeat(came)
            one.repeat(came[::-1])
        assert (two.hub.kept(), two.village.kept()) == before


# Without its guards


def without_versions(
    case: CaseRow, between: Sequence[EventRow], move: Move, base: int, *, has_it: bool, is_legal: bool
) -> str:
    return conflicts.decide(case, [], move, case.version, has_it=has_it, is_legal=is_legal)


def without_owners(
    case: CaseRow, between: Sequence[EventRow], move: Move, base: int, *, has_it: bool, is_legal: bool
) -> str:
    owners = replace(move, actor=by_agency(case.agency))
    return conflicts.decide(case, between, owners, base, has_it=has_it, is_legal=is_legal)


def without_law(
    case: CaseRow, between: Sequence[EventRow], move: Move, base: int, *, has_it: bool, is_legal: bool
) -> str:
    return conflicts.decide(case, between, move, base, has_it=has_it, is_legal=True)


def without_sameness(
    case: CaseRow, between: Sequence[EventRow], move: Move, base: int, *, has_it: bool, is_legal: bool
) -> str:
    return conflicts.decide(case, between, move, base, has_it=False, is_legal=is_legal)


@pytest.mark.long
@pytest.mark.parametrize("rule", [without_versions, without_owners, without_law, without_sameness])
def test_with_a_guard_taken_away_the_table_is_another(tmp_path: Path, rule: Rule) -> None:
    with open_two(tmp_path, rule=rule) as two:
        assert drawn(run(two)) != GOLDEN.read_text("utf-8")


# Walks


def test_a_day_s_work_without_the_line_is_one_chain(two: Two) -> None:
    """Each request builds on the one before, which the hub has not seen either."""
    number = two.file()
    for kind in ("registered", "in_review", "extended", "answered"):
        two.village.move(number, kind, "Words.")
    assert two.village.case(number).status == "received"
    assert [one.outcome for one in two.village.asked(number)] == ["waiting"] * 4
    two.settle()
    assert [one.outcome for one in two.hub.asked(number)] == ["applied"] * 4
    assert two.outcome(number) == "applied"
    assert (two.hub.case(number).status, two.village.case(number).status) == ("answered", "answered")
    assert two.hub.case(number).version == 4


def test_a_chain_meets_a_move_of_the_hub_as_a_whole(two: Two) -> None:
    number = two.brought("registered")
    for kind in ("in_review", "extended"):
        two.village.move(number, kind, "Words.")
    two.hub.move(number, "documents_needed", "A copy.")
    two.settle()
    assert [one.outcome for one in two.hub.asked(number)] == ["hard", "soft"]


def test_nothing_provisional_is_told(two: Two) -> None:
    number = two.file()
    two.village.move(number, "registered")
    two.village.move(number, "answered", "Water is back.")
    assert two.village.told(number) == 0
    assert [event.kind for event in two.village.history(number)] == ["received"]
    two.hub.move(number, "registered")
    two.hub.move(number, "refused", "Not ours.")
    two.settle()
    assert [one.outcome for one in two.village.asked(number)] == ["hard", "hard"]
    assert two.village.told(number) == 2
    assert "Water is back." not in [event.text for event in two.village.history(number)]


def test_a_request_that_is_made_twice_is_one(two: Two) -> None:
    number = two.file()
    for _ in range(2):
        two.village.move(number, "registered")
    assert len(two.village.asked(number)) == 1
    two.village.move(number, "answered", "One.")
    with pytest.raises(statuses.IllegalMoveError):
        two.village.move(number, "answered", "Another.")


def test_what_the_law_forbids_is_not_even_asked(two: Two, clock: Clock) -> None:
    number = two.brought("registered")
    clock.move(9 * 24 * 3600)
    with pytest.raises(terms.ForwardTooLateError):
        two.village.move(number, "forwarded", to=OTHER)
    assert two.village.asked(number) == []


def test_the_terms_of_the_law_count_from_when_it_was_asked(two: Two, clock: Clock) -> None:
    """The line was away for a week: the officer acted in time."""
    number = two.brought("registered")
    asked_at = two.village.store.now()
    two.village.move(number, "forwarded", to=OTHER)
    clock.move(9 * 24 * 3600)
    two.settle()
    assert two.outcome(number) == "applied"
    assert two.hub.history(number)[-1].at == asked_at


def test_a_hard_one_is_taken_after_all(two: Two) -> None:
    number = two.brought("registered")
    two.village.move(number, "answered", "Water is back.")
    two.hub.move(number, "in_review")
    two.settle()
    assert two.outcome(number) == "hard"
    (clash,) = two.hub.clashes(number)
    assert clash.can_take
    for _ in range(2):
        two.hub.store.write(lambda tx: two.hub.cases.resolve(tx, number, clash.request.id, True, HOLDER))
    two.settle()
    assert two.outcome(number) == "taken"
    assert two.village.case(number).status == "answered"
    assert [event.kind for event in two.village.history(number)] == ["received", "registered", "in_review", "answered"]
    assert two.village.told(number) == 3


def test_a_hard_one_is_set_aside_and_stays_to_be_read(two: Two) -> None:
    number = two.brought("registered")
    two.village.move(number, "extended", "We wait for a map.")
    two.hub.move(number, "answered", "Water is back.")
    two.settle()
    (clash,) = two.hub.clashes(number)
    assert not clash.can_take
    with pytest.raises(statuses.IllegalMoveError):
        two.hub.store.write(lambda tx: two.hub.cases.resolve(tx, number, clash.request.id, True))
    two.hub.store.write(lambda tx: two.hub.cases.resolve(tx, number, clash.request.id, False))
    two.settle()
    assert two.outcome(number) == "set_aside"
    assert two.hub.clashes(number) == []
    assert (two.hub.asked(number)[0].text, two.village.asked(number)[0].text) == ("We wait for a map.",) * 2
    with pytest.raises(errors.DecidedError):
        two.hub.store.write(lambda tx: two.hub.cases.resolve(tx, number, clash.request.id, True))


def test_only_the_holder_decides_and_only_at_the_hub(two: Two) -> None:
    number = two.brought("registered")
    two.village.move(number, "answered", "Water is back.")
    two.hub.move(number, "in_review")
    two.settle()
    request = two.hub.asked(number)[0].id
    with pytest.raises(errors.UnknownCaseError):
        two.hub.store.write(lambda tx: two.hub.cases.resolve(tx, number, request, True, OTHER))
    with pytest.raises(errors.DecidedError):
        two.village.store.write(lambda tx: two.village.cases.resolve(tx, number, request, True, HOLDER))
    assert two.outcome(number) == "hard"


def test_a_late_word_that_it_is_undecided_does_not_undo_the_decision(two: Two) -> None:
    number = two.brought("registered")
    two.village.move(number, "answered", "Water is back.")
    two.hub.move(number, "in_review")
    two.settle()
    hard = [one for one in two.village.came if one[1].kind == payloads.DECIDED]
    two.hub.store.write(lambda tx: two.hub.cases.resolve(tx, number, two.hub.asked(number)[0].id, False))
    two.settle()
    two.village.repeat(hard)
    assert two.outcome(number) == "set_aside"


def test_who_withdraws_gets_no_more_notices_and_the_file_goes_on(two: Two) -> None:
    number = two.brought("registered")
    assert two.village.told(number) == 1
    two.hub.move(number, "in_review")
    two.village.store.write(lambda tx: two.village.cases.wish(tx, number, statuses.WITHDRAWN))
    two.settle()
    assert two.village.told(number) == 1
    assert two.outcome(number) == "soft"
    two.hub.move(number, "answered", "Water is back.")
    two.settle()
    assert (two.village.told(number), two.village.case(number).status) == (1, "answered")
    assert two.hub.case(number).is_withdrawn


def test_a_wish_that_waits_already_stops_notices(two: Two) -> None:
    """The hub's word and the wish pass each other on the line."""
    number = two.brought("registered")
    moved = Moved("001.x.9", number, "in_review", by_agency(HOLDER), "", two.hub.store.now(), version=2)
    event = Event(payloads.MOVED, number, msgspec.json.encode(moved).decode())
    two.village.store.write(lambda tx: two.village.cases.wish(tx, number, statuses.WITHDRAWN))
    two.village.store.write(lambda tx: two.village.cases.apply(tx, outbox.UPSTREAM, event))
    assert two.village.told(number) == 1


def test_who_has_it_reopened_gets_notices_again(two: Two) -> None:
    number = two.brought("registered", "answered", "closed")
    for kind in (statuses.WITHDRAWN, statuses.REOPENED):
        two.village.store.write(lambda tx, kind=kind: two.village.cases.wish(tx, number, kind))  # type: ignore[misc]
    two.settle()
    told = two.village.told(number)
    case = two.village.case(number)
    assert (case.status, case.is_withdrawn, case.due_at, case.registered_at) == ("reopened", False, None, None)
    two.hub.move(number, "registered")
    two.settle()
    assert two.village.told(number) == told + 1
    assert two.hub.case(number).due_at is not None


def test_a_wish_of_an_operator_is_a_forward_that_the_first_agency_can_read(two: Two) -> None:
    number = two.brought("registered")
    two.village.store.write(lambda tx: two.village.cases.wish(tx, number, statuses.FORWARDED, OTHER))
    two.settle()
    assert two.outcome(number) == "applied"
    assert two.hub.case(number).agency == OTHER
    assert [one.reference for one in two.hub.store.read(lambda tx: views.passed_on(tx, HOLDER, 9))] == [number]
    with pytest.raises(errors.PassedOnError):
        two.hub.store.write(lambda tx: two.hub.cases.record(tx, HOLDER, number, "answered", "Words."))


def test_what_a_resident_reads_never_goes_back(two: Two) -> None:
    """Her own wish is shown to nobody as a status before the hub ordered it, so no later word takes it back."""
    number = two.brought("registered", "answered", "closed")
    read = [two.village.case(number)]
    two.village.store.write(lambda tx: two.village.cases.wish(tx, number, statuses.REOPENED))
    read.append(two.village.case(number))
    for kind in ("registered", "in_review"):
        two.village.move(number, kind)
        read.append(two.village.case(number))
    two.settle()
    read.append(two.village.case(number))
    two.village.repeat(two.village.came)
    read.append(two.village.case(number))
    assert [case.status for case in read] == ["closed"] * 4 + ["in_review"] * 2
    assert [case.version for case in read] == sorted(case.version for case in read)


def test_a_station_on_the_way_passes_requests_up_and_decisions_down(tmp_path: Path) -> None:
    clock = Clock(START_S)
    with (
        side(tmp_path / "hub", HUB, clock, False) as hub,
        side(tmp_path / "district", DISTRICT, clock, True) as district,
        side(tmp_path / "village", VILLAGE, clock, True) as village,
    ):
        to_hub, to_district = line(district, hub), line(village, district)
        hub.store.write(lambda tx: stations.set_through(tx, VILLAGE, DISTRICT))
        callers = (to_district, to_hub, to_district)
        number = village.store.write(lambda tx: village.cases.open(tx, APPEAL_TO_HOLDER)).reference
        village.move(number, "registered")
        to_district.call()
        assert [one.outcome for one in district.asked(number)] == ["waiting"]
        district.move(number, "in_review")
        for client in callers:
            while client.call():
                pass
        assert [one.outcome for one in hub.asked(number)] == ["applied", "hard"]
        assert [one.outcome for one in district.asked(number)] == ["applied", "hard"]
        assert [one.outcome for one in village.asked(number)] == ["applied"]
        assert {one.case(number).status for one in (hub, district, village)} == {"registered"}
        assert (hub.aside(), district.aside(), village.aside()) == ([], [], [])


# What is refused


def asks(two: Two, number: str, peer: str = PEER, **changed: object) -> None:
    """A request that this peer made by itself comes to the hub."""
    told = {"event": "007.x.1", "reference": number, "station": VILLAGE, "kind": "registered"}
    told |= {"actor": by_agency(HOLDER), "base": 0, "at": 0, **changed}
    body = msgspec.json.encode(msgspec.convert(told, Requested)).decode()
    two.hub.store.write(lambda tx: two.hub.cases.apply(tx, peer, Event(payloads.REQUESTED, number, body)))


@pytest.mark.parametrize(
    ("peer", "changed"),
    [
        (outbox.station(8), {}),
        (outbox.UPSTREAM, {}),
        (PEER, {"station": 8}),
        (PEER, {"kind": "withdrawn"}),
        (PEER, {"kind": "received"}),
        (PEER, {"kind": "registered", "actor": "resident"}),
        (PEER, {"kind": "answered", "actor": f"operator:{HOLDER}"}),
        (PEER, {"kind": "answered", "actor": "channel"}),
    ],
)
def test_who_has_no_say_is_refused(two: Two, peer: str, changed: dict[str, object]) -> None:
    number = two.file()
    with pytest.raises(errors.ForeignEventError):
        asks(two, number, peer, **changed)
    assert two.hub.asked(number) == []


def test_a_request_for_a_case_that_is_not_here_is_kept_aside(two: Two) -> None:
    number = two.file()
    two.village.move(number, "registered")
    for table in ("events", "cases"):
        two.hub.store.write(lambda tx, table=table: tx.run(f"DELETE FROM {table}"))  # type: ignore[misc]
    two.settle()
    assert two.hub.aside() == [f"CASE_UNKNOWN {number}"]
    assert [one.outcome for one in two.village.asked(number)] == ["waiting"]


def test_an_agency_that_does_not_hold_the_case_moves_nothing(two: Two) -> None:
    number = two.file()
    asks(two, number, actor=by_agency(OTHER))
    assert [one.outcome for one in two.hub.asked(number)] == ["hard"]
    assert two.hub.case(number).status == "received"


def test_a_request_from_a_version_that_the_hub_lost_is_left_to_a_person(two: Two) -> None:
    """The hub's disk went back in time: what the author saw is not here any more."""
    number = two.file()
    asks(two, number, base=3)
    assert [one.outcome for one in two.hub.asked(number)] == ["hard"]


def test_a_decision_that_does_not_come_from_above_is_refused(two: Two) -> None:
    number = two.file()
    body = msgspec.json.encode(Decided("008.x.1", number, "007.x.1", "applied")).decode()
    with pytest.raises(errors.ForeignEventError):
        two.village.store.write(
            lambda tx: two.village.cases.apply(tx, outbox.station(8), Event(payloads.DECIDED, number, body))
        )


# Releases


def test_the_word_of_a_hub_that_knows_no_versions_counts(two: Two) -> None:
    number = two.file()
    for name, kind in (("1.a.1", "registered"), ("1.a.2", "in_review")):
        moved = Moved(name, number, kind, by_agency(HOLDER), "", 1)
        event = Event(payloads.MOVED, number, msgspec.json.encode(moved).decode())
        two.village.store.write(lambda tx, event=event: two.village.cases.apply(tx, outbox.UPSTREAM, event))  # type: ignore[misc]
    assert two.village.case(number).version == 2


def test_every_status_and_wish_has_a_line_in_the_table_of_what_it_touches() -> None:
    assert conflicts.TOUCHES.keys() == statuses.EVENTS | {statuses.WITHDRAWN}
