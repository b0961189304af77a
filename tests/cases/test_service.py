"""A case: what is kept together, which event may follow which, and which cannot be applied."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from sado.cases import errors, payloads, statuses, views
from sado.cases.errors import UnknownCaseError
from sado.cases.payloads import Filed, Opened
from sado.cases.statuses import MOVES, STATUSES
from sado.store import Transaction
from sado.store.tables.events import Event
from sado.sync import outbox
from tests.support.cases import (
    DAY_S,
    FILED_AT,
    MOVE,
    OTHER,
    PEER,
    bodies_for,
    case_of,
    file,
    history,
    queued,
    record,
    rows,
)
from tests.support.stations import APPEAL, Clock, Station, open_station

PAIRS = list(itertools.product(STATUSES, [*STATUSES, "approved"]))


# Filing


def test_a_case_its_event_and_its_entry_are_kept_together(outpost: Station) -> None:
    filed = file(outpost)
    assert case_of(outpost, filed.reference).text == APPEAL.text
    assert [event.kind for event in history(outpost, filed.reference)] == ["received"]
    assert [(entry.destination, entry.kind) for entry in queued(outpost, filed.reference)] == [
        (outbox.UPSTREAM, payloads.OPENED)
    ]


def test_what_fails_after_filing_takes_the_case_back(outpost: Station) -> None:
    def fail(tx: Transaction) -> None:
        outpost.cases.open(tx, APPEAL)
        raise ValueError("the screen could not be made")

    before = rows(outpost.store)
    with pytest.raises(ValueError, match="the screen"):
        outpost.store.write(fail)
    assert rows(outpost.store) == before


def test_the_entry_carries_the_whole_appeal(outpost: Station) -> None:
    filed = file(outpost)
    (body,) = bodies_for(outpost, outbox.UPSTREAM)
    opened = msgspec.json.decode(body, type=Opened)
    assert msgspec.structs.asdict(opened).items() >= msgspec.structs.asdict(APPEAL).items()
    assert (opened.reference, opened.station, opened.received_at) == (filed.reference, 7, FILED_AT)


def test_a_station_without_an_upstream_queues_nothing(tmp_path: Path) -> None:
    with open_station(tmp_path / "hub", 1, has_upstream=False) as hub:
        assert queued(hub, file(hub).reference) == []


def test_a_phone_lists_its_own_cases_newest_first(village: Station, filed: Filed) -> None:
    later = file(village)
    mine = village.store.read(lambda tx: views.mine(tx, APPEAL.msisdn))
    assert [case.reference for case in mine] == [later.reference, filed.reference]
    assert village.store.read(lambda tx: views.mine(tx, OTHER)) == []


# Moves


def path_to(status: str) -> list[str]:
    """The shortest way to a status, found in the table."""
    paths = {statuses.RECEIVED: [statuses.RECEIVED]}
    for at in paths_in_order(paths):
        for after in sorted(MOVES[at] - paths.keys()):
            paths[after] = [*paths[at], after]
    return paths[status][1:]


def paths_in_order(paths: dict[str, list[str]]) -> Iterator[str]:
    """The statuses in `paths`, also those that are added meanwhile."""
    seen = 0
    while seen < len(paths):
        yield list(paths)[seen]
        seen += 1


def test_every_status_is_reached_and_a_closed_case_can_only_be_reopened() -> None:
    assert all(path_to(status)[-1:] == [status] for status in STATUSES[1:])
    assert all(MOVES.values())
    assert MOVES["closed"] == {"reopened"}
    assert [status for status, after in MOVES.items() if "closed" in after] == ["answered", "refused"]


@pytest.mark.parametrize(("status", "event"), PAIRS)
def test_an_event_follows_only_where_the_table_says(village: Station, filed: Filed, status: str, event: str) -> None:
    for step in path_to(status):
        record(village, filed.reference, step)
    before = rows(village.store)
    if event in MOVES[status]:
        assert record(village, filed.reference, event, "other words").status == event
    else:
        with pytest.raises(statuses.IllegalMoveError, match=f"that is {status} cannot become {event}"):
            record(village, filed.reference, event, "other words")
        assert rows(village.store) == before
        assert case_of(village, filed.reference).status == status


@pytest.mark.parametrize("event", sorted(statuses.WITH_WORDS))
@pytest.mark.parametrize("text", ["", " \n"])
def test_what_the_resident_waits_for_needs_words(village: Station, filed: Filed, event: str, text: str) -> None:
    record(village, filed.reference, "registered")
    with pytest.raises(statuses.WordsMissingError, match=event):
        record(village, filed.reference, event, text)
    assert case_of(village, filed.reference).status == "registered"


def test_received_and_registered_are_two_moments(village: Station, filed: Filed, clock: Clock) -> None:
    assert case_of(village, filed.reference).registered_at is None
    clock.move(DAY_S)
    record(village, filed.reference, "registered")
    clock.move(DAY_S)
    case = record(village, filed.reference, "answered")
    assert (case.received_at, case.registered_at) == (FILED_AT, FILED_AT + DAY_S * 1000)
    assert case.updated_at == FILED_AT + 2 * DAY_S * 1000


def test_the_same_event_again_changes_nothing(village: Station, filed: Filed, clock: Clock) -> None:
    record(village, filed.reference, "registered")
    once = record(village, filed.reference, "answered", "Water is back.")
    before = rows(village.store)
    clock.move(60)
    assert record(village, filed.reference, "answered", "Water is back.") == once
    assert rows(village.store) == before


def test_a_second_question_with_the_same_words_is_an_event_of_its_own(village: Station, filed: Filed) -> None:
    for event in ("registered", "documents_needed", "in_review", "documents_needed"):
        record(village, filed.reference, event, "Send a copy.")
    assert [event.kind for event in history(village, filed.reference)].count("documents_needed") == 2


def test_another_agency_is_told_as_if_there_were_no_case(village: Station, filed: Filed) -> None:
    before = rows(village.store)
    told = []
    for number, agency in ((filed.reference, "tax"), ("0070000000", "water")):
        with pytest.raises(UnknownCaseError) as refusal:
            record(village, number, "registered", agency=agency)
        told.append(type(refusal.value))
    assert told == [UnknownCaseError] * 2
    assert rows(village.store) == before


@pytest.mark.parametrize(
    ("peer", "kind", "body", "error"),
    [
        (outbox.UPSTREAM, "case.merged", "{}", errors.UnknownEventError),
        (PEER, payloads.OPENED, "{}", msgspec.ValidationError),
        (outbox.UPSTREAM, payloads.MOVED, "not json", msgspec.DecodeError),
        (PEER, payloads.NOTIFIED, '{"event":"008.a.1","reference":"0080000000","at":1}', UnknownCaseError),
        (PEER, payloads.NOTIFIED, '{"event":"1.a.1","reference":"0090000000","at":1}', errors.ForeignEventError),
        (PEER, payloads.NOTIFIED, '{"event":"1.a.1","reference":"0080000001","at":1}', errors.ForeignEventError),
        (
            PEER,
            payloads.NOTIFIED,
            '{"event":"1.a.1","reference":"0080000000","at":1000000000000000}',
            msgspec.ValidationError,
        ),
        (PEER, payloads.MOVED, MOVE, errors.ForeignEventError),
    ],
)
def test_an_event_that_cannot_be_applied_says_why(
    village: Station, peer: str, kind: str, body: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        village.store.write(lambda tx: village.cases.apply(tx, peer, Event(kind, "0080000000", body)))
