"""The effects that trees ask for by name, and what each does. This is where the menus meet the cases."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from cases import access, service
from cases.access import Refusal
from cases.service import Appeal, Cases
from menus.engine import Effect, Outcome
from menus.layout import clean
from menus.pack import Pack
from menus.tree import TreeError
from store import Transaction, subscribers
from store.cases import CaseRow

MOST_PLACES = 9
Handler = Callable[[Transaction, str, Effect], Outcome]


class Effects:
    """Performs effects for one station and pack."""

    def __init__(self, cases: Cases, pack: Pack) -> None:
        self._cases = cases
        self._pack = pack
        self._zone = ZoneInfo(pack.time_zone)
        self._handlers: Mapping[str, Handler] = {
            "remember_language": self._remember_language,
            "find_place": self._find_place,
            "places_in_region": self._places_in_region,
            "open_case": self._open_case,
            "my_cases": self._my_cases,
            "read_case": self._read_case,
            "read_answer": self._read_answer,
        }
        _check(pack, self._handlers)

    def perform(self, tx: Transaction, msisdn: str, effect: Effect) -> Outcome:
        """Do it for the subscriber with this number, and say how it went."""
        return self._handlers[effect.name](tx, msisdn, effect)

    def _remember_language(self, tx: Transaction, msisdn: str, effect: Effect) -> Outcome:
        subscribers.remember_language(tx, msisdn, effect.language)
        return Outcome("done")

    def _find_place(self, tx: Transaction, msisdn: str, effect: Effect) -> Outcome:
        found = self._pack.gazetteer.find(effect.answers["typed_place"])
        if len(found) == 1:
            place = found[0]
            return Outcome("one", {"place": place.names[effect.language], "found": place.code})
        if not found or len(found) > MOST_PLACES:
            return Outcome("none")
        return Outcome("several", items=[(place.code, place.names[effect.language]) for place in found])

    def _places_in_region(self, tx: Transaction, msisdn: str, effect: Effect) -> Outcome:
        places = self._pack.gazetteer.in_region(effect.answers["region"])
        return Outcome("listed", items=[(place.code, place.short[effect.language]) for place in places])

    def _open_case(self, tx: Transaction, msisdn: str, effect: Effect) -> Outcome:
        answers = effect.answers
        appeal = Appeal(
            kind=answers["kind"],
            topic=answers["topic"],
            place=answers["place"],
            agency=self._pack.routing[answers["topic"]],
            language=effect.language,
            msisdn=msisdn,
            name=answers["name"],
            text=answers["text"],
        )
        filed = self._cases.open(tx, appeal)
        return Outcome("saved", {"ref": filed.reference, "pin": filed.pin})

    def _my_cases(self, tx: Transaction, msisdn: str, effect: Effect) -> Outcome:
        """Numbers and statuses only: a list on a shared phone does not say what the appeals are about."""
        found = service.mine(tx, msisdn)
        if not found:
            return Outcome("none")
        items = [(case.reference, f"{case.reference} {self._status(case, effect)}") for case in found]
        return Outcome("some", items=items)

    def _read_case(self, tx: Transaction, msisdn: str, effect: Effect) -> Outcome:
        case = self._opened(tx, msisdn, effect)
        if isinstance(case, Refusal):
            return Outcome(case.value)
        values = {
            "ref": case.reference,
            "status": self._status(case, effect),
            "date": self._date(self._cases.as_of(tx, case)),
        }
        return Outcome("replied" if service.last_words(tx, case.reference) else "waiting", values)

    def _read_answer(self, tx: Transaction, msisdn: str, effect: Effect) -> Outcome:
        case = self._opened(tx, msisdn, effect)
        if isinstance(case, Refusal):
            return Outcome(Refusal.LOCKED.value if case is Refusal.LOCKED else Refusal.WRONG.value)
        return Outcome("replied", {"answer": clean(service.last_words(tx, case.reference))})

    def _opened(self, tx: Transaction, msisdn: str, effect: Effect) -> CaseRow | Refusal:
        return access.open_for(tx, effect.answers["reference"], msisdn, effect.answers.get("pin", ""))

    def _status(self, case: CaseRow, effect: Effect) -> str:
        return self._pack.status(case.status, effect.language)

    def _date(self, at: int) -> str:
        return datetime.fromtimestamp(at / 1000, self._zone).strftime("%d.%m.%Y")


def _check(pack: Pack, handlers: Mapping[str, Handler]) -> None:
    """Raises TreeError for an effect that nobody performs: better at the start than in a resident's session."""
    asked = {screen.effect for screen in pack.tree.screens.values() if screen.kind == "do"}
    if unknown := asked - set(handlers):
        raise TreeError(f"The pack {pack.name!r} asks for effects that do not exist: {', '.join(sorted(unknown))}.")
