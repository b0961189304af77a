"""The officer's pages: Zarina of the water agency works on her cases; Kamol of the electricity agency sees none of
them."""

import html
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import msgspec
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from sado.cases import statuses
from sado.desk import pages
from sado.desk.officer.cases import BUTTONS, LISTED, TABS
from sado.menus.reading import pack
from sado.store.tables import accounts
from sado.store.tables import cases as rows
from sado.sync import status
from sado.sync.link.budget import Budget
from tests.support.browser import HASHED, PASSWORD, enter, post
from tests.support.stations import APPEAL, Clock, Station, open_station

DAY_S = 24 * 3600
PEOPLE = {"Zarina": ("officer", "HCU"), "Kamol": ("officer", "ELC"), "Operator": ("operator", "")}
OPTIONS = pages.Options(
    phone_page=False,
    phone_sms_url="",
    service_code="*1339#",
    ussd_path="",
    secure_cookies=False,
    has_upstream=False,
    is_costly=lambda tx: False,
    spent_peers=lambda tx: [],
    sync_status=lambda tx: status.of(tx, Budget(), None, False),
    release=lambda tx, number: False,
    publisher=lambda: None,
)
APPEAL_TO_HCU = msgspec.structs.replace(APPEAL, agency="HCU", place="KT-YOV")
PACK = pack.load("tajikistan")
WAYS = {
    "received": [],
    "registered": ["registered"],
    "in_review": ["registered", "in_review"],
    "documents_needed": ["registered", "documents_needed"],
    "extended": ["registered", "extended"],
    "forwarded": ["registered", "forwarded"],
    "answered": ["registered", "answered"],
    "refused": ["registered", "refused"],
    "closed": ["registered", "answered", "closed"],
    "reopened": ["registered", "answered", "closed", "reopened"],
}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def hub(tmp_path: Path, clock: Clock) -> Iterator[Station]:
    with open_station(tmp_path, 0, has_upstream=False, clock=clock) as station:
        for name, (role, agency) in PEOPLE.items():
            station.store.write(partial(accounts.save, name=name, password=HASHED, role=role, agency=agency))
        yield station


@pytest.fixture
def app(hub: Station) -> Flask:
    app = Flask("test", static_folder=None)
    pages.create(app, hub.store, hub.cases, PACK, OPTIONS)
    return app


@pytest.fixture
def zarina(app: Flask) -> FlaskClient:
    return signed_in(app, "Zarina")


@pytest.fixture
def kamol(app: Flask) -> FlaskClient:
    return signed_in(app, "Kamol")


@pytest.fixture
def case(hub: Station) -> str:
    return file(hub)


def signed_in(app: Flask, name: str) -> FlaskClient:
    client = app.test_client()
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    assert enter(client, name, PASSWORD).status_code == 302
    return client


def file(hub: Station, kind: str = "complaint", **fields: str) -> str:
    appeal = msgspec.structs.replace(APPEAL_TO_HCU, kind=kind, **fields)
    return hub.store.write(lambda tx: hub.cases.open(tx, appeal)).reference


def move(hub: Station, case: str, event: str) -> None:
    hub.store.write(partial(hub.cases.record, agency="HCU", number=case, kind=event, text="Об омад."))


def buttons_on(client: FlaskClient, case: str) -> list[str]:
    return re.findall(r'<button name="kind" value="(\w+)"', client.get(f"/agency/cases/{case}").text)


def bring(hub: Station, case: str, status: str) -> None:
    """Move the case to this status; a forward goes to ELC."""
    for event in WAYS[status]:
        to = "ELC" if event == "forwarded" else ""
        hub.store.write(
            partial(hub.cases.record, agency="HCU", number=case, kind=event, text=f"words on {event}", to=to)
        )


def send(client: FlaskClient, case: str, **fields: str) -> TestResponse:
    return post(client, "/agency", f"/agency/cases/{case}/events", **fields)


def listed(client: FlaskClient, address: str = "/agency") -> list[str]:
    return re.findall(r'href="/agency/cases/(\d{10})"', client.get(address).text)


def status_of(hub: Station, case: str) -> str:
    return hub.store.read(lambda tx: hub.cases.get(tx, case)).status


def text_of(answer: TestResponse) -> str:
    """What a person reads on the page."""
    return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", answer.text).split()))


