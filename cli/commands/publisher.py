"""`sado publisher`: whose menus and registers the stations take."""

from __future__ import annotations

from pathlib import Path

import click

from sado.publishing import publisher as publishers
from sado.settings import Settings


@click.group()
def publisher() -> None:
    """Whose menus and registers the stations take."""


@publisher.command("new")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), required=False)
@click.pass_obj
def publisher_new(settings: Settings, file: Path | None) -> None:
    """Make a publisher: its private key in FILE, such as on a stick that is put in to publish, or else in publisher.key
    in the data. From then on this hub publishes what that key signed, and gives its public key to the stations that it
    admits; those admitted before take nothing until it is the second line of their upstream.key."""
    private = file or settings.publisher_key
    public = publishers.make(private, settings.publisher)
    click.echo(
        f"The private key is in {private}: keep it, and a copy elsewhere, from whoever does not publish.", err=True
    )
    click.echo(public.hex())
