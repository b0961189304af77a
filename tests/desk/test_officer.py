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

from cases import statuses
from desk import pages
from desk.officer import BUTTONS, LISTED
from menus import pack
from store import accounts
from store import cases as rows
from tests.desk.browser import HASHED, PASSWORD, enter, post
from tests.stations import APPEAL, Clock, Station, open_station

PEOPLE = {"Zarina": ("agency", "HCU"), "Kamol": ("agency", "ELC"), "Operator": ("operator", "")}
OPTIONS = pages.Options(
    phone_page=False, phone_sms_url="", service_code="*1339#", ussd_path="", secure_cookies=False, has_upstream=False
)
APPEAL_TO_HCU = msgspec.structs.replace(APPEAL, agency="HCU", place="KT-YOV")
PACK = pack.load("tajikistan")
WAYS = {
    "received": [],
    "registered": ["registered"],
    "in_review": ["registered", "in_review"],
    "documents_needed": ["registered", "documents_needed"],
    "answered": ["registered", "answered"],
    "refused": ["registered", "refused"],
    "closed": ["registered", "answered", "closed"],
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


def file(hub: Station) -> str:
    return hub.store.write(lambda tx: hub.cases.open(tx, APPEAL_TO_HCU)).reference


def bring(hub: Station, case: str, status: str) -> None:
    """Move the case to this status."""
    for event in WAYS[status]:
        hub.store.write(partial(hub.cases.record, agency="HCU", number=case, kind=event, text=f"words on {event}"))


def send(client: FlaskClient, case: str, **fields: str) -> TestResponse:
    return post(client, "/agency", f"/agency/cases/{case}/events", **fields)


def listed(client: FlaskClient, address: str = "/agency") -> list[str]:
    return re.findall(r'href="/agency/cases/(\d{10})"', client.get(address).text)


def status_of(hub: Station, case: str) -> str:
    return hub.store.read(lambda tx: hub.cases.get(tx, case)).status


def text_of(answer: TestResponse) -> str:
    """What a person reads on the page."""
    return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", answer.text).split()))


def test_the_list_is_the_own_agencys(zarina: FlaskClient, kamol: FlaskClient, case: str) -> None:
    assert listed(zarina) == [case]
    assert listed(kamol) == []


@pytest.mark.parametrize("status", statuses.STATUSES)
def test_each_status_is_under_one_tab(hub: Station, zarina: FlaskClient, case: str, status: str) -> None:
    bring(hub, case, status)
    shown = [tab for tab in ("new", "work", "done") if case in listed(zarina, f"/agency?show={tab}")]
    assert len(shown) == 1


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
    clock.move(3600)
    bring(hub, case, "registered")
    shown = text_of(zarina.get(f"/agency/cases/{case}"))
    assert "Received by the channel 15.01.2027 13:00" in shown
    assert "Registered by the agency 15.01.2027 14:00" in shown


def test_the_history_says_when_the_resident_was_told(hub: Station, zarina: FlaskClient, case: str) -> None:
    bring(hub, case, "answered")
    hub.store.write(lambda tx: hub.cases.notified(tx, case))
    shown = text_of(zarina.get(f"/agency/cases/{case}"))
    assert "words on answered" in shown
    assert "15.01.2027 13:00 The resident was told (SMS)" in shown


@pytest.mark.parametrize("status", statuses.STATUSES)
def test_the_buttons_are_the_legal_moves(hub: Station, zarina: FlaskClient, case: str, status: str) -> None:
    bring(hub, case, status)
    buttons = re.findall(r'<button name="kind" value="(\w+)"', zarina.get(f"/agency/cases/{case}").text)
    assert set(buttons) == statuses.MOVES[status]
    assert len(buttons) == len(set(buttons))


def test_every_event_has_a_button() -> None:
    assert set(BUTTONS) == set().union(*statuses.MOVES.values())


@pytest.mark.parametrize("status", [status for status, moves in statuses.MOVES.items() if moves])
def test_each_button_moves_the_case(hub: Station, zarina: FlaskClient, status: str) -> None:
    for event in statuses.MOVES[status]:
        case = file(hub)
        bring(hub, case, status)
        answer = send(zarina, case, kind=event, text="Об омад.")
        assert (answer.status_code, answer.location) == (302, f"/agency/cases/{case}")
        assert status_of(hub, case) == event


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