HIDDEN = "Об\u202e нест\u200b\x07"
MARKED = "Об‹202E› нест‹200B›‹0007›"


@pytest.mark.parametrize("by", ["resident", "agency"])
def test_what_turns_or_hides_words_is_marked_whoever_wrote_it(hub: Station, zarina: FlaskClient, by: str) -> None:
    words = {"text": HIDDEN} if by == "resident" else {}
    appeal = msgspec.structs.replace(APPEAL_TO_HCU, **words)
    case = hub.store.write(lambda tx: hub.cases.open(tx, appeal)).reference
    if by == "agency":
        hub.store.write(partial(hub.cases.record, agency="HCU", number=case, kind="registered", text=HIDDEN))
    page = html.unescape(zarina.get(f"/agency/cases/{case}").text)
    assert MARKED in page and not {*HIDDEN} & {"\u202e", "\u200b", "\x07"} & {*page}


def test_the_list_is_the_own_agencys(zarina: FlaskClient, kamol: FlaskClient, case: str) -> None:
    assert listed(zarina) == [case]
    assert listed(kamol) == []


@pytest.mark.parametrize("status", statuses.STATUSES)
def test_each_status_is_under_one_tab(hub: Station, zarina: FlaskClient, case: str, status: str) -> None:
    bring(hub, case, status)
    shown = [tab for tab in TABS if case in listed(zarina, f"/agency?show={tab}")]
    assert len(shown) == 1


def test_a_forwarded_case_is_new_at_the_other_agency(
    hub: Station, zarina: FlaskClient, kamol: FlaskClient, case: str
) -> None:
    bring(hub, case, "forwarded")
    assert (listed(kamol), listed(zarina)) == ([case], [])
    assert listed(zarina, "/agency?show=forwarded") == [case]
    assert listed(kamol, "/agency?show=forwarded") == []
    shown = text_of(zarina.get("/agency?show=forwarded"))
    assert "Electricity distribution / Barqi Tojik 15.01.2027 13:00" in shown


def test_the_oldest_case_is_first_and_later_ones_follow(hub: Station, zarina: FlaskClient) -> None:
    filed = [file(hub) for _ in range(LISTED + 1)]
    assert listed(zarina) == filed[:LISTED]
    following = re.search(r'href="(/agency\?[^"]*after=\d+)"', zarina.get("/agency").text)
    assert following
    assert listed(zarina, html.unescape(following[1])) == filed[LISTED:]


@pytest.mark.parametrize("after", ["x", "-1", "9" * 40])
def test_a_place_in_the_list_that_is_none_is_its_start(zarina: FlaskClient, case: str, after: str) -> None:
    assert listed(zarina, f"/agency?after={after}") == [case]


def test_an_unknown_tab_is_no_page(zarina: FlaskClient) -> None:
    assert zarina.get("/agency?show=all").status_code == 404


def test_the_list_says_how_long_a_case_waits_and_for_what(zarina: FlaskClient, case: str, clock: Clock) -> None:
    clock.move(3 * 24 * 3600)
    page = signed_in(zarina.application, "Zarina").get("/agency")
    assert "3 d to be registered" in text_of(page)


def test_what_a_case_waits_for_is_counted_from_when_that_began(
    hub: Station, zarina: FlaskClient, case: str, clock: Clock
) -> None:
    clock.move(3 * DAY_S)
    bring(hub, case, "documents_needed")
    clock.move(4 * 60)
    page = signed_in(zarina.application, "Zarina").get("/agency?show=work")
    assert "4 min for documents from the resident" in text_of(page)


def test_what_has_no_place_and_one_word_for_kind_and_topic_reads_well(hub: Station, zarina: FlaskClient) -> None:
    case = file(hub, kind="civil", topic="civil", place="")
    for address in ("/agency", f"/agency/cases/{case}"):
        shown = text_of(zarina.get(address))
        assert "Civil registry" in shown and "Civil registry: Civil registry" not in shown
        assert re.search(r"Civil registry –|Place –", shown)


@pytest.mark.parametrize("tab", ["new", "work", "done"])
def test_an_empty_list_says_so(zarina: FlaskClient, tab: str) -> None:
    assert 'class="empty"' in zarina.get(f"/agency?show={tab}").text


