"""Reference numbers: none twice, none guessed from another, and a slip of the finger is noticed."""

import hashlib
import hmac
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sado.cases import reference
from sado.cases.reference import CAPACITY, HALF, ROUNDS, ReferencesExhaustedError
from sado.store import Transaction
from tests.support.stations import open_store

BODIES = st.text("0123456789", min_size=9, max_size=9)
KEYS = st.binary(min_size=32, max_size=32)
BLOCK = 200


def numbered(body: str) -> str:
    return body + reference.check_digit(body)


def issue_many(tx: Transaction, station: int) -> list[str]:
    return [reference.issue(tx, station) for _ in range(BLOCK)]


@given(KEYS, st.integers(0, CAPACITY - BLOCK))
def test_a_block_of_counters_gives_as_many_numbers(key: bytes, first: int) -> None:
    numbers = {reference.permuted(key, counter) for counter in range(first, first + BLOCK)}
    assert len(numbers) == BLOCK
    assert min(numbers) >= 0
    assert max(numbers) < CAPACITY


@given(KEYS, st.integers(0, CAPACITY - 1))
def test_the_permutation_can_be_walked_back(key: bytes, counter: int) -> None:
    left, right = divmod(reference.permuted(key, counter), HALF)
    for number in reversed(range(ROUNDS)):
        left, right = (right - shift(key, number, left)) % HALF, left
    assert left * HALF + right == counter


def shift(key: bytes, number: int, half: int) -> int:
    """How far round `number` moves the other half, written a second time from the page."""
    return int.from_bytes(hmac.digest(key, b"%d:%d" % (number, half), hashlib.sha256)[:8], "big") % HALF


def test_the_whole_million_is_used_once_each() -> None:
    key = bytes(range(32))
    shifts = [[shift(key, number, half) for half in range(HALF)] for number in range(ROUNDS)]

    def fast(left: int, right: int) -> int:
        for row in shifts:
            left, right = right, (left + row[right]) % HALF
        return left * HALF + right

    places = [fast(left, right) for left in range(HALF) for right in range(HALF)]
    assert sorted(places) == list(range(CAPACITY))
    assert all(places[counter] == reference.permuted(key, counter) for counter in range(0, CAPACITY, 997))


def test_issued_references_are_different_whole_and_of_their_station(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        issued = [*store.write(lambda tx: issue_many(tx, 7)), *store.write(lambda tx: issue_many(tx, 7))]
    assert len(set(issued)) == 2 * BLOCK
    assert all(reference.is_reference(number) and number.startswith("007") for number in issued)


def test_neighbouring_references_do_not_look_alike(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        issued = [int(number[3:9]) for number in store.write(lambda tx: issue_many(tx, 7))]
    steps = {after - before for before, after in zip(issued, issued[1:], strict=False)}
    assert len(steps) > BLOCK * 9 // 10


def test_the_last_reference_is_followed_by_a_refusal(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        use_up = "INSERT INTO counters (name, value) VALUES ('references', :used)"
        store.write(lambda tx: tx.run(use_up, used=CAPACITY - 1))
        assert reference.is_reference(store.write(lambda tx: reference.issue(tx, 7)))
        with pytest.raises(ReferencesExhaustedError, match="Station 7"):
            store.write(lambda tx: reference.issue(tx, 7))


@given(BODIES)
def test_every_wrong_digit_is_noticed(body: str) -> None:
    right = numbered(body)
    slips = {right[:at] + digit + right[at + 1 :] for at in range(len(right)) for digit in "0123456789"}
    assert [slip for slip in slips if reference.is_reference(slip)] == [right]


@given(BODIES)
def test_every_swap_of_neighbours_is_noticed(body: str) -> None:
    right = numbered(body)
    swaps = {right[:at] + right[at + 1] + right[at] + right[at + 2 :] for at in range(len(right) - 1)}
    assert [swap for swap in swaps - {right} if reference.is_reference(swap)] == []


@given(st.text(max_size=12))
def test_other_texts_are_refused(typed: str) -> None:
    digits = len(typed) == 10 and all("0" <= letter <= "9" for letter in typed)
    assert not reference.is_reference(typed) or digits


@pytest.mark.parametrize(
    "typed", ["", "0", "000000000", "00000000000", "٠٠٠٠٠٠٠٠٠٠", "²²²²²²²²²²", "-000000000", "0 0000000"]
)
def test_junk_is_refused(typed: str) -> None:
    assert not reference.is_reference(typed)
