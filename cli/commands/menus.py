"""`sado menus`: the trees of a pack."""

from __future__ import annotations

import sys

import click

from sado.menus.gsm import Budget
from sado.menus.reading import report
from sado.publishing import checking
from sado.settings import Settings


@click.group()
def menus() -> None:
    """The menu trees of the pack."""


@menus.command("check")
@click.argument("pack", default="")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_obj
def menus_check(settings: Settings, pack: str, as_json: bool) -> None:
    """Find what residents would stumble over in PACK: its name or folder, by default the station's. Ends with 1 when
    there is a fault."""
    checked = report.of(pack or settings.pack, Budget(), checking.check_pack)
    click.echo(checked.as_json() if as_json else checked.as_table())
    sys.exit(bool(checked.faults))
