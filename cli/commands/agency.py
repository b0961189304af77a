"""`sado agency`: the agencies that receive cases."""

from __future__ import annotations

import datetime

import click

from sado.cli import administration
from sado.settings import Settings
from sado.store.zone_time import shown


@click.group()
def agency() -> None:
    """The agencies that receive cases."""


@agency.command("list")
@click.pass_obj
def agency_list(settings: Settings) -> None:
    """Say which agencies there are, and since when the system of each has a token."""
    for one in administration.ask(settings, "agency list"):
        since = one["token_since"]
        click.echo(f"{one['code']}: {f'a token since {shown(since, datetime.UTC)} UTC' if since else 'no token'}")


@agency.command("token")
@click.argument("code")
@click.pass_obj
def agency_token(settings: Settings, code: str) -> None:
    """Give an agency's system a new token for the API, in place of an earlier one."""
    click.echo(administration.ask(settings, "agency token", code=code))


@agency.command("revoke-token")
@click.argument("code")
@click.pass_obj
def agency_revoke_token(settings: Settings, code: str) -> None:
    """Let an agency's system in no more; its officers still sign in."""
    administration.ask(settings, "agency revoke-token", code=code)
    click.echo(f"No system speaks for {code} any more. `sado agency token {code}` gives it a new token.")
