"""Events go by hand as they go by the line, and a file is written whole or not at all."""

import random
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import pytest

from sado.store import DiskError, Transaction
from sado.store.tables import lane_events, lanes, stations
from sado.store.tables import outbox as entries
from sado.store.tables.events import Apply, Event
from sado.store.tables.lanes import LANES
from sado.sync import outbox
from sado.sync.by_hand import file_format, transfer
from sado.sync.by_hand.file_format import TransferError
from sado.sync.by_hand.transfer import FileTransfer
from sado.sync.exchange import lane, server
from sado.sync.wire import frame
from sado.sync.wire.frame import Mark
from tests.support.road import DAY, WEEK_MS, WEEK_S, Road, waiting
from tests.support.stations import APPEAL, Clock, Station, open_station
from tests.support.village_and_hub import (
    HUB,
    PEER,
    VILLAGE,
    all_cases,
    applied_at,
    aside,
    check_ledger,
    counting,
    dump,
    lane_of,
    noise,
)

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
    assert len(all_cases(road.pair.hub)) == 150
    check_ledger(road.pair)


def test_the_line_goes_on_where_the_stick_left_off(road: Road) -> None:
    road.pair.file()
    road.walk()
    road.register_one()
    road.pair.file()
    road.pair.settle()
    assert sorted(status for _, status in all_cases(road.pair.hub)) == ["received", "registered"]
    check_ledger(road.pair)


def test_a_file_holds_all_that_waits_in_frames_of_bounded_size(road: Road) -> None:
    for number in range(400):
        road.pair.file(noise(150 + number))
    road.pair.file("".join(map(chr, random.Random(1).choices(range(0x4E00, 0x9FFF), k=20_000))))
    file = road.up()
    packed = file_format.frames_of(file.read_bytes(), road.pair.key)
    counts = [[len(run.events) for run in road.pair.up(one).runs.values()] for one in packed]
    assert counts[0] == [], "the first frame is a hello"
    sizes = [len(one) for one, count in zip(packed, counts, strict=True) if count != [1]]
    assert len(sizes) > 5 and max(sizes) <= transfer.FRAME_BYTES * server.SLACK < max(map(len, packed))
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
