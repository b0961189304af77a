"""Stations as processes of their own, as a person would start them, and the phones and agencies that use them.

Everything is on 127.0.0.1.
"""

import contextlib
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from traceback import format_exception
from typing import Any

import requests
from click.testing import CliRunner

from sado.cli import client
from sado.cli.main import main
from sado.settings import Settings

# What a command that has ended said, and its exit code.
Ended = subprocess.CompletedProcess[str]
SADO = (str(Path(sys.executable).with_name("sado")),)
CODE = "*1339#"
TOKEN = "a-token-for-the-tests-0000"
# Nothing that is waited for takes so long, also on a machine that is busy.
POLL_S, START_S, STOP_S = 0.02, 60, 60
HOP_S = 60
HUB, VILLAGE = 0, 7


_RESERVED: list[socket.socket] = []


def free_port() -> int:
    """A port that stays the caller's while this process runs, also while nobody listens on it.

    A port that was free a moment ago may be given to another test's station, whose answers then look like one's own.
    So a socket stays bound to it: the system gives the port to nobody else, and a server that sets SO_REUSEADDR, as
    ours and the gateways' do, can still listen there.
    """
    reserved = socket.socket()
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reserved.bind(("127.0.0.1", 0))
    _RESERVED.append(reserved)
    return int(reserved.getsockname()[1])


def environment(settings: Mapping[str, object]) -> dict[str, str]:
    """This process's environment with exactly these SADO_ settings."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SADO_")}
    return inherited | {f"SADO_{name.upper()}": str(value) for name, value in settings.items()}


def sado(*arguments: str, typed: str = "", **settings: object) -> Ended:
    """Run one command to its end, in this process: a hundred starts of Python are a minute of a test run."""
    others = {name: None for name in os.environ if name.startswith("SADO_")}
    environment = others | {f"SADO_{name.upper()}": str(value) for name, value in settings.items()}
    result = CliRunner(env=environment).invoke(main, arguments, input=typed)
    trace = "" if isinstance(result.exception, SystemExit | None) else "".join(format_exception(result.exception))
    return Ended(arguments, result.exit_code, result.stdout, result.stderr + trace)


def sado_process(*arguments: str, typed: str = "", **settings: object) -> Ended:
    """Run one command to its end, in a process of its own, as a person does."""
    return subprocess.run(
        [*SADO, *arguments], env=environment(settings), input=typed, capture_output=True, text=True, timeout=60
    )


def until(happened: Callable[[], bool], within_s: float, every_s: float = 0.1) -> bool:
    """Wait until something has happened; False when it did not in time."""
    deadline = time.monotonic() + within_s
    while not happened():
        if time.monotonic() > deadline:
            return False
        time.sleep(every_s)
    return True


@dataclass
class Station:
    """A station in `folder`, served by one process at a time. Its log is beside its data."""

    folder: Path
    number: int
    settings: dict[str, object] = field(default_factory=dict)
    command: tuple[str, ...] = SADO
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.settings = {"data": self.folder, "port": self.port} | self.settings
        self.sado("init", "--station", str(self.number))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def webhook(self) -> str:
        return f"{self.url}/gateway/africastalking/{TOKEN}/ussd"

    def sado(self, *arguments: str) -> str:
        """Run a command on this station; what it said. A command that fails fails the test."""
        result = sado(*arguments, typed="", **self.settings)
        assert result.returncode == 0, result.stderr
        return result.stdout

    def spawn(self) -> subprocess.Popen[bytes]:
        """Begin to serve."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*self.command, "serve"], env=environment(self.settings), stdout=log, stderr=log
            )
        return self.process

    def start(self) -> "Station":
        """Begin to serve, and wait until it does."""
        self.spawn()
        self.wait_until_up()
        return self

    def wait_until_up(self) -> None:
        assert until(self.is_up, START_S, POLL_S), self.log.read_text()

    def is_up(self) -> bool:
        assert self.process is not None and self.process.poll() is None, self.log.read_text()
        with contextlib.suppress(requests.RequestException):
            return requests.get(f"{self.url}/healthz", timeout=HOP_S).ok
        return False

    def kill(self) -> None:
        """The power goes: no handler runs, nothing is flushed."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """Stop as Ctrl-C does; the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(STOP_S)

    def end(self) -> None:
        """Whatever state it is in, leave no process."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.kill()

    def health(self) -> dict[str, Any]:
        response = requests.get(f"{self.url}/healthz", timeout=HOP_S)
        assert response.status_code == 200, response.text
        return dict(response.json())

    def sync_now(self) -> None:
        """What `sado sync now` asks of a serving station."""
        client.call(Settings(data=str(self.folder)), "POST", "sync", None)

    @property
    def log(self) -> Path:
        return self.folder.with_suffix(".log")


@contextmanager
def pair(folder: Path, command: tuple[str, ...] = SADO) -> Iterator[tuple[Station, Station]]:
    """A hub, and a village station that exchanges with it every second and asks nobody to confirm; neither is
    started yet."""
    hub = Station(folder / "hub", HUB)
    village = Station(
        folder / "village",
        VILLAGE,
        {"africastalking_token": TOKEN, "upstream": hub.url, "sync_every_s": 1, "filings_per_hour": 1_000_000},
        command,
    )
    (village.folder / "upstream.key").write_text(hub.sado("station", "add", str(VILLAGE)))
    try:
        yield hub, village
    finally:
        village.end()
        hub.end()


class HungUpError(Exception):
    """The station did not answer: the phone shows the network's own error."""


