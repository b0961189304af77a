"""The page of the line and `sado sync status`: what waits and why, what went, for how much, whose clock is wrong."""

import datetime
import html
import re
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from flask.testing import FlaskClient

from sado.cli.sync_report import Words
from sado.store import Transaction
from sado.store.tables import lanes, line_usage, quarantine
from sado.store.tables import outbox as entries
from sado.store.tables.events import Event
from sado.sync import outbox, status
from sado.sync.codes import Cause, Reason
from sado.sync.link.budget import Budget, limits_from, windows_from
from sado.sync.link.frame_size import FrameSize
from tests.support.browser import Desk, build, post

DUSHANBE = ZoneInfo("Asia/Dushanbe")
STRANGE = Event("case.moved", "", "{}")
PRICE = Decimal("0.1")
LIMITS = limits_from(daily_kb=500, monthly_mb=20, daily_money=0, monthly_money=2, price=PRICE)
BUDGET = Budget(DUSHANBE, windows_from("22:00-04:00"), LIMITS, PRICE)
TODAY, EARLIER = "2026-07-13", "2026-07-02"


def measured() -> FrameSize:
    frame_size = FrameSize()
    frame_size.succeeded(4000, 2.0)
    return frame_size


FRAME_SIZE = measured()


@pytest.fixture
def station(tmp_path: Path) -> Iterator[Desk]:
    """A desk whose line has a window, budgets and a price; it is five in the morning."""
    with build(tmp_path, sync_status=lambda tx: status.of(tx, BUDGET, FRAME_SIZE, False)) as built:
        yield built


@pytest.fixture
def operator(station: Desk) -> FlaskClient:
    return station.signed_in("operator")


def page(client: FlaskClient, path: str = "/operator/line") -> str:
    """The words of a page, spaces made single."""
    text = html.unescape(client.get(path, follow_redirects=True).text)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", text))


def told(desk: Desk, budget: Budget = BUDGET, frame_size: FrameSize | None = FRAME_SIZE) -> list[str]:
    """What `sado sync status` prints."""
    words = Words(DUSHANBE, "{n} TJS")
    return desk.store.read(lambda tx: words.report(tx, status.of(tx, budget, frame_size, False)))


def put(desk: Desk, lane: str, count: int = 1) -> None:
    def add(tx: Transaction) -> None:
        for _ in range(count):
            outbox.put(tx, outbox.UPSTREAM, "case.notified", "", "{}", lane)

    desk.store.write(add)


def spend(desk: Desk, day: str, what: str, up: int, down: int) -> None:
    desk.store.write(lambda tx: line_usage.add(tx, day, outbox.UPSTREAM, what, up, down))


def be_down(desk: Desk) -> None:
    now = desk.store.now()
    down = entries.Destination(
        outbox.UPSTREAM, 3, now + 12 * 60_000, now, None, Reason(Cause.UPSTREAM_UNREACHABLE).stored
    )
    desk.store.write(lambda tx: entries.save_destination(tx, down))


def set_clock(desk: Desk, peer: str, ahead_s: int) -> None:
    desk.store.write(lambda tx: lanes.save_peer(tx, replace(lanes.peer(tx, peer), ahead_ms=ahead_s * 1000)))


def busy(desk: Desk) -> None:
    """A day with something of everything."""
    for lane, count in (("u", 1), ("n", 30), ("b", 100)):
        put(desk, lane, count)
    spend(desk, EARLIER, line_usage.BULK, 3_000_000, 200_000)
    for what, up, down in (
        (line_usage.URGENT, 200_000, 4000),
        (line_usage.NORMAL, 60_000, 600),
        (line_usage.BLOBS, 900, 180_000),
        (line_usage.IDLE, 30_000, 30_000),
        (line_usage.PROBE, 624, 0),
    ):
        spend(desk, TODAY, what, up, down)
    desk.store.write(lambda tx: outbox.destination_ok(tx, outbox.UPSTREAM))


# The command line


def test_status_of_a_quiet_station(station: Desk) -> None:
    assert told(station, Budget(DUSHANBE), FrameSize()) == [
        "Nothing waits.",
        "Today the line carried 0 bytes.",
        "This month the line carried 0 bytes.",
    ]


