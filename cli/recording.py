"""What is written to the audit log of commands: whatever changes something, or shows what is about somebody."""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable, Mapping
from typing import Any

from sado.cases import audit
from sado.cases.audit import Action
from sado.store import Store, Transaction

# What a row says: the action, what it is about, and what there is to say of it.
Row = tuple[Action, str, str]

QUARANTINE = {
    "show": Action.QUARANTINE_READ,
    "release": Action.QUARANTINE_RELEASED,
    "delete": Action.QUARANTINE_DELETED,
}


def _quarantine(body: Any) -> list[Row]:
    return [(QUARANTINE[body["act"]], str(number), "") for number in body["numbers"] if body["act"] in QUARANTINE]


CHANGES = {
    "account": (Action.ACCOUNT_CHANGED, "name"),
    "agency": (Action.TOKEN_CHANGED, "code"),
    "station": (Action.STATION_CHANGED, "number"),
}


def _administration(body: Any) -> list[Row]:
    of, _, act = body["what"].partition(" ")
    if act == "list":
        return []
    action, name = CHANGES[of]
    values = body["values"]
    about = f"{values[name]:03}" if action is Action.STATION_CHANGED else values[name].strip()
    return [(action, about, f"{act} {values.get('role', '')} {values.get('agency', '')}".strip())]


def _registers(body: Any) -> list[Row]:
    return [(Action.REGISTER_LOADED, body["register"], str(body["as_of"]))] if body["step"] == "begin" else []


def _audit(body: Any) -> list[Row]:
    is_export = body["act"] == "export" and body["after"] is None
    return [(Action.EXPORTED, "audit", "")] if is_export else []


# Of what a command asks of the station, what is a row. Every other command only tells how the station stands.
ROWS: Mapping[tuple[str, str], Callable[[Any], list[Row]]] = {
    ("POST", "registers"): _registers,
    ("POST", "pack"): lambda body: [(Action.PUBLISHED, "pack", "")],
    ("POST", "quarantine"): _quarantine,
    ("POST", "audit"): _audit,
    ("POST", "administration"): _administration,
    ("POST", "publish"): lambda body: [(Action.PUBLISHED, body["register"], "")],
    ("POST", "rotate"): lambda body: [(Action.KEYS_EXCHANGED, "", "")] if body["is_first"] else [],
    ("POST", "export"): lambda body: [(Action.EXPORTED, "events", "")],
    ("POST", "import"): lambda body: [(Action.IMPORTED, "events", "")],
    ("POST", "backup"): lambda body: [(Action.BACKED_UP, "", "")],
    ("POST", "sync"): lambda body: [(Action.LINE_CALLED, "", "")],
}


def user(number: int | None = None) -> str:
    """The user of the machine with this number, or who runs this process, as the log names her."""
    number = os.getuid() if number is None else number
    try:
        return audit.terminal(pwd.getpwuid(number).pw_name)
    except KeyError:
        return audit.terminal(str(number))


def record(store: Store, who: str, method: str, what: str, body: Any) -> None:
    """Write the rows of a command, before it is done: what cannot be recorded is not done. Raises DiskError."""
    rows = ROWS[method, what](body) if (method, what) in ROWS else []

    def job(tx: Transaction) -> None:
        for row in rows:
            audit.record(tx, who, *row)

    if rows:
        store.write(job)
