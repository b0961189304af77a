"""A gateway described by settings: what its fields are called and what they hold."""

import pytest

from sado.channel.contract import Hop
from sado.channel.gateways.fieldmap import FieldMapUssd, Settings
from sado.menus.gsm import Budget
from tests.support.gateway_contract import CODE, COUNTRY, LAST_ONLY, LOOKALIKE, MSISDN, in_address, in_body

NAMELESS = Settings(session="s", msisdn="m", text="t", is_cumulative=False)


def cumulative(text: str, code: str = CODE) -> Hop:
    body = f"session_id=s1&msisdn=992900000001&service_code={code}&ussd_string={text}".replace("#", "%23")
    return FieldMapUssd(LOOKALIKE, CODE, COUNTRY).parse_hop(in_body(body.encode()))


def last(text: str, code: str = CODE) -> Hop:
    return FieldMapUssd(NAMELESS, code, COUNTRY).parse_hop(
        in_address(f"s=s1&m=992900000001&t={text}".replace("#", "%23").encode())
    )


def test_a_hop_may_come_in_the_address_or_in_a_form() -> None:
    gateway, fields = FieldMapUssd(NAMELESS, CODE, COUNTRY), b"s=s1&m=992900000001&t=2"
    assert gateway.parse_hop(in_address(fields)) == gateway.parse_hop(in_body(fields))


@pytest.mark.parametrize(
    ("text", "code", "typed"),
    [
        ("", CODE, ""),
        ("1*2", CODE, "1*2"),
        ("*1339#", CODE, ""),
        ("*1339*2*1#", CODE, "2*1"),
        ("1234", "*384*1234#", ""),
        ("1234*3", "*384*1234#", "3"),
        ("1234*3*", "*384*1234#", "3*"),
        ("12345", "*384*1234#", "12345"),
        ("1*", CODE, "1*"),
        ("*1340#", CODE, "*1340#"),
        ("*13390#", CODE, "*13390#"),
        ("call *1339#", CODE, "call *1339#"),
    ],
)
def test_the_service_code_is_taken_off_a_history(text: str, code: str, typed: str) -> None:
    assert cumulative(text, code).text == typed


@pytest.mark.parametrize(
    ("text", "code", "typed", "is_first"),
    [
        ("*1339#", CODE, "", True),
        ("*1339*2*1#", CODE, "2*1", True),
        ("*384*1234*3#", "*384*1234#", "3", True),
        ("1234", "*384*1234#", "1234", False),
        ("", CODE, "", False),
        ("2", CODE, "2", False),
    ],
)
def test_a_last_input_begins_a_session_when_it_is_what_was_dialled(
    text: str, code: str, typed: str, is_first: bool
) -> None:
    hop = last(text, code)
    assert (hop.text, hop.is_first, hop.request_id) == (typed, is_first, "")


def test_the_words_and_the_room_of_a_screen_are_those_of_the_settings() -> None:
    gateway, hop = FieldMapUssd(LAST_ONLY, CODE, COUNTRY), last("2")
    assert gateway.answer(hop, "Menu", is_last=False) == "GO Menu"
    assert gateway.answer(hop, "Bye", is_last=True) == "STOP Bye"
    assert gateway.budget == Budget(160, 70)


def test_the_number_of_another_country_is_taken_as_it_is() -> None:
    assert cumulative("").msisdn == MSISDN
