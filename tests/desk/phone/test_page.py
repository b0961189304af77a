"""The phone page speaks the gateway's format to the webhook, and shows each screen as the network carries it."""

from __future__ import annotations

import html
import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from sado.cases import views
from sado.channel.contract import Networks
from sado.channel.gateways import africastalking
from sado.desk.phone.page import residents
from sado.settings import Settings
from sado.station import Station, build_station
from sado.store import Keyring, Store
from sado.store.tables import accounts, identity, sessions
from sado.store.tables import outbox as entries
from sado.sync import outbox
from tests.support import filing
from tests.support.browser import HASHED, PASSWORD, Desk, build, enter, post

RESIDENT = "+992917123456"


@pytest.fixture
def phone(desk: Desk) -> FlaskClient:
    return desk.signed_in("phone")


def press(client: FlaskClient, key: str, typed: str = "") -> str:
    """Press a key with this in the input line; the page that follows."""
    assert post(client, "/phone", "/phone/press", press=key, typed=typed).location == "/phone"
    return client.get("/phone").text


def test_the_residents_have_numbers_of_the_pack_s_country() -> None:
    assert [residents(country)[0][:4] for country in ("TJ", "KE")] == ["+992", "+254"]
    with pytest.raises(ValueError, match="'XX'"):
        residents("XX")


def test_dialling_sends_the_first_hop_as_the_gateway_does(desk: Desk, phone: FlaskClient) -> None:
    page = press(phone, "send", "*1339#")
    hop = desk.hops[0]
    assert hop["phoneNumber"] == RESIDENT and hop["serviceCode"] == "*1339#" and hop["text"] == ""
    assert hop["sessionId"]
    assert "You typed []\n1. Об</pre>" in page


def test_a_shortcut_arrives_as_already_typed(desk: Desk, phone: FlaskClient) -> None:
    press(phone, "send", "*1339*2*1#")
    assert desk.hops[0]["text"] == "2*1"


def test_answers_are_added_up(desk: Desk, phone: FlaskClient) -> None:
    press(phone, "send", "*1339#")
    press(phone, "send", "2")
    assert "[2*Ёвон]" in press(phone, "send", "Ёвон")
    assert [hop["text"] for hop in desk.hops] == ["", "2", "2*Ёвон"]
    assert len({hop["sessionId"] for hop in desk.hops}) == 1


def test_the_end_closes_the_session_and_the_next_call_is_a_new_one(desk: Desk, phone: FlaskClient) -> None:
    press(phone, "send", "*1339#")
    assert "The session is over." in press(phone, "send", "0")
    press(phone, "send", "*1339#")
    assert len({hop["sessionId"] for hop in desk.hops}) == 2


def test_the_words_con_and_end_are_not_shown(phone: FlaskClient) -> None:
    page = press(phone, "send", "*1339#")
    assert "CON" not in page and "END" not in page


def test_a_screen_is_measured_as_the_network_carries_it(phone: FlaskClient) -> None:
    page = press(phone, "send", "*1339#")
    assert "18 of 80 units" in page and "UCS-2" in page


def test_hanging_up_tells_the_gateway_end(desk: Desk, phone: FlaskClient) -> None:
    press(phone, "send", "*1339#")
    page = press(phone, "end")
    assert desk.hops[-1]["status"] == "Incomplete"
    assert desk.hops[-1]["sessionId"] == desk.hops[0]["sessionId"]
    assert "Dial *1339#" in page


def test_keys_write_into_the_input_line(desk: Desk, phone: FlaskClient) -> None:
    assert 'value="*13"' in press(phone, "3", "*1")
    assert 'value="*1"' in press(phone, "clear", "*13")
    assert desk.hops == []


def test_a_press_of_nothing_that_is_there_does_nothing(desk: Desk, phone: FlaskClient) -> None:
    assert 'value="12"' in press(phone, "explode", "12")
    assert desk.hops == []


def test_a_code_of_nobody_is_not_sent(desk: Desk, phone: FlaskClient) -> None:
    assert "No service answers this code. Dial *1339#." in press(phone, "send", "*133#")
    assert desk.hops == []


def test_a_refusal_of_the_webhook_is_shown(phone: FlaskClient) -> None:
    press(phone, "send", "*1339#")
    assert "The webhook answered 400: text is bad" in press(phone, "send", "bad")


