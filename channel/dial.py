"""A key phone in the terminal. It speaks the gateway's own format to a station's webhook, over HTTP."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import click
import requests

from menus.gsm import Budget, encoding, units

TIMEOUT_S = 20


def run(url: str, number: str, code: str, read: Callable[[], str] | None = None) -> None:
    """Dial `code` from `number` and talk until the session ends; Ctrl-D hangs up."""
    service_code, history = split_code(code)
    session_id = f"sado-dial-{secrets.token_hex(8)}"
    ask = read or (lambda: str(click.prompt("", prompt_suffix="> ", default="", show_default=False)))
    typed = [history] if history else []
    while True:
        body = _hop(url, session_id, service_code, number, "*".join(typed))
        word, _, screen = body.partition(" ")
        click.echo(_framed(screen))
        if word != "CON":
            return
        try:
            typed.append(ask())
        except (click.Abort, EOFError):
            _hang_up(url, session_id, service_code, number)
            return


def split_code(code: str) -> tuple[str, str]:
    """`*1339*2*1#` as the service code `*1339#` and the history `2*1` that the network reports."""
    first, _, rest = code.strip("*#").partition("*")
    return f"*{first}#", rest


def _hop(url: str, session_id: str, service_code: str, number: str, text: str) -> str:
    fields = {"sessionId": session_id, "serviceCode": service_code, "phoneNumber": number, "networkCode": "43601"}
    try:
        response = requests.post(url, data={**fields, "text": text}, timeout=TIMEOUT_S)
    except requests.RequestException:
        raise click.ClickException(f"No station answers at {url}.") from None
    if response.status_code != requests.codes.ok:
        is_plain = response.headers.get("Content-Type", "").startswith("text/plain")
        reason = response.text[:200] if is_plain else "is the address whole, with its token?"
        raise click.ClickException(f"The webhook answered {response.status_code}: {reason}")
    return response.text


def _hang_up(url: str, session_id: str, service_code: str, number: str) -> None:
    fields = {"sessionId": session_id, "serviceCode": service_code, "phoneNumber": number, "status": "Incomplete"}
    requests.post(f"{url}-end", data=fields, timeout=TIMEOUT_S)


def _framed(screen: str) -> str:
    """The screen as a phone shows it, and what it used of the network's budget."""
    lines = screen.split("\n")
    width = max(20, *(len(line) for line in lines))
    body = "\n".join(f"| {line:<{width}} |" for line in lines)
    edge = f"+{'-' * (width + 2)}+"
    return f"{edge}\n{body}\n{edge}\n  {units(screen)} of {Budget().of(screen)} ({encoding(screen)})"
