"""Gateways: one file for each provider between a network and us. This is what they have in common."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from menus.gsm import Budget

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")


class BadRequestError(Exception):
    """The gateway sent something that this format does not allow; the message says what is missing."""


@dataclass(frozen=True)
class Hop:
    """One request of a USSD session: `text` is all that was typed since the session began, joined by `*`."""

    session_id: str
    msisdn: str
    text: str


@dataclass(frozen=True)
class SessionEnd:
    """The gateway's word that a session is over, in the gateway's own words."""

    session_id: str
    msisdn: str
    outcome: str


@dataclass(frozen=True)
class Message:
    """One SMS from a resident; `id` is the gateway's own, and names the message when it is delivered again."""

    id: str
    msisdn: str
    text: str


class Gateway(Protocol):
    """What a gateway can do."""

    name: str
    budget: Budget

    def parse_hop(self, form: Mapping[str, str]) -> Hop:
        """Raises BadRequestError."""

    def parse_end(self, form: Mapping[str, str]) -> SessionEnd:
        """Raises BadRequestError."""

    def parse_message(self, form: Mapping[str, str]) -> Message:
        """Raises BadRequestError."""

    def render(self, text: str, is_last: bool) -> str:
        """The body of our answer."""


def msisdn_from(number: str, country: str) -> str:
    """The number in E.164 with its plus sign; one without a country code is of this country (ISO 3166, such as TJ).
    Raises BadRequestError.

    A number that already has that form is taken as it is: phonenumbers costs a hundred times more."""
    if _E164.fullmatch(number):
        return number
    import phonenumbers

    try:
        parsed = phonenumbers.parse(re.sub(r"^00", "+", number.strip()), country)
    except phonenumbers.NumberParseException:
        parsed = None
    if parsed is None or not phonenumbers.is_possible_number(parsed):
        raise BadRequestError("phoneNumber is not a telephone number.")
    return str(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))
