"""What may leave leaves at once, what may not waits, a quiet line costs little, and every byte is written down."""

import datetime
import json
import secrets
import select
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from sado.store import Store, Transaction
from sado.store.tables import line_usage, stations, wanted_blobs
from sado.store.tables import outbox as entries
from sado.store.tables.events import Event
from sado.sync import outbox, schedule
from sado.sync.codes import Cause
from sado.sync.errors import LineDownError
from sado.sync.exchange import server as exchange
from sado.sync.exchange.client import Client
from sado.sync.link.accounting import Accounting, shared, weights
from sado.sync.link.budget import Budget, Window, limits_from
from sado.sync.link.connection import Line
from sado.sync.link.frame_size import FIRST, FrameSize
from sado.sync.link.tcp_counters import ByteCount
from tests.support.one_by_one import OneByOne
from tests.support.stations import Clock, keys_in

VILLAGE = 7
STATION = outbox.station(VILLAGE)
HOUR_S, DAY_S = 3600, 24 * 3600
# Nothing that is waited for takes so long.
LONG_S = 60
ALWAYS = datetime.date(2027, 1, 1).isoformat(), datetime.date(2027, 12, 31).isoformat()
# What the network adds to a request and to an answer, and what an attempt to connect costs.
AROUND, KNOCK = 150, 104


def keep(tx: Transaction, peer: str, event: Event) -> None:
    tx.next_number(f"took {event.kind}")


@dataclass
class Wire:
    """A line played in memory that counts what it carries."""

    hub: Store
    is_down: bool = False
    is_cut: bool = False
    frames: list[int] = field(default_factory=list)
    used: ByteCount = ByteCount(0, 0)

    def connect(self) -> None:
        if self.is_down:
            self.used += ByteCount(KNOCK, 0)
            raise LineDownError(Cause.UPSTREAM_UNREACHABLE)

    def post(self, frame: bytes, timeout_s: float) -> bytes:
        self.frames.append(len(frame))
        self.used += ByteCount(len(frame) + AROUND, 0)
        if self.is_cut:
            raise LineDownError(Cause.LINE_CUT)
        answer = exchange.answer(self.hub, frame, keep)
        self.used += ByteCount(0, len(answer) + AROUND)
        return answer


def put(store: Store, destination: str, lane: str, count: int, size: int) -> None:
    """Queue events with so many random bytes in each."""

    def add(tx: Transaction) -> None:
        for _ in range(count):
            outbox.put(tx, destination, f"test.{lane}", "", json.dumps({"x": secrets.token_hex(size)}), lane)

    store.write(add)


@dataclass
class Village:
    """A village station with its hub, and the line between them."""

    store: Store
    hub: Store
    clock: Clock
    key: bytes
    wire: Wire

    def upstream(self, budget: Budget | None = None, every_s: float = 60.0) -> schedule.Upstream:
        accounting = Accounting(budget, lambda: self.wire.used)
        client = Client(
            self.store, VILLAGE, self.key, OneByOne(self.wire.post, self.wire.connect), keep, FrameSize(), accounting
        )
        return schedule.Upstream(self.store, client, every_s)

    def put(self, lane: str, count: int = 1, size: int = 8) -> None:
        put(self.store, outbox.UPSTREAM, lane, count, size)

    def put_at_hub(self, lane: str, count: int = 1, size: int = 8) -> None:
        put(self.hub, STATION, lane, count, size)

    def waiting(self) -> dict[str, int]:
        found = self.store.read(lambda tx: entries.counts_by_lane(tx, outbox.UPSTREAM))
        return {lane: count for lane, count, _oldest in found}

    def waiting_at_hub(self) -> dict[str, int]:
        found = self.hub.read(lambda tx: entries.counts_by_lane(tx, STATION))
        return {lane: count for lane, count, _oldest in found}

    def spent(self) -> dict[str, int]:
        found = self.store.read(lambda tx: line_usage.spent(tx, outbox.UPSTREAM, *ALWAYS))
        return {one.purpose: one.total for one in found}

    def line(self) -> entries.Destination:
        return self.store.read(lambda tx: entries.destination(tx, outbox.UPSTREAM))


