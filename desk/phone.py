"""The phone page: a key phone in the browser, for trying the service without a network.

It is a gateway to the station's own webhook: each key press that a network would carry becomes a real request in the
gateway's format through the whole application, so what is seen here is what residents get.
"""

from __future__ import annotations

import contextvars
import re
import secrets
from dataclasses import asdict, dataclass, replace

from flask import Blueprint, Flask, current_app, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from werkzeug.test import Client, TestResponse

from desk.language import _
from desk.signin import needs_role
from menus.gsm import Budget, Encoding, encoding, units

KEYS = ("1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#")
RESIDENTS = {"+992900000101": "Гулнора", "+992900000102": "Бахтиёр", "+992900000103": "Ali"}
NETWORK = "43601"
LONGEST_ANSWER, LONGEST_SESSION = 182, 1000
SMS_TIMEOUT_S = 2.0
SMS_SHOWN = 20
STATE = "phone"


@dataclass(frozen=True)
class Phone:
    """What the phone holds between two presses; it travels in the sign-in cookie. `session_id` is empty when no
    session is open, `typed` is all that was typed in it, `draft` what stands in the input line."""

    number: str
    draft: str
    code: str = ""
    session_id: str = ""
    typed: str = ""
    screen: str = ""
    fault: str = ""


@dataclass(frozen=True)
class Measure:
    """How much of what the network carries this screen uses."""

    used: int
    limit: int
    encoding: Encoding


@dataclass(frozen=True)
class Inbox:
    """The SMS that came, newest first, or why they cannot be shown."""

    texts: list[str]
    fault: str = ""


def create(service_code: str, ussd_path: str, sms_url: str) -> Blueprint:
    """The phone's blueprint; `ussd_path` is the webhook it dials, and `sms_url` lists the SMS that were sent."""
    blueprint = Blueprint("phone", __name__, url_prefix="/phone")

    @blueprint.get("", strict_slashes=False)
    @needs_role("operator", "phone")
    def index() -> ResponseReturnValue:
        phone = _load(service_code)
        return render_template(
            "desk/phone.html",
            it=phone,
            measure=_measure(phone.screen),
            inbox=_inbox(sms_url, phone.number),
            keys=KEYS,
            residents=RESIDENTS,
            is_set=bool(ussd_path),
            service_code=service_code,
            longest=LONGEST_ANSWER,
        )

    @blueprint.post("/number")
    @needs_role("operator", "phone")
    def number() -> ResponseReturnValue:
        phone = _hung_up(_load(service_code), service_code, ussd_path)
        given = _number(request.form.get("number", "")) or _number(request.form.get("resident", ""))
        fault = "" if given else _("This is not a telephone number.")
        return _kept(replace(phone, number=given or phone.number, fault=fault))

    @blueprint.post("/press")
    @needs_role("operator", "phone")
    def press() -> ResponseReturnValue:
        draft = request.form.get("typed", "")[:LONGEST_ANSWER]
        phone = replace(_load(service_code), draft=draft, fault="")
        return _kept(_pressed(phone, request.form.get("press", "send"), service_code, ussd_path))

    return blueprint


def _pressed(phone: Phone, key: str, service_code: str, ussd_path: str) -> Phone:
    """The phone after one press."""
    if key in KEYS:
        return replace(phone, draft=phone.draft + key)
    if key == "clear":
        return replace(phone, draft=phone.draft[:-1])
    if key == "end":
        return _hung_up(phone, service_code, ussd_path)
    if not ussd_path:
        return phone
    return _answered(phone, service_code, ussd_path) if phone.session_id else _dialled(phone, service_code, ussd_path)


def _dialled(phone: Phone, service_code: str, ussd_path: str) -> Phone:
    """Begin a session. What follows the service code is a shortcut: the network reports it as already typed."""
    code, base = phone.draft.strip().strip("*#"), service_code.strip("*#")
    if code != base and not code.startswith(f"{base}*"):
        return replace(phone, screen="", fault=_("No service answers this code. Dial {code}.", code=service_code))
    begun = replace(phone, code=service_code, session_id=f"phone-{secrets.token_hex(8)}")
    return _hop(begun, code[len(base) + 1 :], ussd_path, service_code)


def _answered(phone: Phone, service_code: str, ussd_path: str) -> Phone:
    typed = f"{phone.typed}*{phone.draft}" if phone.typed else phone.draft
    if len(typed) > LONGEST_SESSION:
        return replace(phone, fault=_("Too much was typed in one session for this page. Hang up and dial again."))
    return _hop(phone, typed, ussd_path, service_code)


def _hop(phone: Phone, typed: str, ussd_path: str, service_code: str) -> Phone:
    """Send one hop, and show what comes back."""
    answer = _post(ussd_path, _fields(phone) | {"text": typed})
    word, _space, screen = answer.text.partition(" ")
    if answer.status_code != 200 or word not in ("CON", "END"):
        fault = _("The webhook answered {status}: {text}", status=answer.status_code, text=answer.text[:100])
        return replace(phone, session_id="", typed="", screen="", draft=service_code, fault=fault)
    if word == "END":
        return replace(phone, session_id="", typed="", screen=screen, draft=service_code)
    return replace(phone, typed=typed, screen=screen, draft="")


def _hung_up(phone: Phone, service_code: str, ussd_path: str) -> Phone:
    """The phone at rest; the gateway notes that an open session was cut."""
    if phone.session_id and ussd_path:
        _post(f"{ussd_path}-end", _fields(phone) | {"status": "Incomplete"})
    return Phone(phone.number, service_code)


def _fields(phone: Phone) -> dict[str, str]:
    return {
        "sessionId": phone.session_id,
        "serviceCode": phone.code,
        "phoneNumber": phone.number,
        "networkCode": NETWORK,
    }


def _post(path: str, fields: dict[str, str]) -> TestResponse:
    """A request of its own through the whole application, in this thread: a second thread could wait for ever when
    all of them show this page. The empty context keeps this page's person and language out of it."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    return contextvars.Context().run(lambda: Client(app).post(path, data=fields))


def _measure(screen: str) -> Measure | None:
    return Measure(units(screen), Budget().of(screen), encoding(screen)) if screen else None


def _inbox(url: str, number: str) -> Inbox:
    if not url:
        return Inbox([], _("Set SADO_PHONE_SMS_URL to see the SMS here."))
    import requests

    try:
        listed = requests.get(url, timeout=SMS_TIMEOUT_S).json()
    except requests.RequestException:
        return Inbox([], _("The list of SMS cannot be reached now."))
    messages = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    texts = [str(one.get("text", "")) for one in messages if one.get("to") == number]
    return Inbox(texts[::-1][:SMS_SHOWN])


def _number(typed: str) -> str:
    """The number with its plus sign, or nothing."""
    plain = "+" + re.sub(r"^\+|[\s()-]", "", typed.strip())
    return plain if re.fullmatch(r"\+[1-9][0-9]{6,14}", plain) else ""


def _load(service_code: str) -> Phone:
    kept = session.get(STATE)
    return Phone(**kept) if kept else Phone(next(iter(RESIDENTS)), service_code)


def _kept(phone: Phone) -> ResponseReturnValue:
    session[STATE] = asdict(phone)
    return redirect(url_for("phone.index"))
