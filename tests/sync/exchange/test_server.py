"""Events cross the line exactly once, wherever it is cut."""

import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

import msgspec
import pytest
import zstandard

from sado.cases import payloads
from sado.cases.service import Cases
from sado.store import DiskError, Store, Transaction
from sado.store.tables import cases, identity, lane_events, lanes, quarantine, stations
from sado.store.tables import outbox as entries
from sado.store.tables.events import Apply, Event
from sado.store.tables.lanes import LANES
from sado.sync import outbox
from sado.sync.codes import Cause
from sado.sync.errors import LineDownError, UnknownStationError
from sado.sync.exchange import history, lane, server
from sado.sync.exchange.client import Client
from sado.sync.link.frame_size import LEAST, FrameSize
from sado.sync.wire import columns, compression, frame, varint
from sado.sync.wire.frame import FrameError, Mark, Message, Run
from sado.sync.wire.records import Wired
from sado.sync.wire.shared_history import Recall
from tests.support.one_by_one import OneByOne, Post
from tests.support.stations import APPEAL, Clock, Station, keys_in, open_station

HUB, VILLAGE = 1, 7
MOST_EXCHANGES = 50
PEER = outbox.station(VILLAGE)
LONG_AGO = 99


def counting(apply: Apply) -> Apply:
    """`apply`, with a count kept beside its effects of how often each event was applied."""

    def apply_and_count(tx: Transaction, peer: str, event: Event) -> None:
        apply(tx, peer, event)
        tx.next_number(f"applied {msgspec.json.decode(event.body)['event']}")

    return apply_and_count


@dataclass
class Pair:
    """A village station and its hub. The village's program runs until `restart`."""

    village: Station
    hub: Station
    key: bytes

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """The village's program begins anew: it knows nothing but its disk."""
        self.frame_size = FrameSize()
        self._post: Post = self.answer
        apply = counting(self.village.cases.apply)
        self._client = Client(self.village.store, VILLAGE, self.key, OneByOne(self._over_line), apply, self.frame_size)

    def _over_line(self, packed: bytes, timeout_s: float) -> bytes:
        return self._post(packed, timeout_s)

    def answer(self, packed: bytes, timeout_s: float = 0) -> bytes:
        """The hub's answer to a frame."""
        return server.answer(self.hub.store, packed, counting(self.hub.cases.apply))

    def call(self, post: Post | None = None) -> bool:
        """One exchange, over a clean line unless `post` is another."""
        self._post = post or self.answer
        return self._client.call()

    def settle(self) -> int:
        """Exchange until nothing waits; how many exchanges it took."""
        for taken in range(1, MOST_EXCHANGES):
            if not self.call():
                return taken
        raise AssertionError("The two never come to an end.")

    def file(self, text: str = APPEAL.text) -> str:
        """A case filed in the village; its reference."""
        appeal = msgspec.structs.replace(APPEAL, text=text)
        return self.village.store.write(lambda tx: self.village.cases.open(tx, appeal)).reference

    def record(self, reference: str, kind: str, words: str = "") -> None:
        """The agency, at the hub, moves a case."""
        words = words or f"{kind}, in words"
        self.hub.store.write(lambda tx: self.hub.cases.record(tx, APPEAL.agency, reference, kind, words))

    def request(self) -> bytes:
        """The frame of the village's next exchange, which nobody answers."""
        frames: list[bytes] = []

        def lose(packed: bytes, timeout_s: float) -> NoReturn:
            frames.append(packed)
            raise LineDownError(Cause.UPSTREAM_SILENT)

        with pytest.raises(LineDownError):
            self.call(lose)
        return frames[0]

    def exchanged(self) -> bytes:
        """The frame of an exchange that is answered."""
        frames: list[bytes] = []

        def keep(packed: bytes, timeout_s: float) -> bytes:
            frames.append(packed)
            return self.answer(packed)

        self.call(keep)
        return frames[0]

    def up(self, packed: bytes) -> Message:
        """What a request says."""
        return frame.unpack(frame.UP, self.key, packed, self._recall(self.hub.store, PEER))

    def down(self, packed: bytes) -> Message:
        """What an answer says."""
        return frame.unpack(frame.DOWN, self.key, packed, self._recall(self.village.store, outbox.UPSTREAM))

    @staticmethod
    def _recall(store: Store, peer: str) -> Recall:
        return lambda after, upto: store.read(lambda tx: history.of_received(tx, peer, after, upto))

    def asked(self, message: Message) -> Message:
        """What the hub says to a message."""
        return self.down(self.answer(frame.pack(frame.UP, VILLAGE, self.key, message)))


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    clock = Clock()
    with (
        open_station(tmp_path / "village", VILLAGE, clock=clock) as village,
        open_station(tmp_path / "hub", HUB, has_upstream=False, clock=clock) as hub,
    ):
        yield Pair(village, hub, hub.store.write(lambda tx: stations.add(tx, VILLAGE)))


