"""What waits and why, in words, and what was given up on."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from sado.desk.words import WORDINGS
from sado.store import Transaction
from sado.store.tables import deliveries, lane_events, lanes, quarantine
from sado.store.tables import outbox as entries
from sado.store.tables.deliveries import Delivery
from sado.store.tables.events import Event
from sado.store.tables.outbox import Entry
from sado.sync import outbox, status
from sado.sync.codes import Cause, Reason
from sado.sync.link.budget import Budget
from tests.support.browser import Desk, build, post

MSISDN = "+992900000101"
UNREACHABLE = Reason(Cause.UPSTREAM_UNREACHABLE)


@pytest.fixture
def operator(desk: Desk) -> FlaskClient:
    return desk.signed_in("operator")


def page(client: FlaskClient, path: str = "/operator") -> str:
    """The words of a page, spaces made single."""
    return re.sub(r"\s+", " ", client.get(path, follow_redirects=True).text)


def claimed(desk: Desk, number: str) -> Entry:
    """An SMS about this case, in a sender's hands."""
    desk.store.write(lambda tx: outbox.put(tx, outbox.SMS, "notice", number, "{}"))
    entry = desk.store.write(lambda tx: outbox.claim(tx, outbox.SMS))
    assert entry is not None
    return entry


def give_up(desk: Desk, state: str, reason: str = "") -> int:
    """An SMS that did not leave."""
    number = desk.file().reference
    entry = claimed(desk, number)
    desk.store.write(lambda tx: entries.finish(tx, entry, state, reason))
    return entry.id


def test_an_empty_outbox_says_something_friendly(operator: FlaskClient) -> None:
    assert "Nothing waits. Everything that was to leave has arrived." in page(operator)
    assert "Nothing was given up on." in page(operator)


def test_the_outbox_refreshes_itself_and_other_pages_do_not(operator: FlaskClient) -> None:
    assert '<meta http-equiv="refresh" content="15">' in page(operator)
    assert "http-equiv" not in page(operator, "/operator/find")


@pytest.mark.parametrize("address", ["/operator", "/operator/line", "/operator/find", "/unfinished"])
def test_a_page_that_refreshes_itself_has_no_box_to_type_in(operator: FlaskClient, address: str) -> None:
    shown = page(operator, address)
    fields = [field for field in re.findall("<(?:input|textarea)[^>]*>", shown) if 'type="hidden"' not in field]
    assert not fields or "http-equiv" not in shown


def test_the_outbox_leads_to_where_a_case_is_found(operator: FlaskClient) -> None:
    assert 'href="/operator/find"' in page(operator)
    assert 'name="q"' in page(operator, "/operator/find")


@pytest.mark.parametrize("number", [2**63 - 1, 2**63, 99999999999999999999])
def test_a_number_that_no_entry_can_have_is_no_page(operator: FlaskClient, number: int) -> None:
    assert post(operator, "/operator", f"/operator/retry/{number}").status_code == (302 if number < 2**63 else 404)


def test_a_line_that_is_down_is_told_in_words(desk: Desk, operator: FlaskClient) -> None:
    desk.file()
    now = desk.store.now()
    down = entries.Destination(outbox.UPSTREAM, 3, now + 12 * 60_000, now, None, UNREACHABLE.stored)
    desk.store.write(lambda tx: entries.save_destination(tx, down))
    words = page(operator)
    assert "The line has been down since 05:00: the upstream cannot be reached. Next try at 05:12." in words
    assert "Waits for the line." in words
    assert "new case" in words and "the upstream station" in words


def test_yesterdays_moments_carry_their_day(desk: Desk) -> None:
    desk.store.write(lambda tx: outbox.destination_down(tx, outbox.UPSTREAM, UNREACHABLE))
    desk.clock.now += 24 * 3600
    assert "down since 13.07.2026 05:00" in page(desk.signed_in("operator"))


def test_a_line_that_is_up_says_when_it_was_used(desk: Desk, operator: FlaskClient) -> None:
    desk.store.write(lambda tx: outbox.destination_ok(tx, outbox.UPSTREAM))
    assert "The line is up. Last exchange at 05:00." in page(operator)


def test_sms_that_cannot_leave_are_told_in_words(desk: Desk, operator: FlaskClient) -> None:
    desk.store.write(lambda tx: outbox.put(tx, outbox.SMS, "notice", "", "{}"))
    reason = Reason(Cause.GATEWAY_TAKES_NOTHING, "NoCredit")
    desk.store.write(lambda tx: outbox.destination_down(tx, outbox.SMS, reason))
    words = page(operator)
    assert "SMS cannot leave since 05:00: the SMS gateway takes nothing now: NoCredit." in words
    assert "Waits for the SMS gateway." in words


