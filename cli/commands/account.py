"""`sado account`: people who sign in to the pages."""

from __future__ import annotations

import secrets

import click

from sado.cases import audit
from sado.cases.audit import Action
from sado.cli import recording
from sado.cli.commands.agency import check_agency
from sado.cli.station_access import opened
from sado.desk import passwords
from sado.desk.roles import Role
from sado.settings import Settings
from sado.store import Transaction
from sado.store.tables import accounts


@click.group()
def account() -> None:
    """People who sign in to the pages."""


@account.command("add")
@click.argument("name")
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True)
@click.option("--agency", default="", help="Code of the officer's agency, such as HCU.")
@click.option(
    "--password", default="", envvar="ACCOUNT_PASSWORD", show_envvar=True, help="Minted and shown when empty."
)
@click.pass_obj
def account_add(settings: Settings, name: str, role: str, agency: str, password: str) -> None:
    """Create an account, or give it a new password."""
    if (role == Role.OFFICER) != bool(agency):
        raise click.ClickException("An officer needs --agency, and only an officer.")
    if not (name := name.strip()):
        raise click.ClickException("An account needs a name to sign in with.")
    chosen = password or secrets.token_urlsafe(12)
    hashed = passwords.hash_password(chosen)
    with opened(settings) as store:
        if agency:
            check_agency(store, settings.pack, agency)
        is_new = store.read(lambda tx: accounts.find(tx, name)) is None
        store.write(lambda tx: _save(tx, name, hashed, role, agency))
    says = f"{name} may sign in." if is_new else f"{name} has a new password; the old one is of no use any more."
    click.echo(says if password else f"{says} Password: {chosen}")


def _save(tx: Transaction, name: str, hashed: str, role: str, agency: str) -> None:
    accounts.save(tx, name, hashed, role, agency)
    audit.record(tx, recording.user(), Action.ACCOUNT_CHANGED, name, f"{role} {agency}".rstrip())
