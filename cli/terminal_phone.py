"""A key phone in the terminal, over HTTP to a station's webhook.

What is typed goes to the station as a resident's phone would send it (`desk/phone/network.py`). A line that begins with
`/` is for the network instead: it drops sessions, loses replies, repeats requests and cuts screens, as bad networks do.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import click
import requests

from sado.desk.phone.network import Gateway, Phone
from sado.menus.gsm import Budget, encoding, units
from sado.menus.handset import Handset, Letters

TIMEOUT_S = 20
HELP = """\
  /drop      the network ends the session
  /lose      the reply to the next request gets lost
  /repeat    the gateway sends the last request again
  /cut N     screens are cut at N units; without N they are whole
  /latin     a phone without Cyrillic
  /russian   a phone with the Cyrillic of Russian alone
  /all       a phone with all letters
  /help      this list
  Ctrl-D     hang up and put the phone away"""


def run(url: str, number: str, code: str, handset: Handset, read: Callable[[], str] | None = None) -> None:
    """Dial `code` from `number` and use the phone until Ctrl-D. Raises click.ClickException when no station is there
    or it refuses."""
    ask = read or (lambda: str(click.prompt("", prompt_suffix="> ", default="", show_default=False)))
    click.echo("/help lists what can go wrong on the way.")
    terminal = Terminal(url, number, handset)
    terminal.dial(code)
    while True:
        try:
            line = ask()
        except (click.Abort, EOFError):
            terminal.hang_up()
            return
        terminal.obey(line) if line.startswith("/") else terminal.type(line)


class Terminal:
    """One phone in the terminal, and the last code that it dialled."""

    def __init__(self, url: str, number: str, handset: Handset) -> None:
        self._gateway = Gateway("", url, _post, lambda sentence, **values: sentence.format(**values))
        self._phone = Phone(number, "", cut=handset.cut, letters=handset.letters)
        self._code = ""
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
        """Begin a session, which ends an open one. `*1339*2*1#` is a shortcut of the service `*1339#`."""
        self.hang_up()
        self._code = code
        self._gateway = replace(self._gateway, code=f"*{code.strip('*#').partition('*')[0]}#")
        self._send(code)

    def type(self, line: str) -> None:
        """Answer in an open session; else dial what was typed, and the last code again when that is nothing."""
        if self._phone.is_open:
            self._send(line)
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
        """End an open session; the gateway tells the station."""
        self._phone = self._gateway.hang_up(self._phone)

    def _send(self, line: str) -> None:
        send = self._gateway.lose if self._loses_next else self._gateway.send
        self._loses_next = False
        self._show(send(replace(self._phone, draft=line)))

    def _drop(self, _value: str) -> None:
        if not self._phone.is_open:
            click.echo("No session is open.")
            return
        self._show(self._gateway.drop(self._phone))

    def _lose(self, _value: str) -> None:
        self._loses_next = True
        click.echo("The reply to the next request gets lost.")

    def _repeat(self, _value: str) -> None:
        self._show(self._gateway.repeat(self._phone))

    def _cut(self, value: str) -> None:
        if value and not re.fullmatch("[1-9][0-9]{0,3}", value):
            click.echo("Type how many units get through, such as /cut 60, or /cut for whole screens.")
            return
        self._show_again(cut=int(value or 0))

    def _take_letters(self, letters: Letters, _value: str) -> None:
        self._show_again(letters=letters)

    def _show_again(self, **changed: Any) -> None:
        self._phone = replace(self._phone, **changed)
        if self._phone.screen:
            self._show(self._phone)

    def _show(self, phone: Phone) -> None:
        """What the phone shows now, then what only the network knows: what the screen used of its budget, what was
        cut off. A fault and a note are told once."""
        self._phone = replace(phone, fault="", note="")
        if phone.fault:
            click.echo(_framed(phone.fault))
        elif phone.screen:
            _show_screen(phone)
        if phone.note:
            click.echo(f"  {phone.note}")
        if not phone.is_open:
            click.echo(f"  The session is over. Enter dials {self._code} again, Ctrl-D puts the phone away.")


def _show_screen(phone: Phone) -> None:
    shown, screen = phone.handset.show(phone.screen), phone.screen
    click.echo(_framed(shown.text))
    click.echo(f"  {units(screen)} of {Budget().of(screen)} ({encoding(screen)})")
    if shown.lost:
        click.echo(f"  cut at {phone.cut}, never came: {' / '.join(shown.lost.strip().splitlines())}")


def _post(url: str, fields: Mapping[str, str]) -> tuple[int, str]:
    try:
        response = requests.post(url, data=fields, timeout=TIMEOUT_S)
    except requests.RequestException:
        raise click.ClickException(f"No station answers at {url}.") from None
    if response.status_code != requests.codes.ok:
        is_plain = response.headers.get("Content-Type", "").startswith("text/plain")
        reason = response.text[:200] if is_plain else "is the address whole, with its token?"
        raise click.ClickException(f"The webhook answered {response.status_code}: {reason}")
    return response.status_code, response.text


def _framed(screen: str) -> str:
    lines = screen.split("\n")
    width = max(20, *(len(line) for line in lines))
    body = "\n".join(f"| {line:<{width}} |" for line in lines)
    edge = f"+{'-' * (width + 2)}+"
    return f"{edge}\n{body}\n{edge}"