def test_a_deferred_sms_gives_its_cause_and_next_try(desk: Desk, operator: FlaskClient) -> None:
    entry = claimed(desk, desk.file().reference)
    due, reason = desk.store.now() + 60_000, Reason(Cause.GATEWAY_DID_NOT_TAKE_IT, "Busy")
    desk.store.write(lambda tx: entries.release(tx, entry, due, reason.stored, 1))
    assert "The SMS gateway did not take it: Busy. Next try at 05:01." in page(operator)


def test_a_station_without_an_sms_gateway_says_so(desk: Desk, operator: FlaskClient) -> None:
    desk.store.write(lambda tx: outbox.put(tx, outbox.SMS, "notice", "", "{}"))
    assert "It is next in line." in page(operator)
    desk.clock.now += 121
    assert "No SMS gateway takes it yet." in page(operator)


def test_an_unknown_outcome_is_said_plainly(desk: Desk, operator: FlaskClient) -> None:
    give_up(desk, "unknown", Reason(Cause.GATEWAY_UNREADABLE).stored)
    assert "unknown outcome: it may have arrived" in page(operator)


@pytest.mark.parametrize("state", outbox.GIVEN_UP)
def test_send_again_puts_an_entry_back(desk: Desk, operator: FlaskClient, state: str) -> None:
    entry = give_up(desk, state)
    answer = post(operator, "/operator", f"/operator/retry/{entry}")
    assert answer.location == "/operator"
    waiting = desk.store.read(lambda tx: entries.listed(tx, outbox.WAITING, 9))
    assert entry in [one.id for one in waiting]
    assert "It waits in the outbox again" in page(operator)


def test_send_again_twice_sends_once(desk: Desk, operator: FlaskClient) -> None:
    entry = give_up(desk, "dead")
    post(operator, "/operator", f"/operator/retry/{entry}")
    page(operator)
    post(operator, "/operator", f"/operator/retry/{entry}")
    assert "not among those given up on any more" in page(operator)


def test_try_everything_now_makes_all_of_it_due(desk: Desk, operator: FlaskClient) -> None:
    desk.file()
    desk.store.write(lambda tx: outbox.destination_down(tx, outbox.UPSTREAM, UNREACHABLE))
    post(operator, "/operator", "/operator/retry")
    due = desk.store.read(lambda tx: entries.destination(tx, outbox.UPSTREAM)).due_at
    assert due <= desk.store.now()
    assert "Everything that waits is being tried now." in page(operator)


def test_events_kept_aside_are_listed(desk: Desk, operator: FlaskClient) -> None:
    reason = Reason(Cause.CASE_UNKNOWN, "0070000000")
    desk.store.write(lambda tx: quarantine.keep(tx, "upstream", Event("case.moved", "", "{}"), reason.stored))
    assert "Kept aside" in page(operator)
    assert "There is no such case here: 0070000000" in page(operator)


def test_an_event_of_a_later_release_is_listed_as_one(desk: Desk, operator: FlaskClient) -> None:
    reason = Reason(Cause.EVENT_UNKNOWN)
    desk.store.write(lambda tx: quarantine.keep(tx, "upstream", Event("case.merged", "", "{}"), reason.stored))
    assert "not known to this release: case.merged" in page(operator)


def test_a_case_shows_both_clocks_and_its_words(desk: Desk, operator: FlaskClient) -> None:
    number = desk.file().reference
    words = page(operator, f"/operator/case/{number}")
    assert 'Received by the channel</h2> <p class="clock">13.07.2026 05:00' in words
    assert 'Registered by the agency</h2> <p class="clock">not yet' in words
    assert "Complaint" in words and "Water" in words and "Khujand city" in words and "Saved" in words
    assert "Housing and communal services" in words


def test_a_registered_case_shows_when(desk: Desk, operator: FlaskClient) -> None:
    number = desk.file().reference
    desk.clock.now += 1800
    desk.moved(number, "registered")
    words = page(operator, f"/operator/case/{number}")
    assert 'Registered by the agency</h2> <p class="clock">13.07.2026 05:30' in words
    assert "SMS notice" in words


def test_the_last_day_is_shown_only_after_the_registration(desk: Desk, operator: FlaskClient) -> None:
    number = desk.file().reference
    assert "Answer due" not in page(operator, f"/operator/case/{number}")
    desk.moved(number, "registered")
    words = page(operator, f"/operator/case/{number}")
    assert 'Answer due</h2> <p class="clock">12.08.2026</p> <p class="soft">30 d left' in words


