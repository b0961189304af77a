"""The many USSD gateways that answer as Africa's Talking does and name their fields otherwise: set up by settings.

A hop comes by GET or POST, in the address or in a form; the answer is a word, a space and the screen. Gateways that
want JSON back are not among them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sado.channel.contract import Hop, SessionEnd, msisdn_from
from sado.channel.gateways.form import needed, text_in
from sado.channel.request import BadRequestError
from sado.menus.gsm import Budget

if TYPE_CHECKING:
    from sado.channel.request import Request

_DIALLED = re.compile(r"\*([0-9*]+)#")


@dataclass(frozen=True)
class FieldMap:
    """What a gateway calls its fields, how it writes, and how much a screen of it holds.

    Two fields are empty where the gateway has none: `service_code` is then the station's own, and `request_id` names a
    request, the same each time it is repeated.
    `is_cumulative` says that the text is all that was typed, joined by `*`, and not the last input alone."""

    session: str
    msisdn: str
    text: str
    service_code: str
    request_id: str
    is_cumulative: bool
    go_on: str
    end: str
    budget: Budget


class FieldMapUssd:
    """A gateway described by a FieldMap. A number without a country code is of this `country`; the service code, which
    some gateways put before what was typed, is taken off."""

    name = "fieldmap"

    def __init__(self, fields: FieldMap, service_code: str, country: str) -> None:
        self.budget = fields.budget
        self.is_cumulative = fields.is_cumulative
        self._fields = fields
        self._code = service_code
        self._country = country

    def parse_hop(self, request: Request) -> Hop:
        """One hop. Raises BadRequestError."""
        given, known = request.fields, self._fields
        session_id, msisdn = needed(given, known.session), self._msisdn(request)
        text = text_in(given, known.text)
        code = (needed(given, known.service_code) if known.service_code else self._code).strip("*#")
        after = _after_code(code, text)
        if self.is_cumulative:
            return Hop(session_id, msisdn, _after_tail(code, text) if after is None else after)
        request_id = needed(given, known.request_id) if known.request_id else ""
        return Hop(session_id, msisdn, text if after is None else after, request_id, after is not None)

    def parse_end(self, request: Request) -> SessionEnd:
        """Whatever is told at this address, it tells that a session ended. Raises BadRequestError."""
        return SessionEnd(needed(request.fields, self._fields.session), self._msisdn(request), "ended")

    def answer(self, hop: Hop, text: str, is_last: bool) -> str:
        """The word, a space, the screen."""
        return f"{self._fields.end if is_last else self._fields.go_on} {text}"

    def _msisdn(self, request: Request) -> str:
        try:
            return msisdn_from(needed(request.fields, self._fields.msisdn), self._country)
        except BadRequestError:
            raise BadRequestError(f"{self._fields.msisdn} is missing, or not a telephone number.") from None


def _after_code(code: str, text: str) -> str | None:
    """What was dialled behind the service code, `2*1` of *1339*2*1#; None when the text is not what was dialled."""
    dialled = _DIALLED.fullmatch(text.strip())
    if dialled and f"{dialled[1]}*".startswith(f"{code}*"):
        return dialled[1][len(code) + 1 :]
    return None


def _after_tail(code: str, text: str) -> str:
    """`text` without the tail of a long service code: for *384*1234# some networks begin it with 1234. Only of a whole
    history is the beginning known: in a last input the same digits may be somebody's answer."""
    tail = code.partition("*")[2]
    return f"{text}*".removeprefix(f"{tail}*").removesuffix("*") if tail else text
