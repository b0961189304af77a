"""SMS Gateway for Android (capcom6, sms-gate.app): a spare phone with a SIM card that sends and receives for us.

Webhooks are JSON, one event each, signed with a key of the phone; sending is one POST, to the phone itself or to a
server that the phone polls. The facts are the app's own: docs.sms-gate.app, "Webhooks" and "Sending messages".
"""

from __future__ import annotations

import hmac
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

from sado.channel.contract import (
    Context,
    Gateway,
    Message,
    Networks,
    Report,
    State,
    allowed_setting,
    harmless,
    person_from,
    signing_key_setting,
    token_setting,
    url_setting,
)
from sado.channel.gateways.http import Answer, post
from sado.channel.request import BadRequestError, Request, needed, text_in
from sado.sync.codes import Cause
from sado.sync.outbox import DeferredError, DestinationDownError, OutcomeUnknownError, RejectedError, SendError

NAME = "android"
RECEIVED = "sms:received"
# Of a long message each part is reported as delivered; if one part fails, the app says that the message failed.
STATES: Mapping[str, State] = {
    "sms:sent": "sent",
    "sms:delivered": "delivered",
    "sms:failed": "failed",
    "sms:cancelled": "failed",
}
# The phone signs each attempt anew, so an old signature is a copied one, or a clock is wrong.
OLDEST_S = 300
UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)

T = TypeVar("T")


class _Event(msgspec.Struct):
    event: str
    id: str
    payload: msgspec.Raw = msgspec.Raw(b"{}")


class _Received(msgspec.Struct, rename="camel"):
    """`sender` is in newer releases what `phoneNumber` was; older ones have no `sender`."""

    message: str
    sender: str | None = None
    phone_number: str | None = None


class _Outcome(msgspec.Struct, rename="camel"):
    message_id: str
    reason: str | None = None


