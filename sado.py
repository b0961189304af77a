"""The command line: `sado init`, `serve`, `demo`, `dial`, `sync`, `backup`, `restore`, `drill`, `account`,
`station`, `agency`, `pack`, `registers`, `sms`."""

from __future__ import annotations

import logging
import os
import secrets
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import datetime
from pathlib import Path

import click
from filelock import FileLock, Timeout

import local
import settings as all_settings
import wsgi
from menus.tree import TreeError
from settings import Settings, SettingsError
from store import DiskError, Keyring, Store, StoreError, accounts, identity, stations
from store.backup import put_in_order

EXPECTED = (SettingsError, StoreError, DiskError, TreeError, ValueError, OSError)


class Commands(click.Group):
    """A group whose expected errors are a sentence, not a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; an expected error ends it with exit code 1."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, BrokenPipeError):
            raise
        except EXPECTED as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="sado")
@click.pass_context
def main(ctx: click.Context) -> None:
    """Sado: deal with the state from any phone. Settings are SADO_* variables; docs/settings.md lists them."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    for noisy in ("apscheduler", "waitress.queue", "urllib3"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    ctx.obj = all_settings.load(os.environ)


@main.command()
@click.option("--station", type=click.IntRange(0, 999), required=True, help="Its number: first in its references.")
@click.pass_obj
def init(settings: Settings, station: int) -> None:
    """Make a new station: its folder, keys and database."""
    settings.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _locked(settings):
        keys = Keyring.load(settings.keys) if settings.keys.exists() else Keyring.create(settings.keys)
        local.create_token(settings.folder)
        store = Store(settings.database, keys)
        store.write(lambda tx: identity.create(tx, station))
        store.close()
    click.echo(f"Station {station:03} is ready in {settings.folder}.")
    click.echo(f"Keep a copy of {settings.keys} elsewhere: without it nothing in the database can be read.")
    click.echo("Next: `sado account add NAME --role operator`, then `sado serve`.")


@main.command()
@click.pass_obj
def serve(settings: Settings) -> None:
    """Run the station until Ctrl-C."""
    import waitress

    wsgi.spare_memory()
    with _locked(settings):
        station = wsgi.build(settings, wsgi.open_store(settings))
        local.add(station)
        try:
            server = waitress.create_server(
                station.app, host=settings.host, port=settings.port, threads=settings.threads, ident=None
            )
        except OSError as error:
            where = f"{settings.host}, port {settings.port}"
            raise click.ClickException(
                f"It cannot listen on {where} ({error.strerror}): set SADO_HOST or SADO_PORT."
            ) from None
        station.start()
        stopped = _on_signals()
        # In a thread, because the server's own loop goes on for as long as anyone keeps a connection open.
        serving = threading.Thread(target=server.run, daemon=True)
        serving.start()
        click.echo(f"Station {station.identity.number:03} listens on http://{settings.host}:{settings.port}", err=True)
        while serving.is_alive() and not stopped.wait(0.5):
            pass
        server.close()
        server.task_dispatcher.shutdown()
        station.stop()


@main.command()
@click.option("--data", type=click.Path(path_type=Path), default=Path("demo-data"), show_default=True, help="Folder.")
@click.option("--station-port", type=click.IntRange(1, 65535), default=8701, show_default=True)
@click.option("--hub-port", type=click.IntRange(1, 65535), default=8700, show_default=True)
def demo(data: Path, station_port: int, hub_port: int) -> None:
    """A hub, a village station and a pretended SMS provider on this machine, until Ctrl-C."""
    from demo import run

    with _locked(Settings(data=str(data))):
        run.demo(data, station_port, hub_port)


