"""The command line: the commands of `cli/commands/`, each read when it is used, since most need little of Sado."""

from __future__ import annotations

import logging
import os
import sys
from collections import UserDict
from importlib import import_module
from pkgutil import iter_modules

import click

from sado import settings
from sado.channel.settings import BLOCKS
from sado.cli import commands
from sado.settings import SettingsError
from sado.store import DiskError, StoreError

EXPECTED = (SettingsError, StoreError, DiskError, ValueError, OSError)
COMMANDS = tuple(sorted(module.name for module in iter_modules(commands.__path__)))


class Modules(UserDict[str, click.Command]):
    """The commands by name, each in the module of its name, which is read when somebody looks."""

    def __getitem__(self, name: str) -> click.Command:
        if name not in self.data:
            raise KeyError(name)
        command: click.Command = getattr(import_module(f"sado.cli.commands.{name}"), name)
        return command


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


@click.group(
    cls=Commands,
    commands=Modules(dict.fromkeys(COMMANDS)),  # type: ignore[arg-type]
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="sado")
@click.pass_context
def main(ctx: click.Context) -> None:
    """Sado: deal with the state from any phone. Settings are SADO_* variables; docs/settings.md lists them."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    for noisy in ("apscheduler", "waitress.queue", "urllib3"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    ctx.obj = settings.load(os.environ, BLOCKS)
