"""The control API: what the serving process does for `sado sync`, `sms`, `backup` and other commands on its machine.

Only the serving process may open the database (store/engines/sqlite.py). Where none serves, the command does the same
itself.
"""

from __future__ import annotations

import logging
import os
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingMixIn, UnixStreamServer
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from sado.cases.registers.definitions import RegisterError
from sado.cases.registers.loading import Line, Load, Loading, Removed, Step
from sado.cases.registers.lookup import RegisterStatus
from sado.channel.sms import costs
from sado.cli import audit_log, client, quarantine, recording, sync_files
from sado.cli.client import TIMEOUT_S
from sado.cli.sync_report import Words
from sado.desk.administration import acts
from sado.menus.tree import TreeError
from sado.station import Station
from sado.store import DiskError, StoreError
from sado.store.backups import drill
from sado.store.rotation import Progress
from sado.store.tables import deletions, packs
from sado.sync import outbox
from sado.sync.blobs.signature import SignatureError, Signed

log = logging.getLogger(__name__)

# What is left then the scheduler goes on with; one exchange more may end after it.
SYNC_NOW_S = 20.0
# A command tells how far the keys are about as often.
ROTATE_S = 1.0


class _Server(ThreadingMixIn, UnixStreamServer):
    """The socket; each command has a thread, for one may take a backup while another asks how the exchange stands."""

    daemon_threads = True

    def __init__(self, place: str, station: Station) -> None:
        self.station = station
        super().__init__(place, _Handler)


class _Handler(StreamRequestHandler):
    """One command."""

    server: _Server
    timeout = TIMEOUT_S

    def handle(self) -> None:
        """Do what it asks."""
        asked = self.rfile.readline()
        if asked.endswith(b"\n"):
            self.wfile.write(msgspec.json.encode(_answer(self.server.station, asked, self._user())) + b"\n")

    def _user(self) -> str:
        """Who runs the command, as the system says."""
        told = self.connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        return recording.user(struct.unpack("3i", told)[1])


@contextmanager
def listening(station: Station) -> Iterator[None]:
    """Answer the commands of this station for as long as this lasts."""
    with client.address(station.settings.folder) as place:
        # What a process that was killed has left. This one holds the folder, so it is nobody's.
        Path(place).unlink(missing_ok=True)
        mask = os.umask(0o177)
        try:
            server = _Server(place, station)
        finally:
            os.umask(mask)
    with server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            (station.settings.folder / client.SOCKET).unlink(missing_ok=True)


def _answer(station: Station, asked: bytes, who: str) -> dict[str, Any]:
    try:
        method, what, body = msgspec.json.decode(asked)
        return do(station, method, what, body, who)
    except (StoreError, DiskError, RegisterError, SignatureError) as error:
        return {"error": str(error)}
    except Exception:
        log.exception("a command failed")
        return {"error": "Something went wrong at the station. Its log has the details."}


def do(station: Station, method: str, what: str, body: Any, who: str) -> dict[str, Any]:
    """What the control API does for `who`. Raises StoreError, DiskError, RegisterError or SignatureError."""
    recording.record(station.store, who, method, what, body)
    if what == "registers":
        return _registers(station, method, body)
    if what == "pack":
        return _pack(station, method, body)
    if (method, what) == ("GET", "files"):
        return dict(msgspec.to_builtins(station.store.read(lambda tx: packs.find(tx, station.pack.tree.version))))
    if (method, what) == ("POST", "to-sign"):
        return _to_sign(station, body)
    if what == "quarantine":
        return quarantine.act(station, body) if method == "POST" else quarantine.listed(station)
    if (method, what) == ("POST", "administration"):
        return {"told": acts.act(station.store, lambda: station.pack, body)}
    if (method, what) == ("POST", "audit"):
        return audit_log.act(station.store, body)
    if (method, what) == ("POST", "publish"):
        return {"new": station.publishing.publish_register(body["register"], _signed(body))}
    if what == "rotate":
        return _rotate(station, method, body)
    if (method, what) == ("POST", "export"):
        return sync_files.export(station, body["target"], body["station"])
    if (method, what) == ("POST", "import"):
        return sync_files.take_in(station, body["file"], body["receipts"])
    if (method, what) == ("POST", "sms"):
        return {"lines": _costs(station, body["month"])}
    if (method, what) == ("POST", "backup"):
        # Before the copy, so that a backup knows of itself.
        station.store.write(lambda tx: deletions.note_backup(tx, body["made_at"], body["kept_until"]))
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
        return {"version": station.publishing.publish_pack(body["folder"], _signed(body))}
    except ValueError as error:
        raise StoreError(str(error)) from None


def _to_sign(station: Station, body: Any) -> dict[str, Any]:
    """The statements that a publisher has to sign; her key does not come here."""
    publishing = station.publishing
    try:
        statements = (
            publishing.pack_to_sign(body["folder"])
            if "folder" in body
            else publishing.register_to_sign(body["register"])
        )
    except TreeError as error:
        raise StoreError(str(error)) from None
    return {"statements": msgspec.to_builtins(statements)}


def _signed(body: Any) -> list[Signed]:
    return msgspec.convert(body["signed"], list[Signed])


def _rotate(station: Station, method: str, body: Any) -> dict[str, Any]:
    """Begin to exchange the keys, or go on for a moment; how far it is."""
    if method == "POST":
        if body["is_first"] and station.rotation.progress().is_whole:
            station.rotation.begin(station.settings.keys)
        station.rotation.step(ROTATE_S)
    progress = station.rotation.progress()
    return {"key": progress.key, "is_whole": progress.is_whole, "waits": progress.waits, "line": _how_far(progress)}


def _how_far(progress: Progress) -> str:
    """How far an exchange of keys is, as a sentence."""
    if progress.is_whole:
        return f"Everything is sealed with key {progress.key}."
    values = f"{progress.columns_done} of {progress.columns} columns are sealed with it"
    if progress.waits:
        return f"Key {progress.key}: {values}; the hashes wait until an announcement is told to all."
    return f"Key {progress.key}: {progress.hashes_percent} % of the hashes are made with it, {values}."


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
