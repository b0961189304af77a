"""What `sado quarantine` does, in the process that has the database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal
from zoneinfo import ZoneInfo

import msgspec

from sado.menus.invisible import marked
from sado.station import Station
from sado.store import StoreError, Transaction
from sado.store.tables import quarantine
from sado.store.tables.quarantine import Quarantined
from sado.store.zone_time import local
from sado.sync.codes import Reason

LISTED = 200


class Act(msgspec.Struct, frozen=True):
    """What is to be done with the events of these numbers."""

    act: Literal["show", "release", "delete"]
    numbers: tuple[int, ...]


def listed(station: Station) -> dict[str, Any]:
    """What is kept aside, a line each."""
    kept, count = station.store.read(lambda tx: (quarantine.listed(tx, LISTED), quarantine.count(tx)))
    lines = [_line(station, one) for one in kept] or ["Nothing is kept aside."]
    return {"lines": lines + ([f"The newest {LISTED} of {count} are shown."] if count > len(kept) else [])}


def act(station: Station, body: Any) -> dict[str, Any]:
    """Do what this body says; `lines` to print, and whether all of it `is_done`. Raises StoreError where an event is
    not kept aside, and then has changed nothing."""
    wanted = msgspec.convert(body, Act)
    acts = {"show": _show, "release": _release, "delete": _delete}

    def job(tx: Transaction) -> dict[str, Any]:
        kept = [quarantine.find(tx, number) for number in wanted.numbers]
        if None in kept:
            raise StoreError(f"Nothing is kept aside under number {wanted.numbers[kept.index(None)]}.")
        return acts[wanted.act](station, tx, [one for one in kept if one])

    return station.store.write(job)


def _show(station: Station, tx: Transaction, kept: Sequence[Quarantined]) -> dict[str, Any]:
    """A terminal obeys some signs: none of those is shown as it is."""
    bodies = [marked(one.body, keeps="") for one in kept]
    return {"lines": [line for one, body in zip(kept, bodies, strict=True) for line in (_line(station, one), body)]}


def _release(station: Station, tx: Transaction, kept: Sequence[Quarantined]) -> dict[str, Any]:
    released = [station.release(tx, one.id) for one in kept]
    lines = []
    for one, is_done in zip(kept, released, strict=True):
        left = quarantine.find(tx, one.id)
        lines.append(f"{one.id}: applied." if is_done or left is None else f"It stays. {_line(station, left)}")
    return {"lines": lines, "is_done": all(released)}


def _delete(station: Station, tx: Transaction, kept: Sequence[Quarantined]) -> dict[str, Any]:
    return {"lines": [f"{one.id}: deleted." for one in kept if quarantine.delete(tx, one.id)]}


def _line(station: Station, one: Quarantined) -> str:
    at = local(one.at, ZoneInfo(station.pack.time_zone))
    return f"{one.id}: {ascii(one.kind)[1:-1]} from {one.peer}, came at {at:%d.%m.%Y %H:%M}: {Reason.read(one.reason)}"
