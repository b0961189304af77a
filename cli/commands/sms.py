"""`sado sms`: what messages cost."""

from __future__ import annotations

import click

from sado.cli.station_access import ask
from sado.settings import Settings


@click.group()
def sms() -> None:
    """Messages to residents."""


@sms.command("costs")
@click.option("--month", default="", help="Such as 2026-11; by default this one.")
@click.pass_obj
def sms_costs(settings: Settings, month: str) -> None:
    """What SMS cost in a month, by kind, language and encoding, and what Latin letters would have saved."""
    for line in ask(settings, "POST", "sms", {"month": month})["lines"]:
        click.echo(line)
