"""Gateways: one file for each provider between a network and us. This is what each brings, and what it may count on."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Annotated, Any, Literal, Protocol

import msgspec
from msgspec import Meta

from sado.cases import msisdn
from sado.channel.request import BadRequestError, Request, needed
from sado.menus.gsm import Budget

PREFIX = "/gateway/"
# Shorter numbers are services; a phone that answers them may answer for ever.
SHORTEST = 7
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")

# Eight different letters or more: what is drawn at random has them, and "aaaa" or "12121212" has not.
_VARIED = r"(?=(?:.*?(.)(?!.*\1)){8})"

# What became of a message, from the least to the most certain; the last two are final.
State = Literal["sent", "buffered", "failed", "delivered"]


@dataclass(frozen=True)
class Hop:
    """One request of a USSD session. From a cumulative gateway `text` is all that was typed since the session began,
    joined by `*`; from another it is the last input alone, at first what was dialled after the service code.

    Only the others say more: `request_id` names the request, the same each time it is repeated; empty where there is
    none. `is_first` is the gateway's word that a session begins, which alone parts two sessions under one id."""

    session_id: str
    msisdn: str
    text: str
    request_id: str = ""
    is_first: bool = False


@dataclass(frozen=True)
class SessionEnd:
    """The gateway's word that a session is over, in the gateway's own words."""

    session_id: str
    msisdn: str
    outcome: str


@dataclass(frozen=True)
class Message:
    """One SMS from a resident; `id` is the gateway's own, and names the message when it is delivered again. A gateway
    that gives none leaves it empty: then the number, the text and the minute name it."""

    id: str
    msisdn: str
    text: str


@dataclass(frozen=True)
class Report:
    """What became of a message that we sent: `id` is what `send` gave back. A state that we do not know is None, and
    `word` is the gateway's own for it."""

    id: str
    state: State | None
    word: str


@dataclass(frozen=True)
class Received(Message):
    """A message that was collected, and the rows of the gateway's own inbox that it lies in."""

    rows: tuple[int, ...]


class UssdGateway(Protocol):
    """What a USSD gateway can do. `budget` is what a screen of it holds; `is_cumulative` says what a hop's text is."""

    name: str
    budget: Budget
    is_cumulative: bool

    def parse_hop(self, request: Request) -> Hop | SessionEnd:
        """What came to the address `ussd`: where ends come there too, it may be one. Raises BadRequestError."""

    def parse_end(self, request: Request) -> SessionEnd:
        """What came to the address `ussd-end`. Raises BadRequestError."""

    def answer(self, hop: Any, text: str, is_last: bool) -> str:
        """The body that answers a hop of this gateway's, which is on disk by now; nothing where the screen is sent as a
        message of its own. Raises one of the outbox's SendErrors for one that did not leave: the gateway is told, and
        calls again."""


class Sender(Protocol):
    """What takes SMS from us."""

    name: str

    def send(self, msisdn: str, text: str, key: str) -> str:
        """Hand over one message; what its reports will name it by. `key` is ours, new for each message. Raises one of
        the outbox's SendErrors."""


class SmsGateway(Sender, Protocol):
    """What an SMS gateway can do that calls us. `acknowledgement` is the body of our answer to what it tells us."""

    acknowledgement: str

    def parse_message(self, request: Request) -> Message | None:
        """None for what is no message from a person: nobody answers a short code or a lettered sender. Raises
        BadRequestError."""

    def parse_report(self, request: Request) -> Report | None:
        """None for what is no report. Raises BadRequestError."""


class PolledGateway(Sender, Protocol):
    """What an SMS gateway can do that cannot call us. Every method raises DestinationDownError when its own store
    cannot be used."""

    def collect(self) -> list[Received]:
        """What came and is not marked as collected, oldest first."""

    def collected(self, messages: Sequence[Received]) -> None:
        """Mark messages as collected: to be called when they are kept on our side."""

    def reports(self) -> list[Report]:
        """The states that were not told yet."""

    def told(self, reports: Sequence[Report]) -> None:
        """Mark states as told: to be called when they are kept on our side."""

    def forget(self) -> None:
        """Delete what was collected, and what we sent, a week ago: there numbers and texts lie open."""


class Networks:
    """Addresses that may call, such as `127.0.0.1,10.1.0.0/16`; every address where nothing is written. Raises
    ValueError."""

    def __init__(self, text: str = "") -> None:
        self._networks = tuple(ip_network(part.strip()) for part in text.split(",")) if text.strip() else ()

    def __contains__(self, address: str) -> bool:
        """Whether this one may; what is no address, such as that of a socket in a folder, may only where all may."""
        return not self._networks or _is_among(self._networks, address)

    def __str__(self) -> str:
        return ",".join(map(str, self._networks))


