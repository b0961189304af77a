"""A case is kept as long as the law says, then nameless, then not at all; an open one is never touched."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sado.cases import retention
from sado.cases.errors import UnknownCaseError
from sado.cases.payloads import NOTIFIED, OPENED, Notified
from sado.cases.residents import privacy
from sado.cases.retention import AHEAD_DAYS, Due, Retention
from sado.cases.statuses import DONE, MOVES, WITH_WORDS
from sado.store import Store, Transaction
from sado.store.backups import drill
from sado.store.tables import cases, quarantine, requests
from sado.store.tables import retention as rows
from sado.store.tables.events import Event
from sado.store.zone_time import DAY_MS
from sado.sync import outbox
from tests.support import sealed
from tests.support.pairs import Pair, Side, open_pair
from tests.support.stations import APPEAL, Clock, open_station, shipped_law

DAY_S = 24 * 3600.0
TERMS = shipped_law().retention[APPEAL.kind]
WORDS = "The pump is repaired."
REFUSED = ("registered", "refused")
PEER = outbox.station(7)


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    with open_pair(tmp_path) as opened:
        yield opened


def pass_days(pair: Pair, days: float) -> None:
    clock = pair.village.store._clock
    assert isinstance(clock, Clock)
    clock.move(days * DAY_S)


def keep_terms(store: Store) -> None:
    while store.write(Retention(shipped_law).step):
        pass


def ended(pair: Pair, *moves: str) -> str:
    """A case of the village that was moved so at the hub; its reference."""
    reference = pair.village.store.write(lambda tx: pair.village.cases.open(tx, APPEAL)).reference
    pair.settle()
    for move in moves or ("registered", "answered"):
        pair.hub.store.write(lambda tx, move=move: pair.hub.cases.record(tx, APPEAL.agency, reference, move, WORDS))
    pair.settle()
    return reference


def state(side: Side, reference: str) -> str:
    def look(tx: Transaction) -> str:
        case = cases.find(tx, reference)
        return "deleted" if case is None else "whole" if case.text else "nameless"

    return side.store.read(look)


def words_in(side: Side) -> list[str]:
    """The columns that have a word of the case, or its number."""
    said = (APPEAL.text, APPEAL.name, APPEAL.msisdn, WORDS)
    return sorted({column for column, _, text in sealed.values(side.store) if any(one in (text or "") for one in said)})


def test_it_is_whole_the_day_before_and_nameless_the_day_after_and_then_deleted_at_both(pair: Pair) -> None:
    reference = ended(pair)
    days = 0
    for day, expected in (
        (TERMS.nameless_days, "whole"),
        (TERMS.nameless_days + 1, "nameless"),
        (TERMS.deleted_days, "nameless"),
        (TERMS.deleted_days + 1, "deleted"),
    ):
        pass_days(pair, day - days)
        days = day
        for side in (pair.village, pair.hub):
            keep_terms(side.store)
            assert state(side, reference) == expected


def test_what_is_nameless_has_no_word_left_and_is_counted(pair: Pair) -> None:
    reference = ended(pair)
    pass_days(pair, TERMS.nameless_days + 1)
    assert {"cases.text", "events.text"} <= set(words_in(pair.hub))
    for side in (pair.village, pair.hub):
        keep_terms(side.store)
        assert words_in(side) == []
        case = side.store.read(lambda tx, side=side: side.cases.get(tx, reference))
        assert (case.status, case.topic, case.agency) == ("answered", APPEAL.topic, APPEAL.agency)
        assert side.store.read(lambda tx: cases.history_size(tx, reference).entries) == 3


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(sorted({move for moves in MOVES.values() for move in moves})), max_size=6))
def test_no_open_case_is_ever_touched(wished: list[str]) -> None:
    with TemporaryDirectory() as folder, open_station(Path(folder), 1, has_upstream=False, clock=Clock()) as station:
        store, clock = station.store, Clock()
        store._clock = clock
        reference = store.write(lambda tx: station.cases.open(tx, APPEAL)).reference
        for move in wished:
            text = WORDS if move in WITH_WORDS else ""
            store.write(lambda tx, move=move, text=text: _try(tx, station.cases.record, reference, move, text))
        status = store.read(lambda tx: station.cases.get(tx, reference)).status
        clock.move((TERMS.deleted_days + 1) * DAY_S)
        keep_terms(store)
        is_kept = store.read(lambda tx: cases.find(tx, reference)) is not None
        assert is_kept == (status not in DONE)


def _try(tx: Transaction, record, reference: str, move: str, text: str) -> None:  # type: ignore[no-untyped-def]
    tx.part(lambda: record(tx, APPEAL.agency, reference, move, text, to="power" if move == "forwarded" else ""))


def test_a_request_that_is_not_decided_keeps_a_case(pair: Pair) -> None:
    reference = ended(pair, "registered", "answered", "closed")
    pair.village.store.write(lambda tx: pair.village.cases.wish(tx, reference, "reopened"))
    pass_days(pair, TERMS.deleted_days + 1)
    for side in (pair.village, pair.hub):
        keep_terms(side.store)
    assert pair.village.store.read(lambda tx: requests.waiting(tx, reference)) != []
    assert (state(pair.village, reference), state(pair.hub, reference)) == ("whole", "deleted")


def test_a_clock_that_was_set_forward_makes_nothing_old(pair: Pair) -> None:
    reference, store = ended(pair), pair.village.store
    store.clock.look(store.now())
    pass_days(pair, TERMS.deleted_days + 1)
    store.clock.look(store.now())
    keep_terms(store)
    assert state(pair.village, reference) == "whole"


def test_an_event_about_a_deleted_case_is_taken_quietly(pair: Pair) -> None:
    reference = ended(pair)
    other = ended(pair, "registered")
    pass_days(pair, TERMS.deleted_days + 1)
    keep_terms(pair.hub.store)
    told = Notified("007.x.1", reference, 1)
    for kind, body in (
        (NOTIFIED, msgspec.json.encode(told).decode()),
        (OPENED, "{}"),
        (privacy.FORGOTTEN, f'{{"reference":"{reference}"}}'),
    ):
        pair.hub.store.write(
            lambda tx, kind=kind, body=body: pair.hub.events.apply(tx, PEER, Event(kind, reference, body))
        )
    assert pair.hub.store.read(quarantine.count) == 0
    assert state(pair.hub, reference) == "deleted"
    # Of a case that nobody deleted the same is refused.
    unknown = Notified("007.x.2", "0070000000", 1)
    event = Event(NOTIFIED, "0070000000", msgspec.json.encode(unknown).decode())
    with pytest.raises(UnknownCaseError):
        pair.hub.store.write(lambda tx: pair.hub.events.apply(tx, PEER, event))
    assert state(pair.hub, other) == "whole"


def test_a_step_is_small_and_says_whether_there_is_more(pair: Pair) -> None:
    for _ in range(retention.STEP + 1):
        ended(pair)
    pass_days(pair, TERMS.nameless_days + 1)
    step, store = Retention(shipped_law).step, pair.hub.store
    left = []
    while store.write(step):
        left.append(store.read(lambda tx: tx.value("SELECT COUNT(*) FROM cases WHERE nameless_at IS NULL")))
    assert left == [1, 0]


def test_what_comes_is_seen_thirty_days_before(pair: Pair) -> None:
    reference = ended(pair)
    law, store = shipped_law(), pair.hub.store

    def seen() -> list[Due]:
        coming = store.read(lambda tx: retention.coming(tx, law, 9))
        assert coming.nameless + coming.deleted == len(coming.first)
        return coming.first

    over = law.day_of(store.now())
    pass_days(pair, TERMS.nameless_days - AHEAD_DAYS)
    assert seen() == []
    pass_days(pair, 1)
    (due,) = seen()
    assert (due.reference, (law.day_of(due.at) - over).days, due.is_deleted) == (
        reference,
        TERMS.nameless_days + 1,
        False,
    )
    pass_days(pair, AHEAD_DAYS)
    assert law.day_of(store.now()) == law.day_of(due.at)
    keep_terms(store)
    assert seen() == []
    pass_days(pair, TERMS.deleted_days - TERMS.nameless_days)
    assert [due.is_deleted for due in seen()] == [True]


def test_a_case_whose_time_was_over_is_no_loss_for_a_drill(pair: Pair) -> None:
    reference = ended(pair)
    store = pair.hub.store

    def facts(*, at: Store) -> list[drill.Fact]:
        return at.read(lambda tx: drill.facts_about(tx, [reference])).cases

    copy = facts(at=store)
    for days in (TERMS.nameless_days + 1, TERMS.deleted_days):
        pass_days(pair, days)
        keep_terms(store)
        assert drill.lost_cases(copy, facts(at=store)) == []
    store.write(lambda tx: tx.run("DELETE FROM deleted_cases"))
    assert drill.lost_cases(copy, facts(at=store)) != []


def test_that_a_case_was_deleted_is_forgotten_in_the_end(pair: Pair) -> None:
    reference = ended(pair)
    pair.hub.store.write(lambda tx: rows.delete(tx, reference))
    pair.hub.store.write(lambda tx: rows.forget(tx, tx.steady))
    assert pair.hub.store.read(lambda tx: rows.was_deleted(tx, reference))
    pair.hub.store.write(lambda tx: rows.forget(tx, tx.steady + DAY_MS))
    assert not pair.hub.store.read(lambda tx: rows.was_deleted(tx, reference))
