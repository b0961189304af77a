"""`sado agency`: the agencies that receive cases."""

from __future__ import annotations

import secrets

import click

from sado.cli.station_access import opened
from sado.menus.reading import pack
from sado.settings import Settings
from sado.store.tables import accounts


@click.group()
def agency() -> None:
    """The agencies that receive cases."""


@agency.command("token")
@click.argument("code")
@click.pass_obj
def agency_token(settings: Settings, code: str) -> None:
    """Give an agency's system a new token for the API, in place of an earlier one."""
    check_agency(settings, code)
    token = secrets.token_urlsafe(32)
    with opened(settings) as store:
        store.write(lambda tx: accounts.save_token(tx, code, token))
    click.echo(token)


def check_agency(settings: Settings, code: str) -> None:
    """Refuse a code that is no agency of the pack. Raises ClickException."""
    if code not in (known := pack.load(settings.pack).agencies):
        raise click.ClickException(f"There is no agency {code}. The agencies are: {', '.join(known)}.")