@main.command()
@click.argument("url")
@click.option("--number", default="+992900000001", show_default=True, help="The number of the phone.")
@click.option("--code", default="*1339#", show_default=True, help="What to dial, such as *1339*2*1#.")
@click.option("--cut", type=click.IntRange(min=1), help="Units after which the network cuts every screen.")
@click.option("--without-cyrillic", is_flag=True, help="A phone that shows a box for every Cyrillic letter.")
def dial(url: str, number: str, code: str, cut: int | None, without_cyrillic: bool) -> None:
    """A key phone in the terminal, on a good network or a bad one: /help lists what can go wrong on the way. URL is
    the station's USSD webhook, as its gateway calls it."""
    from channel import dial as terminal
    from menus.handset import Handset, Letters

    handset = Handset(cut or 0, Letters.LATIN if without_cyrillic else Letters.ALL)
    terminal.run(url, number, code, handset)


@main.group()
def sync() -> None:
    """The exchange with the upstream."""


@sync.command("now")
@click.pass_obj
def sync_now(settings: Settings) -> None:
    """Try everything that waits at once, and say how it went."""
    _ask(settings, "POST", "sync")
    click.echo("Everything that waits is being tried.")
    sync_status.callback()  # type: ignore[misc]


@sync.command("status")
@click.pass_obj
def sync_status(settings: Settings) -> None:
    """What waits, since when, and why."""
    for line in _ask(settings, "GET", "sync")["lines"]:
        click.echo(line)


@sync.command("export")
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--station", "number", type=click.IntRange(0, 999), help="For this station, not for the upstream.")
@click.pass_obj
def sync_export(settings: Settings, target: Path, number: int | None) -> None:
    """Write all that waits for the upstream into TARGET, a new file or a folder, encrypted, to be carried by hand. It
    goes on waiting until it has arrived."""
    with _asking(settings) as ask:
        for line in ask("POST", "export", {"target": str(target.absolute()), "station": number})["lines"]:
            click.echo(line)


@sync.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--receipts", type=click.Path(path_type=Path), help="A new file, or a folder, for what to carry back.")
@click.pass_obj
def sync_import(settings: Settings, file: Path, receipts: Path | None) -> None:
    """Take in a FILE that another station exported for this one; one that was taken in before changes nothing. Ends
    with 1 when it is refused, or something in it does not fit what is here."""
    place = str(receipts.absolute()) if receipts else ""
    with _asking(settings) as ask:
        answer = ask("POST", "import", {"file": str(file.absolute()), "receipts": place})
    for line in answer["lines"]:
        click.echo(line)
    sys.exit(not answer["is_whole"])


@main.command()
@click.argument("target", type=click.Path(path_type=Path, exists=False))
@click.pass_obj
def backup(settings: Settings, target: Path) -> None:
    """Write a checked, encrypted copy of the database to TARGET while the station serves. The key file is not in it."""
    import backup_cli

    with _asking(settings) as ask:
        backup_cli.make(settings, ask, target)


BACKUP_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@main.command()
@click.argument("file", type=BACKUP_FILE)
@click.option("--replace", "replaces", is_flag=True, help="Move the database that is there aside.")
@click.pass_obj
def restore(settings: Settings, file: Path, replaces: bool) -> None:
    """Make the station's database of the backup FILE, and begin a new life with it. The key file has to be in place."""
    import backup_cli

    settings.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _locked(settings):
        backup_cli.restore(settings, file, replaces)


