"""Moves made in two places: the hub orders them, and whoever asked elsewhere is never lost.

conflicts.txt is the table of every pair: a move made at the hub, and another asked for at a station that had not heard
of it. `pytest --update` rewrites it. The rule that it is held against is written here a second time, in other words.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from sado.cases import conflicts, statuses
from sado.cases.conflicts import Rule
from sado.cases.payloads import Move, by_agency
from sado.cases.statuses import MOVES, STATUSES
from sado.store import Transaction
from sado.store.tables.cases import CaseRow, EventRow
from tests.support.two_sides import APPEAL_TO_HOLDER, FORWARD_BY_OPERATOR, REOPEN_FOR_RESIDENT, VILLAGE, Two, open_two

GOLDEN = Path(__file__).parent / "conflicts.txt"
YEAR_S = 365 * 24 * 3600
CLOCKS = [(0, 0), (YEAR_S, -YEAR_S), (-YEAR_S, YEAR_S)]


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
