"""What became of a message: reports early, late, repeated, backwards and unknown; what it cost; when it may leave."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from sado.cases.residents import replies
from sado.channel.contract import Report, State
from sado.channel.sms import costs
from sado.channel.sms.reports import Reports
from sado.store import Transaction
from sado.store.tables import cases, deliveries, subscribers
from sado.store.tables import outbox as entries
from sado.store.tables.deliveries import Delivery
from sado.sync import dispatch, outbox
from sado.sync.codes import Cause
from tests.support.sms import KeepingGateway, notices
from tests.support.station import shipped_pack
from tests.support.stations import APPEAL, Clock, Station, open_station

ZONE = ZoneInfo("Asia/Dushanbe")
LATIN_TEXT = "No 0074424284: khabar hast."


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def village(tmp_path: Path, clock: Clock) -> Iterator[Station]:
    with open_station(tmp_path, 7, has_upstream=False, clock=clock) as opened:
        yield opened


@pytest.fixture
def gateway() -> KeepingGateway:
    return KeepingGateway()


def at(clock: Clock, time: str, day: int = 16) -> None:
    """Move the clock to this time of a day in January 2027, in the country."""
    hour, minute = map(int, time.split(":"))
    clock.move(datetime(2027, 1, day, hour, minute, tzinfo=ZONE).timestamp() - clock())


def news(station: Station) -> str:
    """A case whose resident is to be told; its reference."""
    number = station.store.write(lambda tx: station.cases.open(tx, APPEAL)).reference
    station.store.write(lambda tx: station.cases.record(tx, APPEAL.agency, number, "registered", ""))
    return number


def send_all(station: Station, *gateways: KeepingGateway, daily_budget: int = 0) -> None:
    transport = notices(station.store, station.cases, *gateways, daily_budget=daily_budget)
    while dispatch.step(station.store, outbox.SMS, transport):
        pass


def report(station: Station, message: str, state: State | None, word: str = "") -> None:
    found = Reports(station.cases)
    station.store.write(lambda tx: found.report(tx, "keeping", Report(message, state, word)))


def of(station: Station, number: str) -> list[Delivery]:
    return station.store.read(lambda tx: deliveries.of_case(tx, number))


def kinds(station: Station, number: str) -> list[str]:
    return [event.kind for event in station.store.read(lambda tx: cases.events_of(tx, number))]


def test_a_message_carries_its_segments_and_its_price(village: Station, gateway: KeepingGateway) -> None:
    number = news(village)
    send_all(village, gateway)
    (one,) = of(village, number)
    assert (one.gateway, one.state, one.language, one.encoding) == ("keeping", "sent", "tg", "UCS-2")
    assert (one.segments, one.latin_segments, one.price) == (1, 1, 100)


STATES: list[State] = ["sent", "buffered", "failed", "delivered"]


@pytest.mark.parametrize("order", list(itertools.permutations(STATES)))
def test_in_whatever_order_reports_come_the_most_certain_one_stays(
    village: Station, gateway: KeepingGateway, order: tuple[State, ...]
) -> None:
    number = news(village)
    send_all(village, gateway)
    for state in order * 2:
        report(village, f"keeping-{gateway.keys[0]}", state)
    assert of(village, number)[0].state == "delivered"


def test_a_report_that_comes_before_its_message_is_known_is_taken_up(village: Station, gateway: KeepingGateway) -> None:
    number = news(village)
    entry = village.store.read(lambda tx: entries.of_case(tx, number))[-1]
    report(village, f"keeping-{village.cases.station}-{entry.id}-1", "delivered")
    send_all(village, gateway)
    assert of(village, number)[0].state == "delivered"


def test_a_report_of_nothing_that_we_sent_changes_nothing(village: Station, gateway: KeepingGateway) -> None:
    number = news(village)
    send_all(village, gateway)
    report(village, "somebody else's", "failed")
    assert of(village, number)[0].state == "sent"


def test_a_state_that_we_do_not_know_changes_nothing_and_is_told_without_numbers(
    village: Station, gateway: KeepingGateway, caplog: pytest.LogCaptureFixture
) -> None:
    number = news(village)
    send_all(village, gateway)
    report(village, f"keeping-{gateway.keys[0]}", None, "Teleported")
    assert of(village, number)[0].state == "sent"
    assert "Teleported" in caplog.text
    assert APPEAL.msisdn not in caplog.text


class Uncertain(KeepingGateway):
    """Takes the message and says nothing."""

    def send(self, msisdn: str, text: str, key: str) -> str:
        super().send(msisdn, text, key)
        raise outbox.OutcomeUnknownError(Cause.GATEWAY_SAID_NOTHING)


def test_an_unknown_outcome_is_not_sent_again_and_a_report_settles_it(village: Station) -> None:
    number, silent = news(village), Uncertain()
    send_all(village, silent)
    village.store.write(outbox.retry_all_now)
    send_all(village, silent)
    assert len(silent.given) == 1
    assert of(village, number)[0].state == "uncertain"
    assert "notified" not in kinds(village, number), "nobody knows yet"
    report(village, silent.keys[0], "delivered")
    assert of(village, number)[0].state == "delivered"
    assert kinds(village, number)[-1] == "notified"
    assert village.store.read(lambda tx: entries.of_case(tx, number))[-1].state == "acked"


def test_a_message_that_may_have_left_and_then_failed_has_told_nobody(village: Station) -> None:
    number, silent = news(village), Uncertain()
    send_all(village, silent)
    report(village, silent.keys[0], "failed")
    assert village.store.read(lambda tx: entries.of_case(tx, number))[-1].state == "rejected"
    assert "notified" not in kinds(village, number)


@pytest.mark.parametrize(("state", "end"), [("delivered", "acked"), ("failed", "rejected")])
def test_a_report_that_comes_before_our_time_out_settles_the_message_too(
    village: Station, state: State, end: str
) -> None:
    number = news(village)
    entry = village.store.read(lambda tx: entries.of_case(tx, number))[-1]
    report(village, f"{village.cases.station}-{entry.id}-1", state)
    send_all(village, Uncertain())
    assert of(village, number)[0].state == state
    assert village.store.read(lambda tx: entries.of_case(tx, number))[-1].state == end
    assert ("notified" in kinds(village, number)) is (state == "delivered")


def test_a_message_that_a_person_sends_again_is_paid_again(village: Station, clock: Clock) -> None:
    number, silent, well = news(village), Uncertain(), KeepingGateway()
    send_all(village, silent)
    clock.move(25 * 3600)
    village.store.write(outbox.give_up_waiting)
    entry = village.store.read(lambda tx: entries.of_case(tx, number))[-1]
    assert village.store.write(lambda tx: entries.requeue(tx, entry.id))
    send_all(village, well)
    (one,) = of(village, number)
    assert (one.state, one.segments, one.latin_segments, one.price) == ("sent", 2, 2, 200)


def test_several_steps_of_one_case_are_told_once(village: Station, gateway: KeepingGateway) -> None:
    number = news(village)
    village.store.write(lambda tx: village.cases.record(tx, APPEAL.agency, number, "answered", "Таъмир шуд."))
    send_all(village, gateway)
    assert len(gateway.given) == 1
    assert len(of(village, number)) == 1


def test_steps_of_two_cases_are_told_each(village: Station, gateway: KeepingGateway) -> None:
    news(village)
    news(village)
    send_all(village, gateway)
    assert len(gateway.given) == 2


@pytest.mark.parametrize(
    ("time", "leaves"), [("20:59", True), ("21:00", False), ("23:59", False), ("06:59", False), ("07:00", True)]
)
def test_nothing_is_sent_at_night(
    village: Station, clock: Clock, gateway: KeepingGateway, time: str, leaves: bool
) -> None:
    at(clock, time)
    news(village)
    send_all(village, gateway)
    assert len(gateway.given) == leaves
    at(clock, "07:00", 17)
    send_all(village, gateway)
    assert len(gateway.given) == 1


def test_what_somebody_asked_for_is_sent_at_night_too(village: Station, clock: Clock, gateway: KeepingGateway) -> None:
    at(clock, "23:00")
    village.store.write(lambda tx: replies.send(tx, APPEAL.msisdn, LATIN_TEXT))
    send_all(village, gateway)
    assert gateway.given == [(APPEAL.msisdn, LATIN_TEXT)]


def test_a_notice_that_is_too_old_is_not_sent(village: Station, clock: Clock, gateway: KeepingGateway) -> None:
    news(village)
    clock.move(73 * 3600)
    send_all(village, gateway)
    assert gateway.given == []


def test_when_the_days_money_is_spent_only_replies_leave(
    village: Station, clock: Clock, gateway: KeepingGateway
) -> None:
    for _ in range(3):
        news(village)
    village.store.write(lambda tx: replies.send(tx, APPEAL.msisdn, LATIN_TEXT))
    send_all(village, gateway, daily_budget=250)
    assert [text == LATIN_TEXT for _, text in gateway.given] == [False, False, True]
    at(clock, "08:00", 16)
    send_all(village, gateway, daily_budget=1000)
    assert len(gateway.given) == 4


def test_at_twice_the_days_money_replies_wait_for_the_next_day(
    village: Station, clock: Clock, gateway: KeepingGateway
) -> None:
    phones = [f"+99290000{number:04}" for number in range(12)]
    for phone in phones:
        village.store.write(lambda tx, phone=phone: replies.send(tx, phone, LATIN_TEXT))
    send_all(village, gateway, daily_budget=500)
    price = village.store.read(lambda tx: deliveries.spent(tx, 0)) // len(gateway.given)
    assert len(gateway.given) == 2 * 500 // price < len(phones)
    at(clock, "00:01", 16)
    send_all(village, gateway, daily_budget=5000)
    assert sorted(to for to, _ in gateway.given) == phones


def test_a_number_gets_so_many_replies_a_day_and_no_more_even_after_a_restart(tmp_path: Path) -> None:
    sent = 0
    for _ in range(3):
        with open_station(tmp_path, 7, has_upstream=False) as station:
            said = [station.store.write(lambda tx: replies.send(tx, APPEAL.msisdn, LATIN_TEXT)) for _ in range(10)]
            sent += said.count("sent")
            assert station.store.write(lambda tx: replies.send(tx, "+992900000099", LATIN_TEXT)) == "sent"
    assert sent == replies.MOST_ASKED


def test_the_cap_on_replies_does_not_hold_an_appeal_up(village: Station) -> None:
    for _ in range(replies.MOST_ASKED + 1):
        village.store.write(lambda tx: replies.send(tx, APPEAL.msisdn, LATIN_TEXT))
    assert village.store.write(lambda tx: village.cases.open(tx, APPEAL)).reference


def test_the_costs_of_a_month_say_what_latin_letters_would_have_saved(
    village: Station, gateway: KeepingGateway
) -> None:
    def meet(tx: Transaction) -> None:
        subscribers.remember_language(tx, APPEAL.msisdn, "tg")
        replies.send(tx, APPEAL.msisdn, "Шиноснома тайёр аст. " * 7)

    village.store.write(meet)
    news(village)
    send_all(village, gateway)
    pack = shipped_pack()
    month = costs.month_of(pack, "", village.store.now())
    said = village.store.read(lambda tx: costs.lines(tx, pack, month))
    assert said[0].split() == list(costs.HEADS)
    assert said[1].split() == ["notice", "tg", "UCS-2", "1", "1", "0.10"]
    assert said[2].split() == ["reply", "tg", "UCS-2", "1", "3", "0.30"]
    assert said[3].split() == ["all", "2", "4", "0.40"]
    assert said[4] == "In Latin letters 2027-01 would have cost 0.10 less."


@pytest.mark.parametrize("typed", ["2026-13", "november", "2026-1", "2026-11-01"])
def test_a_month_that_is_none_is_told(typed: str) -> None:
    with pytest.raises(ValueError, match="is no month"):
        costs.month_of(shipped_pack(), typed, 0)
