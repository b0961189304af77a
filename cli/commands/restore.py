"""`sado restore`: a station out of a backup."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

import click

from sado.cases import audit, reference
from sado.cases.audit import Action
from sado.cases.residents.privacy import Privacy
from sado.cli import recording
from sado.cli.commands.backup import by_country_clock, cases_in
from sado.cli.station_access import locked
from sado.settings import Settings
from sado.store import DiskError, Keyring, StoreError, Transaction
from sado.store.backups import backup as backups
from sado.store.engines.sqlite import SQLite
from sado.store.tables import deletions, lanes, published_blobs
from sado.store.tables import outbox as entries
from sado.store.tables.deletions import Known
from sado.sync import outbox
from sado.sync.outbox import Kind

BACKUP_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command()
@click.argument("file", type=BACKUP_FILE)
@click.option("--replace", "replaces", is_flag=True, help="Move the database that is there aside.")
@click.pass_obj
def restore(settings: Settings, file: Path, replaces: bool) -> None:
    """Make the station's database of the backup FILE, and begin a new life with it. The key file has to be in place."""
    settings.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with locked(settings):
        _restore(settings, file, replaces)


@dataclass(frozen=True)
class Waiting:
    """How many events for other stations wait after a restore, how many SMS, how many entries for the queues of
    agencies, and whether there is an upstream; and how many numbers and cases were `deleted` again, None where nobody
    knows of any."""

    events: int
    messages: int
    for_agencies: int
    has_upstream: bool
    deleted: int | None


def _restore(settings: Settings, file: Path, replaces: bool) -> None:
    """Put the backup in the place of the station's database. For the process that holds the station's folder. Raises
    StoreError, and then has changed nothing."""
    database = settings.database
    is_there = database.exists()
    if is_there and not replaces:
        raise StoreError(
            f"There is a database in {settings.folder}. With --replace it is moved aside, not deleted, and the backup "
            "takes its place."
        )
    keys = Keyring.load(settings.keys)
    known = _known(database, keys) if is_there else None
    contents, waiting = backups.restore(file, database, keys, lambda tx: renew(tx, known))
    made_at = by_country_clock(settings, contents.made_at)
    click.echo(f"Station {contents.station:03} is restored as it was on {made_at}: {cases_in(contents)}.")
    click.echo(
        f"{waiting.events} events for other stations wait, {waiting.messages} SMS, "
        f"{waiting.for_agencies} entries for queues of agencies."
    )
    click.echo(_deletions(waiting))
    if is_there:
        click.echo(f"The database that was there is in a folder `replaced-…` in {settings.folder}.")
    if waiting.has_upstream and not settings.upstream_key.exists():
        click.echo(
            f"{settings.upstream_key} is missing and was not in the backup: put it there, or run "
            f"`sado station add {contents.station}` at the upstream and put what it prints there."
        )
    click.echo("Next: `sado serve`, then `sado sync now`.")


def _known(database: Path, keys: Keyring) -> Known | None:
    """What the database in whose place the backup comes knows of deletions; None where it cannot be read."""
    try:
        connection = SQLite(database).reader()
        with contextlib.closing(connection), connection.disk_errors:
            return deletions.known(Transaction(connection, keys, 0))
    except (StoreError, DiskError):
        return None


def _deletions(waiting: Waiting) -> str:
    """What was deleted after the copy was made, as a sentence."""
    if waiting.deleted is None:
        return (
            "What residents had deleted after that is in it again: there is no database here that knows of it. The "
            "upstream tells again of cases, for a fortnight; all others have to ask once more (docs/backup.md)."
        )
    return f"{waiting.deleted} numbers and cases that residents had deleted after that are deleted again."


def renew(tx: Transaction, known: Known | None = None) -> Waiting:
    """What has to change besides in a restored database; what then waits. `known` is what the one before it knew of
    deletions."""
    audit.record(tx, recording.user(), Action.RESTORED)
    deleted = Privacy(lanes.has_upstream(tx)).repeat(tx, known) if known else None
    reference.leave_out(tx)
    published_blobs.leave_out(tx)
    waiting = [(to, count) for (to, state), (count, _) in entries.counts(tx).items() if state in outbox.WAITING]
    events = sum(count for to, count in waiting if outbox.kind_of(to) is Kind.PEER)
    messages = sum(count for to, count in waiting if to == outbox.SMS)
    for_agencies = sum(count for _, count in waiting) - events - messages
    return Waiting(events, messages, for_agencies, lanes.has_upstream(tx), deleted)
