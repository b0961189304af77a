"""The phone page: a key phone in the browser, for trying the service without a network, and with a bad one."""

from __future__ import annotations

import contextvars
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

from flask import Blueprint, Flask, current_app, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from werkzeug.test import Client

from sado.cases import msisdn
from sado.cases.audit import Action
from sado.desk import recording
from sado.desk.language import N_, _
from sado.desk.phone.network import Gateway, Phone
from sado.menus.gsm import Budget, Encoding, encoding, units
from sado.menus.handset import Letters

KEYS = ("1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#")
RESIDENTS = 3
LETTERS = {
    Letters.ALL: N_("All letters"),
    Letters.RUSSIAN: N_("Only Russian Cyrillic"),
    Letters.LATIN: N_("No Cyrillic"),
}
LONGEST_ANSWER = 182
LARGEST_CUT = 182
# Ten joined segments in Cyrillic: no phone lets somebody write more.
LONGEST_SMS = 670
SMS_TIMEOUT_S = 2.0
SMS_SHOWN = 20
STATE = "phone"
# Where a gateway may call from by its settings, this page is on the station's own machine.
FROM_HERE = {"REMOTE_ADDR": "127.0.0.1"}


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


def create(country: str, service_code: str, ussd_path: str, sms_url: str) -> Blueprint:
    """The phone's blueprint; `ussd_path` is the webhook it dials, and `sms_url` lists the SMS that were sent. Its
    residents have numbers of `country` (ISO 3166)."""
    blueprint = Blueprint("phone", __name__, url_prefix="/phone")
    views = _Views(Gateway(service_code, ussd_path, _post, _), country, residents(country), sms_url)
    blueprint.add_url_rule("", view_func=views.index, strict_slashes=False)
    blueprint.add_url_rule("/number", view_func=views.number, methods=["POST"])
    blueprint.add_url_rule("/press", view_func=views.press, methods=["POST"])
    blueprint.add_url_rule("/sms", view_func=views.sms, methods=["POST"])
    blueprint.add_url_rule("/handset", view_func=views.handset, methods=["POST"])
    return blueprint


@dataclass(frozen=True)
class _Views:
    """The views, and what they need."""

    gateway: Gateway
    country: str
    residents: list[str]
    sms_url: str

    @recording.recorded(Action.PHONE_USED)
    def index(self) -> ResponseReturnValue:
        """The phone as it lies on the table."""
        phone = self._phone()
        return render_template(
            "desk/phone.html",
            phone=phone,
            shown=phone.handset.show(phone.screen),
            measure=_measure(phone.screen),
            inbox=_inbox(self.sms_url, phone.number),
            keys=KEYS,
            letters=LETTERS,
            residents=self.residents,
            is_set=bool(self.gateway.webhook),
            service_code=self.gateway.code,
            longest=LONGEST_ANSWER,
            largest_cut=LARGEST_CUT,
            longest_sms=LONGEST_SMS,
        )

    @recording.recorded(Action.PHONE_USED)
    def number(self) -> ResponseReturnValue:
        """Another SIM card; the session of the old one ends."""
        phone = self.gateway.hang_up(self._phone())
        typed = (request.form.get(field, "") for field in ("number", "resident"))
        given = next(filter(None, (msisdn.parse(number, self.country) for number in typed)), "")
        fault = "" if given else _("This is not a telephone number.")
        return _kept(replace(phone, number=given or phone.number, fault=fault))

    @recording.recorded(Action.PHONE_USED)
    def press(self) -> ResponseReturnValue:
        """Press a key or a button, with what stands in the input line."""
        draft = request.form.get("typed", "")[:LONGEST_ANSWER]
        phone = replace(self._phone(), draft=draft)
        return _kept(_pressed(self.gateway, phone, request.form.get("press", "send")))

    @recording.recorded(Action.PHONE_USED)
    def sms(self) -> ResponseReturnValue:
        """Send an SMS to the service."""
        phone, text = self._phone(), request.form.get("text", "").strip()[:LONGEST_SMS]
        return _kept(self.gateway.write(phone, text) if text and self.gateway.webhook else phone, at="sms")

    @recording.recorded(Action.PHONE_USED)
    def handset(self) -> ResponseReturnValue:
        """Another phone, or another network."""
        return _kept(_changed(self._phone(), request.form.get("cut", ""), request.form.get("letters", "")))

    def _phone(self) -> Phone:
        kept = session.get(STATE)
        return Phone(**kept) if kept else Phone(self.residents[0], self.gateway.code)


def residents(country: str) -> list[str]:
    """Mobile numbers to try the service from, as `country` has them. Raises ValueError for one that has none."""
    import phonenumbers

    example = phonenumbers.example_number_for_type(country, phonenumbers.PhoneNumberType.MOBILE)
    if example is None:
        raise ValueError(
            f"No mobile numbers are known of {country!r}: set `country` in pack.yaml to its ISO 3166 code."
        )
    first = int(phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164))
    return [f"+{first + extra}" for extra in range(RESIDENTS)]


def _pressed(gateway: Gateway, phone: Phone, key: str) -> Phone:
    """The phone after a press of this key or button. One that does not exist does nothing; nothing is sent where no
    gateway is set."""
    phone = replace(phone, fault="", note="", sms_note="")
    if key in KEYS:
        return replace(phone, draft=phone.draft + key)
    if key == "clear":
        return replace(phone, draft=phone.draft[:-1])
    buttons = {
        "send": gateway.send,
        "end": gateway.hang_up,
        "drop": gateway.drop,
        "lose": gateway.lose,
        "repeat": gateway.repeat,
    }
    return buttons[key](phone) if key in buttons and gateway.webhook else phone


def _post(path: str, fields: Mapping[str, str]) -> tuple[int, str]:
    """A request of its own through the whole application, in this thread: a second thread could wait for ever when
    all of them show this page. The empty context keeps this page's person and language out of it."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    answer = contextvars.Context().run(lambda: Client(app).post(path, data=fields, environ_base=FROM_HERE))
    return answer.status_code, answer.text


def _changed(phone: Phone, cut: str, letters: str) -> Phone:
    """The same phone behind another network, or with other letters; what is on its screen stays."""
    units_through = _cut(cut.strip())
    if units_through is None or letters not in LETTERS:
        note = _("Type how many units get through, from 1 to {n}, or nothing.", n=LARGEST_CUT)
        return replace(phone, note=note)
    return replace(phone, cut=units_through, letters=letters, note="", sms_note="")


def _cut(typed: str) -> int | None:
    """The units typed, 0 for nothing, None for what is not a number of units."""
    if not typed:
        return 0
    return int(typed) if re.fullmatch("[0-9]{1,3}", typed) and 1 <= int(typed) <= LARGEST_CUT else None


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
    messages = [message for message in listed if isinstance(message, dict)] if isinstance(listed, list) else []
    texts = [str(message.get("text", "")) for message in messages if message.get("to") == number]
    return Inbox(texts[::-1][:SMS_SHOWN])


def _kept(phone: Phone, at: str | None = None) -> ResponseReturnValue:
    """Back to the page, at the field that was used: on a small screen it is far below."""
    session[STATE] = asdict(phone)
    return redirect(url_for("phone.index", _anchor=at))
