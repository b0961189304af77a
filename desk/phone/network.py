"""The simulated network between a key phone and a station, for the page and the terminal alike.

Whatever a network would carry becomes a request in the gateway's format, so what is seen is what residents get. It is
a bad network as well, when asked: a session that drops, a reply that is lost, a request that comes twice.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from sado.desk.language import N_
from sado.menus.handset import Handset, Letters

LONGEST_SESSION = 1000


@dataclass(frozen=True)
class Phone:
    """What the phone holds between two requests; that of the page travels in the sign-in cookie.

    `session_id` and `typed` name the last request and `answer` is the body that came back: they outlive the session,
    for a gateway may repeat its last request. `draft` stands in the input line. `fault` takes the place of the screen,
    as a phone's own message does; `note` is for whoever tries the service, and no resident reads it; `sms_note` says
    what became of the SMS that was written last. `cut` and `letters` are those of a Handset."""

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
    sms_note: str = ""
    cut: int = 0
    letters: str = Letters.ALL

    @property
    def handset(self) -> Handset:
        """What this phone shows of a screen."""
        return Handset(self.cut, Letters(self.letters))


@dataclass(frozen=True)
class Gateway:
    """`code` is the service code that it serves, `webhook` the station's address for USSD. `post` sends a form to an
    address and gives the status and the text of the answer; `say` puts a sentence into the reader's language, filled
    with values."""

    code: str
    webhook: str
    post: Callable[[str, Mapping[str, str]], tuple[int, str]]
    say: Callable[..., str]

    def write(self, phone: Phone, text: str) -> Phone:
        """The phone after it sent an SMS to the service."""
        fields = {"id": f"phone-{secrets.token_hex(8)}", "from": phone.number, "to": self.code, "text": text}
        status, text = self.post(f"{self.webhook.removesuffix('ussd')}sms", fields)
        if status != 200:
            return replace(phone, sms_note=self._refusal(status, text))
        return replace(
            phone, sms_note=self.say(N_("The SMS arrived at the station. An answer comes by SMS in a moment."))
        )

    def send(self, phone: Phone) -> Phone:
        """The phone after what is in its input line was dialled, or sent as the answer in an open session."""
        return self._reply(phone) if phone.is_open else self._dial(phone)

    def hang_up(self, phone: Phone) -> Phone:
        """The phone at rest, with nothing left of its last session."""
        if phone.is_open:
            # A session that ends while the station waits for an answer is Incomplete in Africa's Talking's words.
            self.post(f"{self.webhook}-end", _fields(phone) | {"status": "Incomplete"})
        return Phone(phone.number, self.code, cut=phone.cut, letters=phone.letters)

    def drop(self, phone: Phone) -> Phone:
        """The network ends the session: the station hears what it hears when a resident hangs up."""
        if not phone.is_open:
            return phone
        note = self.say(N_("The gateway told the station that the session ended. The next call begins a new one."))
        return replace(self.hang_up(phone), fault=self.say(N_("The network ended the session.")), note=note)

    def lose(self, phone: Phone) -> Phone:
        """Send, and let the reply get lost on its way to the phone. Nobody tells the station."""
        sent = self.send(phone)
        if sent.fault:
            return sent
        fault = N_("Connection problem or invalid MMI code.")
        note = N_("The station answered, but the phone never saw it. Call again, or repeat the last request.")
        return replace(self._at_rest(sent), fault=self.say(fault), note=self.say(note))

    def repeat(self, phone: Phone) -> Phone:
        """Send the last request again, the same to the letter, and show the second answer."""
        if not phone.session_id:
            return replace(phone, note=self.say(N_("There is no request to repeat.")))
        again = self._hop(phone, phone.typed)
        if again.fault:
            return again
        same = N_("The request came twice, and both answers are the same to the letter.")
        other = N_("The request came twice, and the second answer is another one.")
        return replace(again, note=self.say(same if again.answer == phone.answer else other))

    def _dial(self, phone: Phone) -> Phone:
        """Begin a session. What follows the service code is a shortcut: the network reports it as already typed."""
        code, base = phone.draft.strip().strip("*#"), self.code.strip("*#")
        if code != base and not code.startswith(f"{base}*"):
            fault = self.say(N_("No service answers this code. Dial {code}."), code=self.code)
            return replace(phone, screen="", fault=fault)
        begun = replace(phone, code=self.code, session_id=f"phone-{secrets.token_hex(8)}")
        return self._hop(begun, code[len(base) + 1 :])

    def _reply(self, phone: Phone) -> Phone:
        typed = f"{phone.typed}*{phone.draft}" if phone.typed else phone.draft
        if len(typed) > LONGEST_SESSION:
            fault = self.say(N_("Too much was typed in one session. Hang up and dial again."))
            return replace(phone, fault=fault)
        return self._hop(phone, typed)

    def _hop(self, phone: Phone, typed: str) -> Phone:
        """Send one request, and show what comes back."""
        status, answer = self.post(self.webhook, _fields(phone) | {"text": typed})
        word, _space, screen = answer.partition(" ")
        if status != 200 or word not in ("CON", "END"):
            return replace(self._at_rest(phone), session_id="", fault=self._refusal(status, answer))
        answered = replace(phone, typed=typed, answer=answer)
        if word == "END":
            return replace(self._at_rest(answered), screen=screen)
        return replace(answered, is_open=True, screen=screen, draft="")

    def _at_rest(self, phone: Phone) -> Phone:
        return replace(phone, is_open=False, screen="", draft=self.code)

    def _refusal(self, status: int, text: str) -> str:
        return self.say(N_("The webhook answered {status}: {text}"), status=status, text=text[:100])


def _fields(phone: Phone) -> dict[str, str]:
    return {
        "sessionId": phone.session_id,
        "serviceCode": phone.code,
        "phoneNumber": phone.number,
    }