def test_late_answers_are_listed_openly(desk: Desk) -> None:
    number = desk.file().reference
    desk.moved(number, "registered")
    desk.clock.now += 30 * 24 * 3600
    assert "Late answers" not in page(desk.signed_in("operator"), "/operator")
    desk.clock.now += 2 * 24 * 3600
    operator = desk.signed_in("operator")
    words = page(operator, "/operator")
    assert "Late answers" in words and '12.08.2026 <span class="late">late by 2 d' in words
    assert "Housing and communal services" in words
    assert '<p class="late">late by 2 d' in page(operator, f"/operator/case/{number}")


def test_a_forwarded_case_says_where_it_went(desk: Desk, operator: FlaskClient) -> None:
    number = desk.file().reference
    desk.moved(number, "registered")
    desk.moved(number, "forwarded", to="ELC")
    words = page(operator, f"/operator/case/{number}")
    assert "Forwarded to: Electricity distribution" in words
    assert 'Registered by the agency</h2> <p class="clock">not yet' in words


def test_no_page_shows_a_number_in_full(desk: Desk, operator: FlaskClient) -> None:
    number = desk.file(MSISDN).reference
    desk.file("+992900000102")
    for path in ("/operator", f"/operator/case/{number}"):
        assert "99290000" not in operator.get(path).text
    assert "… 101" in operator.get(f"/operator/case/{number}").text


def test_an_unknown_case_is_a_page_with_a_sentence(operator: FlaskClient) -> None:
    answer = operator.get("/operator/case/0000000000")
    assert answer.status_code == 404
    assert "There is nothing at this address." in answer.text


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nowhere", 404), ("POST", "/operator", 405)])
def test_an_address_without_a_page_is_answered_in_the_language_of_the_page(
    operator: FlaskClient, method: str, path: str, status: int
) -> None:
    answer = operator.open(f"{path}?lang=tg", method=method)
    assert answer.status_code == status
    assert '<html lang="tg">' in answer.text and "Not Found" not in answer.text
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_a_hub_shows_when_a_station_last_called(desk: Desk, operator: FlaskClient) -> None:
    desk.store.write(lambda tx: outbox.put(tx, outbox.station(12), "case.moved", "", "{}"))
    words = page(operator)
    assert "station 012" in words and "It has not called yet." in words and "Waits until that station calls." in words


def sent(desk: Desk, number: str, state: str) -> None:
    """An SMS about this case that came so far."""
    delivery = Delivery(1, number, "notice", "kannel", "tg", "UCS-2", 1, 1, 100, state, "", desk.store.now(), 0)
    desk.store.write(lambda tx: deliveries.add(tx, delivery, "1"))


@pytest.mark.parametrize(
    ("state", "words"), [("delivered", "arrived at the phone"), ("failed", "did not arrive"), ("sent", ">sent<")]
)
def test_a_case_says_what_became_of_its_sms(desk: Desk, operator: FlaskClient, state: str, words: str) -> None:
    number = desk.file().reference
    assert "SMS to the resident</h2>" not in page(operator, f"/operator/case/{number}")
    sent(desk, number, state)
    shown = page(operator, f"/operator/case/{number}")
    assert words in shown.replace(" <", "<").replace("> ", ">")
    assert "kannel" in shown


def test_what_may_have_left_says_that_it_is_not_sent_again(desk: Desk, operator: FlaskClient) -> None:
    give_up(desk, "awaiting", Reason(Cause.GATEWAY_LINE_BROKE).stored)
    assert "It is not sent again before a day has passed: it may have left. The line broke before" in page(operator)


@pytest.mark.parametrize("is_costly", [True, False])
def test_most_of_the_days_money_spent_is_an_alarm(tmp_path: Path, is_costly: bool) -> None:
    with build(tmp_path, is_costly=lambda tx: is_costly) as desk:
        assert ("Four fifths of today" in page(desk.signed_in("operator"))) == is_costly


@pytest.mark.parametrize("is_flooded", [True, False])
def test_more_cases_than_usual_are_an_alarm(tmp_path: Path, is_flooded: bool) -> None:
    with build(tmp_path, sync_status=lambda tx: status.of(tx, Budget(), None, is_flooded)) as desk:
        assert ("More cases came within an hour" in page(desk.signed_in("operator"))) == is_flooded


