"""Who made a move, as others read it: the full name of somebody whose account is here, and of others what they sign in
with and at which station."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sado.desk.language import _
from sado.store import Transaction
from sado.store.tables import accounts, identity
from sado.store.tables.cases import EventRow
from sado.store.tables.requests import RequestRow


@dataclass(frozen=True)
class Named:
    """Somebody, and the station that she is of where it is another. An agency's own system has no name."""

    name: str
    station: str

    @property
    def words(self) -> str:
        """As a page has her."""
        if not self.name:
            return _("its own system")
        return _("{name} at station {number}", name=self.name, number=self.station) if self.station else self.name


# What the history of a case has of a person → who that is.
People = Mapping[str, Named]


def of(tx: Transaction, made: Iterable[EventRow | RequestRow]) -> People:
    """The people who made these moves."""
    own = identity.find(tx)
    here = f"{own.number:03}" if own else ""
    return {person: _named(tx, person, here) for person in {one.person for one in made} if person}


def _named(tx: Transaction, person: str, here: str) -> Named:
    who, _space, station = person.rpartition(" ")
    kind, _colon, name = who.partition(":")
    if kind == "agency":
        return Named("", "")
    account = accounts.find(tx, name) if station == here else None
    return Named(account.full_name, "") if account else Named(name, station)
