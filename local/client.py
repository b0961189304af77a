"""How a command reaches the process that serves its station: over HTTP, with a token that lies in the data folder,
readable by its owner alone."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from settings import Settings
from store import StoreError

TOKEN_FILE = "local.token"  # noqa: S105 - a file name
TIMEOUT_S = 120

# What a command asks: the method, what for, and with what.
Ask = Callable[[str, str, Mapping[str, Any] | None], dict[str, Any]]


class NotServingError(Exception):
    """No process serves this station now."""


def create_token(folder: Path) -> None:
    """Mint the token, once."""
    path = folder / TOKEN_FILE
    if not path.exists():
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(32))


def call(settings: Settings, method: str, what: str, body: Mapping[str, Any] | None) -> dict[str, Any]:
    """Ask the serving station. Raises NotServingError when none serves, StoreError when it refuses."""
    import requests  # a serving process never calls another: it need not carry this

    token_file = settings.folder / TOKEN_FILE
    if not token_file.exists():
        raise StoreError(f"There is no station in {settings.folder}. Run `sado init --station NUMBER` first.")
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host
    url = f"http://{host}:{settings.port}/local/{what}"
    headers = {"Authorization": f"Bearer {token_file.read_text().strip()}"}
    try:
        response = requests.request(method, url, headers=headers, json=body, timeout=TIMEOUT_S)
    except requests.ConnectionError:
        raise NotServingError from None
    if response.status_code == 404 or not response.headers.get("Content-Type", "").startswith("application/json"):
        raise StoreError(f"Another program, or another station, answers on port {settings.port}.")
    answer: dict[str, Any] = response.json()
    if "error" in answer:
        raise StoreError(answer["error"])
    return answer
