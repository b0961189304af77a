"""The phone page speaks the gateway's format to the webhook, and shows each screen as the network carries it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from tests.desk.browser import Desk, build, post

RESIDENT = "+992900000101"


@pytest.fixture
def phone(desk: Desk) -> FlaskClient:
    return desk.signed_in("phone")


def press(client: FlaskClient, key: str, typed: str = "") -> str:
    """Press a key with this in the input line; the page that follows."""
    assert post(client, "/phone", "/phone/press", press=key, typed=typed).location == "/phone"
    return client.get("/phone").text


def test_dialling_sends_the_first_hop_as_the_gateway_does(desk: Desk, phone: FlaskClient) -> None:
    page = press(phone, "send", "*1339#")
    hop = desk.hops[0]
    assert hop["phoneNumber"] == RESIDENT and hop["serviceCode"] == "*1339#" and hop["text"] == ""
    assert hop["sessionId"] and hop["networkCode"]
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


def test_a_code_of_nobody_is_not_sent(desk: Desk, phone: FlaskClient) -> None:
    assert "No service answers this code. Dial *1339#." in press(phone, "send", "*133#")
    assert desk.hops == []


def test_a_refusal_of_the_webhook_is_shown(phone: FlaskClient) -> None:
    press(phone, "send", "*1339#")
    assert "The webhook answered 400: text is bad" in press(phone, "send", "bad")


def test_another_number_can_be_taken(desk: Desk, phone: FlaskClient) -> None:
    post(phone, "/phone", "/phone/number", number="+992 93 500 00 07")
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
        assert desk.signed_in("phone").get("/").status_code == 403


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
