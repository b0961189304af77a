"""`sado station`: who exchanges with this station."""

from __future__ import annotations

from typing import Any

import click

from sado.cli import client, recording, stations
from sado.cli.client import NotServingError
from sado.cli.publication import publisher_of
from sado.cli.station_access import opened
from sado.publishing import checking
from sado.settings import Settings
from sado.store import Store

NUMBER = click.IntRange(0, 999)


@click.group()
def station() -> None:
    """The stations that exchange with this one."""


@station.command("add")
@click.argument("number", type=NUMBER)
@click.option("--district", "districts", multiple=True, help="Code of a district that it serves. Default: all.")
@click.option("--through", type=NUMBER, help="The station that stands between it and this one.")
@click.pass_obj
def station_add(settings: Settings, number: int, districts: tuple[str, ...], through: int | None) -> None:
    """Admit a station; prints what to put in its upstream.key: the key of the line, and that of the publisher. One that
    is reached through another has no key here: it exchanges with that one, which speaks for it. One that is admitted
    already gets a new key."""
    _change(settings, {"what": "add", "number": number, "districts": districts, "through": through})
    if through is None:
        _say_publisher(settings)


@station.command("rekey")
@click.argument("number", type=NUMBER)
@click.pass_obj
def station_rekey(settings: Settings, number: int) -> None:
    """Give a station a new key; prints what to put in its upstream.key. The old one is refused from now on."""
    _change(settings, {"what": "rekey", "number": number})
    _say_publisher(settings)


@station.command("revoke")
@click.argument("number", type=NUMBER)
@click.pass_obj
def station_revoke(settings: Settings, number: int) -> None:
    """Admit a station no more: its key was stolen, or it is gone. What it sent before stays."""
    _change(settings, {"what": "revoke", "number": number})


@station.command("drop-votes")
@click.argument("number", type=NUMBER)
@click.pass_obj
def station_drop_votes(settings: Settings, number: int) -> None:
    """Take every vote that a station sent out of the results of polls and ratings: whoever had its key could make them
    up. Those of real phones go with them."""
    _change(settings, {"what": "drop-votes", "number": number})


def _change(settings: Settings, body: dict[str, Any]) -> None:
    """Have the serving station make the change; where none serves, make it here."""
    try:
        lines = client.call(settings, "POST", "station", body)["lines"]
    except NotServingError:
        with opened(settings) as store:
            recording.record(store, recording.user(), "POST", "station", body)
            lines = stations.change(store, lambda: _districts(store, settings.pack), body)["lines"]
    for line in lines:
        click.echo(line)


def _say_publisher(settings: Settings) -> None:
    if public := publisher_of(settings):
        click.echo(public.hex())


def _districts(store: Store, pack: str) -> list[str]:
    return [place.code for place in checking.served(store, pack).gazetteer]
