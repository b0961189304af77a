"""`sado agency`: the agencies that receive cases."""

from __future__ import annotations

import secrets

import click

from sado.cases import audit
from sado.cases.audit import Action
from sado.cli import recording
from sado.cli.station_access import opened
from sado.publishing import checking
from sado.settings import Settings
from sado.store import Store, Transaction
from sado.store.tables import accounts


@click.group()
def agency() -> None:
    """The agencies that receive cases."""


@agency.command("token")
@click.argument("code")
@click.pass_obj
def agency_token(settings: Settings, code: str) -> None:
    """Give an agency's system a new token for the API, in place of an earlier one."""
    token = secrets.token_urlsafe(32)
    with opened(settings) as store:
        check_agency(store, settings.pack, code)
        store.write(lambda tx: _save(tx, code, token))
    click.echo(token)


def _save(tx: Transaction, code: str, token: str) -> None:
    accounts.save_token(tx, code, token)
    audit.record(tx, recording.user(), Action.TOKEN_CHANGED, code)


def check_agency(store: Store, pack: str, code: str) -> None:
    """Refuse a code that is no agency of the pack that the station serves; `pack` is what its settings name. Raises
    ClickException."""
    if code not in (agencies := checking.served(store, pack).agencies):
        raise click.ClickException(f"There is no agency {code}. The agencies are: {', '.join(agencies)}.")
