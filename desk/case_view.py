"""A case, its numbers, places and actors in the words of the page, for every desk that shows one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sado.cases import statuses
from sado.desk import language, words
from sado.desk.language import _
from sado.desk.people import People
from sado.menus.pack import Pack
from sado.store.tables.cases import CaseRow, EventRow
from sado.store.tables.requests import RequestRow


@dataclass(frozen=True)
class CaseView:
    """A case with its codes put into words."""

    case: CaseRow
    msisdn: str
    kind: str
    topic: str
    place: str
    agency: str
    status: str
    term: words.Term | None

    @property
    def subject(self) -> str:
        """What it is about: kind and topic, or the one word for both."""
        return self.kind if self.kind == self.topic else f"{self.kind}: {self.topic}"


def case_view(pack: Pack, case: CaseRow, events: Sequence[EventRow] = ()) -> CaseView:
    """The case in the words of the pack; a code that the pack does not know shows as it came. How a done case stood
    against its last day needs its `events`."""
    spoken = language.current()
    return CaseView(
        case=case,
        msisdn=masked(case.msisdn),
        kind=pack.case_word("kind", case.kind, spoken),
        topic=pack.case_word("topic", case.topic, spoken),
        place=pack.gazetteer.name(case.place, spoken) or "–",
        agency=agency_name(pack, case.agency),
        status=pack.status(case.status, spoken),
        term=words.term(case, events),
    )


def agency_name(pack: Pack, code: str) -> str:
    """The agency in the page's language; one that the pack does not know shows as its code."""
    return pack.agencies[code].names.get(language.current(), code) if code in pack.agencies else code


def other_agencies(pack: Pack, code: str) -> list[tuple[str, str]]:
    """(name, code) of every agency that a case of this one may go to, in the order of the page's language."""
    return sorted((agency_name(pack, other), other) for other in pack.agencies if other != code)


def history(pack: Pack, events: Sequence[EventRow], who: People) -> list[tuple[str, str, EventRow]]:
    """Each event as what happened, who did it, and the event."""
    return [(_happened(pack, event), done_by(pack, event, who), event) for event in events]


def masked(msisdn: str) -> str:
    """A number by its last three digits: enough to tell two apart, too little to call."""
    return f"… {msisdn[-3:]}" if msisdn else _("deleted at the resident's wish")


def actor_name(pack: Pack, actor: str) -> str:
    """Who did it, in words."""
    who, _colon, code = actor.partition(":")
    return agency_name(pack, code) if who == "agency" else words.actor(who)


def done_by(pack: Pack, made: EventRow | RequestRow, who: People) -> str:
    """For whom it was done and, where that is known, who did it."""
    actor, person = actor_name(pack, made.actor), who.get(made.person)
    return f"{actor}, {person.words}" if person else actor


def _happened(pack: Pack, event: EventRow) -> str:
    if event.kind == statuses.FORWARDED and event.agency:
        return _("Forwarded to: {agency}", agency=agency_name(pack, event.agency))
    return words.event(event.kind)
