"""Menus and registers come down in ranges, wherever the line is cut."""

import datetime
import hashlib
from collections.abc import Mapping
from pathlib import Path

import pytest

from sado.store.tables import blobs, line_usage, wanted_blobs
from sado.store.tables import outbox as entries
from sado.sync import outbox
from sado.sync.blobs import delta
from sado.sync.blobs.fetch import Fetcher
from sado.sync.blobs.protocol import PLAIN
from sado.sync.codes import Cause
from sado.sync.errors import LineDownError
from sado.sync.link.accounting import Accounting
from sado.sync.link.budget import Budget, windows_from
from sado.sync.link.tcp_counters import ByteCount
from tests.support.blobs import NAME, VILLAGE, Link, Steady, open_link
from tests.support.published import CHUNK, HOUR_S, OVERHEAD, content, given_by_hub, plain_size
from tests.support.stations import open_store


def test_a_fetch_goes_on_after_a_restart_of_both_at_every_range(tmp_path: Path) -> None:
    ranges: list[int] = []
    with open_link(tmp_path, limit=CHUNK) as link:
        link.publish(content(1))
        link.exchange()
        key, clock = link.key, link.clock
    goes_on = True
    while goes_on:
        with open_store(tmp_path / "hub", clock) as hub, open_store(tmp_path / "village", clock) as village:
            link = Link(hub, village, clock, key, CHUNK)
            goes_on = link.fetcher.step()
            ranges += link.ranges
            link.arrivals.step()
    steps = -(-plain_size(content(1)) // CHUNK)
    assert len(ranges) == steps
    assert sum(ranges) == plain_size(content(1)) + steps * OVERHEAD
    assert link.taken == []
    with open_store(tmp_path / "village", clock) as village:
        assert village.read(lambda tx: blobs.content_of(tx, hashlib.sha256(content(1)).digest())) == content(1)


def test_a_line_that_is_cut_at_every_range_costs_that_range_alone(link: Link) -> None:
    link.publish(content(1))
    link.exchange()
    cuts = iter(range(1000))

    def flaky(target: str, headers: Mapping[str, str], timeout_s: float) -> bytes:
        answer = link.answered(target, headers)
        if next(cuts) % 2:
            return answer
        raise LineDownError(Cause.LINE_CUT)

    link.get = flaky
    for _ in range(200):
        if not link.fetcher.step():
            link.clock.move(2 * HOUR_S)
        if link.wanted().state == wanted_blobs.WHOLE:
            break

    link.arrivals.step()
    assert link.taken == [(NAME, content(1))]
    assert len(link.ranges) == 2 * -(-plain_size(content(1)) // CHUNK)


def test_while_the_line_is_down_nothing_is_asked(link: Link) -> None:
    link.publish(content(1))
    link.exchange()
    asked: list[str] = []

    def down(target: str, headers: Mapping[str, str], timeout_s: float) -> bytes:
        asked.append(target)
        raise LineDownError(Cause.UPSTREAM_UNREACHABLE)

    link.get = down
    assert [link.fetcher.step() for _ in range(5)] == [False] * 5
    assert len(asked) == 1
    assert link.village.read(lambda tx: entries.destination(tx, outbox.UPSTREAM)).down_since


def test_an_upstream_that_encodes_otherwise_makes_it_begin_anew(link: Link) -> None:
    link.publish(content(1))
    link.exchange()
    link.fetcher.step()
    assert link.wanted().got == CHUNK
    encoded = delta.pack(content(1)) + delta.pack(b"")

    def another(target: str, headers: Mapping[str, str], timeout_s: float) -> bytes:
        return given_by_hub(link, target, headers, PLAIN, encoded)

    link.get = another
    assert not link.fetcher.step()
    assert (link.wanted().got, link.wanted().total) == (0, 0)
    link.fetch()
    assert link.taken == [(NAME, content(1))]


def test_a_newer_offer_takes_the_place_of_one_that_is_half_here(link: Link) -> None:
    link.publish(content(1))
    link.exchange()
    link.fetcher.step()
    link.publish(content(2))

    link.fetch()

    assert link.taken == [(NAME, content(2))]
    assert link.village.read(lambda tx: tx.value("SELECT COUNT(*) FROM blob_ranges")) == 0


def test_a_newer_offer_takes_the_place_of_one_that_waits_to_be_taken_in(link: Link) -> None:
    link.publish(content(1))
    link.exchange()
    while link.fetcher.step():
        pass
    assert link.wanted().state == wanted_blobs.WHOLE
    link.publish(content(2))

    link.fetch()

    assert link.taken == [(NAME, content(2))]


def test_a_disk_that_went_back_in_time_is_told_its_number_and_goes_on(link: Link) -> None:
    link.publish(content(1))
    link.exchange()
    for _ in range(3):
        link.fetcher.step()
    link.village.write(lambda tx: tx.run("UPDATE counters SET value = 1 WHERE name = 'fetch'"))

    link.fetch()

    assert link.taken == [(NAME, content(1))]


def test_what_is_not_offered_any_more_is_left_alone_for_an_hour(link: Link) -> None:
    link.publish(content(1))
    link.exchange()
    link.hub.write(lambda tx: tx.run("DELETE FROM offered_blobs"))
    assert not link.fetcher.step()
    assert not link.fetcher.step()
    assert len(link.ranges) == 1

    link.publish(content(1))
    link.fetch()
    assert link.taken == [(NAME, content(1))]


@pytest.mark.parametrize(("moved_s", "asks"), [(60, 1), (HOUR_S + 1, 2), (-30 * 24 * HOUR_S, 2)])
def test_what_was_put_off_is_asked_for_after_an_hour_whatever_the_clock_does(
    link: Link, moved_s: float, asks: int
) -> None:
    link.publish(content(1))
    link.exchange()
    link.hub.write(lambda tx: tx.run("DELETE FROM offered_blobs"))
    link.fetcher.step()

    link.clock.move(moved_s)
    link.fetcher.step()
    assert len(link.ranges) == asks


def test_outside_the_cheap_hours_nothing_is_fetched(link: Link) -> None:
    link.publish(content(1))
    link.exchange()
    now = datetime.datetime.fromtimestamp(link.clock.now, datetime.UTC)
    night = f"{now + datetime.timedelta(hours=2):%H:%M}-{now + datetime.timedelta(hours=4):%H:%M}"
    accounting = Accounting(Budget(windows=windows_from(night)))
    fetcher = Fetcher(link.village, VILLAGE, link.key, link.answered, Steady(CHUNK), accounting)

    assert not fetcher.step()
    link.clock.move(3 * HOUR_S)
    assert fetcher.step()


def test_the_bytes_of_the_line_are_booked_as_blobs(link: Link) -> None:
    link.publish(content(1))
    link.exchange()
    accounting = Accounting(used=lambda: ByteCount(10 * len(link.ranges), sum(link.ranges)))
    fetcher = Fetcher(link.village, VILLAGE, link.key, link.answered, Steady(CHUNK), accounting)
    while fetcher.step():
        pass

    day = accounting.budget.day(link.village.now())
    (spent,) = link.village.read(lambda tx: line_usage.spent(tx, outbox.UPSTREAM, day, day))
    assert (spent.purpose, spent.up, spent.down) == (line_usage.BLOBS, 10 * len(link.ranges), sum(link.ranges))