def test_status_says_what_waits_why_and_what_went_on_what(station: Desk) -> None:
    busy(station)
    set_clock(station, outbox.UPSTREAM, 7 * 60)
    station.store.write(lambda tx: quarantine.keep(tx, "upstream", STRANGE, "UnknownCaseError: 0070000000"))
    assert told(station) == [
        "Last exchange at 13.07.2026 05:00:00.",
        "Until 14.07.2026 00:00:00 only urgent events leave: today's 500.0 KB are used up.",
        "upstream: 131 waiting, the oldest since 13.07.2026 05:00:00.",
        "  urgent: 1, leaving next.",
        "  normal: 30, held back until 14.07.2026 00:00:00.",
        "  bulk: 100, held back until 14.07.2026 00:00:00.",
        "Today the line carried 506.1 KB (0.05 TJS): urgent 204.0 KB (0.02 TJS), normal 60.6 KB (0.01 TJS),"
        " blobs 180.9 KB (0.02 TJS), idle 60.0 KB (0.01 TJS), probe 624 bytes (0.00 TJS).",
        "This month the line carried 3.71 MB (0.37 TJS): urgent 204.0 KB (0.02 TJS), normal 60.6 KB (0.01 TJS),"
        " bulk 3.20 MB (0.32 TJS), blobs 180.9 KB (0.02 TJS), idle 60.0 KB (0.01 TJS), probe 624 bytes (0.00 TJS).",
        "An exchange carries up to 5.0 KB; the line was measured at 2.0 KB a second.",
        "The clock of upstream is 7 min ahead of ours: one of the two is wrong.",
        "Kept aside, because they could not be understood: 1. `sado quarantine list` shows them.",
    ]


def test_status_says_that_the_window_is_closed_and_when_it_opens(station: Desk) -> None:
    put(station, "n")
    assert told(station)[:3] == [
        "Until 13.07.2026 22:00:00 only urgent events leave: the window is closed.",
        "upstream: 1 waiting, the oldest since 13.07.2026 05:00:00.",
        "  normal: 1, held back until 13.07.2026 22:00:00.",
    ]


def test_status_says_that_sync_now_lifts_it(station: Desk) -> None:
    put(station, "n")
    station.store.write(outbox.retry_all_now)
    assert told(station)[:3] == [
        "`sync now` was asked for at 13.07.2026 05:00:00: no window or budget holds anything back until nothing waits.",
        "upstream: 1 waiting, the oldest since 13.07.2026 05:00:00.",
        "  normal: 1, leaving next.",
    ]


def test_status_of_a_line_that_is_down(station: Desk) -> None:
    put(station, "u")
    be_down(station)
    assert told(station, Budget(DUSHANBE))[:4] == [
        "The line has been down since 13.07.2026 05:00:00: the upstream cannot be reached.",
        "Next try at 13.07.2026 05:12:00.",
        "upstream: 1 waiting, the oldest since 13.07.2026 05:00:00.",
        "  urgent: 1, waiting for the line.",
    ]


def test_status_of_a_hub_tells_whose_clock_is_wrong(station: Desk) -> None:
    set_clock(station, "station:007", -3600)
    set_clock(station, "station:008", 299)
    assert told(station, Budget(DUSHANBE), None) == [
        "Nothing waits.",
        "The clock of station 007 is 60 min behind ours: one of the two is wrong.",
    ]


def test_status_calls_each_destination_by_what_it_is(station: Desk) -> None:
    for to in (outbox.SMS, outbox.station(12), "agency:HCU"):
        station.store.write(lambda tx, to=to: outbox.put(tx, to, "notice", "", "{}"))  # type: ignore[misc]
    assert told(station, Budget(DUSHANBE), None) == [
        "queue of agency HCU: 1 waiting, the oldest since 13.07.2026 05:00:00.",
        "sms: 1 waiting, the oldest since 13.07.2026 05:00:00.",
        "station 012: 1 waiting, the oldest since 13.07.2026 05:00:00.",
    ]


def test_money_of_the_month_is_told_in_money(station: Desk) -> None:
    spend(station, EARLIER, line_usage.BULK, 20_000_000, 0)
    assert "this month's 20.00 MB are used up" in told(station)[0]
    budget = replace(BUDGET, limits=LIMITS[2:])
    assert told(station, budget)[0] == (
        "Until 01.08.2026 00:00:00 only urgent events leave: this month's 2.00 TJS are spent."
    )


# The page


def test_the_page_says_what_waits_and_why(station: Desk, operator: FlaskClient) -> None:
    busy(station)
    words = page(operator)
    held = "Until 14.07.2026 00:00 only what is urgent leaves: today's 500 KB are used up."
    assert f"The line is up. Last exchange at 05:00. {held}" in words
    assert "Urgent 1 05:00 It is next in line." in words
    assert "Normal 30 05:00 Waits until 14.07.2026 00:00: today's 500 KB are used up." in words
    assert "Bulk 100 05:00 Waits until 14.07.2026 00:00: today's 500 KB are used up." in words


