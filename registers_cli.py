"""What `sado registers load` and `publish` do and say."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import click

from cases import register_file
from cases.register_file import RegisterFile, Report
from channel.register_words import registers_of
from local import Ask, NotServingError, Steps
from menus import pack as packs

MOST_TOLD = 20


def load(pack: str, ask: Ask, path: Path, name: str, as_of: datetime | None, is_whole: bool) -> None:
    """Load the file with progress, and say what came of it. Raises RegisterError or StoreError; ends with exit code 1
    when there were lines and none could be kept."""
    known = registers_of(packs.load(pack))
    day = as_of.date() if as_of else known.today(int(path.stat().st_mtime * 1000))
    with RegisterFile(path, known.get(name), known.languages) as file:
        report = _load(file, Steps(ask), name, day, is_whole)
    for number, fault in report.rejected[:MOST_TOLD]:
        click.echo(f"line {number}: {fault}", err=True)
    if (more := len(report.rejected) - MOST_TOLD) > 0:
        click.echo(f"and {more} more", err=True)
    if report.rejected and not report.kept:
        raise click.ClickException(f"No line of {path} could be kept: the register is as it was.")
    _tell(report, name, day, is_whole)
    if report.new or report.changed or report.removed:
        click.echo(f"Stations get it with `sado registers publish {name}`.")


def publish(ask: Ask, name: str) -> None:
    """Offer a register to the stations. Raises StoreError or RegisterError."""
    new = ask("POST", "publish", {"register": name})["new"]
    said = "is offered to the stations" if new else "is what the stations were offered before"
    click.echo(f"{name} {said}. `sado pack status` tells who has it.")


def _load(file: RegisterFile, steps: Steps, name: str, day: date, is_whole: bool) -> Report:
    with click.progressbar(length=file.size, label=name) as bar:
        try:
            return register_file.load(
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
