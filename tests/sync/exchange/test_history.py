"""Both sides of a lane have the same last words of it, and get along when one has lost them."""

import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from sado.store import Store, Transaction
from sado.store.tables import lanes, received_events
from sado.store.tables.events import MOST_READ
from sado.sync import outbox
from sado.sync.exchange import history
from sado.sync.wire import head, shared_history, varint
from sado.sync.wire.frame import HistoryLostError, Run
from sado.sync.wire.records import Wired
from sado.sync.wire.shared_history import SharedHistory
from tests.support.row import DISTRICT, VILLAGE, Row, open_row
from tests.support.stations import APPEAL

PEER = outbox.station(VILLAGE)
# Of a village that has a few turns of phrase of its own.
TEXT = "Дар маҳаллаи Чорбоғи Поён насоси обкашӣ аз кор мондааст, хонаи {number} низ бе об аст."


@pytest.fixture
def row(tmp_path: Path) -> Iterator[Row]:
    with open_row(tmp_path) as found:
        yield found


def file(row: Row, number: int) -> str:
    """A case filed in the village, in words like those before."""
    appeal = msgspec.structs.replace(APPEAL, text=TEXT.format(number=number))
    row.clock.move(60)
    return row.village.store.write(lambda tx: row.village.cases.open(tx, appeal)).reference


def answer(row: Row, reference: str, kind: str) -> None:
    """Urgent words for the village wait at the district."""
    text = TEXT.format(number=kind)
    row.clock.move(60)
    row.district.put(PEER, "later.said", reference, f'{{"kind":"{kind}","text":"{text}"}}')


def settle(row: Row) -> None:
    while row.lower.call():
        pass


def sent(store: Store, peer: str, lane: str = "u", letters: int = 0) -> SharedHistory | None:
    """The memory to send what comes next in a lane with, an event with so many letters."""

    def job(tx: Transaction) -> SharedHistory | None:
        known, next_one = lanes.find(tx, peer, lane), Wired("later.said", "", "x" * letters)
        return history.of_sent(tx, peer, {lane: Run(known.numbered + 1, known.numbered_hash, [next_one])})

    return store.write(job)


def recalled(store: Store, peer: str, known: SharedHistory) -> SharedHistory:
    return store.write(lambda tx: history.of_received(tx, peer, known.after, known.upto))


def has_memory(content: bytes) -> bool:
    reader = varint.Reader(content, 1)
    reader.number()
    return "history" in head.unpack(reader)[1]


def check_once(row: Row, filed: list[str]) -> None:
    """Each came once, in order."""
    assert [event.reference for _, event in row.district.came] == filed
    assert row.district.aside() == []


@pytest.fixture
def filed(row: Row) -> list[str]:
    """Twelve cases that were filed and taken in three exchanges."""
    found = []
    for number in range(12):
        found.append(file(row, number))
        if number % 4 == 3:
            settle(row)
    return found


def test_before_anything_was_said_there_is_no_memory(row: Row) -> None:
    file(row, 1)
    first = {"u": Run(1, b"", [])}
    assert row.village.store.write(lambda tx: history.of_sent(tx, outbox.UPSTREAM, first)) is None
    second = {"u": Run(2, b"", [])}
    assert row.village.store.write(lambda tx: history.of_sent(tx, outbox.UPSTREAM, second)) is not None


@pytest.mark.parametrize("lane", ["n", "b"])
def test_what_is_not_urgent_goes_without_a_memory(row: Row, filed: list[str], lane: str) -> None:
    assert sent(row.village.store, outbox.UPSTREAM, lane) is None
    assert sent(row.village.store, outbox.UPSTREAM) is not None


def test_both_sides_make_the_same_of_what_was_acknowledged(row: Row, filed: list[str]) -> None:
    known = sent(row.village.store, outbox.UPSTREAM)
    assert known is not None
    assert (known.after, known.upto, len(known.events)) == (0, 12, 12)
    there = recalled(row.district.store, PEER, known)
    assert there.events == known.events
    assert (there.check(4), there.text, there.schemas) == (known.check(4), known.text, known.schemas)
    assert b"\0" in known.text


def test_so_they_do_of_what_comes_down(row: Row, filed: list[str]) -> None:
    for kind in ("registered", "in_review"):
        answer(row, filed[0], kind)
        settle(row)
    # The district learns in the next exchange that they arrived.
    row.lower.call()
    known = sent(row.district.store, PEER)
    assert known is not None
    assert len(known.events) == 2
    assert recalled(row.village.store, outbox.UPSTREAM, known).check(4) == known.check(4)


def test_a_clock_that_jumps_makes_no_difference(row: Row, filed: list[str]) -> None:
    for seconds in (-40 * 365 * 86_400, 80 * 365 * 86_400):
        row.clock.move(seconds)
        filed.append(file(row, 99))
        settle(row)
    known = sent(row.village.store, outbox.UPSTREAM)
    assert known is not None
    assert recalled(row.district.store, PEER, known).check(4) == known.check(4)


def test_the_next_words_cost_less(row: Row, filed: list[str]) -> None:
    file(row, 50)
    settle(row)
    with_memory = row.lower.frames[-1]
    row.village.store.write(received_events.forget_all)
    file(row, 51)
    settle(row)
    without = row.lower.frames[-1]
    assert (has_memory(with_memory), has_memory(without)) == (True, False)
    assert len(with_memory) < 0.6 * len(without)


