"""Events cross the line exactly once, wherever it is cut."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from sado.store import Transaction
from sado.store.tables import lanes
from sado.store.tables.events import Event
from sado.sync import outbox
from sado.sync.codes import Cause
from sado.sync.errors import LineDownError
from sado.sync.wire.frame import FrameError, Message
from tests.support.village_and_hub import (
    HUB,
    PEER,
    Pair,
    all_cases,
    applied_at,
    check_ledger,
    counting,
    dump,
    lane_of,
    lose_answer,
    made_at,
    noise,
)


def cut_request(pair: Pair, size: int) -> int:
    """An exchange whose request is cut to `size` bytes, or by its last one; how long it was whole."""
    whole = 0

    def post(packed: bytes, timeout_s: float) -> bytes:
        nonlocal whole
        whole = len(packed)
        with pytest.raises(FrameError):
            pair.answer(packed[: min(size, whole - 1)])
        raise LineDownError(Cause.LINE_CUT)

    with pytest.raises(LineDownError):
        pair.call(post)
    return whole


def cut_answer(pair: Pair, size: int) -> int:
    """An exchange whose answer is cut to `size` bytes, or by its last one; how long it was whole."""
    whole = 0

    def post(packed: bytes, timeout_s: float) -> bytes:
        nonlocal whole
        answer = pair.answer(packed)
        whole = len(answer)
        return answer[: min(size, whole - 1)]

    with pytest.raises(FrameError):
        pair.call(post)
    return whole


def cut_at_every_byte(pair: Pair, cut: Callable[[Pair, int], int]) -> int:
    """Cut one exchange after another, each a byte later, up to a whole frame less one; how many. Frames differ by a
    few bytes: the number of the exchange grows, and compresses better or worse."""
    size = 0
    while size + 1 < cut(pair, size):
        size += 1
    return size + 1


def test_a_request_cut_at_any_byte_changes_nothing_at_the_hub(busy: Pair) -> None:
    busy.file(noise(120))
    before = dump(busy.hub.store)
    assert cut_at_every_byte(busy, cut_request) > 200
    assert dump(busy.hub.store) == before
    busy.settle()
    check_ledger(busy)


def test_an_answer_cut_at_any_byte_is_made_good_by_the_next(busy: Pair) -> None:
    known = next(reference for reference, status in all_cases(busy.hub) if status == "answered")
    busy.record(known, "closed", noise(120))
    before = made_at(busy.village.store, HUB)
    assert cut_at_every_byte(busy, cut_answer) > 200
    assert made_at(busy.village.store, HUB) == before
    busy.settle()
    check_ledger(busy)


def test_a_frame_between_two_who_know_each_other_is_refused_when_cut_at_any_byte(busy: Pair) -> None:
    """The frames above follow a fault, and so say all that their sender knows; this one says only what is new."""
    packed = busy.request()
    assert busy.up(packed).incarnation == b""
    before = dump(busy.hub.store)
    for size in range(len(packed)):
        with pytest.raises(FrameError):
            busy.answer(packed[:size])
    assert dump(busy.hub.store) == before
    answer = busy.answer(packed)
    assert busy.down(answer).incarnation == b""
    for size in range(len(answer)):
        with pytest.raises(FrameError):
            busy.down(answer[:size])


def test_cuts_both_ways_while_people_go_on_filing(busy: Pair) -> None:
    for size in range(0, 150, 5):
        cut_request(busy, size)
        cut_answer(busy, size)
        lose_answer(busy)
        busy.file()
    busy.settle()
    check_ledger(busy)


def test_an_answer_that_never_comes_is_asked_for_again(busy: Pair) -> None:
    lose_answer(busy)
    lose_answer(busy)
    assert busy.settle() <= 2
    check_ledger(busy)


def test_a_program_that_begins_anew_after_a_lost_answer_goes_on(busy: Pair) -> None:
    lose_answer(busy)
    busy.restart()
    assert busy.settle() <= 2
    check_ledger(busy)


def forget_cursor(pair: Pair, before: lanes.Lane) -> None:
    """The hub's cursor goes back, without its events."""
    now = lane_of(pair.hub.store, PEER)
    back = replace(now, received=before.received, received_hash=before.received_hash)
    pair.hub.store.write(lambda tx: lanes.save(tx, back))


def test_a_hub_that_forgets_its_cursor_knows_the_events_again_by_their_ids(busy: Pair) -> None:
    before = lane_of(busy.hub.store, PEER)
    lose_answer(busy)
    forget_cursor(busy, before)
    busy.settle()
    check_ledger(busy)


def test_a_hub_that_forgets_its_cursor_and_the_ids_applies_twice_and_the_ledger_sees_it(busy: Pair) -> None:
    before = lane_of(busy.hub.store, PEER)
    lose_answer(busy)
    forget_cursor(busy, before)
    busy.hub.store.write(lambda tx: lanes.forget_applied(tx, tx.now + 1))
    busy.settle()
    assert 2 in applied_at(busy.hub.store).values()
    with pytest.raises(AssertionError):
        check_ledger(busy)


def test_a_village_that_forgets_its_cursor_applies_twice_and_the_ledger_sees_it(busy: Pair) -> None:
    answers: list[Message] = []

    def keep(packed: bytes, timeout_s: float) -> bytes:
        answer = busy.answer(packed)
        answers.append(busy.down(answer))
        return answer

    busy.call(keep)
    (run,) = answers[0].runs.values()
    apply = counting(busy.village.cases.apply)

    def again(tx: Transaction) -> None:
        for one in run.events:
            apply(tx, outbox.UPSTREAM, Event(one.kind, one.reference, one.body))

    busy.village.store.write(again)
    busy.settle()
    assert 2 in applied_at(busy.village.store).values()
    with pytest.raises(AssertionError):
        check_ledger(busy)