@pytest.mark.parametrize("typed", ["+992 93 500 00 07", "992935000007", "93 500-00-07"])
def test_another_number_can_be_taken(desk: Desk, phone: FlaskClient, typed: str) -> None:
    post(phone, "/phone", "/phone/number", number=typed)
    press(phone, "send", "*1339#")
    assert desk.hops[0]["phoneNumber"] == "+992935000007"


def test_a_sample_resident_can_be_taken(desk: Desk, phone: FlaskClient) -> None:
    post(phone, "/phone", "/phone/number", number="", resident="+992900000102")
    press(phone, "send", "*1339#")
    assert desk.hops[0]["phoneNumber"] == "+992900000102"


def test_nonsense_is_no_number(phone: FlaskClient) -> None:
    post(phone, "/phone", "/phone/number", number="salom")
    page = phone.get("/phone").text
    assert "This is not a telephone number." in page and RESIDENT in page


def test_too_much_typing_says_so(desk: Desk, phone: FlaskClient) -> None:
    press(phone, "send", "*1339#")
    for _ in range(5):
        press(phone, "send", "ғ" * 182)
    assert "Too much was typed in one session" in press(phone, "send", "ғ" * 182)
    assert len(desk.hops) == 6


def test_the_page_may_be_seen_by_an_operator_too(desk: Desk) -> None:
    assert desk.signed_in("operator").get("/phone").status_code == 200


def test_without_a_gateway_the_page_says_what_to_set(tmp_path: Path) -> None:
    with build(tmp_path, ussd_path="") as desk:
        phone = desk.signed_in("phone")
        assert "SADO_AFRICASTALKING_TOKEN" in phone.get("/phone").text
        press(phone, "send", "*1339#")
        assert desk.hops == []


def test_without_the_setting_there_is_no_phone_page(tmp_path: Path) -> None:
    with build(tmp_path, phone_page=False) as desk:
        assert desk.signed_in("operator").get("/phone").status_code == 404
        assert desk.signed_in("phone").get("/").location == "/account"


@pytest.fixture
def sms_log() -> Iterator[str]:
    """The address of a list of SMS: two to our resident, one to another."""
    texts = [(RESIDENT, "first"), ("+992900000102", "not hers"), (RESIDENT, "second")]

    class Log(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # noqa: N802
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps([{"to": to, "text": text} for to, text in texts]).encode())

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Log)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/sms"
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_sms_to_this_number_are_shown_newest_first(tmp_path: Path, sms_log: str) -> None:
    with build(tmp_path, phone_sms_url=sms_log) as desk:
        page = desk.signed_in("phone").get("/phone").text
    assert "<li>second</li><li>first</li>" in page and "not hers" not in page


def test_a_list_that_cannot_be_reached_is_said(tmp_path: Path) -> None:
    with build(tmp_path, phone_sms_url="http://127.0.0.1:9/sms") as desk:
        assert "The list of SMS cannot be reached now." in desk.signed_in("phone").get("/phone").text


def set_handset(client: FlaskClient, cut: str, letters: str) -> str:
    """Set what the network lets through and which letters the phone has; the page that follows."""
    assert post(client, "/phone", "/phone/handset", cut=cut, letters=letters).location == "/phone"
    return client.get("/phone").text


def lcd(page: str) -> str:
    """What stands on the display."""
    found = re.search(r'<pre class="screen[^"]*">(.*?)</pre>', page, re.DOTALL)
    assert found
    return html.unescape(found[1])


def test_a_repeat_is_the_same_request_to_the_letter(desk: Desk, phone: FlaskClient) -> None:
    press(phone, "send", "*1339#")
    press(phone, "send", "2")
    page = press(phone, "repeat")
    assert desk.hops[2] == desk.hops[1]
    assert "[2]" in lcd(page) and "both answers are the same to the letter" in page


def test_the_last_request_of_a_session_can_be_repeated(desk: Desk, phone: FlaskClient) -> None:
    press(phone, "send", "*1339*0#")
    assert "[0]" in lcd(press(phone, "repeat"))
    assert desk.hops[1] == desk.hops[0]


def test_before_the_first_call_there_is_nothing_to_repeat(desk: Desk, phone: FlaskClient) -> None:
    assert "There is no request to repeat." in press(phone, "repeat")
    assert desk.hops == []


def test_an_answer_that_changed_is_told(desk: Desk, phone: FlaskClient) -> None:
    desk.says = "first"
    press(phone, "send", "*1339#")
    desk.says = "second"
    page = press(phone, "repeat")
    assert "the second answer is another one" in page and "second" in lcd(page)


