"""A station in the middle passes on what is not for it alone, as it came."""

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from sado.store import Transaction
from sado.store.tables import cases, lane_events, lanes, stations
from sado.store.tables.events import Event
from sado.sync import outbox
from sado.sync.exchange import lane, relay
from sado.sync.wire import frame, records
from sado.sync.wire.frame import Message, Run
from sado.sync.wire.records import MOST_BYTES_OF_ONE, Wired
from tests.support.row import DISTRICT, VILLAGE, Row, Stop, open_row
from tests.support.stations import APPEAL

LATER = "later.kind"
AT_DISTRICT, AT_HUB = outbox.station(VILLAGE), outbox.station(DISTRICT)
# Bodies that this release would not write.
BODIES = ['{"a": [1, 2.50, null]}', "no json \x00 \x1b \N{WATER WAVE}", "", '{"b":1,"b":1}', '{"event":"7.1","at":5}']


@pytest.fixture
def row(tmp_path: Path) -> Iterator[Row]:
    with open_row(tmp_path) as found:
        yield found


def file(row: Row, text: str = APPEAL.text) -> str:
    appeal = msgspec.structs.replace(APPEAL, text=text)
    return row.village.store.write(lambda tx: row.village.cases.open(tx, appeal)).reference


def status_at(stop: Stop, reference: str) -> str | None:
    case = stop.store.read(lambda tx: cases.find(tx, reference))
    return case and case.status


def waiting(stop: Stop, peer: str) -> list[Event]:
    """What waits at a station for a peer, urgent first."""

    def job(tx: Transaction) -> list[Event]:
        found = [lanes.find(tx, peer, name) for name in lanes.LANES]
        return [one.event for lane in found for one in lane_events.after(tx, lane, lane.acked, 1000)]

    return stop.store.write(job)


def test_a_case_goes_up_through_the_district_and_its_answer_comes_back(row: Row) -> None:
    reference = file(row)
    row.settle()
    for stop in (row.district, row.hub):
        case = stop.store.read(lambda tx: cases.find(tx, reference))
        assert case is not None
        assert (case.text, case.name, case.status) == (APPEAL.text, APPEAL.name, "received")
    row.hub.store.write(lambda tx: row.hub.cases.record(tx, APPEAL.agency, reference, "registered", ""))
    row.settle()
    assert {status_at(stop, reference) for stop in (row.village, row.district, row.hub)} == {"registered"}
    assert row.village.aside() == row.district.aside() == row.hub.aside() == []


@pytest.mark.parametrize("lane", lanes.LANES)
def test_what_this_release_does_not_understand_goes_up_byte_for_byte(row: Row, lane: str) -> None:
    for body in BODIES:
        row.village.put(outbox.UPSTREAM, LATER, "", body, lane)
    row.settle()
    assert row.district.aside() == [(AT_DISTRICT, LATER, body) for body in BODIES]
    assert row.hub.aside() == [(AT_HUB, LATER, body) for body in BODIES]


@pytest.mark.parametrize("lane", lanes.LANES)
def test_what_this_release_does_not_understand_comes_down_byte_for_byte(row: Row, lane: str) -> None:
    to_village = row.hub.store.read(lambda tx: outbox.way_to(tx, VILLAGE))
    assert to_village == AT_HUB
    for body in BODIES:
        row.hub.put(to_village, LATER, "0070000012", body, lane)
    row.settle()
    assert row.district.aside() == row.village.aside() == [(outbox.UPSTREAM, LATER, body) for body in BODIES]


def test_an_event_keeps_its_id_on_the_way_and_counts_the_stations(row: Row) -> None:
    file(row)
    row.settle()
    at_district, at_hub = row.district.came[0][1], row.hub.came[0][1]
    assert at_district.id == at_hub.id
    assert (at_district.hops, at_hub.hops) == (0, 1)


