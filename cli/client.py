"""How a command reaches the process that serves its station: through a socket in the data folder, which its owner alone
may open. So nobody has to prove who he is, and a command finds its station whatever port that listens on.

A command connects, sends one line of JSON, `[method, what, body]`, and gets one back."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from sado.settings import Settings
from sado.store import StoreError

SOCKET = "control.sock"
# A system takes addresses of about 100 bytes.
LONGEST_ADDRESS = 100
TIMEOUT_S = 120

# What a command asks: the method, what for, and with what.
Ask = Callable[[str, str, Mapping[str, Any] | None], dict[str, Any]]


class NotServingError(StoreError):
    """No process serves this station now."""

    def __init__(self) -> None:
        super().__init__("The station stopped meanwhile: run this again.")


def no_station(folder: Path) -> StoreError:
    """What to say where no station was made."""
    return StoreError(f"There is no station in {folder}. Run `sado init --station NUMBER` first.")


@contextmanager
def address(folder: Path) -> Iterator[str]:
    """The socket's address, also in a folder whose name is longer than an address may be."""
    plain = str(folder / SOCKET)
    if len(os.fsencode(plain)) <= LONGEST_ADDRESS:
        yield plain
        return
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{opened}/{SOCKET}"
    finally:
        os.close(opened)


def call(settings: Settings, method: str, what: str, body: Mapping[str, Any] | None) -> dict[str, Any]:
    """Ask the serving station. Raises NotServingError when none serves, StoreError when it refuses."""
    if not settings.folder.is_dir():
        raise no_station(settings.folder)
    asked = msgspec.json.encode([method, what, body]) + b"\n"
    try:
        told = _told(settings.folder, asked)
    except (FileNotFoundError, ConnectionError):
        raise NotServingError from None
    except TimeoutError:
        raise StoreError(f"The station in {settings.folder} did not answer in {TIMEOUT_S} seconds.") from None
    except PermissionError:
        raise StoreError(f"The station in {settings.folder} is another user's: run this as the one it is.") from None
    if not told.endswith(b"\n"):
        raise NotServingError
    answer: dict[str, Any] = msgspec.json.decode(told)
    if "error" in answer:
        raise StoreError(answer["error"])
    return answer


def is_served(folder: Path) -> bool:
    """Whether a process serves the station of this folder now."""
    try:
        with socket.socket(socket.AF_UNIX) as line, address(folder) as place:
            line.connect(place)
    except OSError:
        return False
    return True


def _told(folder: Path, asked: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(TIMEOUT_S)
        with address(folder) as place:
            line.connect(place)
        line.sendall(asked)
        with line.makefile("rb") as answers:
            return answers.readline()
