"""`sado registers`: what agencies publish for lookups."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click
import msgspec

from sado.cases.registers import csv_file
from sado.cases.registers.csv_file import RegisterFile, Report
from sado.cases.registers.loading import Line, Load, Removed, Step
from sado.channel.effects.register_words import registers_of
from sado.cli.client import Ask, NotServingError
from sado.cli.progress import tell
from sado.cli.publication import key_option, publish
from sado.cli.station_access import ask, asking
from sado.menus.reading import pack as packs
from sado.settings import Settings
from sado.store.tables.packs import PackRow


@click.group()
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
    with asking(settings) as step:
        _load(step, file, register or file.stem, as_of, whole)


@registers.command("publish")
@click.argument("register")
@key_option
@click.pass_obj
def registers_publish(settings: Settings, register: str, key: Path | None) -> None:
    """Sign REGISTER as it is here now, and offer it to the stations, to each the districts that it serves."""
    new = publish(settings, "publish", {"register": register}, key)["new"]
    said = "is offered to the stations" if new else "is what the stations were offered before"
    click.echo(f"{register} {said}. `sado pack status` tells who has it.")


@registers.command("status")
@click.pass_obj
def registers_status(settings: Settings) -> None:
    """How many rows each register has, and of which day."""
    for line in ask(settings, "GET", "registers")["lines"]:
        click.echo(line)


class Steps:
    """The steps of loading a register (cases/registers/loading.py), asked for through the control API."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def begin(self, register: str, as_of: str) -> Load:
        """Number the load. Raises StoreError or RegisterError."""
        return msgspec.convert(self._do("begin", register=register, as_of=as_of), Load)

    def keep(self, load: Load, lines: Sequence[Line]) -> Step:
        """Keep some lines."""
        return msgspec.convert(self._do("keep", load=load, lines=list(lines)), Step)

    def remove(self, load: Load, after: str) -> Removed:
        """Remove some rows that were not named."""
        return msgspec.convert(self._do("remove", load=load, after=after), Removed)

    def end(self, load: Load, is_sample: bool) -> None:
        """The load is done."""
        self._do("end", load=load, is_sample=is_sample)

    def _do(self, step: str, **body: Any) -> Any:
        return self._ask("POST", "registers", msgspec.to_builtins({"step": step, **body}))["done"]


def _load(ask: Ask, path: Path, name: str, as_of: datetime | None, is_whole: bool) -> None:
    """Load the file with progress, and say what came of it. Raises RegisterError or StoreError; ends with exit code 1
    when there were lines and none could be kept."""
    served = msgspec.convert(ask("GET", "files", None), PackRow)
    declared = registers_of(packs.build(served.name, served.files))
    day = as_of.date() if as_of else declared.today(int(path.stat().st_mtime * 1000))
    with RegisterFile(path, declared.get(name), declared.languages) as file:
        report = _loaded(file, Steps(ask), name, day, is_whole)
    tell([f"line {number}: {fault}" for number, fault in report.rejected], err=True)
    if report.rejected and not report.kept:
        raise click.ClickException(f"No line of {path} could be kept: the register is as it was.")
    _tell(report, name, day, is_whole)
    if report.new or report.changed or report.removed:
        click.echo(f"Stations get it with `sado registers publish {name}`.")


def _loaded(file: RegisterFile, steps: Steps, name: str, day: date, is_whole: bool) -> Report:
    with click.progressbar(length=file.size, label=name) as bar:
        try:
            return csv_file.load(
                file, steps, name, day.isoformat(), is_whole, lambda position: bar.update(position - bar.pos)
            )
        except NotServingError:
            raise click.ClickException(
                "The station stopped meanwhile. What was loaded is kept; run this again to finish."
            ) from None


def _tell(report: Report, name: str, day: date, is_whole: bool) -> None:
    counts = ("read", "new", "changed", "unchanged", "removed")
    said = [f"{getattr(report, count)} {count}" for count in counts] + [f"{len(report.rejected)} rejected"]
    click.echo(f"{name} as of {day:%d.%m.%Y}: {', '.join(said)}.")
    if report.samples:
        click.echo("These are samples: invented rows, to be replaced with --whole before real use.")
    if is_whole and report.nameless:
        click.echo("Nothing was removed: some rejected lines do not tell which row they mean. Correct them first.")
