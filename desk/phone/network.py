"""The gateway that the phone page plays: what a press does to the phone, and what the station hears of it.

Each key press that a network would carry becomes a real request in the gateway's format through the whole application,
so what is seen on the page is what residents get. It plays a bad network as well: a session that drops, a reply that
is lost, a request that comes twice.
"""

from __future__ import annotations

import contextvars
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace

from flask import Flask, current_app
from werkzeug.test import Client, TestResponse

from sado.desk.language import _
from sado.menus.handset import Handset, Letters

KEYS = ("1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#")
LONGEST_SESSION = 1000


@dataclass(frozen=True)
class Phone:
    """What the phone holds between two presses; it travels in the sign-in cookie.

    `session_id` and `typed` name the last request and `answer` is the body that came back: they outlive the session,
    for a gateway may repeat its last request. `draft` stands in the input line. `fault` takes the place of the screen,
    as a phone's own message does; `note` is for whoever tries the service, and no resident reads it. `cut` and
    `letters` are those of a Handset."""

    number: str
    draft: str
    code: str = ""
    session_id: str = ""
    is_open: bool = False
    typed: str = ""
    answer: str = ""
    screen: str = ""
    fault: str = ""
    note: str = ""
    cut: int = 0
    letters: str = Letters.ALL

    @property
    def handset(self) -> Handset:
        """What this phone shows of a screen."""
        return Handset(self.cut, Letters(self.letters))


@dataclass(frozen=True)
class Gateway:
    """`code` is the service code that it serves, `path` the station's webhook; without a path nothing is sent."""

    code: str
    path: str

    def press(self, phone: Phone, key: str) -> Phone:
        """The phone after a press of this key or button. One that does not exist does nothing."""
        phone = replace(phone, fault="", note="")
        if key in KEYS:
            return replace(phone, draft=phone.draft + key)
        if key == "clear":
            return replace(phone, draft=phone.draft[:-1])
        act = self._buttons().get(key)
        return act(phone) if act and self.path else phone

    def write(self, phone: Phone, text: str) -> Phone:
        """The phone after it sent an SMS to the service."""
        fields = {"id": f"phone-{secrets.token_hex(8)}", "from": phone.number, "to": self.code, "text": text}
        response = _post(f"{self.path.removesuffix('ussd')}sms", fields)
        if response.status_code != 200:
            fault = _("The webhook answered {status}: {text}", status=response.status_code, text=response.text[:100])
            return replace(phone, note=fault)
        return replace(phone, note=_("The SMS arrived at the station. An answer comes by SMS in a moment."))

    def _buttons(self) -> dict[str, Callable[[Phone], Phone]]:
        return {
            "send": self._send,
            "end": self.hang_up,
            "drop": self._drop,
            "lose": self._lose,
            "repeat": self._repeat,
        }

    def hang_up(self, phone: Phone) -> Phone:
        """The phone at rest, with nothing left of its last session."""
        self._tell_end(phone)
        return Phone(phone.number, self.code, cut=phone.cut, letters=phone.letters)

    def _drop(self, phone: Phone) -> Phone:
        """The network ends the session: the station hears what it hears when a resident hangs up."""
        if not phone.is_open:
            return phone
        note = _("The gateway told the station that the session ended. The next call begins a new one.")
        return replace(self.hang_up(phone), fault=_("The network ended the session."), note=note)

    def _lose(self, phone: Phone) -> Phone:
        """Send, and let the reply get lost on its way to the phone. Nobody tells the station."""
        sent = self._send(phone)
        if sent.fault:
            return sent
        return replace(
            self._at_rest(sent),
            fault=_("Connection problem or invalid MMI code."),
            note=_("The station answered, but the phone never saw it. Call again, or repeat the last request."),
        )

    def _repeat(self, phone: Phone) -> Phone:
        """Send the last request again, the same to the letter, and show the second answer."""
        if not phone.session_id:
            return replace(phone, note=_("There is no request to repeat."))
        again = self._hop(phone, phone.typed)
        if again.fault:
            return again
        if again.answer == phone.answer:
            return replace(again, note=_("The request came twice, and both answers are the same to the letter."))
        return replace(again, note=_("The request came twice, and the second answer is another one."))

    def _send(self, phone: Phone) -> Phone:
        return self._reply(phone) if phone.is_open else self._dial(phone)

    def _dial(self, phone: Phone) -> Phone:
        """Begin a session. What follows the service code is a shortcut: the network reports it as already typed."""
        code, base = phone.draft.strip().strip("*#"), self.code.strip("*#")
        if code != base and not code.startswith(f"{base}*"):
            return replace(phone, screen="", fault=_("No service answers this code. Dial {code}.", code=self.code))
        begun = replace(phone, code=self.code, session_id=f"phone-{secrets.token_hex(8)}")
        return self._hop(begun, code[len(base) + 1 :])

    def _reply(self, phone: Phone) -> Phone:
        typed = f"{phone.typed}*{phone.draft}" if phone.typed else phone.draft
        if len(typed) > LONGEST_SESSION:
            return replace(phone, fault=_("Too much was typed in one session for this page. Hang up and dial again."))
        return self._hop(phone, typed)

    def _hop(self, phone: Phone, typed: str) -> Phone:
        """Send one request, and show what comes back."""
        response = _post(self.path, _fields(phone) | {"text": typed})
        word, _space, screen = response.text.partition(" ")
        if response.status_code != 200 or word not in ("CON", "END"):
            fault = _("The webhook answered {status}: {text}", status=response.status_code, text=response.text[:100])
            return replace(self._at_rest(phone), session_id="", fault=fault)
        answered = replace(phone, typed=typed, answer=response.text)
        if word == "END":
            return replace(self._at_rest(answered), screen=screen)
        return replace(answered, is_open=True, screen=screen, draft="")

    def _at_rest(self, phone: Phone) -> Phone:
        return replace(phone, is_open=False, screen="", draft=self.code)

    def _tell_end(self, phone: Phone) -> None:
        """A session that ends while the station waits for an answer is Incomplete in Africa's Talking's words."""
        if phone.is_open and self.path:
            _post(f"{self.path}-end", _fields(phone) | {"status": "Incomplete"})


def _fields(phone: Phone) -> dict[str, str]:
    return {
        "sessionId": phone.session_id,
        "serviceCode": phone.code,
        "phoneNumber": phone.number,
    }


def _post(path: str, fields: dict[str, str]) -> TestResponse:
    """A request of its own through the whole application, in this thread: a second thread could wait for ever when
    all of them show this page. The empty context keeps this page's person and language out of it."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    return contextvars.Context().run(lambda: Client(app).post(path, data=fields))