@pytest.fixture
def busy(pair: Pair) -> Pair:
    """A pair with events waiting on both sides."""
    known = pair.file()
    pair.settle()
    pair.record(known, "registered")
    pair.record(known, "answered")
    pair.file()
    pair.file()
    return pair


# The ledger


def made_at(store: Store, number: int) -> set[str]:
    """The events made by this station that are in this store."""
    return {
        row[0] for row in store.read(lambda tx: tx.all("SELECT id FROM events")) if row[0].startswith(f"{number:03}.")
    }


def applied_at(store: Store) -> dict[str, int]:
    """How often each event of another station was applied in this store."""
    rows = store.read(lambda tx: tx.all("SELECT name, value FROM counters WHERE name LIKE 'applied %'"))
    return {name.removeprefix("applied "): value for name, value in rows}


def check_ledger(pair: Pair) -> None:
    """Every event that one side made was applied once by the other, in order, and is acknowledged."""
    for maker, number, taker in ((pair.village, VILLAGE, pair.hub), (pair.hub, HUB, pair.village)):
        made = made_at(maker.store, number)
        assert made
        assert applied_at(taker.store) == dict.fromkeys(made, 1)
        assert made_at(taker.store, number) == made
    assert all_cases(pair.village) == all_cases(pair.hub)
    check_lanes(pair.village.store, outbox.UPSTREAM, pair.hub.store, PEER)
    check_lanes(pair.hub.store, PEER, pair.village.store, outbox.UPSTREAM)


def check_lanes(sender: Store, destination: str, receiver: Store, peer: str) -> None:
    """A lane's numbers are 1, 2, 3 … without a gap, all acknowledged, and the receiver's cursor is the last, with the
    same hash."""
    sent = "SELECT lane, COUNT(*), MIN(number), MAX(number) FROM outbox WHERE destination = :to GROUP BY lane"
    rows = sender.read(lambda tx: tx.all(sent, to=destination))
    assert all((first, last) == (1, count) for _, count, first, last in rows)
    check_cursors(sender, destination, receiver, peer)
    last_of = {name: last for name, _, _, last in rows}
    assert all(lane_of(receiver, peer, name).received == last_of.get(name, 0) for name in LANES)


def check_cursors(sender: Store, destination: str, receiver: Store, peer: str) -> None:
    """Nothing waits, and both sides say that they stand at the same number, with the same hash."""
    for name in LANES:
        ours, theirs = lane_of(sender, destination, name), lane_of(receiver, peer, name)
        assert theirs.received == ours.numbered == ours.acked
        assert theirs.received_hash == ours.numbered_hash == ours.acked_hash
    waiting = sender.read(entries.counts)
    assert [state for to, state in waiting if to == destination] == []


def lane_of(store: Store, peer: str, name: str = outbox.URGENT) -> lanes.Lane:
    return store.write(lambda tx: lanes.find(tx, peer, name))


def is_at(mark: Mark, lane: lanes.Lane) -> bool:
    """Whether this says how far a lane was received; a hash may be said short."""
    return mark.upto == lane.received and bool(mark.hash) and lanes.is_same(lane.received_hash, mark.hash)


def all_cases(station: Station) -> list[tuple[str, str]]:
    return station.store.read(lambda tx: tx.all("SELECT reference, status FROM cases ORDER BY reference"))


def aside(store: Store) -> list[tuple[str, str]]:
    """The peer and kind of each event that is kept aside."""
    return [(one.peer, one.kind) for one in store.read(lambda tx: quarantine.listed(tx, 9))]