class _Accepted(msgspec.Struct):
    id: str


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Empty token and address: it is not used."""

    token: Annotated[str, token_setting("Android SMS Gateway")] = ""
    allowed: Annotated[Networks, allowed_setting("Android SMS Gateway")] = Networks()
    url: Annotated[str, url_setting("Whole address that messages are posted to. Empty: it sends none.")] = ""
    username: Annotated[str, Meta(description="User name from the app's Home tab.")] = ""
    password: Annotated[str, Meta(description="Its password.")] = ""
    signing_key: Annotated[str, signing_key_setting("The app's key for signed webhooks, 22 or more characters.")] = ""
    ttl_s: Annotated[int, Meta(ge=60, description="After so many seconds the phone gives a message up.")] = 3600


def build(settings: Settings, context: Context) -> Gateway | None:
    """SMS both ways."""
    if not (settings.token or settings.url):
        return None
    sms = AndroidSms(settings, context.country)
    return Gateway(NAME, settings.token, settings.allowed, sms=sms, sender=sms if settings.url else None)


class AndroidSms:
    """SMS both ways through one phone. `clock` gives seconds since 1970. A number without a country code is of this
    `country`."""

    name = NAME
    acknowledgement = "OK"

    def __init__(self, settings: Settings, country: str, clock: Callable[[], float] = time.time) -> None:
        """Raises ValueError without a signing key: anybody could sign."""
        if not settings.signing_key:
            raise ValueError(
                "SADO_ANDROID_SIGNING_KEY is missing: make one with `openssl rand -hex 16`, and put it here and into"
                " the app (Settings, Webhooks)."
            )
        self._url = settings.url
        self._key = settings.signing_key.encode()
        self._ttl_s = settings.ttl_s
        self._country = country
        self._clock = clock
        account = b64encode(f"{settings.username}:{settings.password}".encode()).decode()
        self._headers = {"Authorization": f"Basic {account}", "Content-Type": "application/json"}

    def parse_message(self, request: Request) -> Message | None:
        """An SMS that came in, named by its event: the `messageId` is made from the text, and another person's "1" has
        the same. Raises BadRequestError also for a report, so that the phone keeps it until its address is put right.
        """
        event = self._event(request)
        if event.event in STATES:
            raise BadRequestError("This event is a delivery report: give its webhook the address that ends in /report.")
        if event.event != RECEIVED:
            return None
        received = _read(event.payload, _Received)
        fields = {"id": event.id, "sender": received.sender or received.phone_number or "", "message": received.message}
        event_id, sender, text = needed(fields, "id"), needed(fields, "sender"), text_in(fields, "message")
        msisdn = person_from(sender, self._country)
        return Message(event_id, msisdn, text) if msisdn else None

    def parse_report(self, request: Request) -> Report | None:
        """What became of a message. None for the phone's pings, and for kinds of messages that we never send. Raises
        BadRequestError also for an SMS that came in: acknowledged here, it would be lost."""
        event = self._event(request)
        if event.event == RECEIVED:
            raise BadRequestError("This event is a message: give its webhook the address that ends in /sms.")
        kind, _, word = event.event.partition(":")
        if kind != "sms":
            return None
        outcome = _read(event.payload, _Outcome)
        message_id = needed({"messageId": outcome.message_id}, "messageId")
        return Report(message_id, STATES.get(event.event), harmless(f"{word} {outcome.reason or ''}"))

    def send(self, msisdn: str, text: str, key: str) -> str:
        """`key` names the message on the phone too, so one that it has already is not sent twice; it may have 36
        letters. Raises one of the outbox's SendErrors."""
        message = {
            "id": key,
            "textMessage": {"text": text},
            "phoneNumbers": [msisdn],
            "ttl": self._ttl_s,
            "withDeliveryReport": True,
        }
        answer = post(self._url, msgspec.json.encode(message), self._headers)
        if fault := _fault(answer, key):
            raise fault
        return key

    def _event(self, request: Request) -> _Event:
        """The event, once its signature is proved: hex HMAC-SHA256 of the body and the time, as they came."""
        timestamp, signature = request.header("X-Timestamp"), request.header("X-Signature")
        signed = hmac.new(self._key, request.body + _octets(timestamp), sha256).hexdigest()
        if not hmac.compare_digest(_octets(signature.lower()), signed.encode()):
            raise BadRequestError("X-Signature does not fit: the signing key here must be the one in the phone.")
        if not timestamp.isdecimal() or len(timestamp) > 12 or abs(self._clock() - int(timestamp)) > OLDEST_S:
            raise BadRequestError("X-Timestamp is far from the time here: set the clocks of the phone and the station.")
        event = _read(request.body, _Event)
        needed({"event": event.event}, "event")
        return event


def _fault(answer: Answer, key: str) -> SendError | None:
    """What an answer means; None when the phone or its server has the message. 409 says that it had it already."""
    if answer.status == 409:
        return None
    if 200 <= answer.status < 300:
        return None if _names(answer, key) else OutcomeUnknownError(Cause.GATEWAY_UNREADABLE)
    if answer.status in (401, 403):
        return DestinationDownError(Cause.GATEWAY_REFUSES_US)
    # Its server says so when an account has lost its phone.
    if answer.status == 400 and "device" not in answer.text.lower():
        return RejectedError(Cause.GATEWAY_REFUSES_MESSAGE)
    if answer.status in (413, 422):
        return DeferredError(Cause.GATEWAY_DID_NOT_TAKE_IT, str(answer.status))
    return DestinationDownError(Cause.GATEWAY_ERROR, str(answer.status))


def _names(answer: Answer, key: str) -> bool:
    """Whether an answer is about our message: a sign-in page of a hotel is none."""
    try:
        return _read(answer.text.encode(), _Accepted).id == key
    except BadRequestError:
        return False


def _read(body: bytes | msgspec.Raw, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except UNREADABLE:
        raise BadRequestError("The body is not an event in JSON, with its fields of their types.") from None


def _octets(header: str) -> bytes:
    """A header as it came: the server read its octets as Latin-1."""
    return header.encode("latin-1", "replace")
