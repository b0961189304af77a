"""`sado account`: people who sign in to the pages."""

from __future__ import annotations

import secrets

import click

from sado.cli.commands.agency import check_agency
from sado.cli.station_access import opened
from sado.desk import passwords
from sado.desk.roles import Role
from sado.settings import Settings
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
    """Create an account, or give it a new password. One that was minted she has to change when she first signs in."""
    if (role == Role.OFFICER) != bool(agency):
        raise click.ClickException("An officer needs --agency, and only an officer.")
    if not (name := name.strip()):
        raise click.ClickException("An account needs a name to sign in with.")
    chosen = password or secrets.token_urlsafe(12)
    hashed = passwords.hash_password(chosen, name)
    with opened(settings) as store:
        if agency:
            check_agency(store, settings.pack, agency)
        is_new = store.read(lambda tx: accounts.find(tx, name)) is None
        store.write(lambda tx: accounts.save(tx, name, hashed, role, agency, must_change=not password))
    says = f"{name} may sign in." if is_new else f"{name} has a new password; the old one is of no use any more."
    click.echo(says if password else f"{says} Password: {chosen}")


@account.command("totp-off")
@click.argument("name")
@click.pass_obj
def account_totp_off(settings: Settings, name: str) -> None:
    """Ask somebody for no code any more, whose phone is lost; be sure that it is she who asks."""
    with opened(settings) as store:
        found = store.read(lambda tx: accounts.find(tx, name))
        if found is None:
            raise click.ClickException(f"There is no account {name!r}.")
        store.write(lambda tx: accounts.clear_totp(tx, name))
    click.echo(f"{name} signs in with the password alone." if found.has_totp else f"{name} was asked for no code.")
