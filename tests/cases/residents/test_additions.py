"""What a resident adds to her case reaches the agency once, and never passes for the agency's words."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from sado.cases import payloads, statuses, views
from sado.cases.authorisation import MOST_ADDED_HERE
from sado.cases.errors import CaseFullError, ForeignEventError, UnknownCaseError, UnknownEventError
from sado.cases.payloads import Filed
from sado.cases.residents import additions
from sado.cases.residents.additions import Added
from sado.store.tables import cases
from sado.store.tables.cases import EventRow
from sado.store.tables.events import Event
from sado.sync import outbox
from tests.support.pairs import Pair, Side, open_pair
from tests.support.stations import APPEAL

MORE = "Ҳавзи деҳа ҳам холӣ шуд."
PEER = outbox.station(7)


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    with open_pair(tmp_path) as opened:
        yield opened


@pytest.fixture
def filed(pair: Pair) -> Filed:
    filed = pair.village.store.write(lambda tx: pair.village.cases.open(tx, APPEAL))
    pair.settle()
    return filed


def add(side: Side, reference: str, text: str = MORE) -> bool:
    return side.store.write(lambda tx: side.additions.add(tx, side.cases.get(tx, reference), text))


def added(side: Side, reference: str) -> list[EventRow]:
    events = side.store.read(lambda tx: cases.events_of(tx, reference))
    return [event for event in events if event.kind == statuses.ADDED]


def move(pair: Pair, reference: str, *kinds: str) -> None:
    for kind in kinds:
        pair.hub.store.write(
            lambda tx, kind=kind: pair.hub.cases.record(tx, APPEAL.agency, reference, kind, "Нест." if kind else "")
        )
    pair.settle()


def test_words_that_are_added_are_in_the_history_here_and_at_the_hub(pair: Pair, filed: Filed) -> None:
    assert add(pair.village, filed.reference)
    pair.settle()
    for side in (pair.village, pair.hub):
        (event,) = added(side, filed.reference)
        assert (event.text, event.actor) == (MORE, payloads.RESIDENT)


def test_an_event_that_comes_again_changes_nothing(pair: Pair, filed: Filed) -> None:
    body = msgspec.json.encode(Added("007.x.1", filed.reference, MORE, 1)).decode()
    event = Event(additions.ADDED, filed.reference, body)
    for _ in range(2):
        pair.hub.store.write(lambda tx: pair.hub.additions.apply(tx, PEER, event))
    assert len(added(pair.hub, filed.reference)) == 1


def test_nothing_is_added_to_a_case_that_is_over(pair: Pair, filed: Filed) -> None:
    move(pair, filed.reference, "registered", statuses.ANSWERED)
    assert not add(pair.village, filed.reference)
    assert added(pair.village, filed.reference) == []


def test_a_case_takes_no_more_words_here_than_its_hub_takes(pair: Pair, filed: Filed) -> None:
    for _ in range(MOST_ADDED_HERE - 1):
        assert add(pair.village, filed.reference)
    with pytest.raises(CaseFullError):
        add(pair.village, filed.reference)
    pair.settle()
    assert len(added(pair.hub, filed.reference)) == MOST_ADDED_HERE - 1


def test_what_was_added_before_the_answer_was_known_is_kept_all_the_same(pair: Pair, filed: Filed) -> None:
    assert add(pair.village, filed.reference)
    for kind in ("registered", statuses.ANSWERED):
        pair.hub.store.write(
            lambda tx, kind=kind: pair.hub.cases.record(tx, APPEAL.agency, filed.reference, kind, "Нест.")
        )
    pair.settle()
    assert len(added(pair.hub, filed.reference)) == 1


def test_her_own_words_are_not_read_to_her_as_the_agencys(pair: Pair, filed: Filed) -> None:
    move(pair, filed.reference, "registered", "documents_needed")
    assert add(pair.village, filed.reference)
    assert pair.village.store.read(lambda tx: views.last_words(tx, filed.reference)) == "Нест."


@pytest.mark.parametrize(
    ("peer", "reference", "kind", "error"),
    [
        (outbox.station(8), "", additions.ADDED, ForeignEventError),
        (outbox.UPSTREAM, "", additions.ADDED, ForeignEventError),
        (PEER, "0070000000", additions.ADDED, UnknownCaseError),
        (PEER, "", "addition.other", UnknownEventError),
    ],
)
def test_what_nobody_may_add_is_refused(
    pair: Pair, filed: Filed, peer: str, reference: str, kind: str, error: type[Exception]
) -> None:
    reference = reference or filed.reference
    body = msgspec.json.encode(Added("007.x.1", reference, MORE, 1)).decode()
    with pytest.raises(error):
        pair.hub.store.write(lambda tx: pair.hub.additions.apply(tx, peer, Event(kind, reference, body)))
    assert added(pair.hub, filed.reference) == []