def test_the_page_shows_all_but_the_phone_number(zarina: FlaskClient, case: str) -> None:
    page = zarina.get(f"/agency/cases/{case}")
    shown = text_of(page)
    for part in (case, APPEAL.name, APPEAL.text, "Yovon district", "Complaint: Water", "15.01.2027 13:00", "not yet"):
        assert part in shown
    assert APPEAL.msisdn[-3:] not in shown.replace(case, "")


def test_both_clocks_are_shown(hub: Station, zarina: FlaskClient, case: str, clock: Clock) -> None:
    clock.move(1800)
    bring(hub, case, "registered")
    shown = text_of(zarina.get(f"/agency/cases/{case}"))
    assert "Received by the channel 15.01.2027 13:00" in shown
    assert "Registered by the agency 15.01.2027 13:30" in shown


def test_the_history_says_when_the_resident_was_told(hub: Station, zarina: FlaskClient, case: str) -> None:
    bring(hub, case, "answered")
    hub.store.write(lambda tx: hub.cases.notified(tx, case))
    shown = text_of(zarina.get(f"/agency/cases/{case}"))
    assert "words on answered" in shown
    assert "15.01.2027 13:00 The resident was told (SMS)" in shown


@pytest.mark.parametrize("status", statuses.STATUSES)
def test_the_buttons_are_the_legal_moves(
    hub: Station, zarina: FlaskClient, kamol: FlaskClient, case: str, status: str
) -> None:
    bring(hub, case, status)
    holder = kamol if status == "forwarded" else zarina
    buttons = buttons_on(holder, case)
    assert set(buttons) == statuses.MOVES[status]
    assert len(buttons) == len(set(buttons))


def test_every_event_has_a_button() -> None:
    assert set(BUTTONS) == statuses.EVENTS


@pytest.mark.parametrize("status", [status for status, moves in statuses.MOVES.items() if moves])
def test_each_button_moves_the_case(hub: Station, zarina: FlaskClient, kamol: FlaskClient, status: str) -> None:
    holder, other = (kamol, "HCU") if status == "forwarded" else (zarina, "ELC")
    for event in statuses.MOVES[status]:
        case = file(hub)
        bring(hub, case, status)
        answer = send(holder, case, kind=event, text="Об омад.", agency=other)
        assert (answer.status_code, answer.location) == (302, f"/agency/cases/{case}")
        assert status_of(hub, case) == event


# Terms


def test_no_last_day_is_shown_before_the_registration(hub: Station, zarina: FlaskClient, case: str) -> None:
    assert "Answer due" not in text_of(zarina.get(f"/agency/cases/{case}"))
    bring(hub, case, "registered")
    assert "Answer due 15.02.2027 31 d left" in text_of(zarina.get(f"/agency/cases/{case}"))


@pytest.mark.parametrize(("term", "last"), [("full", "15.02.2027"), ("short", "01.02.2027")])
def test_an_officer_chooses_the_term(zarina: FlaskClient, case: str, term: str, last: str) -> None:
    offered = text_of(zarina.get(f"/agency/cases/{case}"))
    assert "To be registered by 20.01.2027" in offered
    assert "15.02.2027, the full term" in offered and "01.02.2027, the short term" in offered
    assert send(zarina, case, kind="registered", term=term).status_code == 302
    assert f"Answer due {last}" in text_of(zarina.get(f"/agency/cases/{case}"))


@pytest.mark.parametrize(
    ("kind", "says"), [("question", "the answer is due by 01.02.2027"), ("visit", "registration.")]
)
def test_a_kind_outside_the_law_offers_no_choice(hub: Station, zarina: FlaskClient, kind: str, says: str) -> None:
    case = file(hub, kind=kind)
    offered = zarina.get(f"/agency/cases/{case}")
    assert says in text_of(offered) and "short term" not in text_of(offered)
    assert send(zarina, case, kind="registered", term="short").status_code == 409
    assert status_of(hub, case) == "received"


def test_a_kind_without_a_term_shows_no_day(hub: Station, zarina: FlaskClient) -> None:
    case = file(hub, kind="visit")
    bring(hub, case, "registered")
    assert "Answer due – No last day is known" in text_of(zarina.get(f"/agency/cases/{case}"))


