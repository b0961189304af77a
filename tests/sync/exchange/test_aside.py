"""What cannot be applied is kept aside up to a bound, where the lane stops and nothing is lost; a person goes on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sado.cases.residents.privacy import Privacy
from sado.store import Transaction
from sado.store.tables import cases, lanes, quarantine
from sado.store.tables import outbox as entries
from sado.store.tables.events import Event
from sado.sync import outbox
from sado.sync.codes import Cause, Reason
from sado.sync.exchange import aside, relay
from sado.sync.wire.frame import FrameError
from tests.support.row import VILLAGE, Row, Stop, open_row
from tests.support.stations import APPEAL

LATER = "later.kind"
PEER = outbox.station(VILLAGE)


@pytest.fixture
def row(tmp_path: Path) -> Iterator[Row]:
    with open_row(tmp_path) as found:
        yield found


def fill(stop: Stop, peer: str, count: int) -> None:
    """So many events of this peer are kept aside."""
    strange = Event(LATER, "", "{}")
    stop.store.write(lambda tx: [quarantine.keep(tx, peer, strange, "EVENT_UNKNOWN") for _ in range(count)])


def kept(stop: Stop) -> int:
    return stop.store.read(quarantine.count)


def delete_all(stop: Stop) -> None:
    stop.store.write(lambda tx: [quarantine.delete(tx, one.id) for one in quarantine.listed(tx, 9999)])


def reason_of(stop: Stop) -> Cause:
    return Reason.read(stop.store.read(lambda tx: entries.destination(tx, outbox.UPSTREAM)).reason).cause


def file(row: Row) -> str:
    return row.village.store.write(lambda tx: row.village.cases.open(tx, APPEAL)).reference


def is_at(stop: Stop, reference: str) -> bool:
    return stop.store.read(lambda tx: cases.find(tx, reference)) is not None


def test_a_lane_stops_where_no_more_may_be_kept_aside_and_goes_on_once_somebody_looked(row: Row) -> None:
    row.lower.call()
    fill(row.district, PEER, quarantine.MOST - 1)
    for _ in range(3):
        row.village.put(outbox.UPSTREAM, LATER, "", "{}")
    reference = file(row)
    row.district.put(PEER, LATER, "", '{"comes": "down"}')
    for _ in range(2):
        with pytest.raises(FrameError, match="kept aside at the upstream"):
            row.lower.call()
    assert (kept(row.district), reason_of(row.village)) == (quarantine.MOST, Cause.UPSTREAM_ASIDE_FULL)
    assert row.district.store.read(quarantine.full_peers) == [PEER]
    assert not is_at(row.district, reference)
    assert row.village.store.read(lambda tx: lanes.find(tx, outbox.UPSTREAM, "u")).numbered == 4
    assert len(row.village.came) == 1, "what comes down comes all the same"

    delete_all(row.district)
    row.settle()
    assert (kept(row.district), is_at(row.district, reference)) == (2, True)
    assert row.district.store.read(quarantine.full_peers) == []


def test_below_the_bound_the_lane_goes_on(row: Row) -> None:
    fill(row.district, PEER, quarantine.MOST - 2)
    row.village.put(outbox.UPSTREAM, LATER, "", "{}")
    reference = file(row)
    row.settle()
    assert (kept(row.district), is_at(row.district, reference)) == (quarantine.MOST - 1, True)


def test_what_is_kept_of_one_station_stops_no_other(row: Row) -> None:
    fill(row.district, outbox.station(8), quarantine.MOST)
    row.village.put(outbox.UPSTREAM, LATER, "", "{}")
    row.settle()
    assert kept(row.district) == quarantine.MOST + 1


def test_large_events_fill_it_sooner(row: Row) -> None:
    large = Event(LATER, "", "x" * (quarantine.MOST_BYTES // 4))
    row.district.store.write(lambda tx: [quarantine.keep(tx, PEER, large, "EVENT_UNKNOWN") for _ in range(4)])
    assert row.district.store.read(lambda tx: quarantine.is_full(tx, PEER))


def test_what_comes_down_stops_in_the_same_way(row: Row) -> None:
    row.lower.call()
    fill(row.village, outbox.UPSTREAM, quarantine.MOST)
    row.district.put(PEER, LATER, "", "{}")
    for _ in range(2):
        with pytest.raises(FrameError, match="kept aside here"):
            row.lower.call()
    assert reason_of(row.village) is Cause.ASIDE_FULL
    delete_all(row.village)
    row.settle()
    assert kept(row.village) == 1


def test_what_could_not_be_passed_on_is_bounded_too(row: Row) -> None:
    row.lower.call()
    fill(row.district, PEER, quarantine.MOST)
    circling = Event(LATER, "", "{}", b"8 bytes.", hops=relay.MOST_HOPS)
    row.village.store.write(lambda tx: entries.append(tx, outbox.UPSTREAM, "u", circling))
    with pytest.raises(FrameError):
        row.lower.call()
    assert kept(row.district) == quarantine.MOST


# Once somebody has looked


def one(stop: Stop) -> quarantine.Quarantined:
    return stop.store.read(lambda tx: quarantine.listed(tx, 1))[0]


def release(stop: Stop, number: int) -> bool:
    return stop.store.write(lambda tx: aside.release(tx, number, stop.cases.apply))


def test_an_event_is_applied_when_it_is_released_and_can_be(row: Row) -> None:
    reference = file(row)
    body = row.village.store.read(lambda tx: entries.waiting_of_case(tx, reference))[0].body
    strange = Event("case.opened", reference, body)
    row.district.store.write(lambda tx: quarantine.keep(tx, PEER, strange, Reason(Cause.OWN_ERROR).stored))
    number = one(row.district).id
    assert (release(row.district, number), kept(row.district), is_at(row.district, reference)) == (True, 0, True)
    assert not release(row.district, number), "nothing is kept under its number any more"


def test_an_event_that_still_cannot_be_applied_stays_with_the_reason_of_now(row: Row) -> None:
    strange = Event("case.notified", "0070000012", '{"event":"007.x.1","reference":"0070000012","at":1}')
    row.district.store.write(lambda tx: quarantine.keep(tx, PEER, strange, "EVENT_UNKNOWN"))
    assert not release(row.district, one(row.district).id)
    assert one(row.district).reason == "CASE_UNKNOWN 0070000012"


@pytest.mark.parametrize("cause", aside.APPLIED_HERE)
def test_what_was_applied_and_only_not_passed_on_is_not_applied_again(row: Row, cause: Cause) -> None:
    def never(tx: Transaction, peer: str, event: Event) -> None:
        raise AssertionError

    row.district.store.write(lambda tx: quarantine.keep(tx, PEER, Event("tally.counted", "", "{}"), cause.name))
    assert not row.district.store.write(lambda tx: aside.release(tx, one(row.district).id, never))
    assert kept(row.district) == 1


def test_who_is_forgotten_is_forgotten_aside_too(row: Row) -> None:
    reference = file(row)
    row.settle()
    hers, other = (f'{{"msisdn":"{number}","text":"words"}}' for number in (APPEAL.msisdn, "+992900000999"))
    for number, body in ((reference, hers), (reference, "no json, words"), (reference, other), ("0070000012", hers)):
        row.district.store.write(
            lambda tx, number=number, body=body: quarantine.keep(tx, PEER, Event(LATER, number, body), "EVENT_UNKNOWN")  # type: ignore[misc]
        )
    row.district.store.write(lambda tx: Privacy(True).forget_case(tx, reference))
    assert [body for _, _, body in row.district.aside()] == ["{}", "{}", other, hers]
