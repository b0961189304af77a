"""`sado pack`: what every station serves."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from sado.cli.publication import key_option, publish
from sado.cli.station_access import ask
from sado.menus.gsm import Budget
from sado.menus.reading import report
from sado.publishing import checking
from sado.settings import Settings


@click.group()
def pack() -> None:
    """The pack of every station."""


@pack.command("publish")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@key_option
@click.pass_obj
def pack_publish(settings: Settings, folder: Path, key: Path | None) -> None:
    """Check the pack in FOLDER, sign it, serve it here from now on, and offer it to every station. Ends with 1 when
    there is a fault."""
    checked = report.of(str(folder), Budget(), checking.check_pack)
    if checked.faults:
        click.echo(checked.as_table())
        sys.exit(1)
    # The serving process reads the folder itself: its own is another.
    version = publish(settings, "pack", {"folder": str(folder.absolute())}, key)["version"]
    click.echo(f"Version {version} is served here, and offered to the stations. `sado pack status` tells who has it.")


@pack.command("status")
@click.pass_obj
def pack_status(settings: Settings) -> None:
    """Who has which pack and registers, what is on its way, and what was refused and why."""
    for line in ask(settings, "GET", "pack")["lines"]:
        click.echo(line)
