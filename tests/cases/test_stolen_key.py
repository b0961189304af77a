"""What who has a station's key can do: speak for its own cases, at the length of a phone's form, and no more."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sado.cases import payloads
from sado.cases.authorisation import MOST_BYTES, MOST_EVENTS, MOST_REQUESTS
from sado.cases.payloads import Opened
from sado.cases.residents import additions, consultation, privacy
from sado.store.tables import cases as rows
from sado.store.tables import consultation as tallies
from sado.store.tables import outbox as entries
from sado.store.tables import quarantine, stations
from sado.store.tables.events import Event
from sado.sync import outbox
from sado.sync.exchange import aside
from tests.support.pairs import HUB, VILLAGE, Pair, open_pair
from tests.support.stations import APPEAL, START_S

PEER, OTHER = outbox.station(VILLAGE), 8
REFERENCE, AT = "0070000010", int(START_S * 1000)
MANY = 100


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    with open_pair(tmp_path) as found:
        found.hub.store.write(lambda tx: stations.add(tx, OTHER))
        yield found


def opened(**changed: Any) -> Opened:
    """An appeal as the village's own."""
    said = {"event": "007.life.1", "reference": REFERENCE, "station": VILLAGE, "received_at": AT}
    return Opened(**(msgspec.structs.asdict(APPEAL) | said | changed))


def say(pair: Pair, kind: str, body: object, reference: str = REFERENCE, peer: str = PEER) -> str:
    """An event comes to the hub; why it is kept aside, or nothing."""
    before = pair.hub.store.read(quarantine.count)
    event = Event(kind, reference, msgspec.json.encode(body).decode())
    pair.hub.store.write(lambda tx: aside.apply_one(tx, peer, event, pair.hub.events.apply))
    kept = pair.hub.store.read(lambda tx: quarantine.listed(tx, 1))
    return kept[0].reason if pair.hub.store.read(quarantine.count) > before else ""


def waiting(pair: Pair) -> dict[str, int]:
    """How many entries wait at the hub for each destination."""
    counts = pair.hub.store.read(entries.counts)
    return {destination: count for (destination, _), (count, _) in counts.items()}


def moved(pair: Pair, reference: str) -> None:
    pair.hub.store.write(lambda tx: pair.hub.cases.record(tx, APPEAL.agency, reference, "registered", ""))


def test_cases_as_if_of_the_hub_send_no_sms_to_foreign_numbers(pair: Pair) -> None:
    for number in range(MANY):
        reference = f"007{number:06}0"
        case = opened(event=f"007.life.{number}", reference=reference, station=HUB, msisdn=f"+4479000{number:05}")
        assert say(pair, payloads.OPENED, case, reference) == f"EVENT_FOREIGN {reference}"
        assert pair.hub.store.read(lambda tx, reference=reference: rows.find(tx, reference)) is None  # type: ignore[misc]
    assert waiting(pair) == {}


@pytest.mark.parametrize("station", [HUB, OTHER])
def test_a_case_as_if_of_another_station_is_kept_aside(pair: Pair, station: int) -> None:
    assert say(pair, payloads.OPENED, opened(station=station)).startswith("EVENT_FOREIGN")
    assert waiting(pair) == {}


def test_the_village_s_own_case_is_taken_and_its_news_go_to_the_village_alone(pair: Pair) -> None:
    assert say(pair, payloads.OPENED, opened()) == ""
    moved(pair, REFERENCE)
    assert waiting(pair) == {PEER: 1}


def test_a_station_in_the_middle_opens_cases_of_those_behind_it_as_theirs(pair: Pair) -> None:
    pair.hub.store.write(lambda tx: stations.set_through(tx, OTHER, VILLAGE))
    reference = "0080000010"
    behind = opened(event="008.life.1", reference=reference, station=OTHER)
    for station in (HUB, VILLAGE):
        wrong = msgspec.structs.replace(behind, station=station)
        assert say(pair, payloads.OPENED, wrong, reference).startswith("EVENT_FOREIGN")
    assert say(pair, payloads.OPENED, behind, reference) == ""
    moved(pair, reference)
    assert waiting(pair) == {PEER: 1}


NAMED = {
    payloads.OPENED: lambda name: opened(event=name),
    payloads.NOTIFIED: lambda name: payloads.Notified(name, REFERENCE, AT),
    payloads.REQUESTED: lambda name: payloads.Requested(name, REFERENCE, VILLAGE, "reopened", "resident", 0, AT),
    additions.ADDED: lambda name: additions.Added(name, REFERENCE, "more words", AT),
}


@pytest.mark.parametrize("kind", NAMED)
@pytest.mark.parametrize("name", ["001.life.1", "008.life.1", "x.life.1", "life"])
def test_an_event_does_not_bear_the_name_of_another_station_s(pair: Pair, kind: str, name: str) -> None:
    """The one whose name that will be would be taken for a repeat, and lost."""
    if kind != payloads.OPENED:
        say(pair, payloads.OPENED, opened())
    assert say(pair, kind, NAMED[kind](name)).startswith("EVENT_FOREIGN")
    assert say(pair, kind, NAMED[kind]("007.life.2")) == ""


def test_no_name_that_a_village_says_keeps_the_hub_from_moving_a_case(pair: Pair) -> None:
    say(pair, payloads.OPENED, opened())
    next_one = pair.hub.store.write(pair.hub.cases.event_id)
    life, number = next_one.rsplit(".", 1)
    for ahead in range(3):
        say(pair, payloads.NOTIFIED, payloads.Notified(f"{life}.{int(number) + ahead}", REFERENCE, AT))
    moved(pair, REFERENCE)
    assert pair.hub.store.read(lambda tx: pair.hub.cases.get(tx, REFERENCE)).status == "registered"