def test_a_late_case_says_so_openly(hub: Station, app: Flask, case: str, clock: Clock) -> None:
    bring(hub, case, "registered")
    for days, says in ((31, "today is the last day"), (1, "late by 1 d"), (9, "late by 10 d")):
        clock.move(days * DAY_S)
        zarina = signed_in(app, "Zarina")
        assert says in text_of(zarina.get(f"/agency/cases/{case}"))
        assert says in text_of(zarina.get("/agency?show=work"))


@pytest.mark.parametrize(
    ("days", "says"), [(31, "answered in time"), (32, "answered 1 d late"), (40, "answered 9 d late")]
)
def test_a_done_case_says_whether_it_was_answered_in_time(
    hub: Station, app: Flask, case: str, clock: Clock, days: int, says: str
) -> None:
    bring(hub, case, "registered")
    clock.move(days * DAY_S)
    move(hub, case, "answered")
    clock.move(99 * DAY_S)
    move(hub, case, "closed")
    assert says in text_of(signed_in(app, "Zarina").get(f"/agency/cases/{case}"))


def test_a_term_is_extended_once_with_words(hub: Station, zarina: FlaskClient, case: str) -> None:
    bring(hub, case, "registered")
    assert "moves the last day to 16.03.2027" in text_of(zarina.get(f"/agency/cases/{case}"))
    assert send(zarina, case, kind="extended", text="").status_code == 422
    assert send(zarina, case, kind="extended", text="Мо интизори харитаем.").status_code == 302
    assert "Answer due 16.03.2027" in text_of(zarina.get(f"/agency/cases/{case}"))
    assert send(zarina, case, kind="in_review").status_code == 302
    assert "extended" not in buttons_on(zarina, case)
    again = send(zarina, case, kind="extended", text="Боз як бор.")
    assert again.status_code == 409
    assert "cannot be extended any more" in text_of(again) and "Боз як бор." in again.text


# Passing a case on


def test_a_case_is_forwarded_to_an_agency_chosen_by_name(hub: Station, zarina: FlaskClient, case: str) -> None:
    bring(hub, case, "registered")
    page = zarina.get(f"/agency/cases/{case}")
    assert '<option value="ELC">Electricity distribution / Barqi Tojik</option>' in page.text
    assert '<option value="HCU">' not in page.text
    assert "until 20.01.2027" in text_of(page) and "must not go to the agency that it is about" in text_of(page)
    assert send(zarina, case, kind="forwarded", agency="ELC").status_code == 302
    left = zarina.get(f"/agency/cases/{case}")
    assert "your agency forwarded the case, and it is answered by: Electricity" in text_of(left)
    assert "Forwarded to: Electricity" in text_of(left)
    assert buttons_on(zarina, case) == []


def test_what_came_after_a_forward_is_the_other_agencys(
    hub: Station, zarina: FlaskClient, kamol: FlaskClient, case: str
) -> None:
    bring(hub, case, "forwarded")
    send(kamol, case, kind="registered")
    send(kamol, case, kind="answered", text="Барқ омад.")
    assert "Барқ омад." in kamol.get(f"/agency/cases/{case}").text
    assert "Барқ омад." not in zarina.get(f"/agency/cases/{case}").text
    assert send(zarina, case, kind="closed").status_code == 409
    assert status_of(hub, case) == "answered"


@pytest.mark.parametrize("agency", ["", "HCU", "XXX"])
def test_without_another_agency_a_case_stays(hub: Station, zarina: FlaskClient, case: str, agency: str) -> None:
    bring(hub, case, "registered")
    answer = send(zarina, case, kind="forwarded", agency=agency)
    assert answer.status_code == 422
    assert "Choose the agency" in text_of(answer)
    assert status_of(hub, case) == "registered"


def test_after_five_days_a_case_is_not_forwarded_any_more(hub: Station, app: Flask, case: str, clock: Clock) -> None:
    bring(hub, case, "registered")
    clock.move(6 * DAY_S)
    zarina = signed_in(app, "Zarina")
    assert "could be forwarded to another agency until 20.01.2027" in text_of(zarina.get(f"/agency/cases/{case}"))
    answer = send(zarina, case, kind="forwarded", agency="ELC")
    assert answer.status_code == 409
    assert "The days for forwarding are over" in text_of(answer)
    assert status_of(hub, case) == "registered"


