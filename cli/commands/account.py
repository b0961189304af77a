"""`sado account`: people who sign in to the pages."""

from __future__ import annotations

import click

from sado.cli import administration
from sado.desk.roles import Role
from sado.settings import Settings

PASSWORD = click.option(
    "--password", default="", envvar="ACCOUNT_PASSWORD", show_envvar=True, help="Minted and shown when empty."
)


@click.group()
def account() -> None:
    """People who sign in to the pages."""


@account.command("list")
@click.pass_obj
def account_list(settings: Settings) -> None:
    """Say who may sign in, and as what."""
    listed = administration.ask(settings, "account list")
    for one in listed:
        role = f"{one['role']} of {one['agency']}" if one["agency"] else one["role"]
        click.echo(f"{one['name']}: {one['full_name']}, {role}{', disabled' if one['is_disabled'] else ''}")
    if not listed:
        click.echo("There is no account yet.")


@account.command("add")
@click.argument("name")
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True)
@click.option("--agency", default="", help="Code of the officer's agency, such as HCU.")
@click.option("--full-name", default="", help="What others read of her. Default: the name she signs in with.")
@click.option("--language", default="", help="What the pages speak to her, such as tg. Default: as her browser asks.")
@PASSWORD
@click.pass_obj
def account_add(
    settings: Settings, name: str, role: str, agency: str, full_name: str, language: str, password: str
) -> None:
    """Let somebody in who has no account."""
    person = {"name": name, "role": role, "agency": agency, "full_name": full_name, "language": language}
    chosen = administration.ask(settings, "account add", **person, password=password)
    _say(f"{name.strip()} may sign in.", password, chosen)


@account.command("password")
@click.argument("name")
@PASSWORD
@click.pass_obj
def account_password(settings: Settings, name: str, password: str) -> None:
    """Give somebody a new password; her sign-ins end."""
    chosen = administration.ask(settings, "account password", name=name, password=password)
    _say(f"{name} has a new password; the old one is of no use any more.", password, chosen)


@account.command("disable")
@click.argument("name")
@click.pass_obj
def account_disable(settings: Settings, name: str) -> None:
    """Let somebody in no more, until she is enabled again; her sign-ins end."""
    administration.ask(settings, "account disable", name=name)
    click.echo(f"{name} may sign in no more, and is signed out. `sado account enable {name}` takes that back.")


@account.command("enable")
@click.argument("name")
@click.pass_obj
def account_enable(settings: Settings, name: str) -> None:
    """Let somebody in again who was disabled."""
    administration.ask(settings, "account enable", name=name)
    click.echo(f"{name} may sign in again.")


@account.command("remove")
@click.argument("name")
@click.pass_obj
def account_remove(settings: Settings, name: str) -> None:
    """Take an account away for good; its name is never another's, so that what is told of earlier days stays true."""
    administration.ask(settings, "account remove", name=name)
    click.echo(f"{name} has no account any more, and is signed out. The name stays hers.")


@account.command("end-sessions")
@click.argument("name")
@click.pass_obj
def account_end_sessions(settings: Settings, name: str) -> None:
    """Sign somebody out everywhere; she may sign in again."""
    administration.ask(settings, "account end-sessions", name=name)
    click.echo(f"{name} is signed out everywhere, and may sign in again.")


@account.command("totp-off")
@click.argument("name")
@click.pass_obj
def account_totp_off(settings: Settings, name: str) -> None:
    """Ask somebody for no code any more, whose phone is lost; be sure that it is she who asks."""
    had = administration.ask(settings, "account totp-off", name=name)
    click.echo(f"{name} signs in with the password alone." if had else f"{name} was asked for no code.")


def _say(what: str, given: str, chosen: str) -> None:
    """A password that was given is not said again."""
    click.echo(what if given else f"{what} Password: {chosen}")
