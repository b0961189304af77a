"""`sado audit`: who did and read what, and whether that is as it was written."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import msgspec

from sado.cases.audit_check import Fault, Place
from sado.cli import progress
from sado.cli.client import Ask
from sado.cli.station_access import asking
from sado.settings import Settings
from sado.store.durable import private_file


@click.group()
def audit() -> None:
    """The audit log: who did and read what, at this station and at those below it."""


@audit.command("verify")
@click.pass_obj
def audit_verify(settings: Settings) -> None:
    """Say whether every row is as it was written, while the station serves or not. Ends with 1 where one is not."""
    with asking(settings) as ask:
        places = msgspec.convert(ask("POST", "audit", {"act": "begin"})["places"], list[Place])
        ends = [_walked(ask, place) for place in places]
        faults = [fault for end in ends for fault in end.faults]
        ask("POST", "audit", {"act": "keep", "faults": msgspec.to_builtins(faults)})
    _say(ends, faults)
    sys.exit(bool(faults))


def _walked(ask: Ask, place: Place) -> Place:
    """A chain gone through to its end, or to the first row that does not fit."""
    while not place.is_end:
        place = msgspec.convert(
            ask("POST", "audit", {"act": "go on", "place": msgspec.to_builtins(place)})["place"], Place
        )
    return place


def _say(ends: list[Place], faults: list[Fault]) -> None:
    if faults:
        progress.tell([str(fault) for fault in faults])
        return
    for end in ends:
        click.echo(f"Station {end.station:03}: {end.number} rows, each as it was written. Last hash {end.hash.hex()}.")
    if not ends:
        click.echo("Nothing was written yet.")


@audit.command("export")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.pass_obj
def audit_export(settings: Settings, file: Path) -> None:
    """Write every row to FILE, a line of JSON each, while the station serves or not."""
    if file.exists():
        raise click.ClickException(f"{file} is there already: name another.")
    written = 0
    with asking(settings) as ask, private_file(file) as target:
        for row in _rows(ask):
            target.write(msgspec.json.encode(row) + b"\n")
            written += 1
    click.echo(f"{written} rows are in {file}.")


def _rows(ask: Ask) -> Iterator[dict[str, Any]]:
    after = None
    while step := ask("POST", "audit", {"act": "export", "after": after})["rows"]:
        yield from step
        after = [step[-1][name] for name in ("station", "branch", "number")]