def test_the_page_says_what_went_and_for_how_much(station: Desk, operator: FlaskClient) -> None:
    busy(station)
    words = page(operator)
    assert "Today: 506 KB of 500 KB" in words
    assert "This month: 3.71 MB of 20 MB" in words
    assert "This month: 0.37 TJS of 2.00 TJS" in words
    assert "Urgent 204 KB 0.02 TJS 204 KB 0.02 TJS" in words
    assert "Menus and registers 181 KB 0.02 TJS 181 KB" in words
    assert "Tries while the line was down 624 bytes 0.00 TJS" in words
    assert "Total 506 KB 0.05 TJS 3.71 MB 0.37 TJS" in words
    assert "measured to carry 2 KB a second" in words


def test_without_a_price_there_is_no_money(desk: Desk) -> None:
    busy(desk)
    words = page(desk.signed_in("operator"))
    assert "Urgent 204 KB 204 KB" in words
    assert "TJS" not in words and "only what is urgent" not in words


def test_the_outbox_says_why_an_event_is_held_and_what_today_took(station: Desk, operator: FlaskClient) -> None:
    busy(station)
    words = page(operator, "/operator")
    assert words.count("only what is urgent leaves: today's 500 KB are used up.") == 1
    assert words.count("Waits until 14.07.2026 00:00: today's 500 KB are used up.") == 130
    assert "Today: 506 KB, 0.05 TJS · More about the line" in words
    assert "It is next in line." in words


def test_sync_now_on_the_page_is_written_down_and_said(station: Desk, operator: FlaskClient) -> None:
    put(station, "n")
    answer = post(operator, "/operator/line", "/operator/line")
    assert answer.location == "/operator/line"
    assert station.store.read(line_usage.lifted_at) == station.store.now()
    words = page(operator)
    assert "Everything that waits is being tried now." in words
    assert "“Sync now” was asked for at 05:00: no window or budget holds anything back" in words
    assert "Normal 1 05:00 It is next in line." in words


def test_the_button_of_the_outbox_says_it_too(station: Desk, operator: FlaskClient) -> None:
    put(station, "n")
    post(operator, "/operator", "/operator/retry")
    assert "“Sync now” was asked for at 05:00" in page(operator, "/operator")


def test_sync_now_needs_the_page_s_own_form(station: Desk, operator: FlaskClient) -> None:
    assert operator.post("/operator/line").status_code == 400
    assert station.store.read(line_usage.lifted_at) == 0


def test_a_wrong_clock_and_events_kept_aside_are_told_on_both_pages(station: Desk, operator: FlaskClient) -> None:
    set_clock(station, outbox.UPSTREAM, 7 * 60)
    station.store.write(lambda tx: quarantine.keep(tx, "upstream", STRANGE, "UnknownCaseError: 0070000000"))
    clock = "The clock of the upstream station is 7 min ahead of this station's: one of the two is wrong."
    assert clock in page(operator) and clock in page(operator, "/operator")
    assert "Events that could not be understood lie aside: 1." in page(operator)


def test_a_clock_within_five_minutes_is_not_worth_a_word(station: Desk, operator: FlaskClient) -> None:
    set_clock(station, outbox.UPSTREAM, -300)
    assert "The clock of" not in page(operator)


def test_a_hub_has_no_line_of_its_own(tmp_path: Path) -> None:
    with build(
        tmp_path, has_upstream=False, sync_status=lambda tx: status.of(tx, Budget(DUSHANBE), None, False)
    ) as desk:
        set_clock(desk, "station:007", -3600)
        words = page(desk.signed_in("operator"))
        assert "This station has no upstream" in words
        assert "The clock of station 007 is 60 min behind" in words
        assert "Sync now" not in words


@pytest.mark.parametrize("role", ["officer", "phone"])
def test_only_operators_see_it(station: Desk, role: str) -> None:
    assert station.signed_in(role).get("/operator/line").status_code == 403


@pytest.mark.parametrize(
    ("language", "spoken"),
    [("ru", "До 14.07.2026 00:00 отправляется только срочное: объём на сегодня, 500 КБ, исчерпан."),
     ("tg", "То 14.07.2026 00:00 танҳо чизҳои фаврӣ фиристода мешаванд: ҳаҷми имрӯза, 500 КБ, тамом шуд.")],
)  # fmt: skip
def test_the_reason_is_spoken_in_the_page_s_language(
    station: Desk, operator: FlaskClient, language: str, spoken: str
) -> None:
    busy(station)
    words = page(operator, f"/operator/line?lang={language}")
    assert spoken in words
    assert "0,05 сом" in words


def test_the_day_of_the_tests_is_the_country_s() -> None:
    assert BUDGET.day(1_783_900_800_000) == TODAY
    assert datetime.date.fromisoformat(EARLIER).month == datetime.date.fromisoformat(TODAY).month
