"""`sado sync`: the exchange with the upstream."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from sado.cli.station_access import ask
from sado.settings import Settings


@click.group()
def sync() -> None:
    """The exchange with the upstream."""


@sync.command("now")
@click.pass_obj
def sync_now(settings: Settings) -> None:
    """Try everything that waits at once, and say how it went."""
    lines = ask(settings, "POST", "sync")["lines"]
    click.echo("Everything that waits is being tried.")
    for line in lines:
        click.echo(line)


@sync.command("status")
@click.pass_obj
def sync_status(settings: Settings) -> None:
    """What waits, since when, and why."""
    for line in ask(settings, "GET", "sync")["lines"]:
        click.echo(line)


@sync.command("export")
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--station", "number", type=click.IntRange(0, 999), help="For this station, not for the upstream.")
@click.pass_obj
def sync_export(settings: Settings, target: Path, number: int | None) -> None:
    """Write all that waits for the upstream into TARGET, a folder or a new file in .sado, encrypted, to be carried by
    hand. It goes on waiting until it has arrived."""
    for line in ask(settings, "POST", "export", {"target": str(target.absolute()), "station": number})["lines"]:
        click.echo(line)


@sync.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--receipts", type=click.Path(path_type=Path), help="A folder, or a new file in .sado, for what to carry back."
)
@click.pass_obj
def sync_import(settings: Settings, file: Path, receipts: Path | None) -> None:
    """Take in a FILE that another station exported for this one; one that was taken in before changes nothing. Ends
    with 1 when it is refused, or something in it does not fit what is here."""
    place = str(receipts.absolute()) if receipts else ""
    answer = ask(settings, "POST", "import", {"file": str(file.absolute()), "receipts": place})
    for line in answer["lines"]:
        click.echo(line)
    sys.exit(not answer["is_whole"])