@pytest.mark.parametrize(
    ("after", "upto"), [(5, 5), (6, 5), (-1, 5), (0, shared_history.MOST_EVENTS + 1), (1 << 62, 1 << 63)]
)
def test_a_range_without_sense_is_not_here(row: Row, filed: list[str], after: int, upto: int) -> None:
    assert row.district.store.write(lambda tx: history.of_received(tx, PEER, after, upto)).events == []
    assert len(row.district.store.write(lambda tx: history.of_received(tx, PEER, 2, 5)).events) == 3


@pytest.mark.parametrize(
    ("letters", "most"),
    [
        (0, history.FEW_REMEMBERED),
        (history.FEW_WORDS, history.FEW_REMEMBERED),
        (history.FEW_WORDS + 1, shared_history.MOST_EVENTS),
    ],
)
def test_a_memory_has_the_last_events_and_no_more_than_pays(row: Row, letters: int, most: int) -> None:
    count = shared_history.MOST_EVENTS + 5

    def many(tx: Transaction) -> None:
        for number in range(count):
            outbox.put(tx, outbox.UPSTREAM, "later.said", "", f"{number}")

    row.village.store.write(many)
    settle(row)
    known = sent(row.village.store, outbox.UPSTREAM, letters=letters)
    assert known is not None
    assert (known.after, known.upto) == (count - most, count)
    assert recalled(row.district.store, PEER, known).check(4) == known.check(4)


def test_a_memory_of_large_events_has_as_many_as_may_be_read_at_once(row: Row) -> None:
    """Both sides open it whole: a station that is up to no good could fill the memory of its upstream so."""

    def many(tx: Transaction) -> None:
        for number in range(12):
            outbox.put(tx, outbox.UPSTREAM, "later.said", "", f"{number}".ljust(150_000))

    row.village.store.write(many)
    settle(row)
    known = sent(row.village.store, outbox.UPSTREAM)
    assert known is not None
    assert (known.after, known.upto) == (6, 12) and 6 * 150_000 < MOST_READ < 7 * 150_000
    assert recalled(row.district.store, PEER, known).check(4) == known.check(4)
    assert row.district.store.write(lambda tx: history.of_received(tx, PEER, 5, 12)).events == []


def test_who_deletes_words_sends_without_them_and_later_with_new_ones(row: Row, filed: list[str]) -> None:
    row.village.store.write(received_events.forget_all)
    assert sent(row.village.store, outbox.UPSTREAM) is None
    flags = []
    for number in range(20, 24):
        filed.append(file(row, number))
        settle(row)
        flags.append(has_memory(row.lower.frames[-1]))
    assert flags == [False, True, True, True]
    known = sent(row.village.store, outbox.UPSTREAM)
    assert known is not None
    assert (known.after, known.upto) == (12, 16)
    check_once(row, filed)


def test_when_the_upstream_deleted_words_it_says_so_and_the_next_exchange_goes_without(
    row: Row, filed: list[str]
) -> None:
    row.district.store.write(received_events.forget_all)
    filed.append(file(row, 30))
    before = len(row.lower.frames)
    assert row.lower.call()
    assert len(row.district.came) == 12
    row.lower.call()
    assert [has_memory(one) for one in row.lower.frames[before:]] == [True, False]
    check_once(row, filed)
    filed.append(file(row, 31))
    settle(row)
    assert has_memory(row.lower.frames[-1])
    check_once(row, filed)


def test_when_the_village_deleted_words_it_says_so_and_nothing_is_lost(row: Row, filed: list[str]) -> None:
    for kind in ("one", "two", "three"):
        answer(row, filed[0], kind)
        settle(row)
    row.lower.call()
    row.village.store.write(received_events.forget_all)
    answer(row, filed[0], "four")
    filed.append(file(row, 40))
    with pytest.raises(HistoryLostError):
        row.lower.call()
    assert len(row.village.came) == 3
    row.lower.call()
    settle(row)
    bodies = [msgspec.json.decode(event.body)["kind"] for _, event in row.village.came]
    assert bodies == ["one", "two", "three", "four"]
    check_once(row, filed)


def test_a_disk_that_went_back_lost_its_memory_too_and_the_line_goes_on(
    row: Row, filed: list[str], tmp_path: Path
) -> None:
    copy = tmp_path / "copy.db"
    row.district.store.backup(copy)
    for number in range(60, 63):
        filed.append(file(row, number))
        settle(row)
    row.district.store.close()
    for left in (tmp_path / "district").glob("station.db*"):
        left.unlink()
    shutil.copy(copy, tmp_path / "district" / "station.db")
    row.district.store = Store(tmp_path / "district" / "station.db", row.district.store.keys, row.clock)
    filed.append(file(row, 63))
    settle(row)
    known = row.district.store.write(lambda tx: lanes.find(tx, PEER, "u").received)
    row.district.store.close()
    assert known == len(filed)
    # Those that were lost came a second time, to another life of the disk.
    counts = Counter(event.reference for _, event in row.district.came)
    assert counts == Counter([*filed, *filed[12:15]])


def test_nothing_is_learnt_from_one_station_for_another(row: Row, filed: list[str]) -> None:
    known = sent(row.village.store, outbox.UPSTREAM)
    assert known is not None
    other = outbox.station(DISTRICT)
    assert recalled(row.district.store, other, known).events == []
    assert sent(row.district.store, other) is None
