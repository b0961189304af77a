"""What `sado pack` does and says."""

from __future__ import annotations

import sys
from pathlib import Path

import click

import wsgi
from local import Ask
from menus import report
from menus.gsm import Budget


def publish(ask: Ask, folder: Path) -> None:
    """Check the pack, serve it here and offer it to the stations. Ends with exit code 1, and nothing changes, when it
    has a fault."""
    found = report.of(str(folder), Budget(), wsgi.check_pack)
    if found.faults:
        click.echo(found.as_table())
        sys.exit(1)
    # The serving process reads the folder itself: its own is another.
    version = ask("POST", "pack", {"folder": str(folder.absolute())})["version"]
    click.echo(f"Version {version} is served here, and offered to the stations. `sado pack status` tells who has it.")


def status(ask: Ask) -> None:
    """How things stand with menus and registers."""
    for line in ask("GET", "pack", None)["lines"]:
        click.echo(line)
