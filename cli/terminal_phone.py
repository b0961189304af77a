"""A key phone in the terminal, and the gateway between it and a station's webhook, over HTTP.

What is typed goes to the station as a resident's phone would send it. A line that begins with `/` is for the network
instead: it drops sessions, loses replies, repeats requests and cuts screens, as bad networks do.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import click
import requests

from sado.menus.gsm import Budget, encoding, units
from sado.menus.handset import Handset, Letters

TIMEOUT_S = 20
MMI_FAULT = "Connection problem or invalid MMI code."
HELP = """\
  /drop      the network ends the session
  /lose      the reply to the next request gets lost
  /repeat    the gateway sends the last request again
  /cut N     screens are cut at N units; without N they are whole
  /latin     a phone without Cyrillic
  /russian   a phone with Cyrillic, but without ӣ қ ӯ ҳ ҷ ғ
  /all       a phone with all letters
  /help      this list
  Ctrl-D     hang up and put the phone away"""


@dataclass(frozen=True)
class Request:
    """One request of a session: `typed` is all that was typed in it so far."""

    session_id: str
    code: str
    typed: tuple[str, ...]


def run(url: str, number: str, code: str, handset: Handset, read: Callable[[], str] | None = None) -> None:
    """Dial `code` from `number` and use the phone until Ctrl-D. Raises click.ClickException when no station is there
    or it refuses."""
    ask = read or (lambda: str(click.prompt("", prompt_suffix="> ", default="", show_default=False)))
    click.echo("/help lists what can go wrong on the way.")
    phone = Phone(url, number, code, handset)
    phone.dial(code)
    while True:
        try:
            line = ask()
        except (click.Abort, EOFError):
            phone.hang_up()
            return
        phone.obey(line) if line.startswith("/") else phone.type(line)


class Phone:
    """One phone with its network. It keeps the last request and its answer: a gateway may repeat them at any time."""

    def __init__(self, url: str, number: str, code: str, handset: Handset) -> None:
        self._url = url
        self._number = number
        self._code = code
        self._handset = handset
        self._last: Request | None = None
        self._answer = ""
        self._screen = ""
        self._is_open = False
        self._loses_next = False
        self._commands: dict[str, Callable[[str], None]] = {
            "drop": self._drop,
            "lose": self._lose,
            "repeat": self._repeat,
            "cut": self._cut,
            "help": lambda _: click.echo(HELP),
            **{letters: partial(self._take_letters, letters) for letters in Letters},
        }

    def dial(self, code: str) -> None:
        """Begin a session, which ends an open one."""
        self.hang_up()
        self._code = code
        service_code, history = split_code(code)
        self._request(Request(f"sado-dial-{secrets.token_hex(8)}", service_code, (history,) if history else ()))

    def type(self, line: str) -> None:
        """Answer in an open session; else dial what was typed, and the last code again when that is nothing."""
        if self._is_open and self._last:
            self._request(replace(self._last, typed=(*self._last.typed, line)))
        elif re.fullmatch(r"\*[^#]+#", line.strip() or self._code):
            self.dial(line.strip() or self._code)
        else:
            click.echo(f"This is no code to dial: it begins with * and ends with #, such as {self._code}.")

    def obey(self, line: str) -> None:
        """Do what a line with `/` asks of the network or the phone."""
        name, _, value = line[1:].strip().partition(" ")
        if command := self._commands.get(name):
            command(value.strip())
        else:
            click.echo(f"There is no /{name}. These are known:\n{HELP}")

    def hang_up(self) -> None:
        """End an open session; the gateway tells the station. Incomplete is Africa's Talking's word for a session
        that ended while the station waited for an answer."""
        if self._is_open and self._last:
            _post(f"{self._url}-end", self._fields(self._last) | {"status": "Incomplete"})
        self._is_open = False

    def _request(self, request: Request) -> None:
        body = _post(self._url, self._fields(request) | {"text": "*".join(request.typed)})
        word, _, screen = body.partition(" ")
        self._last, self._answer = request, body
        if self._loses_next:
            self._loses_next = self._is_open = False
            self._say(MMI_FAULT, "The station answered, but the phone never saw it: /repeat shows the answer.")
            return
        self._screen, self._is_open = screen, word == "CON"
        self._show()

    def _drop(self, _value: str) -> None:
        if not self._is_open:
            click.echo("No session is open.")
            return
        self.hang_up()
        self._last = None
        self._say("The network ended the session.", "The gateway told the station.")

    def _lose(self, _value: str) -> None:
        self._loses_next = True
        click.echo("The reply to the next request gets lost.")

    def _repeat(self, _value: str) -> None:
        if self._last is None:
            click.echo("There is no request to repeat.")
            return
        first = self._answer
        self._request(self._last)
        is_same = self._answer == first
        answers = "both answers are the same to the letter" if is_same else "the second answer is another one"
        click.echo(f"  The request came twice, and {answers}.")

    def _cut(self, value: str) -> None:
        if value and not re.fullmatch("[1-9][0-9]{0,3}", value):
            click.echo("Type how many units get through, such as /cut 60, or /cut for whole screens.")
            return
        self._handset = replace(self._handset, cut=int(value or 0))
        self._show_again()

    def _take_letters(self, letters: Letters, _value: str) -> None:
        self._handset = replace(self._handset, letters=letters)
        self._show_again()

    def _show_again(self) -> None:
        if self._screen:
            self._show()

    def _show(self) -> None:
        """The screen as the phone shows it, what it used of the network's budget, and what the network cut off."""
        shown = self._handset.show(self._screen)
        click.echo(_framed(shown.text))
        click.echo(f"  {units(self._screen)} of {Budget().of(self._screen)} ({encoding(self._screen)})")
        if shown.lost:
            click.echo(f"  cut at {self._handset.cut}, never came: {' / '.join(shown.lost.strip().splitlines())}")
        self._say_at_rest()

    def _say(self, message: str, note: str) -> None:
        """What the phone itself shows in place of a screen, and what only the network knows."""
        self._screen = ""
        click.echo(f"{_framed(message)}\n  {note}")
        self._say_at_rest()

    def _say_at_rest(self) -> None:
        if not self._is_open:
            click.echo(f"  The session is over. Enter dials {self._code} again, Ctrl-D puts the phone away.")

    def _fields(self, request: Request) -> dict[str, str]:
        return {
            "sessionId": request.session_id,
            "serviceCode": request.code,
            "phoneNumber": self._number,
        }


def split_code(code: str) -> tuple[str, str]:
    """`*1339*2*1#` as the service code `*1339#` and the history `2*1` that the network reports."""
    first, _, rest = code.strip("*#").partition("*")
    return f"*{first}#", rest


def _post(url: str, fields: dict[str, str]) -> str:
    try:
        response = requests.post(url, data=fields, timeout=TIMEOUT_S)
    except requests.RequestException:
        raise click.ClickException(f"No station answers at {url}.") from None
    if response.status_code != requests.codes.ok:
        is_plain = response.headers.get("Content-Type", "").startswith("text/plain")
        reason = response.text[:200] if is_plain else "is the address whole, with its token?"
        raise click.ClickException(f"The webhook answered {response.status_code}: {reason}")
    return response.text


def _framed(screen: str) -> str:
    lines = screen.split("\n")
    width = max(20, *(len(line) for line in lines))
    body = "\n".join(f"| {line:<{width}} |" for line in lines)
    edge = f"+{'-' * (width + 2)}+"
    return f"{edge}\n{body}\n{edge}"
