"""How long ago something was is right whatever the wall clock did meanwhile."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from sado.store import Store, Transaction
from sado.store.clock import JUMP_MS, KEEP_MS, SteadyClock
from tests.support.stations import open_store

YEAR_MS = 365 * 24 * 3600 * 1000
START_MS = 1_800_000_000_000


@dataclass
class Board:
    """A processor's counter and a wall clock, which go together until somebody sets the latter."""

    store: Store
    wall_ms: int = START_MS
    counter_s: float = 50.0
    clock: SteadyClock = field(init=False)

    def __post_init__(self) -> None:
        self.restart()
        self.keep()

    def restart(self, off_ms: int = 0) -> bool:
        """The power was off for so long by the wall clock; what the first look says."""
        self.counter_s = 50.0
        self.wall_ms += off_ms
        self.clock = self.store.read(lambda tx: SteadyClock(tx._connection, lambda: self.counter_s))
        return self.look()

    def pass_(self, ms: int) -> None:
        self.wall_ms += ms
        self.counter_s += ms / 1000

    def set(self, ms: int) -> None:
        """Somebody sets the wall clock, forwards or back."""
        self.wall_ms += ms

    def look(self) -> bool:
        return self.clock.look(self.wall_ms)

    def keep(self) -> None:
        self.store.write(self.clock.keep)

    @property
    def steady(self) -> int:
        return self.wall_ms - self.clock.steps_ms


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Board]:
    with open_store(tmp_path) as store:
        yield Board(store)


def test_a_clock_that_goes_as_the_processor_does_has_made_no_step(board: Board) -> None:
    for _ in range(100):
        board.pass_(5_000)
        board.look()
    assert board.clock.steps_ms == 0


@pytest.mark.parametrize("jump", [40 * YEAR_MS, -40 * YEAR_MS, 3600_000, -3600_000, JUMP_MS + 1, -JUMP_MS - 1])
def test_an_age_is_right_over_a_jump(board: Board, jump: int) -> None:
    born = board.steady
    board.pass_(60_000)
    board.set(jump)
    assert board.look()
    board.keep()
    board.pass_(60_000)
    assert not board.look()
    assert board.steady - born == 120_000


@pytest.mark.parametrize("drift", [JUMP_MS, -JUMP_MS, 1])
def test_a_small_difference_is_drift_and_no_jump(board: Board, drift: int) -> None:
    board.pass_(5_000)
    board.set(drift)
    assert not board.look()
    assert board.clock.steps_ms == 0


def test_several_jumps_add_up(board: Board) -> None:
    born = board.steady
    for jump in (YEAR_MS, -2 * YEAR_MS, 10_000):
        board.pass_(1_000)
        board.set(jump)
        board.look()
    assert board.clock.steps_ms == 10_000 - YEAR_MS
    assert board.steady - born == 3_000


def test_a_first_start_knows_of_no_jump(board: Board) -> None:
    assert board.clock.steps_ms == 0


def test_time_without_power_counts_where_the_clock_went_on(board: Board) -> None:
    born = board.steady
    board.keep()
    board.restart(off_ms=3600_000)
    assert board.steady - born == 3600_000


def test_a_clock_that_comes_back_earlier_is_taken_to_have_stood_still(board: Board) -> None:
    board.pass_(60_000)
    board.look()
    board.keep()
    born = board.steady
    assert board.restart(off_ms=-50 * YEAR_MS)
    assert board.steady - born == 0
    board.pass_(1_000)
    board.look()
    assert board.steady - born == 1_000
    # The line comes, and with it the time.
    board.set(50 * YEAR_MS)
    board.look()
    assert board.steady - born == 1_000


def test_what_was_not_kept_is_a_restart_at_the_last_that_was(board: Board) -> None:
    board.set(YEAR_MS)
    board.look()
    board.keep()
    steps = board.clock.steps_ms
    board.set(YEAR_MS)
    board.look()
    board.restart()
    assert steps == board.clock.steps_ms == YEAR_MS


def test_it_says_each_hour_that_the_time_is_worth_keeping(board: Board) -> None:
    board.look()
    board.keep()
    board.pass_(KEEP_MS - 1)
    assert not board.look()
    board.pass_(1)
    assert board.look()
    board.keep()
    assert not board.look()


def test_an_event_keeps_its_age_while_the_store_s_clock_jumps(tmp_path: Path) -> None:
    now = [START_MS / 1000]
    counter = [0.0]
    with open_store(tmp_path, lambda: now[0]) as store:
        store.clock = store.read(lambda tx: SteadyClock(tx._connection, lambda: counter[0]))
        store.clock.look(store.now())

        def steady(tx: Transaction) -> int:
            return tx.steady

        born = store.write(steady)
        now[0] += 10 * 365 * 86_400 + 60
        counter[0] += 60
        store.clock.look(store.now())
        assert store.write(steady) - born == 60_000
        assert store.read(steady) - born == 60_000
