"""The many USSD gateways that answer as Africa's Talking does and name their fields otherwise: set up by settings.

A hop comes by GET or POST, in the address or in a form; the answer is a word, a space and the screen. Gateways that
want JSON back are not among them.
"""

from __future__ import annotations

import re
from typing import Annotated

import msgspec
from msgspec import Meta

from sado.channel.contract import Context, Gateway, Hop, SessionEnd, msisdn_from, token_setting
from sado.channel.request import BadRequestError, Request, needed, text_in
from sado.menus.gsm import Budget

NAME = "fieldmap"
GIVEN = Meta(min_length=1, extra={"fault": "must not be empty"})
_DIALLED = re.compile(r"\*([0-9*]+)#")


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Without a token it is not used."""

    token: Annotated[str, token_setting("A look-alike of Africa's Talking")] = ""
    session: Annotated[str, GIVEN, Meta(description="Its field of the session's id.")] = "sessionId"
    msisdn: Annotated[str, GIVEN, Meta(description="Its field of the number.")] = "phoneNumber"
    text: Annotated[str, GIVEN, Meta(description="Its field of what was typed.")] = "text"
    service_code: Annotated[str, Meta(description="Its field of the service code; empty: it is SADO_SERVICE_CODE.")] = (
        ""
    )
    request_id: Annotated[
        str, Meta(description="Its field that names a request, the same when it is repeated; empty: there is none.")
    ] = ""
    is_cumulative: Annotated[
        bool, Meta(description="The text is all that was typed, joined by *; otherwise the last input alone.")
    ] = True
    go_on: Annotated[str, GIVEN, Meta(description="The word before a screen.")] = "CON"
    end: Annotated[str, GIVEN, Meta(description="The word before the last screen.")] = "END"
    septets: Annotated[int, Meta(ge=40, le=182, description="Letters of a screen without Cyrillic.")] = 182
    ucs2: Annotated[int, Meta(ge=40, le=80, description="Letters of a screen with Cyrillic.")] = 80


def build(settings: Settings, context: Context) -> Gateway | None:
    """USSD alone."""
    if not settings.token:
        return None
    return Gateway(NAME, settings.token, FieldMapUssd(settings, context.service_code, context.country))


class FieldMapUssd:
    """A gateway described by its settings. A number without a country code is of this `country`; the service code,
    which some gateways put before what was typed, is taken off."""

    name = NAME

    def __init__(self, settings: Settings, service_code: str, country: str) -> None:
        self.budget = Budget(settings.septets, settings.ucs2)
        self.is_cumulative = settings.is_cumulative
        self._settings = settings
        self._code = service_code
        self._country = country

    def parse_hop(self, request: Request) -> Hop:
        """One hop. Raises BadRequestError."""
        given, names = request.fields, self._settings
        session_id, msisdn = needed(given, names.session), self._msisdn(request)
        text = text_in(given, names.text)
        code = (needed(given, names.service_code) if names.service_code else self._code).strip("*#")
        after = _after_code(code, text)
        if self.is_cumulative:
            return Hop(session_id, msisdn, _after_tail(code, text) if after is None else after)
        request_id = needed(given, names.request_id) if names.request_id else ""
        return Hop(session_id, msisdn, text if after is None else after, request_id, after is not None)

    def parse_end(self, request: Request) -> SessionEnd:
        """Whatever is told at this address, it tells that a session ended. Raises BadRequestError."""
        return SessionEnd(needed(request.fields, self._settings.session), self._msisdn(request), "ended")

    def answer(self, hop: Hop, text: str, is_last: bool) -> str:
        """The word, a space, the screen."""
        return f"{self._settings.end if is_last else self._settings.go_on} {text}"

    def _msisdn(self, request: Request) -> str:
        try:
            return msisdn_from(needed(request.fields, self._settings.msisdn), self._country)
        except BadRequestError:
            raise BadRequestError(f"{self._settings.msisdn} is missing, or not a telephone number.") from None


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
