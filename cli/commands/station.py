"""`sado station`: who exchanges with this station."""

from __future__ import annotations

import click

from sado.cli.publication import publisher_of
from sado.cli.station_access import opened
from sado.publishing import checking
from sado.settings import Settings
from sado.store import Store
from sado.store.tables import identity, stations
from sado.sync.blobs import publish


@click.group()
def station() -> None:
    """The stations that exchange with this one."""


@station.command("add")
@click.argument("number", type=click.IntRange(0, 999))
@click.option("--district", "districts", multiple=True, help="Code of a district that it serves. Default: all.")
@click.option("--through", type=click.IntRange(0, 999), help="The station that stands between it and this one.")
@click.pass_obj
def station_add(settings: Settings, number: int, districts: tuple[str, ...], through: int | None) -> None:
    """Admit a station; prints what to put in its upstream.key: the key of the line, and that of the publisher. One that
    is reached through another has no key here: it exchanges with that one, which speaks for it."""
    with opened(settings) as store:
        _check_districts(store, settings.pack, districts)
        own = store.read(identity.find)
        if own is not None and own.number == number:
            raise click.ClickException(f"Station {number:03} is this station itself.")
        if through is not None:
            _check_way(store, number, through)
            store.write(lambda tx: stations.set_through(tx, number, through))
            store.write(lambda tx: publish.offer_all(tx, through))
            click.echo(f"Station {number:03} is reached through station {through:03}, which may speak for it.")
            return
        key = store.write(lambda tx: stations.add(tx, number, districts))
        store.write(lambda tx: stations.set_through(tx, number, number))
        store.write(lambda tx: publish.offer_all(tx, number))
    click.echo(key.hex())
    if public := publisher_of(settings):
        click.echo(public.hex())


def _check_districts(store: Store, pack: str, codes: tuple[str, ...]) -> None:
    districts = [place.code for place in checking.served(store, pack).gazetteer] if codes else []
    if unknown := [code for code in codes if code not in districts]:
        raise click.ClickException(f"There is no district {unknown[0]}. The districts are: {', '.join(districts)}.")


def _check_way(store: Store, number: int, through: int) -> None:
    """Refuse a way that is none: only a station that exchanges with this one itself can stand between. Raises
    ClickException."""
    admitted, way = store.read(lambda tx: (stations.find(tx, through), stations.through(tx, through)))
    if admitted is None:
        raise click.ClickException(f"Station {through:03} is not admitted here: add it first.")
    if through == number:
        raise click.ClickException(f"A station is not reached through itself; `sado station add {number}` admits it.")
    if way != through:
        raise click.ClickException(f"Station {through:03} is itself reached through station {way:03}: name that one.")
