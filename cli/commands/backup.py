"""`sado backup`: a copy to keep elsewhere."""

from __future__ import annotations

import time
from datetime import UTC
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from sado.cases.law import Law
from sado.cli.client import Ask
from sado.cli.station_access import asking
from sado.menus.reading import pack
from sado.settings import Settings
from sado.store import Keyring
from sado.store.backups import backup as backups
from sado.store.backups.backup import Contents
from sado.store.zone_time import DAY_MS, shown


@click.command()
@click.argument("target", type=click.Path(path_type=Path, exists=False))
@click.pass_obj
def backup(settings: Settings, target: Path) -> None:
    """Write a checked, encrypted copy of the database to TARGET while the station serves. The key file is not in it."""
    with asking(settings) as ask:
        _make(settings, ask, target)


def _make(settings: Settings, ask: Ask, target: Path) -> None:
    """Make a backup into `target`. The process that holds the database only copies it; the rest is done here, so that
    it does not keep phones waiting. Raises StoreError or DiskError."""
    if target.exists():
        raise click.ClickException(f"{target} exists; a backup never writes over a file.")
    if not target.absolute().parent.is_dir():
        raise click.ClickException(f"{target.absolute().parent} is not a folder; make it first.")
    keys = Keyring.load(settings.keys)
    with backups.temporary_folder(settings.folder) as folder:
        copy = folder / "copy.db"
        copy.touch(mode=0o600)
        made_at = _now()
        kept_until = made_at + settings.backup_keep_days * DAY_MS
        ask("POST", "backup", {"target": str(copy.absolute()), "made_at": made_at, "kept_until": kept_until})
        contents = backups.make(copy, target, keys, made_at, kept_until)
    click.echo(f"{target}: {target.stat().st_size} bytes, {cases_in(contents)}, encrypted, read back and checked.")
    click.echo(
        f"Keep it until {by_country_clock(settings, kept_until)} and delete it then: what residents have deleted from "
        "now on is in it (SADO_BACKUP_KEEP_DAYS)."
    )
    click.echo(
        f"The key file is not in it, and without {settings.keys} it cannot be read: keep a copy of that elsewhere."
    )


def cases_in(contents: Contents) -> str:
    """How many cases a backup holds."""
    return f"{contents.rows['cases']} cases"


def _now() -> int:
    return int(time.time() * 1000)


def by_country_clock(settings: Settings, at: int) -> str:
    """This time by the country's clock, as every command tells times. A pack that cannot be read keeps nobody from
    restoring a backup: then it is UTC, and says so."""
    try:
        zone = ZoneInfo(Law.read(pack.load(settings.pack).law).time_zone)
    except ValueError:
        return f"{shown(at, UTC)} UTC"
    return shown(at, zone)