class Phone:
    """A phone behind its gateway: each hop posts all that was typed, in Africa's Talking's form fields."""

    def __init__(self, webhook: str, msisdn: str) -> None:
        self._webhook = webhook
        self._msisdn = msisdn

    def hop(self, session_id: str, text: str) -> str:
        """One request; the answer with its CON or END. Raises HungUpError when no whole answer comes."""
        form = {"sessionId": session_id, "serviceCode": CODE, "phoneNumber": self._msisdn, "text": text}
        try:
            response = requests.post(self._webhook, data=form, timeout=HOP_S)
        except requests.RequestException as error:
            raise HungUpError from error
        assert response.status_code == 200, response.text
        return response.text

    def walk(self, *inputs: str) -> str:
        """Dial, and type each input on its own; the last screen."""
        session_id = new_session()
        screen = self.hop(session_id, "")
        for count in range(len(inputs)):
            screen = self.hop(session_id, "*".join(inputs[: count + 1]))
        return screen


def new_session() -> str:
    """The id that a gateway gives to a session."""
    return f"ATUid_{secrets.token_hex(12)}"


def shown_reference(screen: str) -> str | None:
    """The reference that a last screen shows, or None."""
    found = re.search(r"\b\d{10}\b", screen)
    return found[0] if found and screen.startswith("END ") else None


@dataclass(frozen=True)
class Agency:
    """An agency's own system at the hub."""

    url: str
    token: str

    def cases(self) -> list[dict[str, Any]]:
        """Its whole queue."""
        found: list[dict[str, Any]] = []
        after: str | None = "0"
        while after:
            page = self._ask("GET", f"cases?limit=200&after={after}")
            found, after = found + page["cases"], page["next"]
        return found

    def case(self, reference: str) -> dict[str, Any] | None:
        """The case, or None when it is not in its queue."""
        return next((case for case in self.cases() if case["reference"] == reference), None)

    def move(self, reference: str, kind: str, text: str = "") -> dict[str, Any]:
        return self._ask("POST", f"cases/{reference}/events", {"kind": kind, "text": text})

    def status(self, path: str) -> int:
        """The HTTP status that a look at `path` gets."""
        return self._request("GET", path).status_code

    def _ask(self, method: str, path: str, body: dict[str, str] | None = None) -> dict[str, Any]:
        response = self._request(method, path, body)
        assert response.ok, response.text
        return dict(response.json())

    def _request(self, method: str, path: str, body: dict[str, str] | None = None) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token}"}
        return requests.request(method, f"{self.url}/agency/v1/{path}", headers=headers, json=body, timeout=HOP_S)