def test_the_resident_reads_what_was_written(hub: Station, zarina: FlaskClient, case: str) -> None:
    bring(hub, case, "registered")
    send(zarina, case, kind="answered", text=" Насос иваз шуд.\r\nОб омад. \r\n")
    events = hub.store.read(lambda tx: [event.text for event in rows.events_of(tx, case)])
    assert events[-1] == "Насос иваз шуд.\nОб омад."


@pytest.mark.parametrize("event", sorted(statuses.WITH_WORDS))
def test_without_words_nothing_is_sent(hub: Station, zarina: FlaskClient, case: str, event: str) -> None:
    bring(hub, case, "registered")
    answer = send(zarina, case, kind=event, text=" \r\n ")
    assert answer.status_code == 422
    assert "Write the words first" in text_of(answer)
    assert status_of(hub, case) == "registered"


def test_a_move_that_came_too_late_keeps_what_was_typed(hub: Station, zarina: FlaskClient, case: str) -> None:
    bring(hub, case, "answered")
    answer = send(zarina, case, kind="refused", text="Ин <кори> мо нест.")
    assert answer.status_code == 409
    assert "This cannot follow now" in text_of(answer)
    assert "Ин <кори> мо нест." in text_of(answer)
    assert status_of(hub, case) == "answered"


def test_a_text_that_is_too_long_is_kept_for_shortening(hub: Station, zarina: FlaskClient, case: str) -> None:
    bring(hub, case, "registered")
    answer = send(zarina, case, kind="answered", text="ҷ" * 4001)
    assert answer.status_code == 400
    assert "ҷ" * 4001 in answer.text
    assert status_of(hub, case) == "registered"


def test_a_text_of_the_longest_length_is_taken_with_its_line_ends(hub: Station, zarina: FlaskClient, case: str) -> None:
    bring(hub, case, "registered")
    assert send(zarina, case, kind="answered", text="ҷ" * 1999 + "\r\n" * 2 + "ҷ" * 1999).status_code == 302


@pytest.mark.parametrize("fields", [{}, {"kind": ""}, {"kind": "received"}, {"kind": "approved"}])
def test_a_form_without_a_known_event_changes_nothing(
    hub: Station, zarina: FlaskClient, case: str, fields: dict[str, str]
) -> None:
    assert send(zarina, case, **fields).status_code == 400
    assert status_of(hub, case) == "received"


def test_a_form_from_elsewhere_changes_nothing(hub: Station, zarina: FlaskClient, case: str) -> None:
    assert zarina.post(f"/agency/cases/{case}/events", data={"kind": "registered"}).status_code == 400
    assert status_of(hub, case) == "received"


def test_a_form_sent_twice_is_one_event(hub: Station, zarina: FlaskClient, case: str) -> None:
    assert [send(zarina, case, kind="registered").status_code for _ in range(2)] == [302, 302]
    assert len(hub.store.read(lambda tx: rows.events_of(tx, case))) == 2


def test_the_other_agency_cannot_open_a_case(kamol: FlaskClient, case: str) -> None:
    foreign, unknown = kamol.get(f"/agency/cases/{case}"), kamol.get("/agency/cases/0074829130")
    assert (foreign.status_code, unknown.status_code) == (404, 404)
    assert text_of(foreign) == text_of(unknown)


def test_the_other_agency_cannot_move_a_case(hub: Station, kamol: FlaskClient, case: str) -> None:
    assert send(kamol, case, kind="registered").status_code == 404
    assert send(kamol, case, kind="registered", text="ҷ" * 4001).status_code == 404
    assert status_of(hub, case) == "received"


@pytest.mark.parametrize("path", ["/agency", "/agency/cases/{}"])
def test_an_operator_is_refused(app: Flask, case: str, path: str) -> None:
    assert signed_in(app, "Operator").get(path.format(case)).status_code == 403


@pytest.mark.parametrize("path", ["/agency", "/agency/cases/{}"])
def test_a_stranger_signs_in_first(app: Flask, case: str, path: str) -> None:
    answer = app.test_client().get(path.format(case))
    assert answer.status_code == 302
    assert answer.location.startswith("/signin")


def test_the_doors_for_machines_and_people_stand_side_by_side(app: Flask, zarina: FlaskClient) -> None:
    assert zarina.get("/agency/v1/cases").status_code == 401
    assert zarina.get("/agency/v2").content_type.startswith("text/html")
