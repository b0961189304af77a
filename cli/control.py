"""The control API: what the serving process does for `sado sync`, `sms`, `backup` and other commands on its machine.

Only the serving process may open the database (store/engines/sqlite.py). Where none serves, the command does the same
itself.
"""

from __future__ import annotations

import hmac
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from flask import Blueprint, Response, abort, jsonify, request

from sado.cases.registers.definitions import RegisterError
from sado.cases.registers.loading import Line, Load, Loading, Removed, Step
from sado.cases.registers.lookup import RegisterStatus
from sado.channel.sms import costs
from sado.cli import quarantine, stations, sync_files
from sado.cli.client import token_in
from sado.cli.sync_report import Words
from sado.station import Station
from sado.store import DiskError, StoreError
from sado.store.backups import drill
from sado.store.tables import packs
from sado.sync import outbox

# What is left then the scheduler goes on with; one exchange more may end after it.
SYNC_NOW_S = 20.0


def add(station: Station) -> None:
    """Open the control API on a station. Raises StoreError where it has no token."""
    token = token_in(station.settings.folder)
    blueprint = Blueprint("local", __name__, url_prefix="/local")

    @blueprint.route("/<what>", methods=["GET", "POST"])
    def act(what: str) -> Response:
        """Do it for who has the token; for others there is no such page."""
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


def do(station: Station, method: str, what: str, body: Any) -> dict[str, Any]:
    """What the control API does. Raises StoreError, DiskError or RegisterError."""
    if what == "registers":
        return _registers(station, method, body)
    if what == "pack":
        return _pack(station, method, body)
    if (method, what) == ("GET", "files"):
        return dict(msgspec.to_builtins(station.store.read(lambda tx: packs.find(tx, station.pack.tree.version))))
    if what == "quarantine":
        return quarantine.act(station, body) if method == "POST" else quarantine.listed(station)
    if (method, what) == ("POST", "station"):
        return stations.change(station.store, lambda: [place.code for place in station.pack.gazetteer], body)
    if (method, what) == ("POST", "publish"):
        return {"new": station.publishing.publish_register(body["register"])}
    if (method, what) == ("POST", "export"):
        return sync_files.export(station, body["target"], body["station"])
    if (method, what) == ("POST", "import"):
        return sync_files.take_in(station, body["file"], body["receipts"])
    if (method, what) == ("POST", "sms"):
        return {"lines": _costs(station, body["month"])}
    if (method, what) == ("POST", "backup"):
        station.store.backup(Path(body["target"]))
        return {}
    if (method, what) == ("POST", "drill"):
        return {"facts": msgspec.to_builtins(station.store.read(lambda tx: drill.facts_about(tx, body["references"])))}
    if (method, what) == ("POST", "sync"):
        station.store.write(outbox.retry_all_now)
        if station.upstream is not None:
            station.upstream.step(SYNC_NOW_S)
    elif (method, what) != ("GET", "sync"):
        raise StoreError(f"{method} {what} is not something a station does.")
    return {"lines": _report(station)}


def _pack(station: Station, method: str, body: Any) -> dict[str, Any]:
    if method == "GET":
        return {"lines": station.publishing.status()}
    try:
        return {"version": station.publishing.publish_pack(body["folder"])}
    except ValueError as error:
        raise StoreError(str(error)) from None


def _costs(station: Station, month: str) -> list[str]:
    try:
        first = costs.month_of(station.pack, month, station.store.now())
    except ValueError as error:
        raise StoreError(str(error)) from None
    return station.store.read(lambda tx: costs.lines(tx, station.pack, first))


def _report(station: Station) -> list[str]:
    """What waits and why, and what the line carried."""
    words = Words(ZoneInfo(station.pack.time_zone), station.pack.languages.money("en"))
    return station.store.read(lambda tx: words.report(tx, station.sync_status(tx)))


def _registers(station: Station, method: str, body: Any) -> dict[str, Any]:
    if method == "GET":
        standing = station.store.read(station.registers.standing)
        return {"lines": [_standing(status) for status in standing]}
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


def _standing(status: RegisterStatus) -> str:
    """How a register stands, as a sentence."""
    if status.as_of is None:
        return (
            f"{status.name}: {status.count} rows of a load that did not end."
            if status.count
            else f"{status.name}: no copy."
        )
    age = "too old to rely on" if status.is_stale else "fresh"
    sample = ", a sample" if status.is_sample else ""
    return f"{status.name}: {status.count} rows as of {status.as_of:%d.%m.%Y}, {age}{sample}."
