"""What `sado backup`, `restore` and `drill` do and say."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

import click
import msgspec

import local
from cases import reference
from local import Ask, NotServingError
from settings import Settings
from store import Keyring, Store, StoreError, Transaction, backup, drill, entries, lanes
from store.backup import Contents
from store.drill import Facts
from sync import outbox

CASES_AT_ONCE = 1000
MOST_TOLD = 20


@dataclass(frozen=True)
class Waiting:
    """How many events for other stations wait after a restore, how many SMS, and whether there is an upstream."""

    events: int
    messages: int
    has_upstream: bool


def make(settings: Settings, ask: Ask, target: Path) -> None:
    """Make a backup into `target`. The process that holds the database only copies it; the rest is done here, so that
    it does not keep phones waiting. Raises StoreError or DiskError."""
    if target.exists():
        raise click.ClickException(f"{target} exists; a backup never writes over a file.")
    if not target.absolute().parent.is_dir():
        raise click.ClickException(f"{target.absolute().parent} is not a folder; make it first.")
    keys = Keyring.load(settings.keys)
    with backup.workplace(settings.folder) as place:
        copy = place / "copy.db"
        copy.touch(mode=0o600)
        made_at = _now()
        try:
            ask("POST", "backup", {"target": str(copy.absolute())})
        except NotServingError:
            raise click.ClickException("The station stopped meanwhile: run this again.") from None
        contents = backup.write(copy, target, keys, made_at)
    click.echo(f"{target}: {target.stat().st_size} bytes, {_cases(contents)}, encrypted, read back and checked.")
    click.echo(
        f"The key file is not in it, and without {settings.keys} it cannot be read: keep a copy of that elsewhere."
    )


def restore(settings: Settings, file: Path, replaces: bool) -> None:
    """Put the backup in the place of the station's database. For the process that holds the station's folder. Raises
    StoreError, and then has changed nothing."""
    database = settings.database
    is_there = database.exists()
    if is_there and not replaces:
        raise StoreError(
            f"There is a database in {settings.folder}. With --replace it is moved aside, not deleted, and the backup "
            "takes its place."
        )
    contents, waiting = backup.restore(file, database, _keys(settings), _renew)
    local.create_token(settings.folder)
    click.echo(f"Station {contents.station:03} is restored as it was on {_time(contents.made_at)}: {_cases(contents)}.")
    click.echo(f"{waiting.events} events for other stations wait, {waiting.messages} SMS.")
    if is_there:
        click.echo(f"The database that was there is in a folder `replaced-…` in {settings.folder}.")
    if waiting.has_upstream and not settings.upstream_key.exists():
        click.echo(
            f"{settings.upstream_key} is missing and was not in the backup: put it there, or run "
            f"`sado station add {contents.station}` at the upstream and put the key it prints there."
        )
    click.echo("Next: `sado serve`, then `sado sync now`.")


def practise(settings: Settings, live: Ask | None, file: Path, into: Path) -> bool:
    """Restore the backup into a temporary place inside `into` and compare it with what it says, and with the station's
    database where `live` asks for that. True when all is well. Raises StoreError when it cannot be restored."""
    with _rehearsed(settings, file, into) as (contents, store):
        made_at = _time(contents.made_at)
        click.echo(f"Station {contents.station:03} as it was on {made_at}: {_cases(contents)}. It can be restored.")
        if live is None:
            click.echo("The station's database is not here: nothing to compare with.")
            return True
        faults = list(_faults(contents, store, live))
    for fault in faults[:MOST_TOLD]:
        click.echo(fault)
    if (more := len(faults) - MOST_TOLD) > 0:
        click.echo(f"and {more} more")
    if not faults:
        click.echo("All that is in it is in the station's database too.")
    return not faults


@contextmanager
def _rehearsed(settings: Settings, file: Path, into: Path) -> Iterator[tuple[Contents, Store]]:
    """What the backup says, and the database restored from it, which is gone at the end."""
    keys = _keys(settings)
    with backup.workplace(into) as place:
        contents, _ = backup.restore(file, place / "restored.db", keys, _renew)
        store = Store(place / "restored.db", keys)
        try:
            yield contents, store
        finally:
            store.close()


def _faults(contents: Contents, store: Store, live: Ask) -> Iterator[str]:
    """What the station's database lacks of the copy, a sentence each."""

    def there(references: list[str]) -> Facts:
        return msgspec.convert(live("POST", "drill", {"references": references})["facts"], Facts)

    yield from drill.lost_numbers(contents.heads, there([]).heads)
    for references in _pages(store):
        copied = store.read(partial(drill.of, references=references))
        yield from drill.lost_cases(copied.cases, there(references).cases)


def _pages(store: Store) -> Iterator[list[str]]:
    """The references of every case, some at a time."""
    last = ""
    while references := store.read(partial(drill.after, reference=last, limit=CASES_AT_ONCE)):
        yield references
        last = references[-1]


def _renew(tx: Transaction) -> Waiting:
    """What has to change besides in a restored database; what then waits."""
    reference.leave_out(tx)
    waiting = {to: count for (to, state), (count, _) in entries.counts(tx).items() if state in outbox.WAITING}
    messages = waiting.pop(outbox.SMS, 0)
    return Waiting(sum(waiting.values()), messages, lanes.has_upstream(tx))


def _keys(settings: Settings) -> Keyring:
    """The key file that the station had when the copy was made: a new one would be of no use."""
    if not settings.keys.exists():
        raise StoreError(f"There is no key file at {settings.keys}: put the one that the station had there.")
    return Keyring.load(settings.keys)


def _cases(contents: Contents) -> str:
    return f"{contents.rows['cases']} cases"


def _now() -> int:
    return int(time.time() * 1000)


def _time(at: int) -> str:
    return datetime.fromtimestamp(at / 1000).astimezone().strftime("%d.%m.%Y %H:%M:%S")
