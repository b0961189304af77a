"""Kannel: SMS both ways through its smsbox, and USSD over SMPP through the meta-data of its messages.

What Kannel does behind an answer of "accepted" is kept from mattering: letters that a 7-bit message lacks become
question marks, so the coding is always given; a surrogate pair at the end of a part is torn, so parts end where ours
do; and no message id comes back, so our key is in the address that the reports go to. The configuration that this rests
on is in docs/gateways/kannel.md.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import unquote_to_bytes

import msgspec
from msgspec import Meta

from sado.channel.contract import (
    PREFIX,
    Context,
    Gateway,
    Hop,
    Message,
    Networks,
    Report,
    Septets,
    SessionEnd,
    State,
    Ucs2,
    allowed_setting,
    harmless,
    number_in,
    person_from,
    token_setting,
    url_setting,
)
from sado.channel.gateways.dialled import after_code
from sado.channel.gateways.http import Answer, post
from sado.channel.request import LONGEST_TEXT, BadRequestError, Request, needed
from sado.menus.engine import USSD
from sado.menus.gsm import Budget, encoding, segments
from sado.sync.codes import Cause
from sado.sync.outbox import DestinationDownError, OutcomeUnknownError, RejectedError

log = logging.getLogger(__name__)

NAME = "kannel"
JOINED_UCS2 = 67
BINARY = "1"
# Delivered, failed, buffered, accepted and rejected by the SMSC: every report there is.
ALL_REPORTS = "31"
REPORTS: Mapping[str, tuple[State, str]] = {
    "1": ("delivered", "delivered"),
    "2": ("failed", "failed"),
    "4": ("buffered", "buffered"),
    "8": ("sent", "accepted"),
    "16": ("failed", "rejected"),
}
TAKEN = ("0: Accepted", "3: Queued", "Sent.")
# ussd_service_op (SMPP 3.4, section 5.3.2.44); 0x81 is what vendors add for a resident who hung up.
BEGUN, ANSWERED, HUNG_UP = b"\x01", b"\x12", b"\x81"
ASK, CLOSE = b"\x02", b"\x11"

_SMPP = re.compile(r"\?smpp\?([^?]*)")


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Token and address go together; without both it is not used."""

    token: Annotated[str, token_setting("Kannel")] = ""
    allowed: Annotated[Networks, allowed_setting("Kannel")] = Networks()
    url: Annotated[
        str,
        url_setting("Kannel's sendsms: http://127.0.0.1:13013/cgi-bin/sendsms. Empty: none."),
    ] = ""
    username: Annotated[str, Meta(description="User of the sendsms-user group.")] = ""
    password: Annotated[str, Meta(description="Its password.")] = ""
    sender: Annotated[str, Meta(description="Sender of SMS; empty: Kannel's own.")] = ""
    reports: Annotated[
        str,
        url_setting("This station as Kannel reaches it; empty: http://127.0.0.1 and SADO_PORT."),
    ] = ""
    ussd: Annotated[bool, Meta(description="Serve USSD over SMPP through Kannel.")] = False
    septets: Septets = 182
    ucs2: Ucs2 = 80


def build(settings: Settings, context: Context) -> Gateway | None:
    """SMS both ways, and USSD where it is asked for. Raises ValueError when only half is set up."""
    if not (settings.token or settings.url or settings.ussd):
        return None
    if not (settings.token and settings.url):
        raise ValueError("Kannel needs SADO_KANNEL_TOKEN and SADO_KANNEL_URL together.")
    smsbox = Smsbox(settings.url, settings.username, settings.password)
    # Kannel makes a header of what stands before the @.
    station = (settings.reports.rstrip("/") or context.url).replace("://", f"://sado:{settings.token}@", 1)
    reports = f"{station}{PREFIX}{NAME}/report"
    sms = KannelSms(smsbox, settings.sender, reports, context.country)
    budget = Budget(settings.septets, settings.ucs2)
    ussd = KannelUssd(smsbox, context.service_code, context.country, budget) if settings.ussd else None
    return Gateway(NAME, settings.token, settings.allowed, ussd=ussd, sms=sms, sender=sms)


