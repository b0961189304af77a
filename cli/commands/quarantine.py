"""`sado quarantine`: events of other stations that could not be applied."""

from __future__ import annotations

import sys

import click

from sado.cli.station_access import ask
from sado.settings import Settings
from sado.store import LARGEST

NUMBER = click.IntRange(1, LARGEST)
NUMBERS = click.argument("numbers", type=NUMBER, nargs=-1, required=True)


@click.group()
def quarantine() -> None:
    """Events of other stations that could not be applied, and are kept aside until a person has looked."""


@quarantine.command("list")
@click.pass_obj
def quarantine_list(settings: Settings) -> None:
    """What is kept aside, and why, newest first."""
    for line in ask(settings, "GET", "quarantine")["lines"]:
        click.echo(line)


@quarantine.command("show")
@click.argument("number", type=NUMBER)
@click.pass_obj
def quarantine_show(settings: Settings, number: int) -> None:
    """One event whole. It may have a resident's name and number."""
    for line in ask(settings, "POST", "quarantine", {"act": "show", "numbers": [number]})["lines"]:
        click.echo(line)


@quarantine.command("release")
@NUMBERS
@click.pass_obj
def quarantine_release(settings: Settings, numbers: tuple[int, ...]) -> None:
    """Try these again, in the order that they came: after an update, or when what they build on is there. Ends with 1
    where one stays."""
    answer = ask(settings, "POST", "quarantine", {"act": "release", "numbers": sorted(numbers)})
    for line in answer["lines"]:
        click.echo(line)
    sys.exit(not answer["is_done"])


@quarantine.command("delete")
@NUMBERS
@click.confirmation_option(prompt="They are deleted for good, with a resident's words in them. Go on?")
@click.pass_obj
def quarantine_delete(settings: Settings, numbers: tuple[int, ...]) -> None:
    """Delete these for good."""
    for line in ask(settings, "POST", "quarantine", {"act": "delete", "numbers": sorted(numbers)})["lines"]:
        click.echo(line)
