"""The many USSD gateways that answer as Africa's Talking does and name their fields otherwise: set up by settings.

A hop comes by GET or POST, in the address or in a form; the answer is a word, a space and the screen. Gateways that
want JSON back are not among them.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from sado.channel.contract import (
    Context,
    Gateway,
    Hop,
    Networks,
    Septets,
    SessionEnd,
    Ucs2,
    allowed_setting,
    number_in,
    token_setting,
)
from sado.channel.gateways.dialled import after_code, after_tail
from sado.channel.request import Request, needed, text_in
from sado.menus.gsm import Budget

NAME = "fieldmap"
GIVEN = Meta(min_length=1, extra={"fault": "must not be empty"})


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Without a token it is not used."""

    token: Annotated[str, token_setting("A look-alike of Africa's Talking")] = ""
    allowed: Annotated[Networks, allowed_setting("A look-alike of Africa's Talking")] = Networks()
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
    septets: Septets = 182
    ucs2: Ucs2 = 80


def build(settings: Settings, context: Context) -> Gateway | None:
    """USSD alone."""
    if not settings.token:
        return None
    ussd = FieldMapUssd(settings, context.service_code, context.country)
    return Gateway(NAME, settings.token, settings.allowed, ussd=ussd)


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
        session_id, msisdn = needed(given, names.session), number_in(given, names.msisdn, self._country)
        text = text_in(given, names.text)
        code = needed(given, names.service_code) if names.service_code else self._code
        dialled = after_code(code, text)
        if self.is_cumulative:
            return Hop(session_id, msisdn, after_tail(code, text) if dialled is None else dialled)
        request_id = needed(given, names.request_id) if names.request_id else ""
        return Hop(session_id, msisdn, text if dialled is None else dialled, request_id, dialled is not None)

    def parse_end(self, request: Request) -> SessionEnd:
        """Whatever is told at this address, it tells that a session ended. Raises BadRequestError."""
        given, names = request.fields, self._settings
        return SessionEnd(needed(given, names.session), number_in(given, names.msisdn, self._country), "ended")

    def answer(self, hop: Hop, text: str, is_last: bool) -> str:
        """The word, a space, the screen."""
        return f"{self._settings.end if is_last else self._settings.go_on} {text}"
