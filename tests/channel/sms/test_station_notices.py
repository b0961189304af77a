"""So many SMS a day leave because of one other station; what is over waits and is not lost, and it is told."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from sado.cases.payloads import MOVED, Moved
from sado.channel.sms.send_policy import SendPolicy
from sado.store.tables import outbox as entries
from sado.store.tables.events import Event
from sado.sync import dispatch, outbox
from sado.sync.codes import Cause, Reason
from tests.support.sms import KeepingGateway, notices
from tests.support.station import shipped_pack
from tests.support.stations import APPEAL, START_S, Clock, Station, open_station

MOST, MANY, DAY_S = 3, 8, 86_400


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def village(tmp_path: Path, clock: Clock) -> Iterator[Station]:
    with open_station(tmp_path, 7, clock=clock) as opened:
        yield opened


def moved_by_upstream(village: Station, count: int) -> None:
    """The upstream, or who has the key and speaks as if it were, moves so many cases."""
    for number in range(count):
        reference = village.store.write(lambda tx: village.cases.open(tx, APPEAL)).reference
        moved = Moved(f"001.x{number}.{reference}", reference, "registered", "agency:water", "", int(START_S * 1000))
        event = Event(MOVED, "", msgspec.json.encode(moved).decode())
        village.store.write(lambda tx, event=event: village.cases.apply(tx, outbox.UPSTREAM, event))  # type: ignore[misc]


def send_all(village: Station, most: int) -> int:
    """How many SMS leave now."""
    gateway, pack = KeepingGateway(), shipped_pack()
    transport = notices(village.store, village.cases, gateway, policy=SendPolicy(pack, 0, per_station=most))
    while dispatch.step(village.store, outbox.SMS, transport):
        pass
    return len(gateway.given)


def spent(village: Station, most: int) -> list[str]:
    return village.store.read(SendPolicy(shipped_pack(), 0, per_station=most).spent_peers)


def waiting(village: Station) -> list[str]:
    listed = village.store.read(lambda tx: entries.listed(tx, ("queued",), 99))
    return [entry.reason for entry in listed if entry.destination == outbox.SMS]


def test_what_is_over_waits_for_the_next_days_and_is_not_lost(village: Station, clock: Clock) -> None:
    moved_by_upstream(village, MANY)
    assert (send_all(village, MOST), spent(village, MOST)) == (MOST, [outbox.UPSTREAM])
    reason = Reason(Cause.STATION_NOTICES_SPENT).stored
    assert waiting(village) == [reason] * (MANY - MOST)
    sent = [MOST]
    for _ in range(9):
        clock.move(DAY_S)
        sent.append(send_all(village, MOST))
    assert sent == [3, 3, 2, *[0] * 7]
    assert (waiting(village), spent(village, MOST)) == ([], [])


def test_below_the_limit_all_leave_and_nothing_is_told(village: Station) -> None:
    moved_by_upstream(village, MANY)
    assert (send_all(village, MANY + 1), spent(village, MANY + 1)) == (MANY, [])


def test_without_a_limit_all_leave(village: Station) -> None:
    moved_by_upstream(village, MANY)
    assert (send_all(village, 0), spent(village, 0)) == (MANY, [])


def test_what_somebody_here_did_is_not_counted(tmp_path: Path) -> None:
    with open_station(tmp_path / "hub", 1, has_upstream=False) as hub:
        for _ in range(MANY):
            number = hub.store.write(lambda tx: hub.cases.open(tx, APPEAL)).reference
            hub.store.write(lambda tx, number=number: hub.cases.record(tx, APPEAL.agency, number, "registered", ""))  # type: ignore[misc]
        assert send_all(hub, MOST) == MANY