@pytest.fixture
def village(tmp_path: Path) -> Iterator[Village]:
    clock = Clock()
    folders = [tmp_path / name for name in ("village", "hub")]
    for folder in folders:
        folder.mkdir()
    village, hub = (Store(folder / "station.db", keys_in(folder), clock) for folder in folders)
    key = hub.write(lambda tx: stations.add(tx, VILLAGE))
    yield Village(village, hub, clock, key, Wire(hub))
    village.close()
    hub.close()


def closed_for(clock: Clock, hours: int) -> Budget:
    """A budget whose window, of an hour, opens in so many."""
    here = datetime.datetime.fromtimestamp(clock(), datetime.UTC)
    opens = here + datetime.timedelta(hours=hours)
    return Budget(windows=(Window(opens.time(), (opens + datetime.timedelta(hours=1)).time()),))


def daily(size: int) -> Budget:
    no: dict[str, Any] = {"monthly_mb": 0, "daily_money": 0, "monthly_money": 0, "price": Budget().price}
    return Budget(limits=limits_from(daily_kb=size / 1000, **no))


# What may leave


def test_outside_its_window_only_what_is_urgent_leaves(village: Village) -> None:
    line = village.upstream(closed_for(village.clock, 5))
    for lane in ("u", "n", "b"):
        village.put(lane)
    line.step()
    assert village.waiting() == {"n": 1, "b": 1}

    calls = len(village.wire.frames)
    village.clock.move(5 * HOUR_S - 1)
    line.step()
    assert (village.waiting(), len(village.wire.frames)) == ({"n": 1, "b": 1}, calls), "nor is the upstream asked"

    village.clock.move(1)
    line.step()
    assert village.waiting() == {}


def test_without_a_window_all_lanes_leave(village: Village) -> None:
    for lane in ("u", "n", "b"):
        village.put(lane)
    village.upstream().step()
    assert village.waiting() == {}


def test_outside_the_window_urgent_news_come_and_bulk_stays_at_the_hub(village: Village) -> None:
    village.put_at_hub("u", count=300)
    village.put_at_hub("b", count=300, size=500)
    village.put("u")
    village.upstream(closed_for(village.clock, 5)).step()
    left = village.waiting_at_hub()
    assert "u" not in left
    assert left["b"] > 250, "a little comes in the room that urgent events leave"


def test_a_budget_that_is_used_up_stops_bulk_and_nothing_urgent(village: Village) -> None:
    line = village.upstream(daily(30_000))
    village.put("b", count=100, size=500)
    line.step()
    left = village.waiting()["b"]
    assert 0 < left < 100
    assert 30_000 <= village.wire.used.total < 32_500, "the last exchange is no larger than what was left"

    village.put("u")
    line.step()
    assert village.waiting() == {"b": left}

    village.clock.move(DAY_S)
    line.step()
    assert village.waiting().get("b", 0) < left


def test_without_a_budget_the_same_bulk_leaves_whole(village: Village) -> None:
    village.put("b", count=100, size=500)
    village.upstream().step()
    assert village.waiting() == {}


# Sync now


def test_sync_now_lets_everything_leave_once(village: Village) -> None:
    line = village.upstream(closed_for(village.clock, 5))
    village.put("n")
    village.put("b", count=50)
    village.put_at_hub("b", count=50)
    line.step()
    assert village.waiting() == {"n": 1, "b": 50}

    village.store.write(outbox.retry_all_now)
    line.step()
    assert (village.waiting(), village.waiting_at_hub()) == ({}, {})

    village.put("n")
    line.step()
    assert village.waiting() == {"n": 1}, "once"


def test_sync_now_asks_the_upstream_though_nothing_waits_here(village: Village) -> None:
    line = village.upstream()
    line.step()
    village.put_at_hub("u")
    line.step()
    assert village.waiting_at_hub() == {"u": 1}, "it is not due"

    village.store.write(outbox.retry_all_now)
    line.step()
    calls = len(village.wire.frames)
    line.step()
    assert (village.waiting_at_hub(), len(village.wire.frames)) == ({}, calls)


