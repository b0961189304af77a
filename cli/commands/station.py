"""`sado station`: who exchanges with this station."""

from __future__ import annotations

import datetime
from typing import Any

import click

from sado.cli import administration
from sado.cli.publication import publisher_of
from sado.settings import Settings
from sado.store.zone_time import shown

NUMBER = click.IntRange(0, 999)


@click.group()
def station() -> None:
    """The stations that exchange with this one."""


@station.command("list")
@click.pass_obj
def station_list(settings: Settings) -> None:
    """Say which stations are admitted, for which districts, by which way, and when each was last heard."""
    listed = administration.ask(settings, "station list")
    for one in listed:
        click.echo(_told(one))
    if not listed:
        click.echo("No station is admitted.")


@station.command("add")
@click.argument("number", type=NUMBER)
@click.option("--district", "districts", multiple=True, help="Code of a district that it serves. Default: all.")
@click.option("--through", type=NUMBER, help="The station that stands between it and this one.")
@click.pass_obj
def station_add(settings: Settings, number: int, districts: tuple[str, ...], through: int | None) -> None:
    """Admit a station; prints what to put in its upstream.key: the key of the line, and that of the publisher. One that
    is reached through another has no key here: it exchanges with that one, which speaks for it. One that is admitted
    already gets a new key."""
    key = administration.ask(settings, "station add", number=number, districts=districts, through=through)
    if through is None:
        _say_key(settings, key)
    else:
        click.echo(f"Station {number:03} is reached through station {through:03}, which may speak for it.")


@station.command("rekey")
@click.argument("number", type=NUMBER)
@click.pass_obj
def station_rekey(settings: Settings, number: int) -> None:
    """Give a station a new key; prints what to put in its upstream.key. The old one is refused from now on."""
    _say_key(settings, administration.ask(settings, "station rekey", number=number))


@station.command("revoke")
@click.argument("number", type=NUMBER)
@click.pass_obj
def station_revoke(settings: Settings, number: int) -> None:
    """Admit a station no more: its key was stolen, or it is gone. What it sent before stays."""
    administration.ask(settings, "station revoke", number=number)
    click.echo(f"Station {number:03} is not admitted any more: its next frame is refused.")
    click.echo(f"What waits for it goes on waiting, for `sado station add {number}`.")


@station.command("drop-votes")
@click.argument("number", type=NUMBER)
@click.pass_obj
def station_drop_votes(settings: Settings, number: int) -> None:
    """Take every vote that a station sent out of the results of polls and ratings: whoever had its key could make them
    up. Those of real phones go with them."""
    dropped = administration.ask(settings, "station drop-votes", number=number)
    click.echo(f"Votes of station {number:03} that count no more: {dropped}.")


def _told(one: dict[str, Any]) -> str:
    way = "" if one["through"] == one["number"] else f", through station {one['through']:03}"
    heard = f"last heard {shown(one['seen_at'], datetime.UTC)} UTC" if one["seen_at"] else "never heard"
    return f"Station {one['number']:03}: {' '.join(one['districts']) or 'all districts'}{way}, {heard}."


def _say_key(settings: Settings, key: str) -> None:
    """The two lines of an upstream.key."""
    click.echo(key)
    if public := publisher_of(settings):
        click.echo(public.hex())