class Smsbox:
    """The `sendsms` address of a smsbox, with our account there.

    A message is posted and not asked for by GET: the address of a request, with its number, text and password, stands
    in too many logs."""

    def __init__(self, url: str, username: str, password: str) -> None:
        self._url = url
        self._account = {"X-Kannel-Username": username, "X-Kannel-Password": password}

    def send(self, sender: str, msisdn: str, text: str, more: Mapping[str, str]) -> None:
        """Return when Kannel has the message. Without a sender Kannel's own is used; `more` are further X-Kannel
        headers. Raises one of the outbox's SendErrors."""
        headers = {
            **self._account,
            "Content-Type": "text/plain; charset=UTF-8",
            "X-Kannel-To": msisdn,
            "X-Kannel-Coding": "2" if encoding(text) == "UCS-2" else "0",
            **({"X-Kannel-From": sender} if sender else {}),
            **more,
        }
        _judge(post(self._url, text.encode(), headers))


def _judge(answer: Answer) -> None:
    """Return when Kannel has the message, for an SMSC now or queued for one later."""
    status, words = answer.status, answer.text
    if 200 <= status < 300:
        if words.startswith(TAKEN):
            return
        raise OutcomeUnknownError(Cause.GATEWAY_UNREADABLE)
    if status == 403 and words.startswith("Not routable"):
        raise RejectedError(Cause.GATEWAY_HAS_NO_ROUTE)
    if status == 403:
        raise DestinationDownError(Cause.GATEWAY_REFUSES_US)
    if status == 400 and re.search(r"receiver|Number\(s\)|Charset", words):
        raise RejectedError(Cause.GATEWAY_REFUSES_MESSAGE)
    if status == 400 and words.startswith("Sender missing"):
        raise DestinationDownError(Cause.GATEWAY_HAS_NO_SENDER)
    raise DestinationDownError(Cause.GATEWAY_ERROR, str(status))


class KannelSms:
    """SMS in by smsbox's `post-url`, out by its `sendsms`. `reports` is our own address for delivery reports, as Kannel
    reaches it; a number without a country code is of this `country`.

    Addresses have Kannel's id or ours, and nothing else: the number comes in a header and the text in the body, for an
    address stands in too many logs. So smsbox's `get-url` is not read."""

    name = NAME
    # Whatever stood in the body would be sent to the resident as a reply.
    acknowledgement = ""

    def __init__(self, box: Smsbox, sender: str, reports: str, country: str) -> None:
        self._box = box
        self._sender = sender
        self._reports = reports
        self._country = country

    def parse_message(self, request: Request) -> Message | None:
        """An SMS that came in. None for one of bytes, such as a ringing tone: there is nothing to read in it."""
        message_id, msisdn = needed(request.address, "id"), person_from(_header(request, "From"), self._country)
        if request.header("X-Kannel-Coding") == BINARY or msisdn is None:
            return None
        return Message(message_id, msisdn, _text(request))

    def parse_report(self, request: Request) -> Report:
        """What became of a message. The SMSC's own answer (%A) is not asked for: it repeats the text's beginning."""
        fields = request.address
        status = needed(fields, "status")
        state, word = REPORTS.get(status, (None, harmless(status)))
        return Report(needed(fields, "id"), state, word)

    def send(self, msisdn: str, text: str, key: str) -> str:
        """`key` is of letters, digits and hyphens; reports name the message by it."""
        reports = {"X-Kannel-DLR-Mask": ALL_REPORTS, "X-Kannel-DLR-Url": f"{self._reports}?id={key}&status=%d"}
        self._box.send(self._sender, msisdn, _cut_like_ours(text), reports)
        return key


@dataclass(frozen=True)
class KannelHop(Hop):
    """A hop, and what its answer needs to find the way back: the code that was dialled, the SMSC by Kannel's name, and
    the SMSC's word for the dialogue."""

    service: str = ""
    smsc: str = ""
    session_info: bytes = b""


