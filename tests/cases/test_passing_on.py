"""A case that is passed on: who sees it, who moves it, and what the station that filed it learns."""

from pathlib import Path

import msgspec
import pytest

from sado.cases import views
from sado.cases.errors import NoOtherAgencyError, PassedOnError, UnknownCaseError
from sado.cases.payloads import Filed, Moved
from sado.sync import outbox
from tests.support.cases import (
    DAY_S,
    FILED_AT,
    MOVE,
    PEER,
    arrive,
    case_of,
    day_of,
    events_told,
    hear,
    queued,
    record,
    rows,
)
from tests.support.stations import Clock, Station, open_station


def test_a_case_that_is_passed_on_begins_anew_at_the_other_agency(village: Station, filed: Filed, clock: Clock) -> None:
    record(village, filed.reference, "registered", is_short=True)
    record(village, filed.reference, "extended")
    record(village, filed.reference, "forwarded", "Not ours.")
    case = case_of(village, filed.reference)
    assert (case.agency, case.status) == ("tax", "forwarded")
    assert (case.registered_at, case.due_at, case.is_short, case.extensions) == (None, None, False, 0)
    clock.move(DAY_S)
    case = record(village, filed.reference, "registered", agency="tax")
    assert (case.registered_at, day_of(village, case.due_at)) == (FILED_AT + DAY_S * 1000, "2027-02-15")
    assert record(village, filed.reference, "extended", agency="tax").extensions == 1


def test_the_first_agency_sees_the_case_as_it_left(village: Station, filed: Filed) -> None:
    record(village, filed.reference, "registered")
    left = record(village, filed.reference, "forwarded", "Not ours.")
    record(village, filed.reference, "registered", agency="tax")
    record(village, filed.reference, "answered", "Paid.", agency="tax")
    seen, events = village.store.read(lambda tx: views.seen_by(tx, "water", filed.reference))
    assert seen == left
    assert (seen.status, seen.agency, seen.registered_at, seen.due_at) == ("forwarded", "tax", None, None)
    assert [(event.kind, event.agency) for event in events] == [
        ("received", ""),
        ("registered", ""),
        ("forwarded", "tax"),
    ]


def test_the_agency_that_holds_a_case_sees_all_of_it(village: Station, filed: Filed) -> None:
    for event in ("registered", "forwarded", "registered", "forwarded", "registered"):
        record(village, filed.reference, event)
    seen, events = village.store.read(lambda tx: views.seen_by(tx, "water", filed.reference))
    assert (seen, len(events)) == (case_of(village, filed.reference), 6)


def test_an_agency_that_never_held_it_sees_nothing(village: Station, filed: Filed) -> None:
    record(village, filed.reference, "registered")
    record(village, filed.reference, "forwarded")
    with pytest.raises(UnknownCaseError):
        village.store.read(lambda tx: views.seen_by(tx, "roads", filed.reference))


def test_who_passed_a_case_on_has_no_more_say_in_it(village: Station, filed: Filed) -> None:
    record(village, filed.reference, "registered")
    record(village, filed.reference, "forwarded", "Not ours.")
    before = rows(village.store)
    for event in ("registered", "answered"):
        with pytest.raises(PassedOnError, match="to tax"):
            record(village, filed.reference, event, agency="water")
    assert record(village, filed.reference, "forwarded", "Not ours.", agency="water").status == "forwarded"
    assert rows(village.store) == before


@pytest.mark.parametrize("to", ["", "water"])
def test_a_case_is_passed_on_to_another_agency(village: Station, filed: Filed, to: str) -> None:
    record(village, filed.reference, "registered")
    with pytest.raises(NoOtherAgencyError):
        village.store.write(lambda tx: village.cases.record(tx, "water", filed.reference, "forwarded", "", to=to))
    assert case_of(village, filed.reference).status == "registered"


def test_what_an_agency_passed_on_is_listed_until_it_comes_back(village: Station, filed: Filed, clock: Clock) -> None:
    def listed(agency: str) -> list[tuple[str, str]]:
        found = village.store.read(lambda tx: views.passed_on(tx, agency, 9))
        return [(event.reference, event.agency) for event in found]

    record(village, filed.reference, "registered")
    assert listed("water") == []
    record(village, filed.reference, "forwarded")
    assert (listed("water"), listed("tax")) == ([(filed.reference, "tax")], [])
    record(village, filed.reference, "registered")
    record(village, filed.reference, "forwarded")
    assert (listed("water"), listed("tax")) == ([], [(filed.reference, "water")])


def test_the_station_that_filed_learns_the_term_and_the_agency(tmp_path: Path, clock: Clock) -> None:
    with (
        open_station(tmp_path / "hub", 0, has_upstream=False, clock=clock) as hub,
        open_station(tmp_path / "village", 8, clock=clock) as village,
    ):
        number = arrive(hub)
        arrive(village)
        for event in ("registered", "extended", "forwarded", "registered"):
            clock.move(60)
            record(hub, number, event)
            told = events_told(hub, PEER)[-1]
            hear(village, msgspec.json.encode(told).decode())
            here, there = case_of(hub, number), case_of(village, number)
            assert there == here
        assert (here.agency, here.status) == ("tax", "registered")


def test_an_event_of_an_older_release_moves_the_case_without_a_term(village: Station, filed: Filed) -> None:
    for name, kind in (("1.a.1", "registered"), ("1.a.2", "forwarded")):
        body = MOVE.replace("8.a.1", name).replace("0070000017", filed.reference).replace("answered", kind)
        hear(village, body)
    case = case_of(village, filed.reference)
    assert (case.status, case.agency, case.due_at) == ("forwarded", "water", None)


def test_an_event_without_a_term_is_what_an_older_release_reads(village: Station, filed: Filed) -> None:
    moved = Moved("8.a.1", "0070000017", "answered", "agency:HCU", "No.", 1)
    assert msgspec.json.encode(moved).decode() == MOVE


def test_each_event_at_the_filing_station_makes_one_notice(village: Station, filed: Filed) -> None:
    record(village, filed.reference, "registered")
    record(village, filed.reference, "registered")
    record(village, filed.reference, "answered")
    notices = [entry.kind for entry in queued(village, filed.reference) if entry.destination == outbox.SMS]
    assert notices == ["notice", "notice"]


def test_the_last_words_are_the_agency_s(village: Station, filed: Filed) -> None:
    assert village.store.read(lambda tx: views.last_words(tx, filed.reference)) == ""
    record(village, filed.reference, "registered", "")
    record(village, filed.reference, "answered", "Water is back.")
    record(village, filed.reference, "closed", "")
    assert village.store.read(lambda tx: views.last_words(tx, filed.reference)) == "Water is back."
