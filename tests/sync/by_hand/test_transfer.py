"""Events go by hand as they go by the line: each is applied once, in whatever order sticks and the line bring them."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import permutations
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sado.cases.service import Cases
from sado.store import DiskError, Store, Transaction
from sado.store.tables import lane_events, lanes, stations
from sado.store.tables import outbox as entries
from sado.store.tables.events import Apply, Event
from sado.store.tables.lanes import LANES
from sado.sync import outbox
from sado.sync.by_hand import file_format, transfer
from sado.sync.by_hand.file_format import LABEL, LENGTH, TransferError
from sado.sync.by_hand.transfer import FileTransfer, Taken
from sado.sync.exchange import lane, server
from sado.sync.wire import frame
from sado.sync.wire.frame import Mark, Message
from tests.support.stations import APPEAL, Clock, Station, keys_in, open_station
from tests.sync.exchange.test_server import (
    HUB,
    PEER,
    VILLAGE,
    Pair,
    all_cases,
    applied_at,
    aside,
    check_cursors,
    check_ledger,
    counting,
    dump,
    lane_of,
    noise,
)

DAY = date(2027, 1, 15)
WEEK_S = 7 * 86400
WEEK_MS = WEEK_S * 1000


@dataclass
class Road:
    """A village and its hub, with somebody who walks between them with a stick."""

    pair: Pair
    clock: Clock
    stick: Path
    written: int = field(default=0)

    def __post_init__(self) -> None:
        self.stick.mkdir(exist_ok=True)

    @property
    def village(self) -> FileTransfer:
        return FileTransfer(self.pair.village.store, VILLAGE, self.pair.key, counting(self.pair.village.cases.apply))

    @property
    def hub(self) -> FileTransfer:
        return FileTransfer(self.pair.hub.store, HUB, None, counting(self.pair.hub.cases.apply))

    def up(self) -> Path:
        """The village exports."""
        return self.village.export(self._file(), None, DAY).path

    def down(self) -> Path:
        """The hub exports for the village."""
        return self.hub.export(self._file(), VILLAGE, DAY).path

    def receipts(self, file: Path) -> Path:
        """The hub takes a file in and writes the one to carry back."""
        return self.hub.answer(self._file(), self.hub.take_in(file), DAY).path

    def walk(self) -> Taken:
        """There and back; what came back."""
        return self.village.take_in(self.receipts(self.up()))

    def _file(self) -> Path:
        self.written += 1
        return self.stick / f"{self.written}.sado"

    def register_one(self) -> None:
        """The agency registers a case that it knows, if there is one that it did not."""
        known = next((reference for reference, status in all_cases(self.pair.hub) if status == "received"), None)
        if known is not None:
            self.pair.record(known, "registered")


def waiting(store: Store, peer: str) -> int:
    """How many events wait for a peer."""
    return sum(one.numbered - one.acked for one in (lane_of(store, peer, name) for name in LANES))


@pytest.fixture
def road(tmp_path: Path) -> Iterator[Road]:
    clock = Clock()
    with (
        open_station(tmp_path / "village", VILLAGE, clock=clock) as village,
        open_station(tmp_path / "hub", HUB, has_upstream=False, clock=clock) as hub,
    ):
        pair = Pair(village, hub, hub.store.write(lambda tx: stations.add(tx, VILLAGE)))
        yield Road(pair, clock, tmp_path / "stick")


@pytest.fixture
def busy(road: Road) -> Road:
    """Two who know each other from the line, with events waiting on both sides."""
    known = road.pair.file()
    road.pair.settle()
    road.pair.record(known, "registered")
    road.pair.record(known, "answered")
    road.pair.file()
    road.pair.file()
    return road


@pytest.fixture
def closing() -> Iterator[ExitStack]:
    """Closes the stores that are opened in the place of others."""
    with ExitStack() as stack:
        yield stack


# Weeks without a line


def test_a_case_is_filed_answered_and_told_of_without_any_line(road: Road) -> None:
    pair = road.pair
    reference = pair.file()
    road.clock.move(WEEK_S)
    file = road.up()
    road.clock.move(WEEK_S)
    taken = road.hub.take_in(file)
    assert (taken.events, taken.new, taken.here, taken.aside, taken.astray) == (1, 1, 0, 0, 0)
    pair.record(reference, "registered")
    pair.record(reference, "answered")
    back = road.hub.answer(road.stick / "back", taken, DAY).path
    road.clock.move(WEEK_S)
    taken = road.village.take_in(back)
    assert (taken.events, taken.new, taken.acked) == (2, 2, 1)
    assert pair.village.store.read(lambda tx: pair.village.cases.get(tx, reference)).status == "answered"
    notices = pair.village.store.read(lambda tx: entries.listed(tx, ("queued",), 9))
    assert {entry.reference for entry in notices} == {reference}
    assert waiting(pair.village.store, outbox.UPSTREAM) == 0
    assert waiting(pair.hub.store, PEER) == 2
    assert road.hub.take_in(road.up()).acked == 2
    check_ledger(pair)


def test_many_weeks_by_hand_leave_the_ledger_even(road: Road) -> None:
    for week in range(5):
        for number in range(30):
            road.pair.file(noise(200 + 30 * week + number))
            road.register_one()
        road.walk()
        road.clock.move(WEEK_S)
    road.walk()
    road.hub.take_in(road.up())
    check_ledger(road.pair)


def test_the_line_goes_on_where_the_stick_left_off(road: Road) -> None:
    road.pair.file()
    road.walk()
    road.register_one()
    road.pair.file()
    road.pair.settle()
    check_ledger(road.pair)


def test_a_file_holds_all_that_waits_in_frames_of_bounded_size(road: Road) -> None:
    for number in range(400):
        road.pair.file(noise(150 + number))
    road.pair.file(noise(90_000))
    file = road.up()
    packed = file_format.frames_of(file.read_bytes(), road.pair.key)
    counts = [[len(run.events) for run in road.pair.up(one).runs.values()] for one in packed]
    assert counts[0] == [], "the first frame is a hello"
    sizes = [len(one) for one, count in zip(packed, counts, strict=True) if count != [1]]
    assert len(sizes) > 5 and max(sizes) <= transfer.FRAME_BYTES * server.SLACK
    assert road.hub.take_in(file).new == 401
    road.register_one()
    road.pair.settle()
    check_ledger(road.pair)


def test_what_was_exported_still_waits_and_a_second_export_repeats_it(busy: Road) -> None:
    before = dump(busy.pair.village.store)
    first, second = busy.up(), busy.up()
    assert dump(busy.pair.village.store) == before
    assert first.read_bytes() != second.read_bytes()
    assert busy.hub.take_in(first).new == 2
    taken = busy.hub.take_in(second)
    assert (taken.events, taken.new, taken.here) == (2, 0, 2)


def test_a_file_imported_twice_changes_nothing(busy: Road) -> None:
    up = busy.up()
    down = busy.receipts(up)
    before = dump(busy.pair.hub.store)
    taken = busy.hub.take_in(up)
    assert (taken.new, taken.here, taken.acked) == (0, 2, 0)
    assert dump(busy.pair.hub.store) == before
    busy.village.take_in(down)
    before = dump(busy.pair.village.store)
    taken = busy.village.take_in(down)
    assert (taken.new, taken.here, taken.acked) == (0, 2, 0)
    assert dump(busy.pair.village.store) == before


def test_when_nothing_waits_a_file_still_acknowledges(busy: Road) -> None:
    busy.walk()
    assert busy.village.export(busy.stick / "empty", None, DAY).events == 0
    assert busy.hub.take_in(busy.stick / "empty").acked == 2


def test_an_event_that_cannot_be_applied_is_kept_aside_and_told(road: Road) -> None:
    body = '{"event":"007.x.1"}'
    road.pair.village.store.write(lambda tx: outbox.put(tx, outbox.UPSTREAM, "case.noise", "", body))
    road.pair.file()
    taken = road.hub.take_in(road.up())
    assert (taken.events, taken.new, taken.aside) == (2, 1, 1)
    assert aside(road.pair.hub.store) == [(PEER, "case.noise")]


# When a file is late


def test_an_appeal_was_filed_when_it_was_filed_however_late_it_arrives(road: Road) -> None:
    reference = road.pair.file()
    filed_at = road.pair.village.store.now()
    road.clock.move(WEEK_S)
    file = road.up()
    road.clock.move(WEEK_S)
    road.hub.take_in(file)
    assert road.pair.hub.store.read(lambda tx: road.pair.hub.cases.get(tx, reference)).received_at == filed_at


def test_without_the_time_on_the_way_it_would_seem_filed_a_week_later(road: Road) -> None:
    reference = road.pair.file()
    filed_at = road.pair.village.store.now()
    said = [road.pair.up(one) for one in file_format.frames_of(road.up().read_bytes(), road.pair.key)][1]
    road.clock.move(WEEK_S)

    def take(tx: Transaction) -> None:
        lanes.begin_receiving(tx, lanes.peer(tx, PEER), said.incarnation)
        lane.take(tx, PEER, outbox.URGENT, said.runs[outbox.URGENT], said.sent_at, road.pair.hub.cases.apply)

    road.pair.hub.store.write(take)
    case = road.pair.hub.store.read(lambda tx: road.pair.hub.cases.get(tx, reference))
    assert case.received_at == filed_at + WEEK_MS


def test_a_file_that_lay_a_week_says_nothing_of_the_clock(busy: Road) -> None:
    file = busy.up()
    busy.clock.move(WEEK_S)
    busy.hub.take_in(file)
    assert [peer.ahead_ms for peer in busy.pair.hub.store.read(lanes.peers)] == [0]


def test_a_status_is_known_to_be_true_until_the_file_was_written(road: Road) -> None:
    reference = road.pair.file()
    down = road.receipts(road.up())
    written_at = road.pair.hub.store.now()
    road.clock.move(WEEK_S)
    road.village.take_in(down)

    def as_of(tx: Transaction) -> int:
        return road.pair.village.cases.as_of(tx, road.pair.village.cases.get(tx, reference))

    assert road.pair.village.store.read(as_of) == written_at


def test_late_receipts_take_nothing_back(busy: Road) -> None:
    late = busy.receipts(busy.up())
    busy.pair.file()
    busy.pair.settle()
    before = [lane_of(busy.pair.village.store, outbox.UPSTREAM, name) for name in LANES]
    taken = busy.village.take_in(late)
    assert (taken.acked, taken.new, taken.is_lost) == (0, 0, False)
    assert [lane_of(busy.pair.village.store, outbox.UPSTREAM, name) for name in LANES] == before
    check_ledger(busy.pair)


def test_the_rule_of_the_line_would_take_back_what_late_receipts_do_not_know(busy: Road) -> None:
    late = busy.receipts(busy.up())
    busy.pair.file()
    busy.pair.settle()
    told = busy.pair.down(file_format.frames_of(late.read_bytes(), busy.pair.key)[0]).marks
    busy.pair.village.store.write(lambda tx: lane.acknowledge(tx, outbox.UPSTREAM, told))
    assert waiting(busy.pair.village.store, outbox.UPSTREAM) == 1


def test_receipts_for_numbers_that_were_left_acknowledge_nothing(busy: Road) -> None:
    late = busy.receipts(busy.up())
    busy.pair.village.store.write(lambda tx: lane_events.renew(tx, outbox.UPSTREAM))
    waits = waiting(busy.pair.village.store, outbox.UPSTREAM)
    taken = busy.village.take_in(late)
    assert taken.is_lost and taken.acked == 0
    assert waiting(busy.pair.village.store, outbox.UPSTREAM) == waits == 3
    assert busy.walk().acked == 3
    busy.hub.take_in(busy.up())
    check_ledger(busy.pair)


# The line and the stick in every order


CHAINS = (("export 1", "import 1", "receipts 1"), ("export 2", "import 2", "receipts 2"), ("line",))
ORDERS = sorted(
    order
    for order in set(permutations(step for chain in CHAINS for step in chain))
    if all([step for step in order if step in chain] == [*chain] for chain in CHAINS)
)


@pytest.mark.parametrize("orders", [ORDERS[::14], pytest.param(ORDERS, marks=pytest.mark.long)], ids=["some", "all"])
def test_the_line_and_two_sticks_in_every_order_apply_each_event_once(
    road: Road, orders: list[tuple[str, ...]]
) -> None:
    assert len(ORDERS) == 140
    for order in orders:
        files: dict[str, Path] = {}
        for step in order:
            road.pair.file(step)
            road.register_one()
            what, _, number = step.partition(" ")
            if what == "export":
                files[f"up {number}"] = road.up()
            elif what == "import":
                files[f"down {number}"] = road.receipts(files[f"up {number}"])
            elif what == "receipts":
                assert road.village.take_in(files[f"down {number}"]).astray == 0
            else:
                road.pair.call()
        road.pair.settle()
        assert waiting(road.pair.village.store, outbox.UPSTREAM) == waiting(road.pair.hub.store, PEER) == 0, order
    check_ledger(road.pair)


STEPS = ("file", "register", "line", "up", "down", "take up", "take down", "renew village", "renew hub")


@pytest.mark.long
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 9)), max_size=25))
def test_files_of_any_age_lives_of_any_number_and_the_line_apply_each_event_once(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    folder = tmp_path_factory.mktemp("any")
    clock = Clock()
    with (
        open_station(folder / "village", VILLAGE, clock=clock) as village,
        open_station(folder / "hub", HUB, has_upstream=False, clock=clock) as hub,
    ):
        road = Road(Pair(village, hub, hub.store.write(lambda tx: stations.add(tx, VILLAGE))), clock, folder / "stick")
        road.pair.file()
        files: dict[str, list[Path]] = {"up": [], "down": []}
        for step, which in steps:
            clock.move(3600)
            go_one_step(road, files, step, which)
        road.pair.settle()
        if all_cases(hub):
            road.pair.file()
            road.register_one()
            road.pair.settle()
        check_cursors(village.store, outbox.UPSTREAM, hub.store, PEER)
        check_cursors(hub.store, PEER, village.store, outbox.UPSTREAM)
        assert {*applied_at(hub.store).values(), *applied_at(village.store).values()} == {1}
        assert all_cases(village) == all_cases(hub)
    shutil.rmtree(folder)


def go_one_step(road: Road, files: dict[str, list[Path]], step: str, which: int) -> None:
    """Do it. A file of a life that was left is refused, which is no fault here."""
    if step == "file":
        road.pair.file(str(which))
    elif step == "register":
        road.register_one()
    elif step == "line":
        road.pair.call()
    elif step in ("up", "down"):
        files[step].append(road.up() if step == "up" else road.down())
    elif step == "renew village":
        road.pair.village.store.write(lambda tx: lane_events.renew(tx, outbox.UPSTREAM))
    elif step == "renew hub":
        road.pair.hub.store.write(lambda tx: lane_events.renew(tx, PEER))
    elif some := files[step.removeprefix("take ")]:
        taker = road.hub if step == "take up" else road.village
        try:
            taker.take_in(some[which % len(some)])
        except TransferError as error:
            assert "numbered its events anew" in str(error)


def brought_and_sent_again(road: Road) -> None:
    """A stick brings events; then the village numbers them anew, as after a restore, and the line brings them too."""
    road.hub.take_in(road.up())
    road.pair.village.store.write(lambda tx: lane_events.renew(tx, outbox.UPSTREAM))


def test_an_event_that_comes_by_stick_and_again_by_line_is_applied_once(busy: Road) -> None:
    brought_and_sent_again(busy)
    busy.pair.settle()
    check_ledger(busy.pair)


def test_without_the_ids_it_is_applied_twice_and_the_ledger_sees_it(busy: Road) -> None:
    brought_and_sent_again(busy)
    busy.pair.hub.store.write(lambda tx: lanes.forget_applied(tx, tx.now + 1))
    busy.pair.settle()
    assert 2 in applied_at(busy.pair.hub.store).values()
    with pytest.raises(AssertionError):
        check_ledger(busy.pair)


# Disks that go back in time


def restored(station: Station, peer: str, copy: Path, clock: Clock, says_so: bool = True) -> Station:
    """The station after an earlier copy took the place of its disk; by `sado restore`, unless it does not say so."""
    path, cases = station.store.path, station.cases
    station.store.close()
    for left in path.parent.glob(f"{path.name}*"):
        left.unlink()
    shutil.copy(copy, path)
    store = Store(path, keys_in(path.parent), clock)
    if says_so:
        store.write(lambda tx: lane_events.renew(tx, peer))
    return Station(store, Cases(cases._identity, cases.has_upstream, cases.law))


def test_a_hub_that_was_restored_gets_by_hand_what_it_lost(busy: Road, tmp_path: Path, closing: ExitStack) -> None:
    busy.pair.hub.store.backup(tmp_path / "copy")
    busy.walk()
    busy.pair.hub = restored(busy.pair.hub, PEER, tmp_path / "copy", busy.clock)
    closing.callback(busy.pair.hub.store.close)
    assert len(all_cases(busy.pair.hub)) == 1
    busy.walk()
    busy.walk()
    busy.hub.take_in(busy.up())
    assert len(all_cases(busy.pair.hub)) == 3
    check_cursors(busy.pair.village.store, outbox.UPSTREAM, busy.pair.hub.store, PEER)
    check_cursors(busy.pair.hub.store, PEER, busy.pair.village.store, outbox.UPSTREAM)
    assert {*applied_at(busy.pair.hub.store).values(), *applied_at(busy.pair.village.store).values()} == {1}


def test_a_village_that_was_restored_gets_by_hand_what_it_lost(busy: Road, tmp_path: Path, closing: ExitStack) -> None:
    busy.pair.village.store.backup(tmp_path / "copy")
    busy.walk()
    busy.hub.take_in(busy.up())
    busy.pair.village = restored(busy.pair.village, outbox.UPSTREAM, tmp_path / "copy", busy.clock)
    closing.callback(busy.pair.village.store.close)
    assert "answered" not in dict(all_cases(busy.pair.village)).values()
    busy.walk()
    busy.hub.take_in(busy.up())
    assert "answered" in dict(all_cases(busy.pair.village)).values()
    check_ledger(busy.pair)


def test_what_does_not_follow_is_left_and_told_and_the_line_puts_it_right(
    busy: Road, tmp_path: Path, closing: ExitStack
) -> None:
    busy.pair.hub.store.backup(tmp_path / "copy")
    busy.pair.settle()
    busy.pair.hub = restored(busy.pair.hub, PEER, tmp_path / "copy", busy.clock, says_so=False)
    closing.callback(busy.pair.hub.store.close)
    busy.pair.file()
    taken = busy.hub.take_in(busy.up())
    assert (taken.events, taken.new, taken.here, taken.astray) == (1, 0, 0, 1)
    busy.pair.settle()
    assert len(all_cases(busy.pair.hub)) == 4
    check_cursors(busy.pair.village.store, outbox.UPSTREAM, busy.pair.hub.store, PEER)


def test_a_file_of_a_life_that_was_left_is_refused_and_the_next_one_is_taken(busy: Road) -> None:
    old = busy.up()
    busy.pair.village.store.write(lambda tx: lane_events.renew(tx, outbox.UPSTREAM))
    fresh = busy.up()
    busy.hub.take_in(fresh)
    before = dump(busy.pair.hub.store)
    with pytest.raises(TransferError, match="numbered its events anew.*export again there"):
        busy.hub.take_in(old)
    assert dump(busy.pair.hub.store) == before
    busy.pair.settle()
    check_ledger(busy.pair)


def test_a_gap_in_what_is_kept_is_numbered_over(busy: Road) -> None:
    busy.pair.file()

    def lose(tx: Transaction) -> None:
        tx.run("DELETE FROM outbox WHERE destination = 'upstream' AND number = 3")

    busy.pair.village.store.write(lose)
    taken = busy.hub.take_in(busy.up())
    assert (taken.new, taken.here, taken.astray) == (2, 1, 0)
    assert not busy.walk().is_lost and waiting(busy.pair.village.store, outbox.UPSTREAM) == 0


# Files that are not taken


def assert_refused(taker: FileTransfer, store: Store, path: Path, content: bytes, words: str = ".") -> None:
    """The file is refused with these words, and nothing changes."""
    path.write_bytes(content)
    before = dump(store)
    with pytest.raises(TransferError, match=words) as caught:
        taker.take_in(path)
    assert str(caught.value).endswith(".")
    assert dump(store) == before


def samples(size: int) -> list[int]:
    """The label and the first piece byte by byte, then some, and the end."""
    return [*range(120), *range(120, size - 40, 97), *range(size - 40, size)]


@pytest.fixture
def long(busy: Road) -> bytes:
    """A file of several frames, each with events."""
    for number in range(150):
        busy.pair.file(noise(300 + number))
    content = busy.up().read_bytes()
    assert len(file_format.frames_of(content, busy.pair.key)) >= 3
    return content


def test_a_file_that_is_whole_is_taken(busy: Road, long: bytes) -> None:
    (busy.stick / "whole").write_bytes(long)
    assert busy.hub.take_in(busy.stick / "whole").new == 152


def test_a_file_that_is_cut_anywhere_is_refused(busy: Road, long: bytes) -> None:
    for size in samples(len(long)):
        assert_refused(busy.hub, busy.pair.hub.store, busy.stick / "cut", long[:size])


def test_a_file_that_is_cut_between_two_pieces_is_refused(busy: Road, long: bytes) -> None:
    begins = [at for at, _ in pieces_of(long)]
    for at in begins:
        assert_refused(busy.hub, busy.pair.hub.store, busy.stick / "cut", long[:at], "cut or damaged")


def test_a_file_with_a_bit_turned_anywhere_is_refused(busy: Road, long: bytes) -> None:
    for at in samples(len(long)):
        changed = long[:at] + bytes([long[at] ^ 1 << at % 8]) + long[at + 1 :]
        assert_refused(busy.hub, busy.pair.hub.store, busy.stick / "changed", changed)


def pieces_of(content: bytes) -> list[tuple[int, bytes]]:
    """Where each piece begins, and its bytes."""
    at, found = LABEL.size, []
    while at < len(content):
        end = at + LENGTH.size + int.from_bytes(content[at : at + LENGTH.size])
        found.append((at, content[at:end]))
        at = end
    return found


def test_pieces_in_another_order_are_refused(busy: Road, long: bytes) -> None:
    label, pieces = long[: LABEL.size], [piece for _, piece in pieces_of(long)]
    assert label + b"".join(pieces) == long
    for order in (
        [pieces[1], pieces[0], *pieces[2:]],
        [*pieces[1:]],
        [pieces[0], pieces[0], *pieces[1:]],
        [pieces[0], *pieces[2:]],
        [*pieces, pieces[-1]],
        pieces[:-1],
    ):
        assert_refused(busy.hub, busy.pair.hub.store, busy.stick / "moved", label + b"".join(order), "cut or damaged")


def test_pieces_of_another_file_are_refused(busy: Road) -> None:
    one, other = busy.up().read_bytes(), busy.up().read_bytes()
    mixed = one[: LABEL.size] + other[LABEL.size :]
    assert_refused(busy.hub, busy.pair.hub.store, busy.stick / "mixed", mixed, "cut or damaged")


def test_something_behind_the_last_piece_is_refused(busy: Road) -> None:
    for tail in (b"\0", b"\0" * 9):
        assert_refused(
            busy.hub, busy.pair.hub.store, busy.stick / "tail", busy.up().read_bytes() + tail, "cut or damaged"
        )


@pytest.mark.parametrize("content", [b"", b"SadoHand", b"SadoBack" + bytes(99), b"\x89PNG" * 99])
def test_a_file_of_another_kind_is_refused(busy: Road, content: bytes) -> None:
    assert_refused(busy.hub, busy.pair.hub.store, busy.stick / "other", content, "is not an export of Sado")


def test_a_file_of_a_later_release_is_refused(busy: Road) -> None:
    content = busy.up().read_bytes()
    assert_refused(
        busy.hub, busy.pair.hub.store, busy.stick / "later", content[:8] + b"\2" + content[9:], "of version 2"
    )


def test_a_file_that_is_too_large_is_not_read(busy: Road) -> None:
    with (busy.stick / "large").open("wb") as file:
        file.truncate(file_format.MOST_BYTES + 1)
    with pytest.raises(TransferError, match="larger than any export"):
        busy.hub.take_in(busy.stick / "large")


def test_a_file_that_is_gone_is_told(busy: Road) -> None:
    with pytest.raises(TransferError, match="cannot be read.*No such file"):
        busy.hub.take_in(busy.stick / "gone")


def test_a_frame_of_the_line_does_not_pass_as_a_file_nor_a_frame_in_a_file_on_the_line(busy: Road) -> None:
    assert_refused(busy.hub, busy.pair.hub.store, busy.stick / "line", busy.pair.request(), "is not an export of Sado")
    before = dump(busy.pair.hub.store)
    for packed in file_format.frames_of(busy.up().read_bytes(), busy.pair.key):
        assert busy.pair.down(busy.pair.answer(packed)).fault == server.REPEATED
    assert dump(busy.pair.hub.store) == before


# The wrong station


def test_a_file_made_with_an_older_key_is_refused(busy: Road) -> None:
    content = busy.up().read_bytes()
    busy.pair.hub.store.write(lambda tx: stations.add(tx, VILLAGE))
    assert_refused(busy.hub, busy.pair.hub.store, busy.stick / "old", content, "made with another key")


def test_a_station_that_is_not_admitted_is_refused(busy: Road, tmp_path: Path) -> None:
    with open_station(tmp_path / "stranger", 8) as stranger:
        file = busy.stick / "strange"
        FileTransfer(stranger.store, 8, busy.pair.key, stranger.cases.apply).export(file, None, DAY)
    assert_refused(busy.hub, busy.pair.hub.store, file, file.read_bytes(), "Station 008 is not admitted here")


def test_a_file_for_another_station_is_refused(busy: Road, tmp_path: Path) -> None:
    down = busy.down().read_bytes()
    with open_station(tmp_path / "other", 8) as other:
        taker = FileTransfer(other.store, 8, busy.pair.key, other.cases.apply)
        assert_refused(taker, other.store, busy.stick / "down", down, "is for station 007, from its upstream")
    assert_refused(busy.hub, busy.pair.hub.store, busy.stick / "down", down, "is for station 007, from its upstream")


def test_a_file_is_refused_by_the_station_that_wrote_it(busy: Road) -> None:
    content = busy.up().read_bytes()
    assert_refused(busy.village, busy.pair.village.store, busy.stick / "own", content, "wrote the file itself")


def test_a_station_behind_another_exchanges_with_that_one(busy: Road) -> None:
    content = busy.up().read_bytes()
    busy.pair.hub.store.write(lambda tx: stations.set_through(tx, VILLAGE, 3))
    assert_refused(
        busy.hub, busy.pair.hub.store, busy.stick / "behind", content, "exchanges with station 003, by hand too"
    )
    with pytest.raises(TransferError, match="exchanges with station 003"):
        busy.down()


def test_a_hub_is_asked_for_whom_it_exports(busy: Road) -> None:
    with pytest.raises(TransferError, match="--station NUMBER"):
        busy.hub.export(busy.stick / "whose", None, DAY)
    with pytest.raises(TransferError, match="sado station add 8"):
        busy.hub.export(busy.stick / "whose", 8, DAY)
    assert not [*busy.stick.iterdir()]


# What is on the stick


def test_nothing_in_a_file_can_be_read(road: Road) -> None:
    reference = road.pair.file()
    content = road.up().read_bytes()
    words = [*APPEAL.text.split(), *APPEAL.name.split(), APPEAL.msisdn, APPEAL.msisdn[1:], reference, "complaint"]
    for word in words:
        for encoding in ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"):
            assert word.encode(encoding) not in content
        if word.isdigit():
            assert int(word).to_bytes(8).lstrip(b"\0") not in content
    # A frame is compressed, and would not show them either: none of its bytes is there.
    for packed in file_format.frames_of(content, road.pair.key):
        parts = [packed[at : at + 6] for at in range(0, len(packed) - 6)]
        assert not [part for part in parts if part in content]
        assert [part for part in parts if part in b"clear" + packed]


def test_a_frame_in_a_file_is_signed_with_the_key_of_the_two(busy: Road) -> None:
    """A piece that opens is not enough: here it holds a frame that the sender did not sign."""
    strange = frame.pack(frame.UP, VILLAGE, bytes(32), Message(0, 1, incarnation=bytes(8)))
    label = file_format.label_of(busy.up().read_bytes())
    file_format.write(busy.stick / "unsigned", label, busy.pair.key, [strange])
    content = (busy.stick / "unsigned").read_bytes()
    assert_refused(busy.hub, busy.pair.hub.store, busy.stick / "unsigned", content, "MAC is wrong")


def test_nothing_of_a_file_is_taken_when_its_last_frame_cannot_be(busy: Road) -> None:
    content = busy.up().read_bytes()
    frames = file_format.frames_of(content, busy.pair.key)
    unsigned = frame.pack(frame.UP, VILLAGE, bytes(32), Message(0, 1, incarnation=bytes(8)))
    file_format.write(busy.stick / "whole", file_format.label_of(content), busy.pair.key, frames)
    file_format.write(busy.stick / "last", file_format.label_of(content), busy.pair.key, [*frames, unsigned])
    assert_refused(
        busy.hub, busy.pair.hub.store, busy.stick / "last", (busy.stick / "last").read_bytes(), "MAC is wrong"
    )
    assert busy.hub.take_in(busy.stick / "whole").new == 2


def test_a_frame_of_another_station_in_a_file_is_refused(busy: Road) -> None:
    other = frame.pack(frame.UP, 8, busy.pair.key, Message(0, 1, incarnation=bytes(8)))
    label = file_format.label_of(busy.up().read_bytes())
    file_format.write(busy.stick / "mixed", label, busy.pair.key, [other])
    content = (busy.stick / "mixed").read_bytes()
    assert_refused(busy.hub, busy.pair.hub.store, busy.stick / "mixed", content, "of another station")


# Writing


def test_a_file_in_a_folder_is_named_after_station_way_and_day(busy: Road) -> None:
    names = [busy.village.export(busy.stick, None, DAY).path.name for _ in range(2)]
    names += [busy.hub.export(busy.stick, VILLAGE, DAY).path.name]
    assert names == [
        "station-007-up-2027-01-15.sado",
        "station-007-up-2027-01-15-2.sado",
        "station-007-down-2027-01-15.sado",
    ]
    assert sorted(path.name for path in busy.stick.iterdir()) == sorted(names)


def test_no_file_is_written_over(busy: Road) -> None:
    file = busy.up()
    content = file.read_bytes()
    with pytest.raises(TransferError, match="never writes over a file"):
        busy.village.export(file, None, DAY)
    assert file.read_bytes() == content
    assert [*busy.stick.iterdir()] == [file]


def test_a_full_stick_is_told_and_leaves_no_file(busy: Road) -> None:
    (busy.stick / "full.part").symlink_to("/dev/full")
    before = dump(busy.pair.village.store)
    with pytest.raises(TransferError, match="No space left on device.*another stick"):
        busy.village.export(busy.stick / "full", None, DAY)
    assert not [*busy.stick.iterdir()]
    assert dump(busy.pair.village.store) == before


def failing(apply: Apply, after: int) -> Apply:
    """`apply` on a disk that is full after so many events."""
    left = after

    def apply_or_fail(tx: Transaction, peer: str, event: Event) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise DiskError("database or disk is full")
        apply(tx, peer, event)

    return apply_or_fail


@pytest.mark.parametrize("after", [0, 1, 70, 140])
def test_a_station_whose_disk_is_full_takes_the_rest_when_the_file_is_taken_again(
    busy: Road, long: bytes, after: int
) -> None:
    file = busy.stick / "again"
    file.write_bytes(long)
    apply = failing(counting(busy.pair.hub.cases.apply), after)
    with pytest.raises(DiskError):
        FileTransfer(busy.pair.hub.store, HUB, None, apply).take_in(file)
    here = len(all_cases(busy.pair.hub)) - 1
    assert here <= after
    taken = busy.hub.take_in(file)
    assert (taken.new, taken.here) == (152 - here, here)
    busy.pair.settle()
    check_ledger(busy.pair)


def test_more_than_one_file_holds_is_told_and_goes_with_the_next(busy: Road, long: bytes) -> None:
    """The largest file would take minutes to fill; its size is what is left to a small one here."""
    party = busy.village._party(None)
    packed, events, left = busy.pair.village.store.read(lambda tx: transfer.frames(tx, party, transfer.LARGEST_FRAME))
    assert (events + left, left > 0) == (152, True)
    file_format.write(busy.stick / "first", party.label, party.key, packed)
    busy.village.take_in(busy.receipts(busy.stick / "first"))
    assert waiting(busy.pair.village.store, outbox.UPSTREAM) == left
    busy.walk()
    busy.hub.take_in(busy.up())
    check_ledger(busy.pair)


# Through a station in the middle

DISTRICT = 3


@dataclass
class Place:
    """A station on a road of three, and what writes and takes its files."""

    station: Station
    file_transfer: FileTransfer
    written: int = 0

    def waits(self, peer: str) -> int:
        return waiting(self.station.store, peer)


def test_a_station_in_the_middle_carries_for_those_behind_it(tmp_path: Path, closing: ExitStack) -> None:
    clock = Clock()
    hub = closing.enter_context(open_station(tmp_path / "hub", HUB, has_upstream=False, clock=clock))
    district = closing.enter_context(open_station(tmp_path / "district", DISTRICT, clock=clock))
    village = closing.enter_context(open_station(tmp_path / "village", VILLAGE, clock=clock))
    district_key = hub.store.write(lambda tx: stations.add(tx, DISTRICT))
    village_key = district.store.write(lambda tx: stations.add(tx, VILLAGE))
    hub.store.write(lambda tx: stations.set_through(tx, VILLAGE, DISTRICT))
    for one in (district, village):
        one.store.write(lambda tx: lanes.set_upstream(tx, True))
    at_hub = FileTransfer(hub.store, HUB, None, counting(hub.cases.apply))
    at_district = FileTransfer(district.store, DISTRICT, district_key, counting(district.cases.apply))
    at_village = FileTransfer(village.store, VILLAGE, village_key, counting(village.cases.apply))

    def round_trip() -> None:
        """From the village over the district to the hub, and back the same way."""
        folder = tmp_path / f"stick {clock.now}"
        folder.mkdir()
        first = at_village.export(folder / "1", None, DAY).path
        taken = at_district.take_in(first)
        assert taken.aside == taken.astray == 0
        clock.move(WEEK_S)
        second = at_hub.take_in(at_district.export(folder / "2", None, DAY).path)
        assert second.aside == second.astray == 0
        for reference, status in all_cases(hub):
            if status == "received":
                hub.store.write(lambda tx, known=reference: hub.cases.record(tx, "water", known, "registered", ""))
        back = at_hub.answer(folder / "3", second, DAY).path
        clock.move(WEEK_S)
        assert at_district.take_in(back).astray == 0
        at_village.take_in(at_district.answer(folder / "4", taken, DAY).path)

    for number in range(3):
        appeal = msgspec.structs.replace(APPEAL, text=f"{number}")
        village.store.write(lambda tx, one=appeal: village.cases.open(tx, one))
        round_trip()
    round_trip()
    assert all_cases(village) == all_cases(hub)
    assert {status for _, status in all_cases(village)} == {"registered"}
    assert len(all_cases(district)) == 3
    for store, peer in (
        (village.store, outbox.UPSTREAM),
        (district.store, outbox.UPSTREAM),
        (hub.store, outbox.station(DISTRICT)),
        (district.store, PEER),
    ):
        assert waiting(store, peer) == 0
    assert {*applied_at(hub.store).values(), *applied_at(village.store).values()} == {1}


def test_repeats_are_known_by_whole_hashes_so_each_frame_is_a_hello(busy: Road) -> None:
    for packed in file_format.frames_of(busy.up().read_bytes(), busy.pair.key):
        said = busy.pair.up(packed)
        assert len(said.incarnation) == frame.HASH_BYTES
        assert all(len(run.base) == frame.HASH_BYTES for run in said.runs.values())
    run = replace(next(iter(said.runs.values())), base=b"\0" * frame.SHORT_BYTES)
    before = lane_of(busy.pair.hub.store, PEER)
    busy.hub.take_in(busy.up())
    now = lane_of(busy.pair.hub.store, PEER)
    assert now.received > before.received
    taken = busy.pair.hub.store.write(lambda tx: lane.take(tx, PEER, outbox.URGENT, run, 1, busy.pair.hub.cases.apply))
    assert not taken and lane_of(busy.pair.hub.store, PEER).received == now.received
    assert Mark(now.received, now.received_hash) == lane.end_of(next(iter(said.runs.values())))