def dump(store: Store) -> list[str]:
    """Every row of a store, as text."""

    def job(tx: Transaction) -> list[str]:
        names = [row[0] for row in tx.all("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        return [repr((name, tx.all(f"SELECT * FROM {name}"))) for name in names]

    return store.read(job)


# Both ways over a clean line


def test_a_case_crosses_with_all_its_words(pair: Pair) -> None:
    reference = pair.file()
    pair.settle()
    case = pair.hub.store.read(lambda tx: pair.hub.cases.get(tx, reference))
    assert (case.text, case.name, case.msisdn, case.station) == (APPEAL.text, APPEAL.name, APPEAL.msisdn, VILLAGE)


def test_the_agency_s_answer_comes_back_as_a_notice(pair: Pair) -> None:
    reference = pair.file()
    pair.settle()
    pair.record(reference, "registered")
    pair.settle()
    notices = pair.village.store.read(lambda tx: entries.listed(tx, ("queued",), 9))
    assert [(entry.kind, entry.reference) for entry in notices] == [("notice", reference)]
    assert pair.village.store.read(lambda tx: pair.village.cases.get(tx, reference)).status == "registered"


def test_the_hub_learns_that_the_resident_was_told(busy: Pair) -> None:
    busy.settle()
    reference = next(reference for reference, status in all_cases(busy.village) if status == "answered")
    busy.village.store.write(lambda tx: busy.village.cases.notified(tx, reference))
    busy.settle()
    assert busy.hub.store.read(lambda tx: cases.events_of(tx, reference))[-1].kind == "notified"
    check_ledger(busy)


def test_after_a_clean_exchange_the_ledger_is_even(busy: Pair) -> None:
    busy.settle()
    check_ledger(busy)


def test_nothing_more_waits_after_the_last_exchange(busy: Pair) -> None:
    busy.settle()
    assert busy.settle() == 1


def test_many_events_take_several_exchanges(busy: Pair) -> None:
    busy.village.store.write(lambda tx: [busy.village.cases.open(tx, APPEAL) for _ in range(2 * lane.MOST_EVENTS)])
    assert busy.settle() >= 3
    check_ledger(busy)


def noise(letters: int) -> str:
    """Words that no compressor makes small."""
    return "".join(random.Random(letters).choices("абвгғдеёжзиӣйкқлмнопрстуӯфхҳчҷшъэюя ", k=letters))


def test_an_exchange_is_bounded_in_bytes(busy: Pair) -> None:
    for number in range(5):
        busy.file(noise(1500 + number))
    sizes = []

    def measure(packed: bytes, timeout_s: float) -> bytes:
        sizes.append((len(packed), len(busy.up(packed).runs[outbox.URGENT].events)))
        raise LineDownError(Cause.UPSTREAM_SILENT)

    for _ in range(4):
        limit = busy.frame_size.limit
        with pytest.raises(LineDownError):
            busy.call(measure)
        size, count = sizes[-1]
        assert size <= limit * server.SLACK or count == 1
        assert busy.frame_size.limit == max(limit // 2, LEAST), "an exchange that failed was too large for the line"
    assert sizes[0][1] > sizes[-1][1] >= 1
    busy.settle()
    check_ledger(busy)


def test_an_answer_is_bounded_by_what_the_station_wants(busy: Pair) -> None:
    filed = [busy.file() for _ in range(6)]
    busy.settle()
    for number, known in enumerate(filed):
        busy.record(known, "registered", noise(1500 + number))
    sizes = []

    def measure(packed: bytes, timeout_s: float) -> bytes:
        answer = busy.answer(packed)
        sizes.append((len(answer), 1024 * busy.up(packed).want, busy.down(answer)))
        return answer

    busy.frame_size.limit = 2048
    busy.call(measure)
    size, want, down = sizes[0]
    assert want == 2048 and size <= want * server.SLACK
    assert 0 < len(down.runs[outbox.URGENT].events) < 6
    busy.settle()
    check_ledger(busy)


def test_an_event_larger_than_the_limit_travels_alone(busy: Pair) -> None:
    busy.settle()
    for number in range(2):
        busy.file(noise(20_000 + number))
    busy.frame_size.limit = LEAST
    packed = busy.request()
    assert len(packed) > 10 * LEAST
    assert len(busy.up(packed).runs[outbox.URGENT].events) == 1
    busy.settle()
    check_ledger(busy)


def test_urgent_events_leave_first_and_no_lane_starves(busy: Pair) -> None:
    busy.settle()
    body = '{"event":"007.x.%d"}'

    def fill(tx: Transaction) -> None:
        for number in range(100):
            outbox.put(tx, outbox.UPSTREAM, "case.noise", noise(100 + number), body % number, outbox.BULK)
        for _ in range(200):
            busy.village.cases.open(tx, msgspec.structs.replace(APPEAL, text=noise(300)))

    busy.village.store.write(fill)
    runs = []
    for _ in range(2 * server.EVERY_LANE):
        busy.frame_size.limit = LEAST
        up = busy.up(busy.request())
        runs.append((up.exchange % server.EVERY_LANE == 0, {*up.runs}))
    assert {names for is_turn, names in ((turn, tuple(sorted(run))) for turn, run in runs) if not is_turn} == {("u",)}
    assert [run for is_turn, run in runs if is_turn] == [{"u", "b"}] * 2


def test_no_lane_starves_where_frames_turn_out_larger_than_they_should(pair: Pair) -> None:
    def fill(tx: Transaction) -> None:
        outbox.put(tx, PEER, "case.noise", "0070000000", '{"event":"001.x"}', outbox.BULK)
        for number in range(200):
            body = f'{{"event":"001.{number}","text":"{noise(600 + number)}"}}'
            outbox.put(tx, PEER, "case.noise", "0070000000", body)

    pair.hub.store.write(fill)
    for _ in range(2 * server.EVERY_LANE):
        pair.frame_size.limit = LEAST
        pair.call()
    bulk, urgent = (pair.hub.store.read(lambda tx, lane=lane: lanes.find(tx, PEER, lane)) for lane in ("b", "u"))
    assert bulk.acked == bulk.numbered
    assert urgent.acked < urgent.numbered


def test_a_frame_is_cut_to_what_fits_and_keeps_one_of_each_lane() -> None:
    def run(first: int, count: int) -> Run:
        return Run(1, b"", [Wired("case.noise", "", noise(at)) for at in range(first, first + 5)[:count]])

    def count_in(limit: int) -> dict[str, int]:
        message = Message(1, runs={"u": run(300, 5), "n": run(400, 1), "b": run(500, 3)})
        said = server.fitted(frame.DOWN, VILLAGE, bytes(32), message, None, limit)[1]
        return {name: len(kept.events) for name, kept in said.runs.items()}

    assert count_in(10_000) == {"u": 5, "n": 1, "b": 3}
    assert count_in(1_500) == {"u": 3, "n": 1, "b": 1}
    assert count_in(1) == {"u": 1, "n": 1, "b": 1}


# A cut at every byte


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


def lose_answer(pair: Pair) -> None:
    """An exchange whose request arrives and whose answer does not."""

    def post(packed: bytes, timeout_s: float) -> bytes:
        pair.answer(packed)
        raise LineDownError(Cause.UPSTREAM_SILENT)

    with pytest.raises(LineDownError):
        pair.call(post)


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


# Disks that go back in time


def gone_back(station: Station, copy: Path) -> Station:
    """The station after an earlier copy was put in the place of its disk, and its program begun anew."""
    path, number = station.store.path, station.store.read(identity.find)
    assert number is not None
    station.store.close()
    for left in path.parent.glob(f"{path.name}*"):
        left.unlink()
    shutil.copy(copy, path)
    store = Store(path, keys_in(path.parent), Clock())
    return Station(store, Cases(number, station.cases.has_upstream, station.cases.law))


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Where a copy of a disk is kept."""
    return tmp_path / "copy"


@pytest.fixture
def closing() -> Iterator[ExitStack]:
    """Closes the stores that are opened in the place of others."""
    with ExitStack() as stack:
        yield stack


def test_a_hub_whose_disk_went_back_gets_what_it_lost_while_the_village_goes_on(
    busy: Pair, copy: Path, closing: ExitStack
) -> None:
    busy.hub.store.backup(copy)
    busy.settle()
    assert len(all_cases(busy.hub)) == 3
    busy.hub = gone_back(busy.hub, copy)
    closing.callback(busy.hub.store.close)
    assert len(all_cases(busy.hub)) == 1
    busy.settle()
    assert len(all_cases(busy.hub)) == 3
    check_ledger(busy)


@pytest.mark.parametrize("fresh", [1, 2, 3, 5])
def test_what_a_hub_says_after_its_disk_went_back_reaches_a_village_that_goes_on(
    busy: Pair, copy: Path, closing: ExitStack, fresh: int
) -> None:
    """It says fewer things than it had said before its disk went back, or as many, or more."""
    busy.settle()
    known, *others = [busy.file() for _ in range(1 + fresh)]
    busy.settle()
    busy.hub.store.backup(copy)
    busy.record(known, "registered")
    busy.record(known, "answered")
    busy.settle()
    busy.hub = gone_back(busy.hub, copy)
    closing.callback(busy.hub.store.close)
    for other in others:
        busy.record(other, "registered")
    made = made_at(busy.hub.store, HUB) - applied_at(busy.village.store).keys()
    assert len(made) == fresh
    busy.file()
    assert busy.up(busy.exchanged()).incarnation == b"", "the two know each other, and say only what is new"
    busy.settle()
    assert made <= applied_at(busy.village.store).keys()
    assert {*applied_at(busy.hub.store).values(), *applied_at(busy.village.store).values()} == {1}
    check_cursors(busy.hub.store, PEER, busy.village.store, outbox.UPSTREAM)


def test_a_village_whose_disk_went_back_loses_nothing_that_it_filed_since(
    busy: Pair, copy: Path, closing: ExitStack
) -> None:
    busy.village.store.backup(copy)
    lost = busy.file()
    busy.settle()
    busy.village = gone_back(busy.village, copy)
    closing.callback(busy.village.store.close)
    busy.restart()
    filed = [busy.file() for _ in range(2)]
    assert filed[0] == lost, "it gives a number twice: nobody told it that its disk went back"
    busy.settle()
    assert filed[1] in [reference for reference, _ in all_cases(busy.hub)]
    assert aside(busy.hub.store) == [(PEER, payloads.OPENED)], "the other appeal with that number is kept for a person"
    assert {*applied_at(busy.hub.store).values(), *applied_at(busy.village.store).values()} == {1}
    check_cursors(busy.village.store, outbox.UPSTREAM, busy.hub.store, PEER)
    check_cursors(busy.hub.store, PEER, busy.village.store, outbox.UPSTREAM)


# Repeats, strangers, damage


def test_a_repeated_request_is_refused_and_changes_nothing(busy: Pair) -> None:
    packed = busy.request()
    busy.answer(packed)
    before = dump(busy.hub.store)
    down = busy.down(busy.answer(packed))
    number = busy.up(packed).exchange
    assert down == Message(number, 0, want=number, fault=server.REPEATED)
    assert dump(busy.hub.store) == before


def test_an_old_request_that_comes_late_is_refused(busy: Pair) -> None:
    late = busy.request()
    old = busy.up(late).exchange
    busy.file()
    taken = busy.settle()
    before = dump(busy.hub.store)
    down = busy.down(busy.answer(late))
    assert (down.fault, down.exchange, down.want) == (server.REPEATED, old, old + taken)
    assert (down.runs, down.marks) == ({}, {})
    assert dump(busy.hub.store) == before
    check_ledger(busy)


def test_a_station_whose_numbers_went_back_is_told_where_to_go_on(busy: Pair) -> None:
    def fall_back(tx: Transaction) -> None:
        tx.run("UPDATE counters SET value = 0 WHERE name = 'exchange'")

    for _ in range(5):
        busy.settle()
    busy.village.store.write(fall_back)
    busy.file()
    assert busy.call(), "the first exchange was a repeat, and brought only the number"
    assert busy.settle() == 1
    check_ledger(busy)


def test_the_answer_to_another_exchange_is_refused(busy: Pair) -> None:
    old = busy.answer(busy.request())
    with pytest.raises(FrameError, match="another exchange"):
        busy.call(lambda packed, timeout_s: old)
    busy.settle()
    check_ledger(busy)


def test_a_request_thrown_back_is_no_answer(busy: Pair) -> None:
    with pytest.raises(FrameError, match="MAC is wrong"):
        busy.call(lambda packed, timeout_s: packed)


@pytest.mark.parametrize("bit", [0, 7])
def test_a_request_changed_at_any_byte_is_refused(busy: Pair, bit: int) -> None:
    packed = busy.request()
    before = dump(busy.hub.store)
    for changed in changed_at_every_byte(packed, bit):
        with pytest.raises((FrameError, UnknownStationError)):
            busy.answer(changed)
    assert dump(busy.hub.store) == before


def test_an_answer_changed_at_any_byte_is_refused(busy: Pair) -> None:
    for changed in changed_at_every_byte(busy.answer(busy.request()), 0):
        with pytest.raises(FrameError):
            busy.down(changed)


def changed_at_every_byte(packed: bytes, bit: int) -> list[bytes]:
    """The frame with one bit turned, at each of its bytes."""
    return [packed[:at] + bytes([packed[at] ^ 1 << bit]) + packed[at + 1 :] for at in range(len(packed))]


@pytest.mark.parametrize("tail", [b"\0", b"SADO1", b"\2"])
def test_a_frame_with_something_behind_it_is_refused(busy: Pair, tail: bytes) -> None:
    with pytest.raises(FrameError):
        busy.answer(busy.request() + tail)


def test_another_key_is_refused(busy: Pair) -> None:
    packed = frame.pack(frame.UP, VILLAGE, bytes(32), Message(LONG_AGO))
    before = dump(busy.hub.store)
    with pytest.raises(FrameError, match="MAC is wrong"):
        busy.answer(packed)
    assert dump(busy.hub.store) == before


def test_the_old_key_is_refused_after_a_new_one(busy: Pair) -> None:
    busy.hub.store.write(lambda tx: stations.add(tx, VILLAGE))
    with pytest.raises(FrameError, match="MAC is wrong"):
        busy.answer(busy.request())


def test_under_a_new_key_a_station_goes_on_whatever_number_a_thief_said_last(busy: Pair) -> None:
    last = (1 << 63) - 1
    assert busy.hub.store.write(lambda tx: stations.accept_exchange(tx, VILLAGE, last)) is None
    assert busy.hub.store.write(lambda tx: stations.accept_fetch(tx, VILLAGE, last)) is None
    busy.key = busy.hub.store.write(lambda tx: stations.add(tx, VILLAGE))
    busy.restart()
    busy.settle()
    assert busy.hub.store.write(lambda tx: stations.accept_fetch(tx, VILLAGE, 1)) is None


def test_a_station_that_is_not_admitted_is_refused(busy: Pair) -> None:
    packed = frame.pack(frame.UP, 8, busy.key, Message(LONG_AGO))
    with pytest.raises(UnknownStationError, match="sado station add 8"):
        busy.answer(packed)


PREFIX = bytes([frame.VERSION]) + varint.pack(VILLAGE)


def sealed(key: bytes, content: bytes) -> bytes:
    """A frame from the village with any content, well authenticated: `frame.pack` would not make it."""
    return frame.sealed(frame.UP, key, PREFIX + content)


def content_of(key: bytes, message: Message) -> bytes:
    """What `frame.pack` puts between the station and the MAC."""
    return frame.pack(frame.UP, VILLAGE, key, message)[len(PREFIX) : -frame.MAC_BYTES]


NOTHING = Message(LONG_AGO)
SAYS = Run(1, bytes(lanes.HASH_BYTES), [Wired("case.noise", "", "{}")])
ONE_EVENT = Message(LONG_AGO, 1, runs={outbox.URGENT: SAYS}, incarnation=bytes(lanes.HASH_BYTES))
BOMB = b"\0" + b" " * 4 * frame.LARGEST


def says_one_event() -> bytes:
    """The content of a frame that says that one event follows, without its text."""
    whole = content_of(b"", ONE_EVENT)
    said = columns.pack(ONE_EVENT.runs[outbox.URGENT].events, 1)
    text = compression.pack(said.content)
    assert whole.endswith(text), "a frame ends with what was compressed"
    return whole.removesuffix(text)


def test_a_frame_that_is_sealed_by_hand_is_read(pair: Pair) -> None:
    for message in (NOTHING, ONE_EVENT):
        assert pair.up(sealed(pair.key, content_of(pair.key, message))) == message


def squeezed(content: bytes, says_size: bool) -> bytes:
    """Compressed as `squeeze.pack` does, with and without the size that it will have."""
    wanted = zstandard.ZstdCompressionParameters.from_level(
        9, format=compression.FORMAT, write_content_size=says_size, write_dict_id=False
    )
    packer = zstandard.ZstdCompressor(dict_data=compression._dictionary(b""), compression_params=wanted)
    if says_size:
        return packer.compress(content)
    stream = packer.compressobj()
    return stream.compress(content) + stream.flush()


@pytest.mark.parametrize("says_size", [False, True])
def test_a_bomb_is_refused(pair: Pair, says_size: bool) -> None:
    packed = squeezed(BOMB, says_size)
    assert len(packed) < 4096
    dictionary = zstandard.ZstdCompressionDict(compression.FILE.read_bytes())
    reader = zstandard.ZstdDecompressor(dictionary, format=compression.FORMAT).stream_reader(packed)
    assert reader.read(len(BOMB)) == BOMB
    with pytest.raises(FrameError) as caught:
        pair.answer(sealed(pair.key, says_one_event() + packed))
    assert "grows too large" in str(caught.value.__cause__)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        content_of(b"", NOTHING)[:-1],
        content_of(b"", NOTHING) + b"\0",
        b"\x00" + b"\xff" * 20,
        content_of(b"", replace(NOTHING, marks={outbox.URGENT: Mark(1, bytes(lanes.HASH_BYTES))}))[:-1],
        content_of(b"", ONE_EVENT)[:-1],
        says_one_event(),
        says_one_event() + b"\xff",
        says_one_event() + compression.pack(b""),
        says_one_event() + compression.pack(b"\0"),
        says_one_event() + compression.pack(b"\xff" * 30),
        says_one_event() + compression.pack(b"\x01\x01[]"),
        says_one_event()[:-1] + b"\x7f" + compression.pack(b"\0"),
    ],
)
def test_content_of_another_shape_is_refused(pair: Pair, content: bytes) -> None:
    with pytest.raises(FrameError, match="cannot be read"):
        pair.answer(sealed(pair.key, content))


def test_no_content_at_all_makes_the_hub_stumble(busy: Pair) -> None:
    """Whatever a station that has the key may send, it is refused as a frame or answered."""
    chance = random.Random(1339)
    whole = busy.request()[len(PREFIX) : -frame.MAC_BYTES]
    refused = 0
    for _ in range(500):
        at = chance.randrange(len(whole))
        content = whole[:at] + chance.randbytes(chance.randrange(4)) + whole[at + chance.randrange(4) :]
        try:
            busy.answer(sealed(busy.key, content))
        except FrameError:
            refused += 1
    assert refused > 200


# What cannot be applied


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("case.merged", '{"event":"007.x.1"}'),
        (payloads.OPENED, '{"event":"007.x.1"}'),
        (payloads.OPENED, "not json"),
        (payloads.MOVED, '{"event":"007.x.1","reference":"0","kind":"closed","actor":"","text":"","at":0}'),
    ],
)
def test_an_event_that_cannot_be_applied_is_kept_aside_and_the_lane_goes_on(busy: Pair, kind: str, body: str) -> None:
    busy.village.store.write(lambda tx: outbox.put(tx, outbox.UPSTREAM, kind, "0", body))
    busy.file()
    busy.settle()
    assert aside(busy.hub.store) == [(PEER, kind)]
    check_ledger(busy)


def test_what_an_event_did_before_it_failed_is_taken_back(busy: Pair) -> None:
    def fail(tx: Transaction, peer: str, event: Event) -> None:
        busy.hub.cases.apply(tx, peer, event)
        raise ValueError(event.kind)

    before = all_cases(busy.hub)
    server.answer(busy.hub.store, busy.request(), fail)
    assert all_cases(busy.hub) == before
    assert len(aside(busy.hub.store)) == 2


@pytest.mark.parametrize("error", [DiskError, sqlite3.OperationalError, sqlite3.DatabaseError])
def test_a_disk_that_fails_at_the_hub_is_not_the_event_s_fault(busy: Pair, error: type[Exception]) -> None:
    def fail(tx: Transaction, peer: str, event: Event) -> None:
        raise error("what the disk says")

    packed = busy.request()
    before = dump(busy.hub.store)
    with pytest.raises(DiskError):
        server.answer(busy.hub.store, packed, fail)
    assert dump(busy.hub.store) == before
    busy.settle()
    check_ledger(busy)


def test_an_event_that_was_kept_aside_does_not_come_again(busy: Pair) -> None:
    def fail(tx: Transaction, peer: str, event: Event) -> None:
        raise ValueError(event.kind)

    busy.village.store.write(lambda tx: outbox.put(tx, outbox.UPSTREAM, "case.merged", "0", "{}"))
    server.answer(busy.hub.store, busy.request(), fail)
    before = aside(busy.hub.store)
    busy.settle()
    assert aside(busy.hub.store) == before


# Runs that do not follow


@pytest.mark.parametrize("ahead", [2, 1000])
def test_a_gap_in_the_numbers_is_not_applied(busy: Pair, ahead: int) -> None:
    cursor = lane_of(busy.hub.store, PEER)
    (run,) = busy.up(busy.request()).runs.values()
    before = all_cases(busy.hub)
    gap = Run(cursor.received + ahead, cursor.received_hash, run.events[:1])
    down = busy.asked(Message(LONG_AGO, 1, runs={outbox.URGENT: gap}))
    assert is_at(down.marks[outbox.URGENT], cursor)
    assert all_cases(busy.hub) == before


def test_a_run_after_other_events_is_not_applied(busy: Pair) -> None:
    cursor = lane_of(busy.hub.store, PEER)
    (run,) = busy.up(busy.request()).runs.values()
    before = all_cases(busy.hub)
    other = Run(cursor.received + 1, bytes(lanes.HASH_BYTES), run.events)
    down = busy.asked(Message(LONG_AGO, 1, runs={outbox.URGENT: other}))
    assert is_at(down.marks[outbox.URGENT], cursor)
    assert all_cases(busy.hub) == before
    right = Run(cursor.received + 1, cursor.received_hash, run.events)
    down = busy.asked(Message(LONG_AGO + 1, 1, runs={outbox.URGENT: right}))
    assert down.marks[outbox.URGENT].upto == cursor.received + len(run.events)


def test_a_run_that_overlaps_is_taken_from_where_the_cursor_stands(busy: Pair) -> None:
    lose_answer(busy)
    busy.file()
    up = busy.up(busy.request())
    assert up.runs[outbox.URGENT].first <= lane_of(busy.hub.store, PEER).received
    busy.settle()
    check_ledger(busy)


def test_a_lane_of_a_later_release_is_not_ours(busy: Pair) -> None:
    """Such a frame cannot be packed; what would read it leaves the lane alone."""
    run = Run(1, b"", [Wired("case.noise", "", "{}")])
    assert not busy.hub.store.write(lambda tx: lane.take(tx, PEER, "z", run, 0, busy.hub.cases.apply))
    assert busy.hub.store.read(lambda tx: tx.all("SELECT lane FROM lanes WHERE lane = 'z'")) == []


# What both sides remember


def test_what_was_said_before_costs_little_again(busy: Pair) -> None:
    busy.settle()
    sizes = []
    for _ in range(2):
        busy.file(noise(300))
        sizes.append(len(busy.request()))
        busy.settle()
    assert sizes[1] < sizes[0] / 2
    check_ledger(busy)


@pytest.mark.parametrize("who", ["hub", "village"])
def test_a_memory_that_is_lost_costs_one_exchange_and_no_event(busy: Pair, who: str) -> None:
    busy.settle()
    known = busy.file()
    busy.settle()
    busy.record(known, "registered")
    busy.settle()
    side, peer = (busy.hub, PEER) if who == "hub" else (busy.village, outbox.UPSTREAM)
    side.store.write(lambda tx: tx.run("DELETE FROM received_events WHERE peer = :peer", peer=peer))
    busy.file()
    busy.record(known, "answered")
    if who == "hub":
        assert busy.call()
    else:
        with pytest.raises(FrameError, match="not here"):
            busy.call()
    assert busy.settle() <= 2
    check_ledger(busy)


def test_numbers_given_anew_are_taken_once(busy: Pair) -> None:
    for _ in range(3):
        busy.village.store.write(lambda tx: lane_events.renew(tx, outbox.UPSTREAM))
        busy.hub.store.write(lambda tx: lane_events.renew(tx, PEER))
        busy.file()
        busy.settle()
    check_ledger(busy)


def test_a_request_from_a_life_that_was_left_changes_nothing(busy: Pair) -> None:
    busy.settle()
    busy.file()
    up = busy.up(busy.request())
    old = busy.village.store.write(lambda tx: lanes.peer(tx, outbox.UPSTREAM)).ours
    busy.village.store.write(lambda tx: lane_events.renew(tx, outbox.UPSTREAM))
    busy.settle()
    runs = {name: replace(run, base=bytes(lanes.HASH_BYTES)) for name, run in up.runs.items()}
    late = replace(up, exchange=LONG_AGO, incarnation=old, runs=runs)
    before = dump(busy.hub.store)
    down = busy.asked(late)
    assert (down.fault, down.runs, down.marks) == (server.RETIRED, {}, {})
    after = dump(busy.hub.store)
    changed = [one for one, other in zip(after, before, strict=True) if one != other]
    assert [one[:11] for one in changed] == ["('stations'"], "only the number of the exchange"
