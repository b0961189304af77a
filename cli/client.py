"""How a command reaches the process that serves its station: over HTTP, with a token that lies in the data folder,
readable by its owner alone."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sado.settings import Settings
from sado.store import StoreError
from sado.store.durable import private_file

TOKEN_FILE = "local.token"  # noqa: S105 - a file name
TOKEN_BYTES = 32
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


def create_token(folder: Path) -> None:
    """Mint the token, once. On the disk before it has its name: an empty one would let everybody in."""
    path, draft = folder / TOKEN_FILE, folder / f"{TOKEN_FILE}.part"
    if path.exists() and path.stat().st_size >= TOKEN_BYTES:
        return
    with private_file(draft) as file:
        file.write(secrets.token_urlsafe(TOKEN_BYTES).encode())
    draft.rename(path)


def token_in(folder: Path) -> str:
    """The token. Raises StoreError where there is none that is whole."""
    path = folder / TOKEN_FILE
    if not path.exists():
        raise no_station(folder)
    token = path.read_text().strip()
    if len(token) < TOKEN_BYTES:
        raise StoreError(f"{path} is cut short: `sado init` with the number of the station writes it anew.")
    return token


def call(settings: Settings, method: str, what: str, body: Mapping[str, Any] | None) -> dict[str, Any]:
    """Ask the serving station. Raises NotServingError when none serves, StoreError when it refuses."""
    import requests  # a serving process never calls another: it need not carry this

    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host
    url = f"http://{f'[{host}]' if ':' in host else host}:{settings.port}/local/{what}"
    headers = {"Authorization": f"Bearer {token_in(settings.folder)}"}
    with requests.Session() as session:
        # The token is for this machine: no proxy that the environment names gets it.
        session.trust_env = False
        try:
            response = session.request(
                method, url, headers=headers, json=body, timeout=TIMEOUT_S, allow_redirects=False
            )
        except requests.ConnectionError:
            raise NotServingError from None
    if response.status_code == 404 or not response.headers.get("Content-Type", "").startswith("application/json"):
        raise StoreError(f"Another program, or another station, answers on port {settings.port}.")
    answer: dict[str, Any] = response.json()
    if "error" in answer:
        raise StoreError(answer["error"])
    return answer