LENGTHS = {"kind": 60, "topic": 60, "place": 60, "agency": 60, "language": 60, "name": 80, "text": 20_000}


@pytest.mark.parametrize("field", LENGTHS)
def test_an_appeal_is_as_long_as_a_phone_s_form(pair: Pair, field: str) -> None:
    longest = LENGTHS[field]
    assert say(pair, payloads.OPENED, opened(**{field: "ҷ" * (longest + 1)})) == f"EVENT_UNREADABLE {REFERENCE}"
    assert say(pair, payloads.OPENED, opened(**{field: "ҷ" * longest})) == ""


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("msisdn", ["992900000001", "+9929x", "+" + "9" * 16, "+1\n"]),
        ("reference", ["", "007", "007000001x", "00700000100"]),
        ("event", ["007." + "9" * 40, ""]),
        ("station", [-1, 1000, 1 << 70]),
        ("received_at", [1 << 47, "now"]),
    ],
)
def test_a_field_of_an_appeal_has_its_form(pair: Pair, field: str, values: list[object]) -> None:
    for value in values:
        reason = say(pair, payloads.OPENED, msgspec.structs.asdict(opened()) | {field: value})
        assert reason.partition(" ")[0] in ("EVENT_UNREADABLE", "EVENT_FOREIGN")
    assert say(pair, payloads.OPENED, opened(msisdn="")) == ""


TOO_MUCH = {
    "a request's words": (payloads.REQUESTED, {"text": "x" * 20_001}),
    "a request's agency": (payloads.REQUESTED, {"to": "x" * 61}),
    "a request's actor": (payloads.REQUESTED, {"actor": "agency:" + "x" * 60}),
    "a request's version": (payloads.REQUESTED, {"base": 1 << 63}),
    "a version before the first": (payloads.REQUESTED, {"base": -1}),
    "further words": (additions.ADDED, {"text": "x" * 20_001}),
    "no further words": (additions.ADDED, {"text": ""}),
    "a poll": (consultation.COUNTED, {"subject": "x" * 61}),
    "a choice": (consultation.COUNTED, {"choice": "x" * 61}),
    "whom to forget": (privacy.FORGOTTEN, {"reference": "0" * 11}),
}
SOUND = {
    payloads.REQUESTED: NAMED[payloads.REQUESTED]("007.life.2"),
    additions.ADDED: NAMED[additions.ADDED]("007.life.2"),
    consultation.COUNTED: consultation.Counted("poll", "yes"),
    privacy.FORGOTTEN: privacy.Forgotten(REFERENCE),
}


@pytest.mark.parametrize("what", TOO_MUCH)
def test_whatever_a_station_says_has_a_length(pair: Pair, what: str) -> None:
    say(pair, payloads.OPENED, opened())
    kind, change = TOO_MUCH[what]
    reference = "" if kind == consultation.COUNTED else REFERENCE
    sound = msgspec.structs.asdict(SOUND[kind])
    assert say(pair, kind, sound | change, reference).startswith("EVENT_UNREADABLE")
    assert say(pair, kind, sound, reference) == ""


def test_the_results_are_not_filled_with_questions_that_nobody_asks(pair: Pair) -> None:
    for number in range(consultation.MOST_CHOICES):
        pair.hub.store.write(lambda tx, number=number: tallies.add(tx, f"poll.{number}", "yes", PEER))  # type: ignore[misc]
    assert say(pair, consultation.COUNTED, consultation.Counted("poll.new", "yes"), "").startswith("EVENT_FOREIGN")
    assert say(pair, consultation.COUNTED, consultation.Counted("poll.1", "yes"), "") == ""
    assert len(pair.hub.store.read(tallies.tallies)) == consultation.MOST_CHOICES
    another = outbox.station(OTHER)
    assert say(pair, consultation.COUNTED, consultation.Counted("poll.new", "yes"), "", another) == ""


@pytest.mark.parametrize(("kind", "reference"), [("case." + "x" * 100, REFERENCE), ("case.later", "0" * 100)])
def test_a_long_kind_or_reference_is_kept_aside_short(pair: Pair, kind: str, reference: str) -> None:
    assert len(say(pair, kind, {}, reference)) < 100
    kept = pair.hub.store.read(lambda tx: quarantine.listed(tx, 1))[0]
    assert len(kept.kind) <= aside.LONGEST_NAME
    assert say(pair, "case.later", {}).startswith("EVENT_UNKNOWN")


@pytest.mark.parametrize("kind", [payloads.NOTIFIED, payloads.REQUESTED, additions.ADDED])
def test_a_case_is_not_filled_without_end(pair: Pair, kind: str) -> None:
    say(pair, payloads.OPENED, opened())
    said = [say(pair, kind, NAMED[kind](f"007.life.{number + 2}")) for number in range(MOST_EVENTS + 1)]
    assert said[: MOST_REQUESTS - 1] == [""] * (MOST_REQUESTS - 1)
    assert said[-1].startswith("CASE_FULL")
    another = opened(event="007.life.0", reference="0070000028")
    assert say(pair, payloads.OPENED, another, another.reference) == ""


def test_a_case_is_not_filled_with_long_texts(pair: Pair) -> None:
    say(pair, payloads.OPENED, opened())
    long = {"text": "\u202e" * 20_000}
    said = [
        say(pair, additions.ADDED, msgspec.structs.asdict(SOUND[additions.ADDED]) | long | {"event": f"007.life.{n}"})
        for n in range(2, 40)
    ]
    assert said[:10] == [""] * 10 and said[-1].startswith("CASE_FULL")
    assert sum(said[n] == "" for n in range(len(said))) * 60_000 < 2 * MOST_BYTES