@main.command()
@click.argument("file", type=BACKUP_FILE)
@click.option("--into", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Default: the data folder.")
@click.pass_obj
def drill(settings: Settings, file: Path, into: Path | None) -> None:
    """Restore the backup FILE into a temporary place and compare it with the station's database. Ends with 1 when
    something is missing."""
    import backup_cli

    with _asking(settings) if settings.database.exists() else nullcontext() as ask:
        is_well = backup_cli.practise(settings, ask, file, into or settings.folder)
    sys.exit(not is_well)


@main.group()
def menus() -> None:
    """The menu trees of the pack."""


@menus.command("check")
@click.argument("pack", default="")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_obj
def menus_check(settings: Settings, pack: str, as_json: bool) -> None:
    """Find what residents would stumble over in PACK: its name or folder, by default the station's. Ends with 1 when
    there is a fault."""
    from menus import report
    from menus.gsm import Budget

    found = report.of(pack or settings.pack, Budget(), wsgi.check_pack)
    click.echo(found.as_json() if as_json else found.as_table())
    sys.exit(bool(found.faults))


@main.group()
def pack() -> None:
    """The pack of every station."""


@pack.command("publish")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.pass_obj
def pack_publish(settings: Settings, folder: Path) -> None:
    """Check the pack in FOLDER, serve it here from now on, and offer it to every station. Ends with 1 when there is a
    fault."""
    import pack_cli

    with _asking(settings) as ask:
        pack_cli.publish(ask, folder)


@pack.command("status")
@click.pass_obj
def pack_status(settings: Settings) -> None:
    """Who has which pack and registers, what is on its way, and what was refused and why."""
    import pack_cli

    with _asking(settings) as ask:
        pack_cli.status(ask)


@main.group()
def account() -> None:
    """People who sign in to the pages."""


@account.command("add")
@click.argument("name")
@click.option("--role", type=click.Choice(["operator", "agency", "phone"]), required=True)
@click.option("--agency", default="", help="Code of the officer's agency, such as HCU.")
@click.option(
    "--password", default="", envvar="ACCOUNT_PASSWORD", show_envvar=True, help="Minted and shown when empty."
)
@click.pass_obj
def account_add(settings: Settings, name: str, role: str, agency: str, password: str) -> None:
    """Create an account, or give it a new password."""
    from desk import signin

    if (role == "agency") != bool(agency):
        raise click.ClickException("An officer needs --agency, and only an officer.")
    if agency:
        _check_agency(settings, agency)
    chosen = password or secrets.token_urlsafe(12)
    hashed = signin.hash_password(chosen)
    with _opened(settings) as store:
        store.write(lambda tx: accounts.save(tx, name, hashed, role, agency))
    click.echo(f"{name} may sign in." + ("" if password else f" Password: {chosen}"))


@main.group()
def station() -> None:
    """The stations that exchange with this one."""


@station.command("add")
@click.argument("number", type=click.IntRange(0, 999))
@click.option("--district", "districts", multiple=True, help="Code of a district that it serves. Default: all.")
@click.option("--through", type=click.IntRange(0, 999), help="The station that stands between it and this one.")
@click.pass_obj
def station_add(settings: Settings, number: int, districts: tuple[str, ...], through: int | None) -> None:
    """Admit a station; prints the key to put in its upstream.key. One that is reached through another has no key here:
    it exchanges with that one, which speaks for it."""
    from sync import blobs

    _check_districts(settings, districts)
    with _opened(settings) as store:
        known = store.read(identity.find)
        if known is not None and known.number == number:
            raise click.ClickException(f"Station {number:03} is this station itself.")
        if through is not None:
            _check_way(store, number, through)
            store.write(lambda tx: stations.set_through(tx, number, through))
            click.echo(f"Station {number:03} is reached through station {through:03}, which may speak for it.")
            return
        key = store.write(lambda tx: stations.add(tx, number, districts))
        store.write(lambda tx: stations.set_through(tx, number, number))
        store.write(lambda tx: blobs.offer_all(tx, number))
    click.echo(key.hex())


@main.group()
def agency() -> None:
    """The agencies that receive cases."""


@agency.command("token")
@click.argument("code")
@click.pass_obj
def agency_token(settings: Settings, code: str) -> None:
    """Give an agency's system a new token for the API, in place of an earlier one."""
    _check_agency(settings, code)
    token = secrets.token_urlsafe(32)
    with _opened(settings) as store:
        store.write(lambda tx: accounts.save_token(tx, code, token))
    click.echo(token)


@main.group()
def registers() -> None:
    """What agencies publish for lookups."""


@registers.command("load")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--register", default="", help="Its name, such as licences. Default: the file's name without .csv.")
@click.option(
    "--as-of", type=click.DateTime(["%Y-%m-%d"]), help="Day of the agency's copy. Default: when the file was changed."
)
@click.option("--whole", is_flag=True, help="The file is the whole register: remove the rows that it does not name.")
@click.pass_obj
def registers_load(settings: Settings, file: Path, register: str, as_of: datetime | None, whole: bool) -> None:
    """Load FILE.csv into a register, and say what changed. Lines with faults are left out and told."""
    import registers_cli

    with _asking(settings) as ask:
        registers_cli.load(settings.pack, ask, file, register or file.stem, as_of, whole)


@registers.command("publish")
@click.argument("register")
@click.pass_obj
def registers_publish(settings: Settings, register: str) -> None:
    """Offer REGISTER as it is here now to the stations, to each the districts that it serves."""
    import registers_cli

    with _asking(settings) as ask:
        registers_cli.publish(ask, register)


@registers.command("status")
@click.pass_obj
def registers_status(settings: Settings) -> None:
    """How many rows each register has, and of which day."""
    for line in _ask(settings, "GET", "registers")["lines"]:
        click.echo(line)


@main.group()
def sms() -> None:
    """Messages to residents."""


@sms.command("costs")
@click.option("--month", default="", help="Such as 2026-11; by default this one.")
@click.pass_obj
def sms_costs(settings: Settings, month: str) -> None:
    """What SMS cost in a month, by kind, language and letters, and what Latin letters would have saved."""
    for line in _ask(settings, "POST", "sms", {"month": month})["lines"]:
        click.echo(line)


def _check_districts(settings: Settings, codes: tuple[str, ...]) -> None:
    from menus import pack

    known = [place.code for place in pack.load(settings.pack).gazetteer] if codes else []
    if unknown := [code for code in codes if code not in known]:
        raise click.ClickException(f"There is no district {unknown[0]}. The districts are: {', '.join(known)}.")


def _check_way(store: Store, number: int, through: int) -> None:
    """Whether a station can be reached through another: one that exchanges with this one itself."""
    known, way = store.read(lambda tx: (stations.find(tx, through), stations.through(tx, through)))
    if known is None:
        raise click.ClickException(f"Station {through:03} is not admitted here: add it first.")
    if through == number:
        raise click.ClickException(f"A station is not reached through itself; `sado station add {number}` admits it.")
    if way != through:
        raise click.ClickException(f"Station {through:03} is itself reached through station {way:03}: name that one.")


def _check_agency(settings: Settings, code: str) -> None:
    from menus import pack

    if code not in (known := pack.load(settings.pack).agencies):
        raise click.ClickException(f"There is no agency {code}. The agencies are: {', '.join(known)}.")


@contextmanager
def _locked(settings: Settings) -> Iterator[None]:
    """Hold the station's folder for this process. SQLite is safe with one process for each file (store/sqlite.py)."""
    lock = FileLock(settings.folder / "station.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise StoreError(
            f"The station in {settings.folder} is being served by another process: stop it first."
        ) from None
    try:
        put_in_order(settings.database)
        yield
    finally:
        lock.release()


@contextmanager
def _opened(settings: Settings) -> Iterator[Store]:
    with _locked(settings):
        store = wsgi.open_store(settings)
        try:
            yield store
        finally:
            store.close()


def _ask(settings: Settings, method: str, what: str, body: dict[str, str] | None = None) -> dict[str, list[str]]:
    """Ask the serving station; when none serves, do it in this process."""
    try:
        return local.call(settings, method, what, body)
    except local.NotServingError:
        with _opened(settings) as store:
            return local.do(wsgi.build(settings, store), method, what, body)


@contextmanager
def _asking(settings: Settings) -> Iterator[local.Ask]:
    """What asks several things in a row, each as `_ask` does; without a serving process the store stays open."""
    try:
        local.call(settings, "GET", "sync", None)
    except local.NotServingError:
        with _opened(settings) as store:
            station = wsgi.build(settings, store)
            yield lambda method, what, body: local.do(station, method, what, body)
    else:
        yield lambda method, what, body: local.call(settings, method, what, body)


def _on_signals() -> threading.Event:
    """What Ctrl-C, or a service manager's word, sets."""
    stopped = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stopped.set())
    return stopped


if __name__ == "__main__":
    main()