def test_a_lost_reply_reaches_the_station_and_not_the_phone(desk: Desk, phone: FlaskClient) -> None:
    page = press(phone, "lose", "*1339#")
    assert lcd(page) == "Connection problem or invalid MMI code."
    assert [hop["text"] for hop in desk.hops] == [""]
    assert "You typed" not in page


def test_a_lost_reply_comes_with_the_repeat_and_the_session_goes_on(desk: Desk, phone: FlaskClient) -> None:
    press(phone, "send", "*1339#")
    press(phone, "lose", "2")
    assert "[2]" in lcd(press(phone, "repeat"))
    press(phone, "send", "3")
    assert [hop["text"] for hop in desk.hops] == ["", "2", "2", "2*3"]
    assert len({hop["sessionId"] for hop in desk.hops}) == 1


def test_after_a_lost_reply_the_next_call_is_a_new_session(desk: Desk, phone: FlaskClient) -> None:
    press(phone, "lose", "*1339#")
    press(phone, "send", "*1339#")
    assert len({hop["sessionId"] for hop in desk.hops}) == 2


def test_a_call_that_nobody_answers_has_no_reply_to_lose(desk: Desk, phone: FlaskClient) -> None:
    assert "No service answers this code." in lcd(press(phone, "lose", "*133#"))
    assert desk.hops == []


def test_a_dropped_session_is_told_as_the_gateway_does_and_the_next_is_new(desk: Desk, phone: FlaskClient) -> None:
    press(phone, "send", "*1339#")
    page = press(phone, "drop", "never sent")
    assert lcd(page) == "The network ended the session."
    assert desk.hops[1] == {
        **{name: desk.hops[0][name] for name in ("sessionId", "serviceCode", "phoneNumber")},
        "status": "Incomplete",
    }
    press(phone, "send", "*1339#")
    assert desk.hops[2]["sessionId"] != desk.hops[0]["sessionId"]


def test_a_phone_at_rest_has_no_session_to_drop(desk: Desk, phone: FlaskClient) -> None:
    press(phone, "drop")
    assert desk.hops == []


def test_a_cut_screen_shows_what_is_left_and_what_is_lost(phone: FlaskClient) -> None:
    press(phone, "send", "*1339#")
    page = set_handset(phone, "14", "all")
    assert lcd(page) == "You typed []\n1"
    assert '<pre class="lost">. Об</pre>' in page and "18 of 80 units" in page
    assert '<pre class="lost">' not in set_handset(phone, "", "all")


@pytest.mark.parametrize("cut", ["0", "183", "-1", "x", "1.5", "٣"])
def test_what_is_no_number_of_units_changes_nothing(phone: FlaskClient, cut: str) -> None:
    press(phone, "send", "*1339#")
    page = set_handset(phone, cut, "latin")
    assert "Type how many units get through, from 1 to 182" in page
    assert lcd(page) == "You typed []\n1. Об"


@pytest.mark.parametrize(
    ("letters", "shown"),
    [("all", "Ҷавоб [№1]"), ("russian", "□авоб [№1]"), ("latin", "□□□□□ [□1]"), ("klingon", "Ҷавоб [№1]")],
)
def test_a_phone_shows_a_box_for_a_letter_that_it_lacks(
    desk: Desk, phone: FlaskClient, letters: str, shown: str
) -> None:
    desk.says = "Ҷавоб [№1]"
    set_handset(phone, "", letters)
    assert lcd(press(phone, "send", "*1339#")) == shown


def test_hanging_up_and_another_number_leave_network_and_letters_as_they_are(phone: FlaskClient) -> None:
    set_handset(phone, "14", "latin")
    press(phone, "send", "*1339#")
    press(phone, "end")
    post(phone, "/phone", "/phone/number", resident="+992900000102")
    page = phone.get("/phone").text
    assert 'value="14"' in page and 'value="latin" selected' in page


FILING = filing.typed()
TOKEN = "a-token-for-the-tests-0000"


@pytest.fixture
def station(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Station]:
    """A whole station, with its own webhook behind the page; the parameter says from where that may be called."""
    store = Store(tmp_path / "sado.db", Keyring.create(tmp_path / "keys.json"))
    store.write(lambda tx: identity.create(tx, 7))
    store.write(lambda tx: accounts.save(tx, "madina", HASHED, "phone", ""))
    try:
        blocks = (africastalking.Settings(token=TOKEN, allowed=Networks(getattr(request, "param", ""))),)
        yield build_station(Settings(data=str(tmp_path), blocks=blocks, phone_page=True), store)
    finally:
        store.close()


