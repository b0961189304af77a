"""The steps of asking for a place: what was typed, and the lists to choose from."""

from __future__ import annotations

from collections.abc import Mapping

from sado.channel.effects.contract import Handler
from sado.menus.engine import Effect, Outcome
from sado.menus.pack import Pack
from sado.store import Transaction

MOST_PLACES = 9


class Places:
    """The effects that a prompt for a place is made of (menus/reading/showing.py)."""

    def __init__(self, pack: Pack) -> None:
        self._gazetteer = pack.gazetteer

    def handlers(self) -> Mapping[str, Handler]:
        """Each effect by its name."""
        return {
            "find_place": self._find,
            "regions": self._regions,
            "places_in_region": self._in_region,
        }

    def _find(self, tx: Transaction, msisdn: str, effect: Effect) -> Outcome:
        """One hit is `one` and still asked about: names repeat, and a near miss is a question."""
        places = self._gazetteer.find(effect.answers["typed_place"]).places
        if len(places) == 1:
            return Outcome("one", {"place": places[0].names[effect.language], "found": places[0].code})
        if not places or len(places) > MOST_PLACES:
            return Outcome("none")
        return Outcome("several", items=[(place.code, place.names[effect.language]) for place in places])

    def _regions(self, tx: Transaction, msisdn: str, effect: Effect) -> Outcome:
        regions = self._gazetteer.regions.items()
        return Outcome("listed", items=[(code, names[effect.language]) for code, names in regions])

    def _in_region(self, tx: Transaction, msisdn: str, effect: Effect) -> Outcome:
        places = self._gazetteer.in_region(effect.answers["region"])
        return Outcome("listed", items=[(place.code, place.short[effect.language]) for place in places])