def test_an_sms_that_left_is_with_the_gateway_and_an_event_has_arrived(desk: Desk, operator: FlaskClient) -> None:
    number = desk.file().reference
    entry = claimed(desk, number)
    desk.store.write(lambda tx: outbox.ack(tx, entry))
    assert "handed to the gateway" in page(operator, f"/operator/case/{number}")

    def acknowledge(tx: Transaction) -> None:
        lane = lanes.find(tx, outbox.UPSTREAM, outbox.URGENT)
        lane_events.finish(tx, lane, lane.numbered, lane.numbered_hash)

    desk.store.write(acknowledge)
    assert ">arrived<" in page(operator, f"/operator/case/{number}")


# The queue of an agency

QUEUE = "agency:HCU"
NAMES = {
    "en": "queue of agency Housing and communal services",
    "ru": "очередь ведомства «Жилищно-коммунальное хозяйство (ЖКХ)»",
    "tg": "навбати идораи «Хоҷагии манзилию коммуналӣ (ХМК)»",
}


def to_agency(desk: Desk, number: str = "") -> None:
    desk.store.write(lambda tx: outbox.put(tx, QUEUE, "case.opened", number, "{}"))


@pytest.mark.parametrize(("language", "name"), NAMES.items())
def test_the_queue_of_an_agency_is_called_by_its_name(
    desk: Desk, operator: FlaskClient, language: str, name: str
) -> None:
    number = desk.file().reference
    to_agency(desk, number)
    words = page(operator, f"/operator?lang={language}")
    assert f"<h2>{name[:1].upper()}{name[1:]}</h2>" in words
    assert f">{name}<" in words
    assert f">{name}<" in page(operator, f"/operator/case/{number}?lang={language}")


def test_an_agency_that_the_pack_has_not_shows_as_its_code(desk: Desk, operator: FlaskClient) -> None:
    desk.store.write(lambda tx: outbox.put(tx, "agency:XYZ", "case.opened", "", "{}"))
    assert "queue of agency XYZ" in page(operator)


def test_what_nothing_takes_to_an_agency_says_so_after_a_while(desk: Desk, operator: FlaskClient) -> None:
    to_agency(desk)
    words = page(operator)
    assert "Nothing was sent there yet." in words and "It is next in line." in words
    desk.clock.now += 121
    assert "This station does not deliver to that agency yet." in page(operator)


REFUSED = Reason(Cause.GATEWAY_DID_NOT_TAKE_IT, "busy")
ENDS: list[tuple[Callable[[Transaction, Entry], object], list[str]]] = [
    (lambda tx, entry: None, ["It is being sent now."]),
    (lambda tx, entry: outbox.defer(tx, entry, REFUSED), ["The SMS gateway did not take it: busy. Next try at 05:00."]),
    (
        lambda tx, entry: outbox.put_back(tx, entry, Reason(Cause.GATEWAY_UNREACHABLE)),
        ["Nothing arrives there since 05:00: the SMS gateway cannot be reached.", "queue can be reached."],
    ),
    (
        lambda tx, entry: outbox.await_report(tx, entry, REFUSED),
        ["It is not sent again before a day has passed", "busy."],
    ),
    (lambda tx, entry: outbox.reject(tx, entry, REFUSED), ["refused by the destination", "busy"]),
    (lambda tx, entry: entries.finish(tx, entry, "unknown", ""), ["unknown outcome: it may have arrived"]),
    (outbox.ack, ["Nothing waits."]),
]


@pytest.mark.parametrize(("end", "sentences"), ENDS, ids=[sentences[0] for _, sentences in ENDS])
def test_the_outbox_tells_how_an_entry_for_an_agency_fares(
    desk: Desk, operator: FlaskClient, end: Callable[[Transaction, Entry], object], sentences: list[str]
) -> None:
    to_agency(desk)
    entry = desk.store.write(lambda tx: outbox.claim(tx, QUEUE))
    assert entry is not None
    desk.store.write(lambda tx: end(tx, entry))
    words = page(operator)
    assert [sentence for sentence in sentences if sentence not in words] == []
    assert "station HCU" not in words and "Waits for the line." not in words


def test_what_an_agency_took_has_arrived(desk: Desk, operator: FlaskClient) -> None:
    number = desk.file().reference
    to_agency(desk, number)
    entry = desk.store.write(lambda tx: outbox.claim(tx, QUEUE))
    assert entry is not None
    assert ">arrived<" not in page(operator, f"/operator/case/{number}")
    desk.store.write(lambda tx: outbox.ack(tx, entry))
    assert ">arrived<" in page(operator, f"/operator/case/{number}")
    to_agency(desk)
    assert "What is sent there arrives. Last at 05:00." in page(operator)


def test_every_destination_there_can_be_has_words() -> None:
    forms = [form for names in outbox.NAMES.values() for form in names.pattern.split("|")]
    assert {form.partition(":")[0] for form in forms} == set(WORDINGS)
