"""SMS Gateway for Android: signed events in, one message with our name out."""

import json
from base64 import b64decode
from typing import Any

import pytest

from sado.channel.contract import Message
from sado.channel.gateways.android import OLDEST_S, AndroidSms, Settings
from sado.channel.request import BadRequestError
from tests.support.gateway_contract import (
    COUNTRY,
    KEY,
    MSISDN,
    NOW,
    PASSWORD,
    TEXT,
    WEB,
    event,
    request,
    signed,
    taken_by_phone,
)
from tests.support.provider import answer, provider

CONTRACT = next(one for one in WEB if one.name == "android")
# As the app's documentation shows it (docs.sms-gate.app, "Webhooks"), before `sender` took the place of `phoneNumber`.
RECORDED = (
    b'{"deviceId":"ffffffffceb0b1db0000018e937c815b","event":"sms:received","id":"Ey6ECgOkVVFjz3CL48B8C",'
    b'"payload":{"messageId":"abc123","message":"Android is always a sweet treat!","phoneNumber":"901234567",'
    b'"simNumber":1,"receivedAt":"2024-06-22T15:46:11.000+07:00"},"webhookId":"LreFUt-Z3sSq0JufY9uWB"}'
)
PING = b'{"deviceId":"f","event":"system:ping","id":"p1","payload":{"health":{"status":"pass"}},"webhookId":"w"}'


def gateway(url: str = "http://127.0.0.1:9/message", now: float = NOW) -> AndroidSms:
    settings = Settings(url=url, username="sms", password=PASSWORD, signing_key=PASSWORD)
    return AndroidSms(settings, COUNTRY, lambda: now)


def body(**changed: str) -> bytes:
    return event(list({**CONTRACT.message.fields, **changed}.items()))


def test_a_recorded_event_of_an_older_release_is_read() -> None:
    read = gateway().parse_message(signed(RECORDED))
    assert read == Message("Ey6ECgOkVVFjz3CL48B8C", "+992901234567", "Android is always a sweet treat!")


def test_a_signature_made_by_another_program_fits() -> None:
    """By `openssl dgst -sha256 -hmac` of the body with the time behind it."""
    proof = "72b526f660f74a78313644ce8fd8a5023d566ad039ce199fcfb1168eb5082327"
    sound = request(body=PING, HTTP_X_SIGNATURE=proof, HTTP_X_TIMESTAMP=str(NOW))
    assert gateway().parse_message(sound) is None


@pytest.mark.parametrize("spoilt", [body().replace(b"1 \\u043e", b"2 \\u043e"), body() + b" "])
def test_an_event_that_was_changed_on_the_way_is_refused(spoilt: bytes) -> None:
    headers: Any = {name: value for name, value in signed(body()).environ.items() if name.startswith("HTTP_")}
    assert gateway().parse_message(request(body=body(), **headers))
    with pytest.raises(BadRequestError, match="X-Signature"):
        gateway().parse_message(request(body=spoilt, **headers))


def test_an_event_signed_with_another_key_is_refused() -> None:
    for parse in (gateway().parse_message, gateway().parse_report):
        with pytest.raises(BadRequestError, match="X-Signature"):
            parse(signed(PING, key="another key"))


def test_an_event_without_signature_is_refused() -> None:
    with pytest.raises(BadRequestError, match="X-Signature"):
        gateway().parse_message(request(body=body()))


@pytest.mark.parametrize("signature", ["é" * 64, "0" * 64, "\udcff", " "])
def test_a_signature_of_any_letters_is_refused(signature: str) -> None:
    with pytest.raises(BadRequestError, match="X-Signature"):
        gateway().parse_message(request(body=body(), HTTP_X_SIGNATURE=signature, HTTP_X_TIMESTAMP=str(NOW)))


@pytest.mark.parametrize(("late_s", "is_taken"), [(0, True), (OLDEST_S, True), (OLDEST_S + 1, False), (86400, False)])
@pytest.mark.parametrize("direction", [1, -1])
def test_an_event_signed_long_ago_was_copied(late_s: int, is_taken: bool, direction: int) -> None:
    later = gateway(now=NOW + direction * late_s)
    if is_taken:
        assert later.parse_message(signed(body()))
    else:
        with pytest.raises(BadRequestError, match="X-Timestamp"):
            later.parse_message(signed(body()))


def test_the_time_is_part_of_what_is_signed() -> None:
    """Otherwise an old event would be new again with another X-Timestamp."""
    old = signed(body(), at=NOW - 86400)
    signature = str(old.environ["HTTP_X_SIGNATURE"])
    with pytest.raises(BadRequestError, match="X-Signature"):
        gateway().parse_message(request(body=body(), HTTP_X_SIGNATURE=signature, HTTP_X_TIMESTAMP=str(NOW)))


def test_without_a_key_nobody_is_let_in() -> None:
    with pytest.raises(ValueError, match="SADO_ANDROID_SIGNING_KEY is missing"):
        AndroidSms(Settings(url="http://127.0.0.1:9/message"), COUNTRY)


def test_two_people_who_write_the_same_are_two_messages() -> None:
    """The app makes `messageId` from the text; only the event's id tells one message from another."""
    first, second = (gateway().parse_message(signed(body(id=name))) for name in ("one", "two"))
    assert first and second
    assert first.id != second.id


def test_a_ping_is_neither_message_nor_report() -> None:
    assert gateway().parse_message(signed(PING)) is None
    assert gateway().parse_report(signed(PING)) is None


def test_a_message_at_the_door_of_the_reports_is_not_lost() -> None:
    with pytest.raises(BadRequestError, match="/sms"):
        gateway().parse_report(signed(body()))


@pytest.mark.parametrize("name", CONTRACT.states)
def test_a_report_at_the_door_of_the_messages_is_not_lost(name: str) -> None:
    with pytest.raises(BadRequestError, match="/report"):
        gateway().parse_message(CONTRACT.report.request(event=name))


def test_why_a_message_failed_is_told_without_numbers() -> None:
    failed = {"event": "sms:failed", "payload.reason": "RESULT_ERROR_NO_SERVICE for +992900000001"}
    report = gateway().parse_report(CONTRACT.report.request(**failed))
    assert report is not None
    assert report.word == "failed RESULT_ERROR_NO_SERVICE for"


def test_a_message_leaves_with_our_name_and_asks_for_reports() -> None:
    with provider(taken_by_phone) as phone:
        assert gateway(f"{phone.url}/message").send(MSISDN, TEXT, KEY) == KEY
    (asked,) = phone.asked
    assert asked.path == "/message"
    assert b64decode(asked.headers["Authorization"].removeprefix("Basic ")).decode() == f"sms:{PASSWORD}"
    assert json.loads(asked.body) == {
        "id": KEY,
        "textMessage": {"text": TEXT},
        "phoneNumbers": [MSISDN],
        "ttl": 3600,
        "withDeliveryReport": True,
    }


def test_a_message_that_the_phone_has_already_is_not_sent_twice() -> None:
    with provider(answer('{"message": "Message with the same ID already exists"}', 409)) as phone:
        assert gateway(f"{phone.url}/message").send(MSISDN, TEXT, KEY) == KEY
    assert len(phone.asked) == 1
