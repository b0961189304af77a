"""Letting stations in, renewing their keys and turning them away, at once also while this station serves: each frame is
held against the key of that moment (sync/exchange/server.py). And taking out of the results what one made up."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Literal

import msgspec

from sado.cases.residents import consultation
from sado.store import Store, StoreError, Transaction
from sado.store.tables import identity, stations
from sado.sync import outbox
from sado.sync.blobs import publish


class Change(msgspec.Struct, frozen=True):
    """What is to become of the station with this number. One that is added serves these districts, or all where none is
    named; with `through` it has no key here, and that one speaks for it."""

    what: Literal["add", "rekey", "revoke", "drop-votes"]
    number: int
    districts: tuple[str, ...] = ()
    through: int | None = None


def change(store: Store, districts: Callable[[], Collection[str]], body: Any) -> dict[str, Any]:
    """Make the change that this body says, all of it or nothing; `lines` to print. `districts` gives the codes that the
    pack has. Raises StoreError."""
    wanted = msgspec.convert(body, Change)
    if unknown := sorted({*wanted.districts} - {*districts()}) if wanted.districts else []:
        raise StoreError(f"There is no district {unknown[0]}. The districts are: {', '.join(districts())}.")
    act = {"add": _add, "rekey": _rekey, "revoke": _revoke, "drop-votes": _drop_votes}[wanted.what]
    return {"lines": store.write(lambda tx: act(tx, wanted))}


def _add(tx: Transaction, wanted: Change) -> list[str]:
    number, through = wanted.number, wanted.through
    own = identity.find(tx)
    if own is not None and own.number == number:
        raise StoreError(f"Station {number:03} is this station itself.")
    if through is not None:
        _check_way(tx, number, through)
        stations.set_through(tx, number, through)
        publish.offer_all(tx, through)
        return [f"Station {number:03} is reached through station {through:03}, which may speak for it."]
    key = stations.add(tx, number, wanted.districts)
    stations.set_through(tx, number, number)
    publish.offer_all(tx, number)
    return [key.hex()]


def _check_way(tx: Transaction, number: int, through: int) -> None:
    """Refuse a way that is none: only a station that exchanges with this one itself can stand between."""
    if stations.find(tx, through) is None:
        raise StoreError(f"Station {through:03} is not admitted here: add it first.")
    if through == number:
        raise StoreError(f"A station is not reached through itself; `sado station add {number}` admits it.")
    if (way := stations.through(tx, through)) != through:
        raise StoreError(f"Station {through:03} is itself reached through station {way:03}: name that one.")


def _rekey(tx: Transaction, wanted: Change) -> list[str]:
    number = wanted.number
    if (way := stations.through(tx, number)) != number:
        raise StoreError(f"Station {number:03} is reached through station {way:03}, where its key is.")
    key = stations.rekey(tx, number)
    if key is None:
        raise StoreError(f"Station {number:03} is not admitted here: `sado station add {number}` admits it.")
    return [key.hex()]


def _revoke(tx: Transaction, wanted: Change) -> list[str]:
    if not stations.remove(tx, wanted.number):
        raise StoreError(f"Station {wanted.number:03} is not admitted here.")
    return [
        f"Station {wanted.number:03} is not admitted any more: its next frame is refused.",
        f"What waits for it goes on waiting, for `sado station add {wanted.number}`.",
    ]


def _drop_votes(tx: Transaction, wanted: Change) -> list[str]:
    if (way := stations.through(tx, wanted.number)) != wanted.number:
        raise StoreError(
            f"Station {wanted.number:03} is reached through station {way:03}, and its votes are counted as of that one."
        )
    dropped = consultation.withdraw(tx, outbox.station(wanted.number))
    return [f"Votes of station {wanted.number:03} that count no more: {dropped}."]
