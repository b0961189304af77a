"""Africa's Talking: USSD callbacks in, SMS out through its SDK.

`text` is the whole history of a session joined by `*`, and it may start non-empty when a longer code was
dialled. The answer must begin with exactly `CON ` or `END `. The callbacks carry no signature, so the path
holds a token that cannot be guessed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from sado.channel.contract import (
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
from sado.channel.gateways.dialled import after_tail
from sado.channel.gateways.http import failures
from sado.channel.request import Request, needed, text_in
from sado.menus.engine import USSD
from sado.menus.gsm import Budget
from sado.sync.codes import Cause
from sado.sync.outbox import DeferredError, DestinationDownError, OutcomeUnknownError, RejectedError, SendError

NAME = "africastalking"
ACCEPTED = range(100, 103)
STOP = "STOP"
# The words of the documentation; the numbers beside them differ between copies of it.
REFUSED_FOR_GOOD = {"InvalidPhoneNumber", "UnsupportedNumberType", "UserInBlacklist", "UserInBlackList", "RiskHold"}
# Delivery reports (docs.africastalking.com/sms/deliveryreports); Expired is seen in the field.
STATES: Mapping[str, State] = {
    "Sent": "sent",
    "Submitted": "sent",
    "Buffered": "buffered",
    "Success": "delivered",
    "Rejected": "failed",
    "Failed": "failed",
    "Expired": "failed",
}
DOWN_FOR_ALL = {"InsufficientBalance", "InvalidSenderId"}


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Empty token and user name: it is not used."""

    token: Annotated[str, token_setting("Africa's Talking")] = ""
    allowed: Annotated[Networks, allowed_setting("Africa's Talking")] = Networks()
    username: Annotated[str, Meta(description="User name at Africa's Talking. Empty: it sends no SMS.")] = ""
    key: Annotated[str, Meta(description="API key at Africa's Talking.")] = ""
    sender: Annotated[str, Meta(description="Sender shown on the phone; empty for the default.")] = ""
    url: Annotated[
        str,
        url_setting("Address of the API instead of the provider's own, for tests and the demo."),
    ] = ""
    septets: Septets = 182
    ucs2: Ucs2 = 80


def build(settings: Settings, context: Context) -> Gateway | None:
    """USSD and SMS, both ways."""
    if not (settings.token or settings.username):
        return None
    sms = AfricasTalkingSms(settings, context.country)
    sender = sms if settings.username else None
    ussd = AfricasTalkingUssd(context.country, Budget(settings.septets, settings.ucs2))
    return Gateway(NAME, settings.token, settings.allowed, ussd=ussd, sms=sms, sender=sender)


class AfricasTalkingUssd:
    """The format of the USSD callbacks. A number without a country code is of the pack's `country`."""

    name = NAME
    is_cumulative = True

    def __init__(self, country: str, budget: Budget = USSD) -> None:
        self.budget = budget
        self._country = country

    def parse_hop(self, request: Request) -> Hop:
        """One hop from the form. `networkCode` is optional: the provider's own SDK types leave it out."""
        form = request.form
        session_id, code = needed(form, "sessionId"), needed(form, "serviceCode")
        msisdn = number_in(form, "phoneNumber", self._country)
        return Hop(session_id, msisdn, after_tail(code, text_in(form, "text")))

    def parse_end(self, request: Request) -> SessionEnd:
        """The notification that a session ended: Success, Incomplete or Failed, or a word they add later."""
        session_id, status = needed(request.form, "sessionId"), needed(request.form, "status")
        return SessionEnd(session_id, number_in(request.form, "phoneNumber", self._country), status[:40])

    def answer(self, hop: Hop, text: str, is_last: bool) -> str:
        """`CON` goes on, `END` closes; nothing may stand before either."""
        return f"{'END' if is_last else 'CON'} {text}"


class AfricasTalkingSms:
    """Sends SMS through the africastalking SDK, whose traps end in this class.

    It wants a list of recipients, may return a string, loses the HTTP status of a refusal, and lets time-outs
    through bare: after a read time-out the message may have gone. It is loaded at the first message, for a small box
    that only answers phones.
    """

    name = NAME
    acknowledgement = "OK"

    def __init__(self, settings: Settings, country: str) -> None:
        self._settings = settings
        self._country = country
        self._sms: Any = None
        self._refused: type[Exception] = Exception

    def parse_message(self, request: Request) -> Message | None:
        """An SMS that came in; `date`, `to`, `linkId` and `networkCode` say nothing that we need. A bulk opt-out, which
        the provider tells in a form of its own, is the same as the command to stop."""
        form = request.form
        if "senderId" in form and "text" not in form:
            return Message("", number_in(form, "phoneNumber", self._country), STOP)
        sender, message_id, text = needed(form, "from"), needed(form, "id"), text_in(form, "text")
        msisdn = person_from(sender, self._country)
        return Message(message_id, msisdn, text) if msisdn else None

    def parse_report(self, request: Request) -> Report | None:
        """What became of a message that we sent."""
        message_id, status = needed(request.form, "id"), needed(request.form, "status")
        reason = request.form.get("failureReason", "")
        return Report(message_id, STATES.get(status), harmless(f"{status} {reason}" if reason else status))

    def send(self, msisdn: str, text: str, key: str) -> str:
        """Return the provider's id of the message once it is accepted. It takes no name of ours. Raises one of the
        outbox's SendErrors."""
        client = self._client()
        with failures():
            try:
                answer = client.send(text, [msisdn], self._settings.sender or None)
            except self._refused as error:
                raise _refusal(str(error)) from None
            except UnicodeEncodeError:
                raise
            except ValueError:
                # The SDK reads the answer too: what it cannot read came after the message had left.
                raise OutcomeUnknownError(Cause.GATEWAY_UNREADABLE) from None
        return _accepted(answer)

    def _client(self) -> Any:
        """The SDK's SMS service, made at the first message."""
        if self._sms is None:
            import africastalking
            from africastalking.Service import AfricasTalkingException

            africastalking.initialize(self._settings.username, self._settings.key)
            self._sms, self._refused = africastalking.SMS, AfricasTalkingException
            if self._settings.url:
                self._sms._baseUrl = self._settings.url.rstrip("/") + "/version1"
        return self._sms


def _refusal(body: str) -> SendError:
    """What a non-2xx answer means, from its words alone: the SDK loses the status."""
    if "authentication" in body.lower():
        return DestinationDownError(Cause.GATEWAY_REFUSES_US)
    return DestinationDownError(Cause.GATEWAY_ERROR)


def _accepted(answer: Any) -> str:
    """The id of our message in an answer that names our recipient with an accepting status."""
    try:
        data = json.loads(answer) if isinstance(answer, str) else answer
        message = data["SMSMessageData"]
        recipients = message["Recipients"]
        first = recipients[0] if recipients else {"status": message.get("Message")}
        status, code = harmless(first.get("status")), first.get("statusCode")
    except (ValueError, KeyError, TypeError, AttributeError):
        raise OutcomeUnknownError(Cause.GATEWAY_UNREADABLE) from None
    if not recipients:
        raise DestinationDownError(Cause.GATEWAY_TOOK_NOTHING, status)
    if status == "Success" or code in ACCEPTED:
        return str(first.get("messageId") or "")
    if status in REFUSED_FOR_GOOD:
        raise RejectedError(Cause.GATEWAY_REFUSES_NUMBER, status)
    if status in DOWN_FOR_ALL:
        raise DestinationDownError(Cause.GATEWAY_TAKES_NOTHING, status)
    raise DeferredError(Cause.GATEWAY_DID_NOT_TAKE_IT, status)