def test_how_long_ago_it_was_is_right_after_waiting_at_each_station(row: Row) -> None:
    happened = int(row.clock.now * 1000)
    file(row)
    row.clock.move(3600)
    row.lower.call()
    row.clock.move(86_400)
    row.upper.call()
    assert [event.happened_at for _, event in (*row.district.came, *row.hub.came)] == [happened, happened]


@pytest.mark.parametrize(("hops", "is_passed"), [(relay.MOST_HOPS - 1, True), (relay.MOST_HOPS, False), (99, False)])
def test_what_was_passed_on_too_often_goes_no_further(row: Row, hops: int, is_passed: bool) -> None:
    event = Event(LATER, "", "{}", b"01234567", hops=hops)
    row.district.store.write(lambda tx: relay.pass_on(tx, AT_DISTRICT, "n", event))
    assert bool(waiting(row.district, outbox.UPSTREAM)) == is_passed
    assert [reason.startswith("GOES_IN_A_CIRCLE") for reason in row.district.reasons()] == [True] * (not is_passed)


def test_a_station_without_an_upstream_passes_nothing_up(row: Row) -> None:
    event = Event(LATER, "", "{}", b"01234567")
    for stop in (row.hub, row.district):
        stop.store.write(lambda tx: relay.pass_on(tx, outbox.station(9), "n", event))
    assert waiting(row.hub, outbox.UPSTREAM) == []
    assert [one.id for one in waiting(row.district, outbox.UPSTREAM)] == [event.id]


@pytest.mark.parametrize(
    ("reference", "is_passed"),
    [
        ("0070000012", True),
        ("0050000012", False),
        ("0090000012", False),
        ("", False),
        ("abc", False),
        ("\N{SUPERSCRIPT TWO}" * 3, False),
        ("٠٠٧0000012", False),
        ("-07", False),
    ],
)
def test_what_comes_from_above_goes_down_to_the_station_that_it_is_about(
    row: Row, reference: str, is_passed: bool
) -> None:
    event = Event(LATER, reference, "{}", b"01234567")
    row.district.store.write(lambda tx: relay.pass_on(tx, outbox.UPSTREAM, "n", event))
    assert [one.id for one in waiting(row.district, AT_DISTRICT)] == [event.id] * is_passed
    assert waiting(row.district, outbox.UPSTREAM) == []


@pytest.mark.parametrize("reference", ["0080000012", "0050000012", "0090000012"])
def test_what_a_station_says_of_another_s_case_goes_no_further(row: Row, reference: str) -> None:
    """At the hub the district may speak for both."""
    row.district.store.write(lambda tx: stations.add(tx, 8))
    row.hub.store.write(lambda tx: stations.set_through(tx, 8, DISTRICT))
    for about in (reference, "0070000012", ""):
        row.village.put(outbox.UPSTREAM, LATER, about, "{}")
    row.settle()
    assert [event.reference for _, event in row.district.came] == [reference, "0070000012", ""]
    assert [event.reference for _, event in row.hub.came] == ["0070000012", ""]


def test_an_event_that_says_to_be_as_old_as_no_event_is_does_not_stop_the_line_of_the_district(row: Row) -> None:
    row.lower.call()
    base = row.district.store.write(lambda tx: lanes.find(tx, AT_DISTRICT, "n")).received_hash
    run = Run(1, base, [Wired(LATER, "", "{}", records.LARGEST - 1, records.LARGEST - 1)])
    row.district.store.write(lambda tx: lane.take(tx, AT_DISTRICT, "n", run, 1, row.district.apply))
    row.clock.move(5)
    row.district.put(outbox.UPSTREAM, LATER, "", "{}", "n")
    row.settle()
    assert len(row.hub.came) == 2


# How many bytes a sign takes in a frame at most.
SIGNS = {"x": 1, "Ҷ": 2, "\0": 3, "\x1b": 4, "№": 3, "—": 6, "\N{GRINNING FACE}": 7}