def test_sync_now_calls_once_and_not_every_second_while_a_blob_is_on_its_way(village: Village) -> None:
    line = village.upstream()
    line.step()
    village.store.write(lambda tx: wanted_blobs.want(tx, "pack/tajikistan", b"h" * 32, 1000, 1, "ab"))
    village.store.write(outbox.retry_all_now)
    calls = len(village.wire.frames)
    for _ in range(5):
        village.clock.move(1)
        line.step()
    assert len(village.wire.frames) == calls + 1
    assert village.store.read(line.client.accounting.budget.is_lifted), "the blob may come, whatever the hour"


def test_sync_now_holds_through_a_line_that_is_down(village: Village) -> None:
    line = village.upstream(closed_for(village.clock, 5))
    village.put("n")
    village.store.write(outbox.retry_all_now)
    village.wire.is_down = True
    line.step()
    assert village.waiting() == {"n": 1}

    village.wire.is_down = False
    village.clock.move(30)
    line.step()
    assert village.waiting() == {}


def test_a_person_waits_no_longer_than_said_for_a_large_backlog(village: Village) -> None:
    village.put("b", count=300, size=500)
    line = village.upstream()
    line.step(most_s=0)
    assert len(village.wire.frames) == 1
    assert village.waiting()["b"] > 0


def test_an_exchange_that_another_has_begun_is_not_begun_again_by_a_person_or_by_the_clock(village: Village) -> None:
    is_in, may_go = threading.Event(), threading.Event()

    class Slow(Wire):
        def post(self, frame: bytes, timeout_s: float) -> bytes:
            is_in.set()
            assert may_go.wait(LONG_S)
            return super().post(frame, timeout_s)

    village.wire = Slow(village.hub)
    line = village.upstream()
    village.put("u")
    others = [threading.Thread(target=line.step) for _ in range(2)]
    for other in others:
        other.start()
    assert is_in.wait(LONG_S)
    line.step(most_s=0)
    assert village.waiting() == {"u": 1}
    may_go.set()
    for other in others:
        other.join()
    assert (village.waiting(), len(village.wire.frames)) == ({}, 1)


# A quiet line


