"""`sado demo`: all of it on one machine."""

from __future__ import annotations

from pathlib import Path

import click

from sado.cli.sandbox import run
from sado.cli.station_access import locked
from sado.settings import Settings


@click.command()
@click.option("--data", type=click.Path(path_type=Path), default=Path("demo-data"), show_default=True, help="Folder.")
@click.option("--station-port", type=click.IntRange(1, 65535), default=8701, show_default=True)
@click.option("--hub-port", type=click.IntRange(1, 65535), default=8700, show_default=True)
def demo(data: Path, station_port: int, hub_port: int) -> None:
    """A hub, a village station and a pretended SMS provider on this machine, until Ctrl-C."""
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    with locked(Settings(data=str(data))):
        run.demo(data, station_port, hub_port)