class KannelUssd:
    """USSD over SMPP: a hop comes as a message with TLVs in its meta-data, and the answer is a message of its own, sent
    once the hop is on disk.

    A phone has one dialogue at a time, so its number is the session, and the SMSC says when one begins. What is in
    its_session_info is only given back: some SMSCs keep it for a whole session, others count in it (SMPP 3.4, section
    5.3.2.43)."""

    name = NAME
    is_cumulative = False

    def __init__(self, box: Smsbox, service_code: str, country: str, budget: Budget = USSD) -> None:
        self.budget = budget
        self._box = box
        self._code = service_code
        self._country = country

    def parse_hop(self, request: Request) -> KannelHop | SessionEnd:
        """One hop, or the word that the resident hung up: Kannel tells no other end. Raises BadRequestError also for a
        message that is no USSD."""
        msisdn = number_in({"X-Kannel-From": _header(request, "From")}, "X-Kannel-From", self._country)
        tlvs = _tlvs(_header(request, "Meta-Data"))
        operation = tlvs.get("ussd_service_op", b"")
        if operation == HUNG_UP:
            return SessionEnd("", msisdn, "Incomplete")
        if operation not in (BEGUN, ANSWERED):
            raise BadRequestError("ussd_service_op is missing, or neither a beginning, an answer nor an end.")
        is_first, text = operation == BEGUN, _text(request)
        if is_first:
            # Some SMSCs leave the star and the hash away.
            text = after_code(self._code, f"*{text.strip().strip('*#')}#") or ""
        return KannelHop(
            session_id="",
            msisdn=msisdn,
            text=text,
            request_id=needed(request.address, "id"),
            is_first=is_first,
            service=_token(request, "To"),
            smsc=_token(request, "SMSC"),
            session_info=tlvs.get("its_session_info", b""),
        )

    def parse_end(self, request: Request) -> SessionEnd:
        """Refused: Kannel has one address for all of USSD."""
        raise BadRequestError("Give Kannel the address that ends in /ussd.")

    def answer(self, hop: KannelHop, text: str, is_last: bool) -> str:
        """Send the screen that answers this hop: a question, or the last one. One that may have left, or that is
        refused for good, is only noted. Raises DestinationDownError: then Kannel calls again, for the same screen."""
        tlvs = {"ussd_service_op": CLOSE if is_last else ASK, "its_session_info": hop.session_info}
        meta = "&".join(f"{name}={_escaped(value)}" for name, value in tlvs.items() if value)
        way = {"X-Kannel-SMSC": hop.smsc, "X-Kannel-BInfo": "USSD", "X-Kannel-Meta-Data": f"?smpp?{meta}"}
        try:
            self._box.send(hop.service, hop.msisdn, text, way)
        except (OutcomeUnknownError, RejectedError) as error:
            log.warning("%s: a screen may not have arrived: %s", self.name, error)
        return ""


def _header(request: Request, name: str) -> str:
    """What Kannel says of a message in the header X-Kannel-`name`; of the sender it says nothing unless the group
    sms-service has `send-sender = true`. Raises BadRequestError."""
    header = f"X-Kannel-{name}"
    try:
        value = request.header(header).encode("latin-1").decode()
    except UnicodeError:
        raise BadRequestError(f"{header} is not UTF-8.") from None
    return needed({header: value}, header)


def _token(request: Request, name: str) -> str:
    """A header that can be given back as one. Raises BadRequestError."""
    value = _header(request, name)
    if not re.fullmatch("[!-~]+", value):
        raise BadRequestError(f"X-Kannel-{name} has letters that no code or name of an SMSC has.")
    return value


def _text(request: Request) -> str:
    """The text in the body, which is UTF-8 with `mo-recode`; without it Cyrillic is UTF-16, and would read as other
    letters were it taken for UTF-8."""
    is_utf16 = "utf-16be" in str(request.environ.get("CONTENT_TYPE", "")).lower()
    try:
        text = request.body.decode("utf-16-be" if is_utf16 else "utf-8")
    except UnicodeDecodeError:
        raise BadRequestError("The text is not UTF-8: set mo-recode = true in group smsbox.") from None
    if len(text) > LONGEST_TEXT:
        raise BadRequestError(f"text is longer than {LONGEST_TEXT} characters.")
    return text


def _tlvs(meta: str) -> Mapping[str, bytes]:
    """The TLVs of a message by their names in Kannel's configuration: in
    `?smpp?ussd_service_op=%01&its_session_info=%124&` one has the octet 01, the other 12 34."""
    found = _SMPP.search(meta)
    pairs = (pair.partition("=") for pair in (found[1] if found else "").split("&"))
    return {name: unquote_to_bytes(value.replace("+", " ")) for name, _, value in pairs if name}


def _escaped(octets: bytes) -> str:
    return "".join(f"%{octet:02x}" for octet in octets)


def _cut_like_ours(text: str) -> str:
    """The text with a space before each surrogate pair that Kannel would tear between two parts: it cuts after 67 units
    whatever stands there. In GSM-7 it cuts as we do."""
    if encoding(text) == "GSM-7":
        return text
    *full, last = segments(text)
    return "".join(f"{part} " if len(part.encode("utf-16-le")) // 2 < JOINED_UCS2 else part for part in full) + last
