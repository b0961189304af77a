"""The door for commands on the same machine: what the serving process does for `sado sync`, `sms`, `backup` and others.

Only the serving process may open the database (store/sqlite.py), so the commands ask it over HTTP with a token
that lies in the data folder, readable by its owner alone.
"""

from __future__ import annotations

import hmac
import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from flask import Blueprint, Response, abort, jsonify, request

import courier_cli
from cases.definitions import RegisterError
from cases.loading import Line, Load, Loading, Removed, Step
from cases.registers import Standing
from channel import costs
from menus.tree import TreeError
from settings import Settings
from store import DiskError, StoreError, drill
from sync import outbox
from sync_cli import Words
from wsgi import Station

TOKEN_FILE = "local.token"  # noqa: S105 - a file name
TIMEOUT_S = 120
# What is left then the scheduler goes on with; one exchange more may end after it.
SYNC_NOW_S = 20.0


class NotServingError(Exception):
    """No process serves this station now."""


def create_token(folder: Path) -> None:
    """Mint the token, once."""
    path = folder / TOKEN_FILE
    if not path.exists():
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(32))


def add(station: Station) -> None:
    """Open the door on a station."""
    token = (station.settings.folder / TOKEN_FILE).read_text().strip()
    blueprint = Blueprint("local", __name__, url_prefix="/local")

    @blueprint.route("/<what>", methods=["GET", "POST"])
    def act(what: str) -> Response:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(given.encode(), token.encode()):
            abort(404)
        try:
            return jsonify(do(station, request.method, what, request.get_json(silent=True)))
        except (StoreError, DiskError, RegisterError) as error:
            response = jsonify(error=str(error))
            response.status_code = 409
            return response

    station.app.register_blueprint(blueprint)


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


def do(station: Station, method: str, what: str, body: Any) -> dict[str, Any]:
    """What the door does. Raises StoreError or RegisterError."""
    if what == "registers":
        return _registers(station, method, body)
    if what == "pack":
        return _pack(station, method, body)
    if (method, what) == ("POST", "publish"):
        return {"new": station.publishing.publish_register(body["register"])}
    if (method, what) == ("POST", "export"):
        return courier_cli.export(station, body["target"], body["station"])
    if (method, what) == ("POST", "import"):
        return courier_cli.take_in(station, body["file"], body["receipts"])
    if (method, what) == ("POST", "sms"):
        return {"lines": _costs(station, str((body or {}).get("month", "")))}
    if (method, what) == ("POST", "sync"):
        station.store.write(outbox.retry_all_now)
        if station.upstream is not None:
            station.upstream.step(SYNC_NOW_S)
    elif (method, what) == ("POST", "backup"):
        station.store.backup(Path(body["target"]))
    elif (method, what) == ("POST", "drill"):
        return {"facts": msgspec.to_builtins(station.store.read(lambda tx: drill.of(tx, body["references"])))}
    elif (method, what) != ("GET", "sync"):
        raise StoreError(f"{method} {what} is not something a station does.")
    return {"lines": _report(station)}


def _pack(station: Station, method: str, body: Any) -> dict[str, Any]:
    if method == "GET":
        return {"lines": station.publishing.status()}
    try:
        return {"version": station.publishing.publish_pack(body["folder"])}
    except (TreeError, ValueError) as error:
        raise StoreError(str(error)) from None


def _costs(station: Station, month: str) -> list[str]:
    try:
        first = costs.month_of(station.pack, month, station.store.now())
    except ValueError as error:
        raise StoreError(str(error)) from None
    return station.store.read(lambda tx: costs.lines(tx, station.pack, first))


def _report(station: Station) -> list[str]:
    """What waits and why, and what the line carried."""
    words = Words(ZoneInfo(station.pack.time_zone), station.pack.country)
    return station.store.read(lambda tx: words.report(tx, station.standing(tx)))


Ask = Callable[[str, str, Mapping[str, Any] | None], dict[str, Any]]


class Steps:
    """The steps of loading a register (cases/loading.py), asked for through the door."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def begin(self, register: str, as_of: str) -> Load:
        """Number the load. Raises StoreError or RegisterError."""
        return msgspec.convert(self._do("begin", register=register, as_of=as_of), Load)

    def keep(self, load: Load, lines: Sequence[Line]) -> Step:
        """Keep some lines."""
        return msgspec.convert(self._do("keep", load=load, lines=list(lines)), Step)

    def remove(self, load: Load, after: str) -> Removed:
        """Remove some rows that were not named."""
        return msgspec.convert(self._do("remove", load=load, after=after), Removed)

    def end(self, load: Load, is_sample: bool) -> None:
        """The load is done."""
        self._do("end", load=load, is_sample=is_sample)

    def _do(self, step: str, **body: Any) -> Any:
        return self._ask("POST", "registers", msgspec.to_builtins({"step": step, **body}))["done"]


def _registers(station: Station, method: str, body: Any) -> dict[str, Any]:
    if method == "GET":
        standing = station.store.read(station.registers.standing)
        return {"lines": [_standing(one) for one in standing]}
    return {"done": msgspec.to_builtins(_step(station.publishing.loading, body))}


def _step(loading: Loading, body: Any) -> Load | Step | Removed | None:
    if body["step"] == "begin":
        return loading.begin(body["register"], body["as_of"])
    load = msgspec.convert(body["load"], Load)
    if body["step"] == "keep":
        return loading.keep(load, msgspec.convert(body["lines"], list[Line]))
    if body["step"] == "remove":
        return loading.remove(load, body["after"])
    loading.end(load, body["is_sample"])
    return None


def _standing(one: Standing) -> str:
    """How a register stands, as a sentence."""
    if one.as_of is None:
        return f"{one.name}: {one.count} rows of a load that did not end." if one.count else f"{one.name}: no copy."
    age = "too old to rely on" if one.is_stale else "fresh"
    sample = ", a sample" if one.is_sample else ""
    return f"{one.name}: {one.count} rows as of {one.as_of:%d.%m.%Y}, {age}{sample}."
