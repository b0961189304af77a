"""An exchange is as large as the line carries in a few seconds, and smaller after a fault."""

import pytest

from sado.sync.link import frame_size
from sado.sync.link.frame_size import FIRST, LEAST, MOST, SHARE_S, TIMEOUT_S, FrameSize

# Bytes a second of lines from the thinnest to one that is hardly felt.
RATES = [100.0, 1_200.0, 2_500.0, 12_500.0, 125_000.0]


def settled(rate: float, exchanges: int = 40) -> FrameSize:
    """The frame size after exchanges over a line of this rate."""
    found = FrameSize()
    for _ in range(exchanges):
        found.succeeded(found.limit, found.limit / rate)
    return found


@pytest.mark.parametrize("rate", RATES)
def test_a_full_exchange_takes_no_longer_than_it_may(rate: float) -> None:
    seconds = settled(rate).limit / rate
    assert seconds <= max(SHARE_S, LEAST / rate)


@pytest.mark.parametrize("rate", [1_200.0, 2_500.0, 12_500.0])
def test_it_uses_what_the_line_carries(rate: float) -> None:
    assert settled(rate).limit == pytest.approx(SHARE_S * rate, rel=0.01)


@pytest.mark.parametrize(("rate", "limit"), [(1.0, LEAST), (10_000_000.0, MOST)])
def test_it_stays_within_its_limits(rate: float, limit: int) -> None:
    assert settled(rate).limit == limit


def test_the_first_exchange_is_of_a_middle_size_and_waits_a_middle_time() -> None:
    assert (FrameSize().limit, FrameSize().timeout_s) == (FIRST, TIMEOUT_S)


def test_a_fault_halves_it_down_to_the_least() -> None:
    limits = []
    found = FrameSize()
    for _ in range(6):
        found.failed()
        limits.append(found.limit)
    assert limits == [FIRST // 2, FIRST // 4, LEAST, LEAST, LEAST, LEAST]


def test_before_any_fault_it_grows_at_once_to_what_was_measured() -> None:
    found = FrameSize()
    found.succeeded(4_000, 0.01)
    assert found.limit == MOST


def test_after_a_fault_it_grows_by_a_quarter() -> None:
    found = FrameSize()
    found.failed()
    before = found.limit
    found.succeeded(2_000, 0.01)
    assert found.limit == int(before * frame_size.GROWTH)
    found.succeeded(2_000, 0.01)
    assert found.limit == int(int(before * frame_size.GROWTH) * frame_size.GROWTH)


def test_a_small_exchange_tells_of_the_round_trip_and_not_of_the_line() -> None:
    found = settled(12_500.0)
    before = found.limit
    for _ in range(20):
        found.succeeded(100, 1.0)
    assert found.limit == before
    found.succeeded(frame_size.TELLING, 1.0)
    assert found.limit < before


@pytest.mark.parametrize("seconds", [0.0001, 2.0])
def test_a_small_exchange_says_nothing_of_the_line(seconds: float) -> None:
    found = FrameSize()
    found.succeeded(100, seconds)
    assert (found.limit, found.goodput) == (FIRST, 0)


def test_a_line_that_becomes_slow_is_noticed_within_a_few_exchanges() -> None:
    found = settled(125_000.0)
    for _ in range(12):
        found.succeeded(found.limit, found.limit / 1_200)
    assert found.limit / 1_200 < 1.1 * SHARE_S


@pytest.mark.parametrize("seconds", [0.0, -5.0])
def test_no_time_at_all_is_a_fast_line(seconds: float) -> None:
    found = FrameSize()
    found.succeeded(4_000, seconds)
    assert found.limit == MOST


@pytest.mark.parametrize("rate", RATES)
def test_an_answer_is_waited_for_long_enough_for_a_line_that_has_become_four_times_slower(rate: float) -> None:
    found = settled(rate)
    assert found.timeout_s >= max(TIMEOUT_S, 3.9 * found.limit / rate)
