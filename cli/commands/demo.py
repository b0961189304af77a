"""`sado demo`: all of it on one machine."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import click

from sado.cli.sandbox import run
from sado.cli.station_access import locked
from sado.settings import Settings
from sado.store import StoreError


@click.command()
@click.option("--data", type=click.Path(path_type=Path), default=Path("demo-data"), show_default=True, help="Folder.")
@click.option("--station-port", type=click.IntRange(1, 65535), default=8701, show_default=True)
@click.option("--hub-port", type=click.IntRange(1, 65535), default=8700, show_default=True)
def demo(data: Path, station_port: int, hub_port: int) -> None:
    """A hub, a village station and a pretended SMS provider on this machine, until Ctrl-C."""
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    with ExitStack() as held:
        try:
            held.enter_context(locked(Settings(data=str(data))))
        except StoreError:
            raise click.ClickException(
                f"A demonstration runs in {data} already: stop that one, or give this one another folder with --data."
            ) from None
        run.demo(data, station_port, hub_port)
