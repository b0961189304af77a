"""A village and the hub that cases are moved at, each with every event that came to it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from sado.cases import conflicts, statuses
from sado.cases.conflicts import Rule
from sado.cases.requests import Clash
from sado.cases.service import Cases
from sado.store import Store, Transaction
from sado.store.tables import cases as rows
from sado.store.tables import identity, lanes, quarantine, requests, stations
from sado.store.tables import outbox as entries
from sado.store.tables.cases import CaseRow, EventRow
from sado.store.tables.events import Event
from sado.store.tables.requests import RequestRow
from sado.sync import outbox
from sado.sync.exchange import server
from sado.sync.exchange.client import Client
from sado.sync.link.frame_size import FrameSize
from tests.support.one_by_one import OneByOne
from tests.support.stations import APPEAL, START_S, Clock, open_store, shipped_law

VILLAGE, DISTRICT, HUB = 7, 5, 1
PEER = outbox.station(VILLAGE)
HOLDER, OTHER, THIRD = "HCU", "ELC", "TAX"
APPEAL_TO_HOLDER = msgspec.structs.replace(APPEAL, agency=HOLDER)
FORWARD_BY_OPERATOR = "forwarded (operator)"
REOPEN_FOR_RESIDENT = "reopened (resident)"


@dataclass
class Side:
    """One station, and every event that came to it."""

    number: int
    store: Store
    cases: Cases
    came: list[tuple[str, Event]] = field(default_factory=list)

    def apply(self, tx: Transaction, peer: str, event: Event) -> None:
        self.came.append((peer, event))
        self.cases.apply(tx, peer, event)

    def repeat(self, events: Sequence[tuple[str, Event]]) -> None:
        """These events come again, past the lanes' own guard."""
        for peer, event in events:
            self.store.write(lambda tx, peer=peer, event=event: self.cases.apply(tx, peer, event))  # type: ignore[misc]

    def case(self, number: str) -> CaseRow:
        return self.store.read(lambda tx: self.cases.get(tx, number))

    def history(self, number: str) -> list[EventRow]:
        return self.store.read(lambda tx: rows.events_of(tx, number))

    def asked(self, number: str) -> list[RequestRow]:
        return self.store.read(lambda tx: requests.of_case(tx, number))

    def clashes(self, number: str) -> list[Clash]:
        return self.store.read(lambda tx: self.cases.clashes(tx, self.cases.get(tx, number)))

    def told(self, number: str) -> int:
        """How many SMS were put for the resident."""
        return len([one for one in self.store.read(lambda tx: entries.of_case(tx, number)) if one.kind == "notice"])

    def aside(self) -> list[str]:
        return [one.reason for one in self.store.read(lambda tx: quarantine.listed(tx, 99))]

    def kept(self) -> list[list[object]]:
        """All that is kept of cases and what leaves about them."""
        tables = {
            "cases": "reference, status, agency, due_at, registered_at, version, is_withdrawn",
            "events": "id, number, kind, actor, at, version",
            "requests": "id, outcome, version, base, at",
            "outbox": "kind, reference, destination",
        }
        return self.store.read(
            lambda tx: [
                list(tx.all(f"SELECT {columns} FROM {table} ORDER BY 1, 2")) for table, columns in tables.items()
            ]
        )

    def move(self, number: str, kind: str, text: str = "", to: str = "") -> None:
        """The agency that holds the case, or that will if the hub takes what was asked for, moves it or asks to."""
        self.store.write(lambda tx: self._move(tx, number, kind, text, to))

    def make(self, tx: Transaction, number: str, what: str, side: str) -> None:
        """One of the moves of the table, with words and a goal of its own for each side."""
        kind, to = what.partition(" ")[0], {"hub": OTHER, "station": THIRD}[side]
        if what in (statuses.WITHDRAWN, FORWARD_BY_OPERATOR, REOPEN_FOR_RESIDENT):
            self.cases.wish(tx, number, kind, to if kind == statuses.FORWARDED else "")
        else:
            text = f"{kind} in the words of the {side}" if kind in statuses.WITH_WORDS else ""
            self._move(tx, number, kind, text, to)

    def _move(self, tx: Transaction, number: str, kind: str, text: str, to: str) -> None:
        holder = self.cases.stands(tx, self.cases.get(tx, number)).agency
        self.cases.record(tx, holder, number, kind, text, to=to if kind == statuses.FORWARDED else "")


@dataclass
class Two:
    """A village and the hub, with a line between them."""

    village: Side
    hub: Side
    client: Client

    def settle(self) -> None:
        """Exchange until nothing waits."""
        while self.client.call():
            pass

    def file(self) -> str:
        """A case filed in the village and known at the hub."""
        number = self.village.store.write(lambda tx: self.village.cases.open(tx, APPEAL_TO_HOLDER)).reference
        self.settle()
        return number

    def brought(self, *kinds: str) -> str:
        """The same, moved so at the hub, and that known in the village."""
        number = self.file()
        for kind in kinds:
            self.hub.move(number, kind, "Words.", OTHER)
        self.settle()
        return number

    def outcome(self, number: str) -> str:
        """What became of the last request; both sides say the same."""
        (here, there) = (self.hub.asked(number)[-1], self.village.asked(number)[-1])
        assert (here.outcome, here.version) == (there.outcome, there.version)
        return here.outcome


@contextmanager
def side(folder: Path, number: int, clock: Clock, has_upstream: bool, rule: Rule = conflicts.decide) -> Iterator[Side]:
    with open_store(folder, clock) as store:
        who = store.write(lambda tx: identity.create(tx, number))
        store.write(lambda tx: lanes.set_upstream(tx, has_upstream))
        yield Side(number, store, Cases(who, has_upstream, shipped_law, rule))


def line(below: Side, above: Side) -> Client:
    """The line from one station to its upstream."""
    key = above.store.write(lambda tx: stations.add(tx, below.number))
    return Client(
        below.store,
        below.number,
        key,
        OneByOne(lambda frame, timeout_s: server.answer(above.store, frame, above.apply)),
        below.apply,
        FrameSize(),
    )


@contextmanager
def open_two(
    folder: Path, hub_s: int = 0, village_s: int = 0, rule: Rule = conflicts.decide, clock: Clock | None = None
) -> Iterator[Two]:
    """Both, each with a clock that is wrong by so many seconds."""
    clock = clock or Clock(START_S)
    with (
        side(folder / "hub", HUB, clock if not hub_s else Clock(START_S + hub_s), False, rule) as hub,
        side(folder / "village", VILLAGE, clock if not village_s else Clock(START_S + village_s), True) as village,
    ):
        yield Two(village, hub, line(village, hub))