@lru_cache(256)
def _is_among(networks: tuple[IPv4Network | IPv6Network, ...], address: str) -> bool:
    """A gateway has few addresses; looking one up each time would cost a hop some hundredths of a millisecond."""
    try:
        caller = ip_address(address)
    except ValueError:
        return False
    # A server that listens for both kinds gives an IPv4 address as one of IPv6.
    caller = getattr(caller, "ipv4_mapped", None) or caller
    return any(caller in network for network in networks)


@dataclass(frozen=True)
class Context:
    """The station that a gateway is built for: the `country` (ISO 3166) of numbers without a country code, the USSD
    code that residents dial, and the address of the station for programs on its machine."""

    country: str
    service_code: str
    url: str


@dataclass(frozen=True)
class Gateway:
    """A gateway that is set up. What it does not do is None; `token` is what it has to show, without one nothing comes
    in from it, and `allowed` is where it may call from."""

    name: str
    token: str = ""
    allowed: Networks = field(default_factory=Networks)
    _: KW_ONLY
    ussd: UssdGateway | None = None
    sms: SmsGateway | None = None
    sender: Sender | None = None
    polled: PolledGateway | None = None


class GatewayFile(Protocol):
    """What the file of a gateway has: the name in its addresses and settings, its settings, and how it is built."""

    NAME: str

    @property
    def Settings(self) -> type[msgspec.Struct]:  # noqa: N802
        """The block of its settings."""

    def build(self, settings: Any, context: Context) -> Gateway | None:
        """None when nothing is set up. Raises ValueError for settings that do not go together."""


def token_setting(gateway: str) -> Meta:
    """The setting `token` of a gateway."""
    return _secret(
        "[A-Za-z0-9_-]{22,}",
        f"{gateway}: the secret that it shows, 22 or more characters. Empty: nothing comes in from it.",
        "must be 22 or more letters and digits, drawn at random as `openssl rand -hex 16` does",
    )


# What a screen holds, for the settings of a gateway whose network cuts earlier than the standard.
Septets = Annotated[int, Meta(ge=40, le=182, description="Letters of a screen in GSM-7.")]
Ucs2 = Annotated[int, Meta(ge=40, le=80, description="Letters of a screen in UCS-2, such as Cyrillic.")]


def allowed_setting(gateway: str) -> Meta:
    """The setting `allowed` of a gateway."""
    return Meta(description=f"{gateway}: the addresses that it calls from: 127.0.0.1,10.1.0.0/16. Empty: any.")


def signing_key_setting(description: str) -> Meta:
    """A key that a gateway signs with and the administrator chooses."""
    return _secret(".{22,}", description, "must be 22 or more signs, drawn at random as `openssl rand -hex 16` does")


def _secret(form: str, description: str, fault: str) -> Meta:
    """Always refused when it is weak, whatever risk is known: another one can be made in a moment."""
    return Meta(pattern=f"^(?:{_VARIED}{form})?$", description=description, extra={"fault": fault})


def url_setting(description: str) -> Meta:
    """An address that we call, or that a gateway calls us by; it may be empty."""
    return Meta(pattern=r"^(https?://.+)?$", description=description, extra={"plain": "plain-gateway"})


def address(gateway: str, token: str, part: str) -> str:
    """The path of one of a gateway's addresses, with its token; without, a header has it."""
    return f"{PREFIX}{gateway}/{token}/{part}"


def harmless(words: object) -> str:
    """A provider's words, fit for a page and a log: letters alone, so that no number comes through."""
    kept = "".join(sign if sign.isalpha() or sign == "_" else " " for sign in str(words))
    return " ".join(kept.split())[:60]


def number_in(fields: Mapping[str, str], name: str, country: str) -> str:
    """The telephone number in this field, in E.164; one without a country code is of this country (ISO 3166). Raises
    BadRequestError."""
    number = _e164(needed(fields, name), country)
    if number is None:
        raise BadRequestError(f"{name} is not a telephone number.")
    return number


def person_from(sender: str, country: str) -> str | None:
    """The number of a sender that can be answered, in E.164; None for a short code or a name in letters."""
    if any(sign.isalpha() for sign in sender) or sum(sign.isdigit() for sign in sender) < SHORTEST:
        return None
    return _e164(sender, country)


def _e164(number: str, country: str) -> str | None:
    """A number that has that form is taken as it is: phonenumbers costs a hundred times more."""
    if _E164.fullmatch(number):
        return number
    # Some gateways leave the plus sign away, from foreign numbers too.
    return msisdn.parse(number, country) or msisdn.parse(f"+{number.strip()}", country)
