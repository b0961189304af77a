"""What `sado sync export` and `import` do, in the process that holds the station's database, and what they say."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sado.station import Station
from sado.store.zone_time import local
from sado.sync.by_hand.file_format import Label, TransferError
from sado.sync.by_hand.transfer import ENDING, Taken, Written
from sado.sync.wire import frame


def export(station: Station, target: str, number: int | None) -> dict[str, Any]:
    """Write a file for the upstream, or for the station with this number; what to say. Raises TransferError."""
    written = station.file_transfer.export(_place(target), number, _time(station, station.store.now()).date())
    lines = _written(written)
    if written.events:
        lines.append("They go on waiting here until the line, or a file from there, says that they arrived.")
    return {"lines": lines}


def take_in(station: Station, file: str, receipts: str) -> dict[str, Any]:
    """Take a file, and write one for its sender where `receipts` says; what to say, and whether all of it could be
    taken. Raises TransferError."""
    place = _place(receipts) if receipts else None
    taken = station.file_transfer.take_in(Path(file))
    lines = _taken(station, taken)
    if place is not None:
        try:
            today = _time(station, station.store.now()).date()
            lines += _written(station.file_transfer.answer(place, taken, today))
        except TransferError as error:
            raise TransferError(f"{' '.join(lines)} But the receipts: {error}") from error
    return {"lines": lines, "is_whole": not taken.astray and not taken.is_lost}


def _place(target: str) -> Path:
    """Where to write. Raises TransferError, before anything was taken."""
    path = Path(target)
    if path.exists() and not path.is_dir():
        raise TransferError(f"{path} exists; an export never writes over a file.")
    if not path.parent.is_dir():
        raise TransferError(f"{path.parent} is not a folder; make it first.")
    if not path.exists() and path.suffix != ENDING:
        # Without a stick its folder is missing: a file of that name would stay on this machine, and seem carried.
        raise TransferError(f"There is no folder {path}: mount the stick, or end the name of a new file in {ENDING}.")
    return path


def _written(written: Written) -> list[str]:
    lines = [f"{written.path}: {written.events} events for {_to(written.label)}, {written.size} bytes, encrypted."]
    if written.left:
        lines.append(f"{written.left} more had no room: they go with the next file, once these have arrived.")
    return lines


def _taken(station: Station, taken: Taken) -> list[str]:
    at = f"{_time(station, taken.written_at):%d.%m.%Y %H:%M}"
    lines = [
        f"{_of(taken.label)}, written on {at}.",
        f"{taken.events} events: {taken.new} new, {taken.here} already here, {taken.aside} kept aside.",
        f"{taken.acked} of our own events have arrived there, and wait no longer.",
    ]
    if taken.astray:
        lines.append(
            f"{taken.astray} events do not follow those that are here, and were left: they wait where they come from. "
            "The next exchange over the line puts that right."
        )
    if taken.is_lost:
        lines.append(
            "It acknowledges what this station does not know as its own: it was written before events were numbered "
            "anew here, or a disk went back in time. They go on waiting; a new export, or the next exchange over the "
            "line, puts that right."
        )
    return lines


def _to(label: Label) -> str:
    return "the upstream" if label.direction == frame.UP else f"station {label.station:03}"


def _of(label: Label) -> str:
    return f"A file of station {label.station:03}" if label.direction == frame.UP else "A file of the upstream"


def _time(station: Station, at: int) -> datetime.datetime:
    return local(at, ZoneInfo(station.pack.time_zone))
