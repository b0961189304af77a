"""What a station asks for while the hub moves the same case: told when it is true, and refused without a say."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from sado.cases import conflicts, errors, payloads, statuses, terms, views
from sado.cases.payloads import Decided, Moved, Requested, by_agency
from sado.store.tables import stations
from sado.store.tables.events import Event
from sado.sync import outbox
from tests.support.stations import START_S, Clock
from tests.support.two_sides import (
    APPEAL_TO_HOLDER,
    DISTRICT,
    HOLDER,
    HUB,
    OTHER,
    PEER,
    VILLAGE,
    Two,
    line,
    open_two,
    side,
)


@pytest.fixture
def clock() -> Clock:
    return Clock(START_S)


@pytest.fixture
def two(tmp_path: Path, clock: Clock) -> Iterator[Two]:
    with open_two(tmp_path, clock=clock) as pair:
        yield pair


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
    assert two.village.told(number) == 2


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