def calls_in(village: Village, line: schedule.Upstream, seconds: int, tick_s: int = 5) -> int:
    """How often the upstream is called, stepping as the scheduler does."""
    before = len(village.wire.frames)
    for _ in range(seconds // tick_s):
        line.step()
        village.clock.move(tick_s)
    return len(village.wire.frames) - before


def test_a_quiet_day_is_about_a_hundred_calls(village: Village) -> None:
    assert 90 <= calls_in(village, village.upstream(), DAY_S) <= 120


def test_after_something_came_the_upstream_is_called_often_again(village: Village) -> None:
    line = village.upstream()
    calls_in(village, line, 6 * HOUR_S)
    village.put("u")
    assert calls_in(village, line, 300) >= 5
    village.clock.move(6 * HOUR_S)
    line.step()
    village.put_at_hub("u")
    calls_in(village, line, 910)
    assert village.waiting_at_hub() == {}
    assert calls_in(village, line, 120) >= 2


def test_while_nothing_comes_a_long_time_calls_are_rare(village: Village) -> None:
    line = village.upstream()
    calls_in(village, line, 6 * HOUR_S)
    assert calls_in(village, line, 1800) == 2


def test_a_clock_that_jumps_stops_no_call(village: Village) -> None:
    line = village.upstream()
    line.step()
    for years in (40, -40):
        village.clock.move(years * 365 * DAY_S)
        before = len(village.wire.frames)
        calls_in(village, line, 1000)
        assert len(village.wire.frames) > before


def test_a_try_that_another_clock_put_off_is_due(village: Village) -> None:
    line = village.upstream()
    village.clock.move(40 * 365 * DAY_S)
    village.wire.is_down = True
    line.step()
    village.wire.is_down = False
    village.clock.move(-40 * 365 * DAY_S)
    village.put("u")
    line.step()
    assert village.waiting() == {}


# A line that is down


def test_a_line_that_is_down_costs_an_attempt_to_connect(village: Village) -> None:
    line = village.upstream()
    village.put("u", count=100)
    village.wire.is_down = True
    for _ in range(4):
        line.step()
        village.clock.move(2 * HOUR_S)
    assert village.wire.frames == []
    assert village.spent() == {line_usage.PROBE: 4 * KNOCK}
    assert village.store.read(lambda tx: tx.value("SELECT value FROM counters WHERE name = 'exchange'")) is None
    assert (line.client.frame_size.limit, village.line().failures) == (FIRST, 4)

    village.wire.is_down = False
    line.step()
    assert village.waiting() == {}


def test_a_frame_that_was_cut_is_counted_for_what_it_carried_and_halves_the_next(village: Village) -> None:
    line = village.upstream()
    village.put("u")
    village.wire.is_cut = True
    line.step()
    assert village.spent() == {line_usage.URGENT: village.wire.used.total}
    assert line.client.frame_size.limit == FIRST // 2


def test_a_port_where_nobody_listens_is_told_and_its_packets_counted() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        line = Line(f"http://127.0.0.1:{bound.getsockname()[1]}")
        with pytest.raises(LineDownError, match="cannot be reached"):
            line.connect()
    assert 0 < line.used.total < 300


def test_a_connection_that_the_upstream_has_left_is_opened_anew_before_a_frame_is_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        line = Line(f"http://127.0.0.1:{server.getsockname()[1]}")
        line.connect()
        first, _ = server.accept()
        line.connect()
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()
        first.close()
        assert select.select([line._socket], [], [], LONG_S)[0]
        server.setblocking(True)
        line.connect()
        second, _ = server.accept()
        second.close()
        line.close()


# What the line carried


def test_every_byte_of_the_line_is_accounted_for(village: Village) -> None:
    line = village.upstream()
    for lane in ("u", "n", "b"):
        village.put(lane, count=20)
        village.put_at_hub(lane, count=20)
    line.step()
    village.clock.move(HOUR_S)
    line.step()
    village.put("n")
    village.wire.is_cut = True
    line.step()
    village.wire.is_cut, village.wire.is_down = False, True
    village.clock.move(HOUR_S)
    line.step()
    village.wire.is_down = False
    village.clock.move(HOUR_S)
    line.step()

    spent = village.spent()
    assert sum(spent.values()) == village.wire.used.total
    assert set(spent) == {line_usage.URGENT, line_usage.NORMAL, line_usage.BULK, line_usage.IDLE, line_usage.PROBE}
    up, down = (
        village.store.read(lambda tx, c=column: tx.value(f"SELECT SUM({c}) FROM traffic")) for column in ("up", "down")
    )
    assert ByteCount(up, down) == village.wire.used


def test_the_day_of_the_country_has_the_bytes_of_its_calls(village: Village) -> None:
    line = village.upstream()
    line.step()
    first = village.wire.used.total
    village.clock.move(DAY_S)
    line.step()
    today = Budget().day(village.store.now())
    assert village.store.read(lambda tx: line_usage.total(tx, outbox.UPSTREAM, today, today)) == (
        village.wire.used.total - first
    )


def test_what_is_not_on_disk_is_noted_the_next_time() -> None:
    carried = ByteCount(100, 50)
    accounting = Accounting(used=lambda: carried)
    lost = accounting.fresh()
    assert accounting.fresh() == lost == ByteCount(100, 50)
    accounting.noted(lost)
    carried = ByteCount(170, 60)
    assert accounting.fresh() == ByteCount(70, 10)


def test_the_parts_of_an_exchange_sum_up() -> None:
    for used in (ByteCount(0, 0), ByteCount(1, 2), ByteCount(100, 7), ByteCount(12_345, 67)):
        parts = shared(used, {"urgent": 3, "normal": 5, "bulk": 9})
        assert sum(parts.values(), ByteCount(0, 0)) == used
    assert shared(ByteCount(170, 17), {"urgent": 3, "bulk": 14}) == {
        "urgent": ByteCount(30, 3),
        "bulk": ByteCount(140, 14),
    }
    assert weights() == {line_usage.IDLE: 1}