@pytest.fixture
def on_air(station: Station) -> FlaskClient:
    """The phone page of that station."""
    client = station.app.test_client()
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    assert enter(client, "madina", PASSWORD).status_code == 302
    return client


@pytest.mark.parametrize(("station", "is_answered"), [("127.0.0.1", True), ("10.1.0.1", False)], indirect=["station"])
def test_the_page_calls_from_the_stations_own_machine(on_air: FlaskClient, is_answered: bool) -> None:
    assert ("The webhook answered 404" in press(on_air, "send", "*1339#")) is not is_answered


def walk(client: FlaskClient, *typed: str) -> str:
    """Dial and type each of these; what the display shows at the end."""
    page = press(client, "send", "*1339#")
    for answer in typed:
        page = press(client, "send", answer)
    return lcd(page)


def references(station: Station) -> list[str]:
    return [case.reference for case in station.store.read(lambda tx: views.mine(tx, RESIDENT))]


def test_a_repeated_filing_leaves_one_case_and_shows_the_same_screen(station: Station, on_air: FlaskClient) -> None:
    saved = walk(on_air, *FILING)
    again = press(on_air, "repeat")
    assert lcd(again) == saved and "both answers are the same to the letter" in again
    (reference,) = references(station)
    assert reference in saved


def test_filing_again_in_a_session_of_its_own_leaves_two_cases(station: Station, on_air: FlaskClient) -> None:
    """The control of the test above: what leaves one case is that the request is a repeat."""
    walk(on_air, *FILING)
    walk(on_air, *FILING[1:])
    assert len(references(station)) == 2


def test_a_lost_reply_of_the_filing_leaves_one_case_that_the_list_shows(station: Station, on_air: FlaskClient) -> None:
    walk(on_air, *FILING[:-1])
    lost = press(on_air, "lose", FILING[-1])
    (reference,) = references(station)
    assert reference not in lost
    assert reference in walk(on_air, "1", "2")


def test_a_lost_reply_of_the_filing_comes_with_the_repeat(station: Station, on_air: FlaskClient) -> None:
    walk(on_air, *FILING[:-1])
    press(on_air, "lose", FILING[-1])
    saved = lcd(press(on_air, "repeat"))
    (reference,) = references(station)
    assert reference in saved


def test_a_dropped_session_is_noted_by_the_station_and_keeps_its_answers(station: Station, on_air: FlaskClient) -> None:
    walk(on_air, *FILING[:-1])
    with on_air.session_transaction() as cookie:
        session_id = f"africastalking {RESIDENT} {cookie['phone']['session_id']}"
    press(on_air, "drop")
    rows = station.store.read(lambda tx: tx.all("SELECT is_open, outcome FROM sessions"))
    assert [tuple(row) for row in rows] == [(0, "Incomplete")]
    kept = station.store.read(lambda tx: sessions.load(tx, tx.keys.lookup(session_id)))
    assert kept and all(answer in kept[0] for answer in FILING[:-1])
    assert references(station) == []


def write(client: FlaskClient, text: str) -> str:
    """Write an SMS; the page that follows."""
    assert post(client, "/phone", "/phone/sms", text=text).location == "/phone#sms"
    return client.get("/phone").text


def test_an_sms_from_the_page_comes_in_through_the_gateways_door(station: Station, on_air: FlaskClient) -> None:
    assert "The SMS arrived at the station." in write(on_air, "КУМАК")
    waiting = station.store.read(lambda tx: entries.listed(tx, outbox.WAITING, 9))
    assert [(entry.destination, entry.kind) for entry in waiting] == [(outbox.SMS, "reply")]


def test_what_became_of_an_sms_stands_where_it_was_written(on_air: FlaskClient) -> None:
    assert "The SMS arrived" in write(on_air, "КУМАК").partition('id="sms"')[2]
    assert "The SMS arrived" not in press(on_air, "1")


def test_an_empty_sms_is_not_sent(station: Station, on_air: FlaskClient) -> None:
    assert "The SMS arrived" not in write(on_air, "  ")
    assert station.store.read(lambda tx: entries.listed(tx, outbox.WAITING, 9)) == []