@pytest.mark.parametrize("is_too_large", [False, True])
@pytest.mark.parametrize("sign", SIGNS)
def test_an_event_that_hardly_fits_into_a_frame_does_not_stop_the_line_of_the_district(
    row: Row, sign: str, is_too_large: bool
) -> None:
    """Not even one in each lane at once, as a station may send that has nothing good in mind."""
    most = (MOST_BYTES_OF_ONE - len(LATER)) // SIGNS[sign]
    for name in lanes.LANES:
        event = Event(LATER, "", sign * (most + is_too_large), f"8 bytes{name}".encode())
        row.district.store.write(lambda tx, name=name, event=event: relay.pass_on(tx, AT_DISTRICT, name, event))  # type: ignore[misc]
        row.district.put(outbox.UPSTREAM, LATER, "", "{}", name)
    row.settle()
    assert len(row.hub.came) == (3 if is_too_large else 6)
    assert row.district.reasons() == ["EVENT_TOO_LARGE"] * (3 if is_too_large else 0)


def test_the_largest_events_of_all_lanes_fit_into_one_frame(row: Row) -> None:
    for name in lanes.LANES:
        row.district.put(outbox.UPSTREAM, LATER, "", "№" * ((MOST_BYTES_OF_ONE - len(LATER)) // 3), name)
    ends = row.district.store.write(lambda tx: lane.acknowledged(tx, outbox.UPSTREAM))
    runs = row.district.store.write(lambda tx: lane.runs_after(tx, outbox.UPSTREAM, 1, ends, every_lane=True))
    packed = frame.pack(frame.UP, DISTRICT, bytes(32), Message(1, 1, runs=runs, incarnation=bytes(8)))
    assert frame.unpack(frame.UP, bytes(32), packed).count == 3


def test_many_large_events_go_in_several_frames(row: Row) -> None:
    for _ in range(12):
        row.district.put(outbox.UPSTREAM, LATER, "", "x" * (MOST_BYTES_OF_ONE // 2))
    row.settle()
    assert len(row.hub.came) == 12
    assert len(row.upper.frames) < 12


def test_a_district_speaks_only_for_stations_that_are_reached_through_it(row: Row) -> None:
    reference = file(row)
    row.hub.store.write(lambda tx: stations.set_through(tx, VILLAGE, VILLAGE))
    row.settle()
    assert status_at(row.district, reference) == "received"
    assert status_at(row.hub, reference) is None
    assert [reason.partition(" ")[0] for reason in row.hub.reasons()] == ["EVENT_FOREIGN"]


def test_an_event_that_comes_by_two_ways_takes_effect_once(row: Row) -> None:
    reference = file(row)
    row.settle()
    event = row.hub.came[0][1]
    # The village was given a line of its own to the hub, and the same event waited there.
    row.district.store.write(lambda tx: outbox.pass_on(tx, outbox.UPSTREAM, "b", event))
    row.settle()
    assert len(row.hub.came) == 1
    assert status_at(row.hub, reference) == "received"
    assert row.hub.aside() == []


def test_cuts_on_both_lines_lose_and_double_nothing(row: Row) -> None:
    chance = random.Random(3)
    row.lower.cuts = row.upper.cuts = 0.3
    filed = []
    for _ in range(12):
        filed.append(file(row))
        if chance.random() < 0.5:
            row.lower.call()
        if chance.random() < 0.5:
            row.upper.call()
        if chance.random() < 0.3:
            row.lower.restart()
            row.upper.restart()
    row.settle()
    for stop in (row.district, row.hub):
        assert Counter(event.reference for _, event in stop.came) == Counter(filed)
        assert [event.reference for _, event in stop.came] == filed
    for reference in filed:
        row.hub.store.write(
            lambda tx, reference=reference: row.hub.cases.record(tx, APPEAL.agency, reference, "registered", "")
        )
    row.settle()
    assert {status_at(row.village, reference) for reference in filed} == {"registered"}
