"""`sado init`: a new station."""

from __future__ import annotations

import os
from pathlib import Path

import click

from sado.cli import first_code
from sado.cli.station_access import create_store, locked
from sado.settings import Settings
from sado.store import StoreError

OTHERS = 0o077


@click.command()
@click.option("--station", type=click.IntRange(0, 999), required=True, help="Its number: first in its references.")
@click.option(
    "--key-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where its keys lie, best on another device than its data. Default: in the data folder.",
)
@click.pass_obj
def init(settings: Settings, station: int, key_file: Path | None) -> None:
    """Make a new station: its folder, keys and database."""
    _make_private(settings.folder)
    with locked(settings):
        if key_file is not None:
            _lead_to(settings, key_file)
        if settings.database.exists() and not settings.keys.exists():
            raise StoreError(
                f"There is a database in {settings.folder} but no key file at {settings.keys.resolve()}: put the one "
                "that it had there. With a new one nothing in it could be read."
            )
        store = create_store(settings, station)
        code = first_code.sentence(settings, store)
        store.close()
    keys = settings.keys.resolve()
    click.echo(f"Station {station:03} is ready in {settings.folder}.")
    click.echo(f"Keep a copy of {keys} elsewhere: without it nothing in the database can be read.")
    if keys.parent == settings.folder.resolve():
        click.echo("Whoever takes this disk has the key too: `sado init --key-file` puts it on another one.")
    click.echo("Next: `sado serve`.")
    if code:
        click.echo(f"{code}\n`sado serve` prints a new one at each start, until there is an account.")


def _make_private(folder: Path) -> None:
    """The station's folder, for its owner alone. One that others can read is closed to them, unless it is somebody's:
    raises StoreError where it holds what is not of a station, or is not ours to close."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if os.name != "posix" or not folder.stat().st_mode & OTHERS:
        return
    if any(folder.iterdir()) and not (folder / "station.lock").exists():
        raise StoreError(
            f"Others can read {folder}, and there are other files in it: give the station a folder of its own."
        )
    try:
        folder.chmod(0o700)
    except OSError:
        raise StoreError(f"Others can read {folder}: have its owner run `chmod 700 {folder}`.") from None
    click.echo(f"Others could read {folder}: it is closed to them now.")


def _lead_to(settings: Settings, key_file: Path) -> None:
    """Let the key file of the data folder lead to this one, so that no other command has to be told. Raises StoreError
    where there is another key file."""
    wanted, known = key_file.absolute(), settings.keys
    if known.resolve() == wanted.resolve():
        return
    if known.exists() or known.is_symlink() or settings.key_file:
        raise StoreError(
            f"The key file of this station is {known.resolve()}; stop the station to move it (docs/backup.md)."
        )
    wanted.parent.mkdir(parents=True, exist_ok=True)
    known.symlink_to(wanted)
