"""A case at a station: filed, moved, and what is kept and told of it."""

import msgspec

from sado.cases import payloads
from sado.cases.payloads import Filed, Moved, Opened
from sado.store import Store, Transaction
from sado.store.tables import cases, lane_events, lanes
from sado.store.tables import outbox as entries
from sado.store.tables.cases import CaseRow, EventRow
from sado.store.tables.events import Event
from sado.store.tables.outbox import Entry
from sado.sync import outbox
from tests.support.stations import APPEAL, START_S, Station

FILED_AT = int(START_S * 1000)
OTHER = "+992900000002"
DAY_S = 24 * 3600


def file(station: Station) -> Filed:
    return station.store.write(lambda tx: station.cases.open(tx, APPEAL))


def record(
    station: Station, number: str, kind: str, text: str = "words", agency: str = "", is_short: bool = False
) -> CaseRow:
    """The agency that holds the case, or `agency`, moves it; a forward goes to the tax office and back."""

    def move(tx: Transaction) -> CaseRow:
        held = agency or station.cases.get(tx, number).agency
        to = ("tax" if held == "water" else "water") if kind == "forwarded" else ""
        return station.cases.record(tx, held, number, kind, text, to=to, is_short=is_short)

    return station.store.write(move)


def case_of(station: Station, number: str) -> CaseRow:
    return station.store.read(lambda tx: station.cases.get(tx, number))


def history(station: Station, number: str) -> list[EventRow]:
    return station.store.read(lambda tx: cases.events_of(tx, number))


def queued(station: Station, number: str) -> list[Entry]:
    return station.store.read(lambda tx: entries.of_case(tx, number))


def rows(store: Store) -> list[int]:
    tables = ("cases", "events", "outbox", "counters", "attempts")
    return store.read(lambda tx: [tx.value(f"SELECT COUNT(*) FROM {table}") for table in tables])


def day_of(station: Station, at: int | None) -> str:
    """The day in Dushanbe that ends at this moment."""
    assert at is not None
    day = station.cases.law().day_of(at)
    assert at == station.cases.law().end_of(day)
    return str(day)


def bodies_for(station: Station, peer: str) -> list[str]:
    """The bodies of the urgent events for a peer."""
    events = station.store.read(lambda tx: lane_events.after(tx, lanes.find(tx, peer, outbox.URGENT), 0, 9))
    return [event.event.body for event in events]


def events_told(station: Station, destination: str) -> list[Moved]:
    """What waits for the station that filed the cases."""
    return [msgspec.json.decode(body, type=Moved) for body in bodies_for(station, destination)]


def arrive(hub: Station, number: str = "0080000005") -> str:
    """A case that station 8 filed comes to the hub."""
    opened = Opened(
        **msgspec.structs.asdict(APPEAL), event="008.x.1", reference=number, station=8, received_at=FILED_AT
    )
    body = msgspec.json.encode(opened).decode()
    hub.store.write(lambda tx: hub.cases.apply(tx, PEER, Event(payloads.OPENED, number, body)))
    return number


def hear(village: Station, body: str) -> None:
    """The station that filed a case is told by its upstream what became of it."""
    village.store.write(lambda tx: village.cases.apply(tx, outbox.UPSTREAM, Event(payloads.MOVED, "", body)))


PEER = outbox.station(8)
MOVE = '{"event":"8.a.1","reference":"0070000017","kind":"answered","actor":"agency:HCU","text":"No.","at":1}'
