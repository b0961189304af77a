"""`sado drill`: whether a backup would do."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path

import click
import msgspec

from sado.cli.client import Ask
from sado.cli.commands.backup import by_country_clock, cases_in
from sado.cli.commands.restore import BACKUP_FILE, renew
from sado.cli.progress import tell
from sado.cli.station_access import asking
from sado.settings import Settings
from sado.store import Keyring, Store
from sado.store.backups import backup as backups
from sado.store.backups import drill as drills
from sado.store.backups import file_format
from sado.store.backups.backup import Contents
from sado.store.backups.drill import Facts

CASES_AT_ONCE = 1000


@click.command()
@click.argument("file", type=BACKUP_FILE)
@click.option("--into", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Default: the data folder.")
@click.pass_obj
def drill(settings: Settings, file: Path, into: Path | None) -> None:
    """Restore the backup FILE into a temporary place and compare it with the station's database. Ends with 1 when
    something is missing."""
    with asking(settings) if settings.database.exists() else nullcontext() as ask:
        is_well = _drill(settings, ask, file, into or settings.folder)
    sys.exit(not is_well)


def _drill(settings: Settings, live: Ask | None, file: Path, into: Path) -> bool:
    """Restore the backup into a temporary place inside `into` and compare it with what it says, and with the station's
    database where `live` asks for that. True when all is well. Raises StoreError when it cannot be restored."""
    with _restored(settings, file, into) as (contents, store):
        made_at = by_country_clock(settings, contents.made_at)
        click.echo(f"Station {contents.station:03} as it was on {made_at}: {cases_in(contents)}. It can be restored.")
        click.echo(f"It is to be kept until {by_country_clock(settings, file_format.label_of(file).kept_until)}.")
        if live is None:
            click.echo("The station's database is not here: nothing to compare with.")
            return True
        faults = list(_faults(contents, store, live))
    tell(faults)
    if not faults:
        click.echo("All that is in it is in the station's database too.")
    return not faults


@contextmanager
def _restored(settings: Settings, file: Path, into: Path) -> Iterator[tuple[Contents, Store]]:
    """What the backup says, and the database restored from it, which is gone at the end."""
    keys = Keyring.load(settings.keys)
    with backups.temporary_folder(into) as folder:
        contents, _ = backups.restore(file, folder / "restored.db", keys, renew)
        store = Store(folder / "restored.db", keys)
        try:
            yield contents, store
        finally:
            store.close()


def _faults(contents: Contents, store: Store, live: Ask) -> Iterator[str]:
    """What the station's database lacks of the copy, a sentence each."""

    def live_facts(references: list[str]) -> Facts:
        return msgspec.convert(live("POST", "drill", {"references": references})["facts"], Facts)

    yield from drills.lost_numbers(contents.lane_ends, live_facts([]).lane_ends)
    for references in _pages(store):
        copied = store.read(partial(drills.facts_about, references=references))
        yield from drills.lost_cases(copied.cases, live_facts(references).cases)


def _pages(store: Store) -> Iterator[list[str]]:
    """The references of every case, some at a time."""
    last = ""
    while references := store.read(partial(drills.references_after, reference=last, limit=CASES_AT_ONCE)):
        yield references
        last = references[-1]
