"""A case: what is kept together, which event may follow which, and who may read it over a phone."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from sado.cases import access, errors, payloads, reference, statuses, terms, views
from sado.cases.access import Refusal
from sado.cases.errors import NoOtherAgencyError, PassedOnError, UnknownCaseError
from sado.cases.payloads import Filed, Moved, Opened
from sado.cases.statuses import MOVES, STATUSES
from sado.store import Store, Transaction
from sado.store.tables import cases, lane_events, lanes
from sado.store.tables import outbox as entries
from sado.store.tables.cases import CaseRow, EventRow
from sado.store.tables.events import Event
from sado.store.tables.outbox import Entry
from sado.sync import outbox
from tests.support.stations import APPEAL, START_S, Clock, Station, open_station

FILED_AT = int(START_S * 1000)
OTHER = "+992900000002"
DAY_S = 24 * 3600
PAIRS = list(itertools.product(STATUSES, [*STATUSES, "approved"]))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def village(tmp_path: Path, clock: Clock) -> Iterator[Station]:
    """A station that orders its own cases."""
    with open_station(tmp_path, 7, has_upstream=False, clock=clock) as station:
        yield station


@pytest.fixture
def outpost(tmp_path: Path, clock: Clock) -> Iterator[Station]:
    """A station with an upstream."""
    with open_station(tmp_path / "outpost", 7, clock=clock) as station:
        yield station


@pytest.fixture
def filed(village: Station) -> Filed:
    return file(village)


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


# Filing


def test_a_case_its_event_and_its_entry_are_kept_together(outpost: Station) -> None:
    filed = file(outpost)
    assert case_of(outpost, filed.reference).text == APPEAL.text
    assert [event.kind for event in history(outpost, filed.reference)] == ["received"]
    assert [(entry.destination, entry.kind) for entry in queued(outpost, filed.reference)] == [
        (outbox.UPSTREAM, payloads.OPENED)
    ]


def test_what_fails_after_filing_takes_the_case_back(outpost: Station) -> None:
    def fail(tx: Transaction) -> None:
        outpost.cases.open(tx, APPEAL)
        raise ValueError("the screen could not be made")

    before = rows(outpost.store)
    with pytest.raises(ValueError, match="the screen"):
        outpost.store.write(fail)
    assert rows(outpost.store) == before


def test_the_entry_carries_the_whole_appeal(outpost: Station) -> None:
    filed = file(outpost)
    (body,) = bodies_for(outpost, outbox.UPSTREAM)
    opened = msgspec.json.decode(body, type=Opened)
    assert msgspec.structs.asdict(opened).items() >= msgspec.structs.asdict(APPEAL).items()
    assert (opened.reference, opened.station, opened.received_at) == (filed.reference, 7, FILED_AT)


def test_a_station_without_an_upstream_queues_nothing(tmp_path: Path) -> None:
    with open_station(tmp_path / "hub", 1, has_upstream=False) as hub:
        assert queued(hub, file(hub).reference) == []


def test_a_phone_lists_its_own_cases_newest_first(village: Station, filed: Filed) -> None:
    later = file(village)
    mine = village.store.read(lambda tx: views.mine(tx, APPEAL.msisdn))
    assert [case.reference for case in mine] == [later.reference, filed.reference]
    assert village.store.read(lambda tx: views.mine(tx, OTHER)) == []


# Moves


def path_to(status: str) -> list[str]:
    """The shortest way to a status, found in the table."""
    paths = {statuses.RECEIVED: [statuses.RECEIVED]}
    for at in paths_in_order(paths):
        for after in sorted(MOVES[at] - paths.keys()):
            paths[after] = [*paths[at], after]
    return paths[status][1:]


def paths_in_order(paths: dict[str, list[str]]) -> Iterator[str]:
    """The statuses in `paths`, also those that are added meanwhile."""
    seen = 0
    while seen < len(paths):
        yield list(paths)[seen]
        seen += 1


def test_every_status_is_reached_and_a_closed_case_can_only_be_reopened() -> None:
    assert all(path_to(status)[-1:] == [status] for status in STATUSES[1:])
    assert all(MOVES.values())
    assert MOVES["closed"] == {"reopened"}
    assert [status for status, after in MOVES.items() if "closed" in after] == ["answered", "refused"]


@pytest.mark.parametrize(("status", "event"), PAIRS)
def test_an_event_follows_only_where_the_table_says(village: Station, filed: Filed, status: str, event: str) -> None:
    for step in path_to(status):
        record(village, filed.reference, step)
    before = rows(village.store)
    if event in MOVES[status]:
        assert record(village, filed.reference, event, "other words").status == event
    else:
        with pytest.raises(statuses.IllegalMoveError, match=f"that is {status} cannot become {event}"):
            record(village, filed.reference, event, "other words")
        assert rows(village.store) == before
        assert case_of(village, filed.reference).status == status


@pytest.mark.parametrize("event", sorted(statuses.WITH_WORDS))
@pytest.mark.parametrize("text", ["", " \n"])
def test_what_the_resident_waits_for_needs_words(village: Station, filed: Filed, event: str, text: str) -> None:
    record(village, filed.reference, "registered")
    with pytest.raises(statuses.WordsMissingError, match=event):
        record(village, filed.reference, event, text)
    assert case_of(village, filed.reference).status == "registered"


def test_received_and_registered_are_two_moments(village: Station, filed: Filed, clock: Clock) -> None:
    assert case_of(village, filed.reference).registered_at is None
    clock.move(DAY_S)
    record(village, filed.reference, "registered")
    clock.move(DAY_S)
    case = record(village, filed.reference, "answered")
    assert (case.received_at, case.registered_at) == (FILED_AT, FILED_AT + DAY_S * 1000)
    assert case.updated_at == FILED_AT + 2 * DAY_S * 1000


def test_the_same_event_again_changes_nothing(village: Station, filed: Filed, clock: Clock) -> None:
    record(village, filed.reference, "registered")
    once = record(village, filed.reference, "answered", "Water is back.")
    before = rows(village.store)
    clock.move(60)
    assert record(village, filed.reference, "answered", "Water is back.") == once
    assert rows(village.store) == before


def test_a_second_question_with_the_same_words_is_an_event_of_its_own(village: Station, filed: Filed) -> None:
    for event in ("registered", "documents_needed", "in_review", "documents_needed"):
        record(village, filed.reference, event, "Send a copy.")
    assert [event.kind for event in history(village, filed.reference)].count("documents_needed") == 2


def test_another_agency_is_told_as_if_there_were_no_case(village: Station, filed: Filed) -> None:
    before = rows(village.store)
    told = []
    for number, agency in ((filed.reference, "tax"), ("0070000000", "water")):
        with pytest.raises(UnknownCaseError) as refusal:
            record(village, number, "registered", agency=agency)
        told.append(type(refusal.value))
    assert told == [UnknownCaseError] * 2
    assert rows(village.store) == before


# Terms


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


def test_no_answer_is_due_before_the_registration(village: Station, filed: Filed, clock: Clock) -> None:
    assert case_of(village, filed.reference).due_at is None
    clock.move(9 * DAY_S)
    registered = record(village, filed.reference, "registered")
    assert (registered.registered_at, day_of(village, registered.due_at)) == (FILED_AT + 9 * DAY_S * 1000, "2027-02-23")


def test_a_case_may_be_registered_for_the_short_term(village: Station, filed: Filed) -> None:
    assert day_of(village, record(village, filed.reference, "registered", is_short=True).due_at) == "2027-02-01"
    assert case_of(village, filed.reference).is_short


def test_the_other_term_is_no_repeat_of_a_registration(village: Station, filed: Filed) -> None:
    record(village, filed.reference, "registered")
    with pytest.raises(statuses.IllegalMoveError):
        record(village, filed.reference, "registered", is_short=True)


def test_what_is_no_appeal_has_no_short_term(village: Station) -> None:
    question = msgspec.structs.replace(APPEAL, kind="question")
    number = village.store.write(lambda tx: village.cases.open(tx, question)).reference
    with pytest.raises(terms.NoShortTermError, match="question"):
        record(village, number, "registered", is_short=True)
    assert day_of(village, record(village, number, "registered").due_at) == "2027-02-01"


@pytest.mark.parametrize(("is_short", "last"), [(False, "2027-03-16"), (True, "2027-03-01")])
def test_a_term_is_extended_once(village: Station, filed: Filed, is_short: bool, last: str) -> None:
    record(village, filed.reference, "registered", is_short=is_short)
    assert day_of(village, record(village, filed.reference, "extended", "We wait for a map.").due_at) == last
    record(village, filed.reference, "in_review")
    before = rows(village.store)
    with pytest.raises(terms.NoExtensionError, match="so far: 1"):
        record(village, filed.reference, "extended", "We still wait.")
    assert rows(village.store) == before


def test_a_term_that_has_run_out_is_not_extended(village: Station, filed: Filed, clock: Clock) -> None:
    due = record(village, filed.reference, "registered").due_at or 0
    clock.move((due - FILED_AT) / 1000 + 0.001)
    with pytest.raises(terms.NoExtensionError, match="has run out"):
        record(village, filed.reference, "extended", "We wait for a map.")
    clock.move(-0.001)
    assert record(village, filed.reference, "extended", "We wait for a map.").extensions == 1


def test_a_kind_outside_the_law_on_appeals_is_not_extended(village: Station) -> None:
    question = msgspec.structs.replace(APPEAL, kind="question")
    number = village.store.write(lambda tx: village.cases.open(tx, question)).reference
    record(village, number, "registered")
    with pytest.raises(terms.NoExtensionError):
        record(village, number, "extended", "We wait for a map.")


def test_the_term_stays_through_later_moves(village: Station, filed: Filed) -> None:
    due = record(village, filed.reference, "registered").due_at
    for event in ("in_review", "documents_needed", "answered", "closed"):
        assert record(village, filed.reference, event).due_at == due


def test_the_days_for_passing_a_case_on_end(village: Station, filed: Filed, clock: Clock) -> None:
    record(village, filed.reference, "registered")
    last = village.cases.law().end_of(village.cases.law().forward_by(FILED_AT))
    clock.move((last - FILED_AT) / 1000 + 0.001)
    with pytest.raises(terms.ForwardTooLateError, match="until 2027-01-20"):
        record(village, filed.reference, "forwarded")
    clock.move(-0.001)
    assert record(village, filed.reference, "forwarded").status == "forwarded"


def test_the_moves_on_offer_are_those_that_are_taken(village: Station, filed: Filed, clock: Clock) -> None:
    def offered() -> frozenset[str]:
        return village.store.read(lambda tx: village.cases.moves(tx, village.cases.get(tx, filed.reference)))

    assert offered() == {"registered"}
    record(village, filed.reference, "registered")
    assert offered() == MOVES["registered"]
    clock.move(9 * DAY_S)
    assert MOVES["registered"] - offered() == {"forwarded"}
    record(village, filed.reference, "extended")
    assert MOVES["extended"] - offered() == {"forwarded"}
    record(village, filed.reference, "in_review")
    assert MOVES["in_review"] - offered() == {"forwarded", "extended"}


def test_late_cases_are_listed_with_the_longest_overdue_first(village: Station, clock: Clock) -> None:
    first, second, answered, unregistered = (file(village).reference for _ in range(4))
    for number, is_short in ((first, False), (second, True), (answered, True)):
        record(village, number, "registered", is_short=is_short)
    record(village, answered, "answered")

    def late() -> list[str]:
        return village.store.read(lambda tx: [case.reference for case in views.late(tx, 9)])

    clock.move(((case_of(village, second).due_at or 0) - FILED_AT) / 1000)
    assert late() == []
    clock.move(0.001)
    assert late() == [second]
    clock.move(90 * DAY_S)
    assert late() == [second, first]
    assert unregistered not in late()


# Passing a case on


def test_a_case_that_is_passed_on_begins_anew_at_the_other_agency(village: Station, filed: Filed, clock: Clock) -> None:
    record(village, filed.reference, "registered", is_short=True)
    record(village, filed.reference, "extended")
    record(village, filed.reference, "forwarded", "Not ours.")
    case = case_of(village, filed.reference)
    assert (case.agency, case.status) == ("tax", "forwarded")
    assert (case.registered_at, case.due_at, case.is_short, case.extensions) == (None, None, False, 0)
    clock.move(DAY_S)
    case = record(village, filed.reference, "registered", agency="tax")
    assert (case.registered_at, day_of(village, case.due_at)) == (FILED_AT + DAY_S * 1000, "2027-02-15")
    assert record(village, filed.reference, "extended", agency="tax").extensions == 1


def test_the_first_agency_sees_the_case_as_it_left(village: Station, filed: Filed) -> None:
    record(village, filed.reference, "registered")
    left = record(village, filed.reference, "forwarded", "Not ours.")
    record(village, filed.reference, "registered", agency="tax")
    record(village, filed.reference, "answered", "Paid.", agency="tax")
    seen, events = village.store.read(lambda tx: views.seen_by(tx, "water", filed.reference))
    assert seen == left
    assert (seen.status, seen.agency, seen.registered_at, seen.due_at) == ("forwarded", "tax", None, None)
    assert [(event.kind, event.agency) for event in events] == [
        ("received", ""),
        ("registered", ""),
        ("forwarded", "tax"),
    ]


def test_the_agency_that_holds_a_case_sees_all_of_it(village: Station, filed: Filed) -> None:
    for event in ("registered", "forwarded", "registered", "forwarded", "registered"):
        record(village, filed.reference, event)
    seen, events = village.store.read(lambda tx: views.seen_by(tx, "water", filed.reference))
    assert (seen, len(events)) == (case_of(village, filed.reference), 6)


def test_an_agency_that_never_held_it_sees_nothing(village: Station, filed: Filed) -> None:
    record(village, filed.reference, "registered")
    record(village, filed.reference, "forwarded")
    with pytest.raises(UnknownCaseError):
        village.store.read(lambda tx: views.seen_by(tx, "roads", filed.reference))


def test_who_passed_a_case_on_has_no_more_say_in_it(village: Station, filed: Filed) -> None:
    record(village, filed.reference, "registered")
    record(village, filed.reference, "forwarded", "Not ours.")
    before = rows(village.store)
    for event in ("registered", "answered"):
        with pytest.raises(PassedOnError, match="to tax"):
            record(village, filed.reference, event, agency="water")
    assert record(village, filed.reference, "forwarded", "Not ours.", agency="water").status == "forwarded"
    assert rows(village.store) == before


@pytest.mark.parametrize("to", ["", "water"])
def test_a_case_is_passed_on_to_another_agency(village: Station, filed: Filed, to: str) -> None:
    record(village, filed.reference, "registered")
    with pytest.raises(NoOtherAgencyError):
        village.store.write(lambda tx: village.cases.record(tx, "water", filed.reference, "forwarded", "", to=to))
    assert case_of(village, filed.reference).status == "registered"


def test_what_an_agency_passed_on_is_listed_until_it_comes_back(village: Station, filed: Filed, clock: Clock) -> None:
    def listed(agency: str) -> list[tuple[str, str]]:
        found = village.store.read(lambda tx: views.passed_on(tx, agency, 9))
        return [(event.reference, event.agency) for event in found]

    record(village, filed.reference, "registered")
    assert listed("water") == []
    record(village, filed.reference, "forwarded")
    assert (listed("water"), listed("tax")) == ([(filed.reference, "tax")], [])
    record(village, filed.reference, "registered")
    record(village, filed.reference, "forwarded")
    assert (listed("water"), listed("tax")) == ([], [(filed.reference, "water")])


def test_the_station_that_filed_learns_the_term_and_the_agency(tmp_path: Path, clock: Clock) -> None:
    with (
        open_station(tmp_path / "hub", 0, has_upstream=False, clock=clock) as hub,
        open_station(tmp_path / "village", 8, clock=clock) as village,
    ):
        number = arrive(hub)
        arrive(village)
        for event in ("registered", "extended", "forwarded", "registered"):
            clock.move(60)
            record(hub, number, event)
            told = events_told(hub, PEER)[-1]
            hear(village, msgspec.json.encode(told).decode())
            here, there = case_of(hub, number), case_of(village, number)
            assert there == here
        assert (here.agency, here.status) == ("tax", "registered")


def test_an_event_of_an_older_release_moves_the_case_without_a_term(village: Station, filed: Filed) -> None:
    for name, kind in (("1.a.1", "registered"), ("1.a.2", "forwarded")):
        body = MOVE.replace("8.a.1", name).replace("0070000017", filed.reference).replace("answered", kind)
        hear(village, body)
    case = case_of(village, filed.reference)
    assert (case.status, case.agency, case.due_at) == ("forwarded", "water", None)


def test_an_event_without_a_term_is_what_an_older_release_reads(village: Station, filed: Filed) -> None:
    moved = Moved("8.a.1", "0070000017", "answered", "agency:HCU", "No.", 1)
    assert msgspec.json.encode(moved).decode() == MOVE


def test_each_event_at_the_filing_station_makes_one_notice(village: Station, filed: Filed) -> None:
    record(village, filed.reference, "registered")
    record(village, filed.reference, "registered")
    record(village, filed.reference, "answered")
    notices = [entry.kind for entry in queued(village, filed.reference) if entry.destination == outbox.SMS]
    assert notices == ["notice", "notice"]


def test_the_last_words_are_the_agency_s(village: Station, filed: Filed) -> None:
    assert village.store.read(lambda tx: views.last_words(tx, filed.reference)) == ""
    record(village, filed.reference, "registered", "")
    record(village, filed.reference, "answered", "Water is back.")
    record(village, filed.reference, "closed", "")
    assert village.store.read(lambda tx: views.last_words(tx, filed.reference)) == "Water is back."


PEER = outbox.station(8)
MOVE = '{"event":"8.a.1","reference":"0070000017","kind":"answered","actor":"agency:HCU","text":"No.","at":1}'


@pytest.mark.parametrize(
    ("peer", "kind", "body", "error"),
    [
        (outbox.UPSTREAM, "case.merged", "{}", errors.UnknownEventError),
        (PEER, payloads.OPENED, "{}", msgspec.ValidationError),
        (outbox.UPSTREAM, payloads.MOVED, "not json", msgspec.DecodeError),
        (PEER, payloads.NOTIFIED, '{"event":"1.a.1","reference":"0080000000","at":1}', UnknownCaseError),
        (PEER, payloads.NOTIFIED, '{"event":"1.a.1","reference":"0090000000","at":1}', errors.ForeignEventError),
        (PEER, payloads.NOTIFIED, '{"event":"1.a.1","reference":"0080000001","at":1}', errors.ForeignEventError),
        (
            PEER,
            payloads.NOTIFIED,
            '{"event":"1.a.1","reference":"0080000000","at":1000000000000000}',
            msgspec.ValidationError,
        ),
        (PEER, payloads.MOVED, MOVE, errors.ForeignEventError),
    ],
)
def test_an_event_that_cannot_be_applied_says_why(
    village: Station, peer: str, kind: str, body: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        village.store.write(lambda tx: village.cases.apply(tx, peer, Event(kind, "0080000000", body)))


# Reading over a phone


def look(station: Station, number: str, msisdn: str, pin: str) -> CaseRow | Refusal:
    return station.store.write(lambda tx: access.open_for(tx, number, msisdn, pin))


def wrong(pin: str) -> str:
    return f"{(int(pin) + 1) % 10_000:04}"


def unissued() -> str:
    return "007000000" + reference.check_digit("007000000")


def test_the_phone_that_filed_needs_no_pin(village: Station, filed: Filed) -> None:
    assert look(village, filed.reference, APPEAL.msisdn, "") == case_of(village, filed.reference)


def test_another_phone_needs_the_pin(village: Station, filed: Filed) -> None:
    assert look(village, filed.reference, OTHER, "") is Refusal.ASK_PIN
    assert look(village, filed.reference, OTHER, wrong(filed.pin)) is Refusal.WRONG
    assert look(village, filed.reference, OTHER, filed.pin) == case_of(village, filed.reference)


def test_three_wrong_pins_lock_the_case_for_a_day(village: Station, filed: Filed, clock: Clock) -> None:
    tries = [look(village, filed.reference, f"+99290000010{phone}", wrong(filed.pin)) for phone in range(3)]
    assert tries == [Refusal.WRONG, Refusal.WRONG, Refusal.LOCKED]
    clock.move(DAY_S - 0.001)
    assert look(village, filed.reference, OTHER, filed.pin) is Refusal.LOCKED
    clock.move(0.001)
    assert look(village, filed.reference, OTHER, filed.pin) == case_of(village, filed.reference)


def test_a_lock_does_not_shut_out_the_phone_that_filed(village: Station, filed: Filed) -> None:
    for _ in range(3):
        look(village, filed.reference, OTHER, wrong(filed.pin))
    assert look(village, filed.reference, APPEAL.msisdn, "") == case_of(village, filed.reference)


def test_five_wrong_pins_lock_the_phone_for_every_case(village: Station) -> None:
    several = [file(village) for _ in range(4)]
    tries = [look(village, one.reference, OTHER, wrong(one.pin)) for one in (*several[:3], *several[:2])]
    assert tries == [Refusal.WRONG] * 4 + [Refusal.LOCKED]
    assert look(village, several[3].reference, OTHER, several[3].pin) is Refusal.LOCKED
    assert look(village, several[3].reference, "+992900000003", several[3].pin) == case_of(
        village, several[3].reference
    )


def test_a_number_without_a_case_reads_the_same(village: Station, filed: Filed) -> None:
    pins = ["", *[wrong(filed.pin)] * 4]
    known = [look(village, filed.reference, OTHER, pin) for pin in pins]
    unknown = [look(village, unissued(), "+992900000003", pin) for pin in pins]
    assert known == unknown == [Refusal.ASK_PIN, Refusal.WRONG, Refusal.WRONG, Refusal.LOCKED, Refusal.LOCKED]


def test_a_slip_in_the_number_costs_no_try(village: Station, filed: Filed) -> None:
    slip = f"{filed.reference[:-1]}{(int(filed.reference[-1]) + 1) % 10}"
    assert {look(village, slip, OTHER, filed.pin) for _ in range(9)} == {Refusal.MISTYPED}
    assert look(village, filed.reference, OTHER, filed.pin) == case_of(village, filed.reference)


def test_pins_outlive_a_restart_and_are_not_stored(tmp_path: Path) -> None:
    with open_station(tmp_path / "one", 7) as station:
        one = file(station)
    with open_station(tmp_path / "one", 7) as station:
        assert look(station, one.reference, OTHER, one.pin) == case_of(station, one.reference)
        kept = station.store.read(lambda tx: tx.all("SELECT * FROM cases"))
    assert one.pin not in [str(value) for value in kept[0]]
