"""Letting stations in, renewing their keys and turning them away, at once also while this station serves: each frame is
held against the key of that moment (sync/exchange/server.py). And taking out of the results what one made up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sado.cases.residents import consultation
from sado.desk.administration.errors import RefusedError
from sado.desk.language import N_
from sado.menus.pack import Pack
from sado.store import Store, Transaction
from sado.store.tables import identity, stations
from sado.store.tables.stations import Admitted
from sado.sync import outbox
from sado.sync.blobs import publish

NO_DISTRICT = N_("There is no district {code}. The districts are: {codes}.")
NO_NUMBER = N_("A station has a number from 0 to {most}.")
ITSELF = N_("Station {number} is this station itself.")
NOT_ADMITTED = N_("Station {number} is not admitted here: add it first.")
THROUGH_ITSELF = N_("A station is not reached through itself; without a station between, it is admitted directly.")
THROUGH_TWO = N_("Station {number} is itself reached through station {way}: name that one.")
KEY_ELSEWHERE = N_("Station {number} is reached through station {way}, where its key is.")
COUNTED_ELSEWHERE = N_("Station {number} is reached through station {way}, and its votes count as that one's.")
MOST_NUMBER = 999


@dataclass(frozen=True)
class Stations:
    """The stations that exchange with this one; `pack` gives what it serves, with the districts that there are."""

    store: Store
    pack: Callable[[], Pack]

    def every(self) -> list[Admitted]:
        """All stations that are admitted, by number."""
        return self.store.read(stations.every)

    def add(self, number: int, districts: Sequence[str] = (), through: int | None = None) -> str:
        """Admit a station for these districts, or all where none is named; its key, a new one where it is admitted
        already. With `through` it has no key here: that station speaks for it. Raises RefusedError."""
        self._check(number, districts)
        return self.store.write(lambda tx: _add(tx, number, districts, through))

    def rekey(self, number: int) -> str:
        """A new key for a station; the old one is refused from now on. Raises RefusedError."""
        return self.store.write(lambda tx: _rekey(tx, number))

    def revoke(self, number: int) -> None:
        """Admit a station no more. What it sent stays, and what waits for it waits on. Raises RefusedError."""
        if not self.store.write(lambda tx: stations.remove(tx, number)):
            raise RefusedError(NOT_ADMITTED, number=_shown(number))

    def drop_votes(self, number: int) -> int:
        """Take all votes of a station out of the results; how many. Raises RefusedError for one behind another."""
        return self.store.write(lambda tx: _drop_votes(tx, number))

    def _check(self, number: int, districts: Sequence[str]) -> None:
        if not 0 <= number <= MOST_NUMBER:
            raise RefusedError(NO_NUMBER, most=MOST_NUMBER)
        codes = [place.code for place in self.pack().gazetteer] if districts else []
        if unknown := sorted({*districts} - {*codes}):
            raise RefusedError(NO_DISTRICT, code=unknown[0], codes=", ".join(codes))


def _drop_votes(tx: Transaction, number: int) -> int:
    if (way := stations.through(tx, number)) != number:
        raise RefusedError(COUNTED_ELSEWHERE, number=_shown(number), way=_shown(way))
    return consultation.withdraw(tx, outbox.station(number))


def _add(tx: Transaction, number: int, districts: Sequence[str], through: int | None) -> str:
    own = identity.find(tx)
    if own is not None and own.number == number:
        raise RefusedError(ITSELF, number=_shown(number))
    if through is not None:
        _check_way(tx, number, through)
        stations.set_through(tx, number, through)
        publish.offer_all(tx, through)
        return ""
    key = stations.add(tx, number, districts)
    stations.set_through(tx, number, number)
    publish.offer_all(tx, number)
    return key.hex()


def _check_way(tx: Transaction, number: int, through: int) -> None:
    """Refuse a way that is none: only a station that exchanges with this one itself can stand between."""
    if stations.find(tx, through) is None:
        raise RefusedError(NOT_ADMITTED, number=_shown(through))
    if through == number:
        raise RefusedError(THROUGH_ITSELF)
    if (way := stations.through(tx, through)) != through:
        raise RefusedError(THROUGH_TWO, number=_shown(through), way=_shown(way))


def _rekey(tx: Transaction, number: int) -> str:
    if (way := stations.through(tx, number)) != number:
        raise RefusedError(KEY_ELSEWHERE, number=_shown(number), way=_shown(way))
    key = stations.rekey(tx, number)
    if key is None:
        raise RefusedError(NOT_ADMITTED, number=_shown(number))
    return key.hex()


def _shown(number: int) -> str:
    return f"{number:03}"
