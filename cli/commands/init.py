"""`sado init`: a new station."""

from __future__ import annotations

import click

from sado.cli.station_access import create_store, locked
from sado.settings import Settings
from sado.store import StoreError


@click.command()
@click.option("--station", type=click.IntRange(0, 999), required=True, help="Its number: first in its references.")
@click.pass_obj
def init(settings: Settings, station: int) -> None:
    """Make a new station: its folder, keys and database."""
    settings.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with locked(settings):
        if settings.database.exists() and not settings.keys.exists():
            raise StoreError(
                f"There is a database in {settings.folder} but no key file at {settings.keys}: put the one that it had "
                "there. With a new one nothing in it could be read."
            )
        create_store(settings, station).close()
    click.echo(f"Station {station:03} is ready in {settings.folder}.")
    click.echo(f"Keep a copy of {settings.keys} elsewhere: without it nothing in the database can be read.")
    click.echo("Next: `sado account add NAME --role operator`, then `sado serve`.")
