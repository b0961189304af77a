"""Kannel's own ways, in requests as Debian's Kannel 1.4.5 makes them and answers as it gives them."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest

from sado.channel.contract import Message, SessionEnd
from sado.channel.gateways.kannel import KannelHop, KannelSms, KannelUssd, Smsbox
from sado.channel.request import LONGEST_TEXT, BadRequestError, Request
from sado.menus.gsm import segments
from sado.sync.outbox import DestinationDownError, OutcomeUnknownError, RejectedError, SendError
from tests.support.gateway_contract import by_kannel, request
from tests.support.provider import Handler, Provider, answer, provider

HERS, UUID = "+992900000001", "1f9b8a52-0b6e-4a7c-9d51-3a7c1f0e2b44"
TAJIK, LATIN = "Ҳолат: қабул шуд", "Holat: {qabul} 5 €"
SMS_QUERY = f"id={UUID}&from=%2B992900000001&coding=0".encode()
REPORTS = "http://127.0.0.1:8080/gateway/kannel/TOKEN/report"
UTF8, UTF16 = 'text/plain; charset="UTF-8"', 'text/plain; charset="UTF-16BE"'
BEGIN, ANSWER, HUNG_UP = "%2501", "%2512", "%2581"


@pytest.fixture
def smsbox() -> Iterator[Provider]:
    with provider(answer("0: Accepted for delivery", 202, "text/html")) as server:
        yield server


def sms(url: str = "http://127.0.0.1:1", sender: str = "1339") -> KannelSms:
    return KannelSms(Smsbox(url, "sado", "secret"), sender, REPORTS, "TJ")


def ussd(url: str = "http://127.0.0.1:1") -> KannelUssd:
    return KannelUssd(Smsbox(url, "sado", "secret"), "*1339#", "TJ")


def headers(server: Provider) -> dict[str, str]:
    """Those of the one request that came, by their names without X-Kannel."""
    (asked,) = server.asked
    return {name.removeprefix("X-Kannel-"): value for name, value in asked.headers.items()}


def posted(body: bytes, kind: str = UTF8, query: bytes = SMS_QUERY) -> Request:
    return by_kannel(query, body, CONTENT_TYPE=kind)


@pytest.mark.parametrize(("body", "kind"), [(TAJIK.encode(), UTF8), (TAJIK.encode("utf-16-be"), UTF16)])
def test_cyrillic_is_read_with_mo_recode_and_without(body: bytes, kind: str) -> None:
    assert sms().parse_message(posted(body, kind)) == Message(UUID, HERS, TAJIK)


@pytest.mark.parametrize("text", ["", " 1 ", "a=1&from=112&id=x&coding=1", "%D0%90+b"])
def test_what_was_written_is_taken_as_it_is_and_for_no_field(text: str) -> None:
    assert sms().parse_message(posted(text.encode())) == Message(UUID, HERS, text)


def test_a_number_or_a_text_in_the_address_is_not_read() -> None:
    with pytest.raises(BadRequestError, match="X-Kannel-From is missing"):
        sms().parse_message(request(SMS_QUERY, b"1"))
    read = sms().parse_message(request(SMS_QUERY + b"&text=1", HTTP_X_KANNEL_FROM=HERS))
    assert read == Message(UUID, HERS, "")


@pytest.mark.parametrize(("body", "kind"), [(b"\xff\xfe", UTF8), (b"\x04", UTF16), (b"a" * (LONGEST_TEXT + 1), UTF8)])
def test_a_body_that_cannot_be_read_is_refused(body: bytes, kind: str) -> None:
    with pytest.raises(BadRequestError):
        sms().parse_message(posted(body, kind))


def test_bytes_are_no_message() -> None:
    query = SMS_QUERY.replace(b"coding=0", b"coding=1")
    assert sms().parse_message(posted(b"\x06\x05\xff", "application/octet-stream", query)) is None


@pytest.mark.parametrize(("text", "coding"), [(TAJIK, "2"), (LATIN, "0"), ("No 7: a°", "2")])
def test_the_coding_is_told_each_time(smsbox: Provider, text: str, coding: str) -> None:
    sms(smsbox.url).send(HERS, text, "007-1-1")
    assert headers(smsbox)["Coding"] == coding
    assert headers(smsbox)["Content-Type"] == "text/plain; charset=UTF-8"
    assert smsbox.asked[0].body == text


def test_nothing_secret_is_in_the_address(smsbox: Provider) -> None:
    sms(f"{smsbox.url}/cgi-bin/sendsms").send(HERS, TAJIK, "007-1-1")
    assert smsbox.asked[0].path == "/cgi-bin/sendsms"
    assert [headers(smsbox)[name] for name in ("To", "From", "Username", "Password")] == [
        HERS,
        "1339",
        "sado",
        "secret",
    ]


def test_without_a_sender_kannel_uses_its_own(smsbox: Provider) -> None:
    sms(smsbox.url, sender="").send(HERS, TAJIK, "007-1-1")
    assert "From" not in headers(smsbox)


@pytest.mark.parametrize(("status", "state"), [("1", "delivered"), ("16", "failed"), ("32", None)])
def test_a_report_comes_to_the_address_that_the_message_gave(smsbox: Provider, status: str, state: str | None) -> None:
    assert sms(smsbox.url).send(HERS, TAJIK, "007-1-1") == "007-1-1"
    asked = headers(smsbox)
    assert asked["DLR-Mask"] == "31"
    assert asked["DLR-Url"].startswith(f"{REPORTS}?")
    query = urlsplit(asked["DLR-Url"].replace("%d", status)).query
    report = sms().parse_report(request(query.encode()))
    assert (report.id, report.state) == ("007-1-1", state)


ANSWERS = [
    (202, "0: Accepted for delivery", None),
    (202, "3: Queued for later delivery", None),
    (202, "Sent.", None),
    (202, "", OutcomeUnknownError),
    (200, "<html>Sign in</html>", OutcomeUnknownError),
    (403, "Authorization failed for sendsms", DestinationDownError),
    (403, "Not routable. Do not try again.", RejectedError),
    (400, "Missing receiver(s) number(s), rejected", RejectedError),
    (400, "Empty receiver number not allowed, rejected", RejectedError),
    (400, "Number(s) has/have been denied by white- and/or black-lists.", RejectedError),
    (400, "Charset or body misformed, rejected", RejectedError),
    (400, "Sender missing and no global set, rejected", DestinationDownError),
    (400, "DLR-URL field misformed, rejected", DestinationDownError),
    (404, "Unknown request.", DestinationDownError),
    (500, "Sending failed.", DestinationDownError),
    (503, "Temporal failure, try again later.", DestinationDownError),
]


@pytest.mark.parametrize(("status", "words", "error"), ANSWERS)
def test_each_answer_of_kannel_is_understood(status: int, words: str, error: type[SendError] | None) -> None:
    with provider(answer(words, status, "text/html")) as server:
        if error is None:
            assert sms(server.url).send(HERS, TAJIK, "007-1-1") == "007-1-1"
            return
        with pytest.raises(error) as raised:
            sms(server.url).send(HERS, TAJIK, "007-1-1")
    assert words not in str(raised.value) or not words


def two_lengths(handler: Handler) -> None:
    handler.send_response(202)
    for length in ("5", "6"):
        handler.send_header("Content-Length", length)
    handler.end_headers()


def test_an_answer_with_a_broken_head_leaves_the_outcome_unknown(smsbox: Provider) -> None:
    smsbox.behaviour = two_lengths
    with pytest.raises(OutcomeUnknownError):
        sms(smsbox.url).send(HERS, TAJIK, "007-1-1")
    assert len(smsbox.asked) == 1


@pytest.mark.parametrize(("url", "sender"), [("kannel", "1339"), ("http://[", "1339"), ("http://127.0.0.1:1", "Садо")])
def test_settings_that_cannot_be_used_are_the_gateways_fault(url: str, sender: str) -> None:
    with pytest.raises(DestinationDownError):
        sms(url, sender).send(HERS, TAJIK, "007-1-1")


@pytest.mark.parametrize("letters", range(60, 72))
def test_parts_that_kannel_cuts_after_67_units_are_ours(smsbox: Provider, letters: int) -> None:
    text = "Ҷ" * letters + "😀" * 40
    sms(smsbox.url).send(HERS, text, "007-1-1")
    octets = smsbox.asked[0].body.encode("utf-16-be")
    parts = [octets[start : start + 134].decode("utf-16-be").rstrip() for start in range(0, len(octets), 134)]
    assert parts == segments(text)


def hop(operation: str, text: str, session: str = "%25124") -> Request:
    """A hop as smsbox posts it."""
    return posted(text.encode(), query=hop_fields(operation, session))


def hop_fields(operation: str, session: str = "%25124") -> bytes:
    meta = f"%3Fsmpp%3Fussd_service_op%3D{operation}%26its_session_info%3D{session}%26"
    return f"id={UUID}&from=%2B992900000001&to=1339&smsc=ussd&meta-data={meta}".encode()


def test_a_hop_has_all_that_its_answer_needs() -> None:
    assert ussd().parse_hop(hop(ANSWER, "2*Ёвон")) == KannelHop(
        "", HERS, "2*Ёвон", UUID, False, service="1339", smsc="ussd", session_info=b"\x124"
    )


@pytest.mark.parametrize(
    ("dialled", "text"),
    [("*1339#", ""), ("1339", ""), ("*1339*2*1#", "2*1"), ("*1339*#", ""), ("", ""), ("*13390*1#", ""), ("2", "")],
)
def test_a_session_begins_with_what_follows_the_code(dialled: str, text: str) -> None:
    found = ussd().parse_hop(hop(BEGIN, dialled))
    assert (found.is_first, found.text) == (True, text)


@pytest.mark.parametrize("typed", ["*1339#", " 1 ", "", "0"])
def test_later_input_is_taken_as_it_is(typed: str) -> None:
    found = ussd().parse_hop(hop(ANSWER, typed))
    assert (found.is_first, found.text) == (False, typed)


@pytest.mark.parametrize("operation", ["", "%2502", "%2511", "%2500", "1", "%2501%2501"])
def test_what_neither_begins_nor_answers_is_no_hop(operation: str) -> None:
    with pytest.raises(BadRequestError):
        ussd().parse_hop(hop(operation, "1"))


@pytest.mark.parametrize("name", ["to", "smsc"])
def test_a_field_that_no_header_could_give_back_is_refused(name: str) -> None:
    for value in (b"%D0%B0", b"a%0D%0AX-Kannel-To:%20b"):
        with pytest.raises(BadRequestError):
            ussd().parse_hop(posted(b"1", query=hop_fields(ANSWER) + b"&" + name.encode() + b"=" + value))
    assert ussd().parse_hop(posted(b"1", query=hop_fields(ANSWER) + b"&" + name.encode() + b"=b"))


@pytest.mark.parametrize(
    "meta", [b"", b"&meta-data=", b"&meta-data=%3Fsmpp%3F", b"&meta-data=%3Fother%3Fussd_service_op%3D%2501%26"]
)
def test_a_message_without_tlvs_is_no_hop(meta: bytes) -> None:
    with pytest.raises(BadRequestError):
        ussd().parse_hop(posted(b"1", query=SMS_QUERY + b"&to=1339&smsc=ussd" + meta))


def test_a_resident_who_hangs_up_ends_her_session() -> None:
    assert ussd().parse_hop(hop(HUNG_UP, "")) == SessionEnd("", HERS, "Incomplete")


def test_the_address_of_ends_that_others_have_is_refused() -> None:
    with pytest.raises(BadRequestError, match="ends in /ussd"):
        ussd().parse_end(hop(HUNG_UP, ""))


@pytest.mark.parametrize(
    ("session", "octets"),
    [("%25124", "%12%34"), ("%2B%2500", "%20%00"), ("%252B%2B", "%2b%20"), ("%25FF%25FE", "%ff%fe")],
)
def test_the_smscs_word_for_the_dialogue_goes_back(smsbox: Provider, session: str, octets: str) -> None:
    gateway = ussd(smsbox.url)
    gateway.answer(gateway.parse_hop(hop(ANSWER, "1", session)), TAJIK, is_last=False)
    assert headers(smsbox)["Meta-Data"] == f"?smpp?ussd_service_op=%02&its_session_info={octets}"


def test_a_last_screen_closes_and_goes_back_the_way_the_hop_came(smsbox: Provider) -> None:
    gateway = ussd(smsbox.url)
    gateway.answer(gateway.parse_hop(hop(ANSWER, "1")), TAJIK, is_last=True)
    asked = headers(smsbox)
    assert parse_qs(asked["Meta-Data"])["?smpp?ussd_service_op"] == ["\x11"]
    assert [asked[name] for name in ("To", "From", "SMSC", "BInfo")] == [HERS, "1339", "ussd", "USSD"]
    assert (asked["Coding"], smsbox.asked[0].body) == ("2", TAJIK)
    assert "DLR-Mask" not in asked


def test_a_hop_without_session_info_gets_none_back(smsbox: Provider) -> None:
    gateway = ussd(smsbox.url)
    gateway.answer(KannelHop("", HERS, "1", UUID, False, "1339", "ussd"), TAJIK, is_last=False)
    assert headers(smsbox)["Meta-Data"] == "?smpp?ussd_service_op=%02"
