"""The terms of the law: when an answer is due, and what may still be put off."""

import msgspec
import pytest

from sado.cases import statuses, terms, views
from sado.cases.payloads import Filed
from sado.cases.statuses import MOVES
from tests.support.cases import DAY_S, FILED_AT, case_of, day_of, file, record, rows
from tests.support.stations import APPEAL, Clock, Station


def test_no_answer_is_due_before_the_registration(village: Station, filed: Filed, clock: Clock) -> None:
    assert case_of(village, filed.reference).due_at is None
    clock.move(9 * DAY_S)
    registered = record(village, filed.reference, "registered")
    assert (registered.registered_at, day_of(village, registered.due_at)) == (FILED_AT + 9 * DAY_S * 1000, "2027-02-23")


def test_a_case_may_be_registered_for_the_short_term(village: Station, filed: Filed) -> None:
    assert day_of(village, record(village, filed.reference, "registered", is_short=True).due_at) == "2027-02-01"
    assert case_of(village, filed.reference).is_short


def test_the_other_term_is_no_repeat_of_a_registration(village: Station, filed: Filed) -> None:
    record(village, filed.reference, "registered")
    with pytest.raises(statuses.IllegalMoveError):
        record(village, filed.reference, "registered", is_short=True)


def test_what_is_no_appeal_has_no_short_term(village: Station) -> None:
    question = msgspec.structs.replace(APPEAL, kind="question")
    number = village.store.write(lambda tx: village.cases.open(tx, question)).reference
    with pytest.raises(terms.NoShortTermError, match="question"):
        record(village, number, "registered", is_short=True)
    assert day_of(village, record(village, number, "registered").due_at) == "2027-02-01"


@pytest.mark.parametrize(("is_short", "last"), [(False, "2027-03-16"), (True, "2027-03-01")])
def test_a_term_is_extended_once(village: Station, filed: Filed, is_short: bool, last: str) -> None:
    record(village, filed.reference, "registered", is_short=is_short)
    assert day_of(village, record(village, filed.reference, "extended", "We wait for a map.").due_at) == last
    record(village, filed.reference, "in_review")
    before = rows(village.store)
    with pytest.raises(terms.NoExtensionError, match="so far: 1"):
        record(village, filed.reference, "extended", "We still wait.")
    assert rows(village.store) == before


def test_a_term_that_has_run_out_is_not_extended(village: Station, filed: Filed, clock: Clock) -> None:
    due = record(village, filed.reference, "registered").due_at or 0
    clock.move((due - FILED_AT) / 1000 + 0.001)
    with pytest.raises(terms.NoExtensionError, match="has run out"):
        record(village, filed.reference, "extended", "We wait for a map.")
    clock.move(-0.001)
    assert record(village, filed.reference, "extended", "We wait for a map.").extensions == 1


def test_a_kind_outside_the_law_on_appeals_is_not_extended(village: Station) -> None:
    question = msgspec.structs.replace(APPEAL, kind="question")
    number = village.store.write(lambda tx: village.cases.open(tx, question)).reference
    record(village, number, "registered")
    with pytest.raises(terms.NoExtensionError):
        record(village, number, "extended", "We wait for a map.")


def test_the_term_stays_through_later_moves(village: Station, filed: Filed) -> None:
    due = record(village, filed.reference, "registered").due_at
    for event in ("in_review", "documents_needed", "answered", "closed"):
        assert record(village, filed.reference, event).due_at == due


def test_the_days_for_passing_a_case_on_end(village: Station, filed: Filed, clock: Clock) -> None:
    record(village, filed.reference, "registered")
    last = village.cases.law().end_of(village.cases.law().forward_by(FILED_AT))
    clock.move((last - FILED_AT) / 1000 + 0.001)
    with pytest.raises(terms.ForwardTooLateError, match="until 2027-01-20"):
        record(village, filed.reference, "forwarded")
    clock.move(-0.001)
    assert record(village, filed.reference, "forwarded").status == "forwarded"


def test_the_moves_on_offer_are_those_that_are_taken(village: Station, filed: Filed, clock: Clock) -> None:
    def offered() -> frozenset[str]:
        return village.store.read(lambda tx: village.cases.moves(tx, village.cases.get(tx, filed.reference)))

    assert offered() == {"registered"}
    record(village, filed.reference, "registered")
    assert offered() == MOVES["registered"]
    clock.move(9 * DAY_S)
    assert MOVES["registered"] - offered() == {"forwarded"}
    record(village, filed.reference, "extended")
    assert MOVES["extended"] - offered() == {"forwarded"}
    record(village, filed.reference, "in_review")
    assert MOVES["in_review"] - offered() == {"forwarded", "extended"}


def test_late_cases_are_listed_with_the_longest_overdue_first(village: Station, clock: Clock) -> None:
    first, second, answered, unregistered = (file(village).reference for _ in range(4))
    for number, is_short in ((first, False), (second, True), (answered, True)):
        record(village, number, "registered", is_short=is_short)
    record(village, answered, "answered")

    def late() -> list[str]:
        return village.store.read(lambda tx: [case.reference for case in views.late(tx, 9)])

    clock.move(((case_of(village, second).due_at or 0) - FILED_AT) / 1000)
    assert late() == []
    clock.move(0.001)
    assert late() == [second]
    clock.move(90 * DAY_S)
    assert late() == [second, first]
    assert unregistered not in late()
