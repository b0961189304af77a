"""`sado keys`: the keys that the station's data is sealed with."""

from __future__ import annotations

from typing import Any

import click

from sado.cli.station_access import ask, asking
from sado.settings import Settings


@click.group()
def keys() -> None:
    """The keys that the station's data is sealed with."""


@keys.command("rotate")
@click.pass_obj
def keys_rotate(settings: Settings) -> None:
    """Exchange the station's key for a new one, while the station serves or not. What was broken off goes on."""
    with asking(settings) as do:
        begun = do("POST", "rotate", {"is_first": True})
        click.echo(f"Key {begun['key']} is in {settings.keys.resolve()}: copy that file to where the last copy is.")
        told = ""
        while not begun["is_whole"]:
            if begun["line"] != told:
                click.echo(told := begun["line"])
            if begun["waits"]:
                click.echo("The station goes on by itself once that is told; `sado keys status` says how far it is.")
                return
            begun = do("POST", "rotate", {"is_first": False})
        click.echo(begun["line"])


@keys.command("status")
@click.pass_obj
def keys_status(settings: Settings) -> None:
    """Say which key is in use, and how far an exchange has come."""
    said: dict[str, Any] = ask(settings, "GET", "rotate")
    click.echo(said["line"])
