"""The rules of the law: by when an answer is due, what a case may still do, and how a pack is told its faults."""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from sado.cases import terms
from sado.cases.errors import NamelessError, PackDataError
from sado.cases.law import Kind, Law, UnknownKindError
from sado.cases.statuses import EVENTS, EXTENDED, FORWARDED, REGISTERED, REOPENED
from sado.menus.reading import pack
from sado.store.tables.cases import CaseRow
from tests.support.stations import shipped_law

DUSHANBE, NAIROBI = ZoneInfo("Asia/Dushanbe"), ZoneInfo("Africa/Nairobi")
DAY = timedelta(days=1)
# Clocks in Beirut leave out an hour from midnight on, clocks in Havana have midnight twice.
ZONES = ("Asia/Dushanbe", "Africa/Nairobi", "Asia/Beirut", "America/Havana")
DAYS = st.dates(date(2026, 1, 1), date(2028, 12, 31))
KEPT = {kind: {"nameless_days": 100, "deleted_days": 200} for kind in ("complaint", "question", "visit")}
RAW: dict[str, Any] = {
    "time_zone": "Asia/Dushanbe",
    "answer_days": 30,
    "short_days": 15,
    "extension_days": 30,
    "extensions": 2,
    "forward_days": 5,
    "acknowledge_working_days": 3,
    "kinds": {"complaint": {"is_appeal": True}, "question": {"answer_days": 15}, "visit": {}},
    "retention": KEPT,
    "weekend": [6, 7],
    "moves_off_weekends": True,
    "yearly_holidays": {},
    "dated_holidays": {},
    "dated_working_days": {},
}


def made(**changes: object) -> Law:
    return Law.read({**RAW, **changes})


def shipped(name: str) -> Law:
    return Law.read(yaml.safe_load((pack.PACKS / name / "law.yaml").read_text("utf-8")))


def at(local: str, zone: ZoneInfo = DUSHANBE) -> int:
    """This moment on the clocks of the zone, in milliseconds since 1970 UTC."""
    return round(datetime.fromisoformat(local).replace(tzinfo=zone).timestamp() * 1000)


def case(kind: str = "complaint", **changes: Any) -> CaseRow:
    """A case that was registered on 1 September 2026, a Tuesday, its answer due on 1 October."""
    known: dict[str, Any] = dict.fromkeys(("reference", "topic", "place", "agency", "language", "msisdn"), "x")
    known |= {"number": 1, "station": 7, "name": "", "text": "", "status": REGISTERED, "received_at": 0}
    known |= {"registered_at": at("2026-09-01T12:00"), "updated_at": 0, "due_at": at("2026-10-01T23:59:59.999")}
    return CaseRow(kind=kind, **known | changes)


# Reading


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("more", 1, "there is no such entry"),
        ("time_zone", "", "there is no zone ''"),
        ("time_zone", "Asia", "there is no zone 'Asia'"),
        ("time_zone", "a" * 300, "there is no zone 'aaa"),
        ("answer_days", "soon", "Expected `int`, got `str`"),
        ("short_days", 367, "Expected `int` <= 366"),
        ("extensions", -1, "Expected `int` >= 0"),
        ("forward_days", None, "Expected `int`, got `null`"),
        ("acknowledge_working_days", 0, "Expected `int` >= 1"),
        ("kinds", {}, "Expected `object` of length >= 1"),
        ("kinds", {"visit": {"fresh": 3}}, "unknown field `fresh`"),
        ("kinds", {"visit": {"answer_days": 0}}, "Expected `int` >= 1 - at `$[...].answer_days`"),
        ("retention", {"visit": KEPT["visit"], "question": KEPT["visit"]}, "says nothing of the kind 'complaint'"),
        ("retention", KEPT | {"exam": KEPT["visit"]}, "there is no kind 'exam'"),
        ("retention", KEPT | {"visit": {"nameless_days": 0, "deleted_days": 2}}, "Expected `int` >= 1"),
        ("retention", KEPT | {"visit": {"nameless_days": 3, "deleted_days": 2}}, "deleted before it is nameless"),
        ("retention", KEPT | {"visit": {"nameless_days": 3}}, "missing required field `deleted_days`"),
        ("weekend", [0], "Expected `int` >= 1"),
        ("weekend", [8], "Expected `int` <= 7"),
        ("weekend", [1, 2, 3, 4, 5, 6, 7], "length <= 6"),
        ("moves_off_weekends", 1, "Expected `bool`, got `int`"),
        ("yearly_holidays", {"02-30": "x"}, "'02-30' is no day, written MM-DD"),
        ("yearly_holidays", {"3-8": "x"}, "'3-8' is no day, written MM-DD"),
        ("yearly_holidays", {"W01-1": "x"}, "'W01-1' is no day, written MM-DD"),
        ("yearly_holidays", {f"{n}": "x" for n in range(101)}, "length <= 100"),
        ("dated_holidays", {"soon": "x"}, "Invalid RFC3339 encoded date"),
        ("dated_working_days", None, "Expected `object`, got `null`"),
    ],
)
def test_a_wrong_entry_is_told_by_its_name(name: str, value: object, says: str) -> None:
    with pytest.raises(PackDataError) as error:
        made(**{name: value})
    heading, fault = str(error.value).splitlines()
    assert heading == "law.yaml cannot be used:"
    assert fault.startswith(f"  {name}: ")
    assert says in fault


def test_entries_at_the_edge_are_taken() -> None:
    hundred = {f"{month:02}-{day:02}": "x" for month in range(1, 11) for day in range(20, 30)}
    law = made(answer_days=1, short_days=366, extensions=0, weekend=[1, 2, 3, 4, 5, 6], yearly_holidays=hundred)
    assert (law.answer_days, law.short_days, law.extensions, len(law.yearly_holidays)) == (1, 366, 0, 100)
    assert made(weekend=[]).is_working(date(2026, 9, 6))


def test_every_fault_is_told_at_once() -> None:
    with pytest.raises(PackDataError) as error:
        Law.read({"fresh": 1, "time_zone": "Mars/Base", "short_days": 0, "yearly_holidays": {"13-01": "x"}})
    faults = [fault.strip().split(": ") for fault in str(error.value).splitlines()[1:]]
    missing = [name for name, says in faults if says == "is missing"]
    assert missing == [name for name in RAW if name not in ("time_zone", "short_days", "yearly_holidays")]
    assert {name for name, _ in faults} == {"fresh", *RAW}


# Kinds


def test_a_kind_has_the_rules_that_the_pack_wrote() -> None:
    assert shipped_law().kinds["complaint"] == Kind(is_appeal=True, needs_name=True)
    assert shipped("kenya").kinds["complaint"] == Kind(needs_name=True)
    assert shipped_law().kinds["visit"] == Kind()


@pytest.mark.parametrize("name", ["petition", "Complaint", ""])
def test_an_unknown_kind_is_refused_with_the_kinds_there_are(name: str) -> None:
    with pytest.raises(UnknownKindError, match=rf"kind of case '{name}'\. .*: complaint, question, visit\."):
        made().check(name, "Гулнора")


@pytest.mark.parametrize("name", ["", " \n", "—"])
def test_a_nameless_case_is_refused_where_the_law_wants_a_name(name: str) -> None:
    with pytest.raises(NamelessError, match="complaint without a name"):
        shipped_law().check("complaint", name)
    shipped_law().check("complaint", "Ҷ")
    shipped_law().check("question", name)


@pytest.mark.parametrize(("kind", "is_appeal"), [("complaint", True), ("question", False), ("petition", False)])
def test_only_an_appeal_has_a_short_term_and_may_be_extended(kind: str, is_appeal: bool) -> None:
    assert shipped_law().has_short_term(kind) is is_appeal
    assert shipped_law().may_extend(kind, 0) is is_appeal


def test_a_term_may_be_extended_as_often_as_the_law_says() -> None:
    assert [made(extensions=2).may_extend("complaint", so_far) for so_far in range(4)] == [True, True, False, False]
    assert not made(extensions=0).may_extend("complaint", 0)


# Days


@pytest.mark.parametrize(
    ("year", "month", "shut"),
    [
        (2026, 9, {5, 6, 9, 12, 13, 19, 20, 26, 27}),
        # The 9th, 25th and 26th make up for holidays on weekends; Saturday the 14th is worked by decree.
        (2026, 3, {1, 7, 8, 9, 15, *range(20, 30)}),
        # The 25th makes up for Sunday the 21st; no holiday of the other year alone is one here.
        (2027, 3, {6, 7, 8, 10, 13, 14, *range(20, 26), 27, 28}),
    ],
)
def test_offices_are_shut_on_weekends_and_holidays(year: int, month: int, shut: set[int]) -> None:
    assert {day for day in range(1, 31) if not shipped_law().is_working(date(year, month, day))} == shut


@pytest.mark.parametrize(("moves", "next_open"), [(True, "2023-01-04"), (False, "2023-01-02")])
def test_a_free_day_may_move_over_the_end_of_the_year(moves: bool, next_open: str) -> None:
    """The last day of 2022 was a Saturday, the first of 2023 a Sunday."""
    law = made(moves_off_weekends=moves, yearly_holidays={"12-31": "x"}, dated_holidays={"2023-01-01": "x"})
    days = [date(2022, 12, 31) + n * DAY for n in range(5)]
    assert str(next(day for day in days if law.is_working(day))) == next_open


def test_a_holiday_on_a_leap_day_is_none_in_other_years() -> None:
    law = made(yearly_holidays={"02-29": "x"})
    shut = [day for day in ("2027-03-01", "2028-02-29", "2028-03-01") if not law.is_working(date.fromisoformat(day))]
    assert shut == ["2028-02-29"]


@pytest.mark.parametrize(("moment", "day"), [("2026-09-01T23:59:59.999", 1), ("2026-09-02T00:00", 2)])
def test_a_day_begins_at_midnight_where_the_pack_is(moment: str, day: int) -> None:
    assert shipped_law().day_of(at(moment)) == date(2026, 9, day)
    assert shipped("kenya").day_of(at(moment, NAIROBI)) == date(2026, 9, day)
    assert shipped("kenya").day_of(at(moment)) == date(2026, 9, 1)


@given(zone=st.sampled_from(ZONES), day=st.dates(date(2001, 1, 1), date(2036, 1, 1)))
def test_the_end_of_a_day_is_its_last_millisecond(zone: str, day: date) -> None:
    law = made(time_zone=zone)
    assert law.day_of(law.end_of(day)) == day
    assert law.day_of(law.end_of(day) + 1) == day + DAY


# Terms of the law


@pytest.mark.parametrize(
    ("registered", "due"),
    [
        ("2026-09-03", "2026-10-05"),  # over the weekend
        ("2026-08-10", "2026-09-10"),  # over a holiday
        ("2026-10-07", "2026-11-09"),  # over a holiday and the weekend behind it
        ("2026-02-12", "2026-03-14"),  # a Saturday that is worked
        ("2026-02-06", "2026-03-10"),  # over a holiday on a Sunday and the free Monday for it
        ("2026-02-17", "2026-03-19"),
        ("2026-02-18", "2026-03-30"),  # over ten days of spring holidays
        ("2026-12-02", "2027-01-04"),  # over the New Year
    ],
)
def test_an_answer_is_due_on_a_working_day(registered: str, due: str) -> None:
    moments = (f"{registered}T00:00", f"{registered}T23:59:59.999")
    assert [str(shipped_law().due_on(at(moment), "complaint")) for moment in moments] == [due, due]


@pytest.mark.parametrize(
    ("kind", "is_short", "extensions", "due"),
    [
        ("complaint", True, 0, "2026-09-16"),
        ("complaint", False, 1, "2026-11-02"),  # 60 days end on a Saturday
        ("question", False, 0, "2026-09-16"),
        ("question", True, 1, "2026-09-16"),
        ("petition", False, 0, "None"),
    ],
)
def test_each_kind_has_its_own_term(kind: str, is_short: bool, extensions: int, due: str) -> None:
    assert str(shipped_law().due_on(at("2026-09-01T12:00"), kind, is_short, extensions)) == due


@pytest.mark.parametrize(("registered", "due"), [("2026-09-19", "2026-10-12"), ("2026-03-13", "2026-04-07")])
def test_another_country_counts_by_its_own_rules(registered: str, due: str) -> None:
    """A holiday on a Saturday moves nothing there; Easter is shut from Friday to Monday."""
    assert str(shipped("kenya").due_on(at(f"{registered}T12:00", NAIROBI), "request")) == due


@given(registered=DAYS, kind=st.sampled_from(("complaint", "question")), is_short=st.booleans())
def test_a_term_ends_on_the_first_working_day_that_is_far_enough(registered: date, kind: str, is_short: bool) -> None:
    law = shipped_law()
    due = law.due_on(law.end_of(registered), kind, is_short)
    last = registered + (30 if kind == "complaint" and not is_short else 15) * DAY
    assert due is not None
    assert due >= last
    assert [last + n * DAY for n in range((due - last).days + 1) if law.is_working(last + n * DAY)] == [due]


# A Saturday and a Sunday, so the Monday; no free day; and a holiday.
FORWARD = [("08-31", "09-07"), ("09-01", "09-07"), ("09-03", "09-08"), ("09-04", "09-10")]


@pytest.mark.parametrize(("registered", "last"), FORWARD)
def test_a_case_is_passed_on_within_days(registered: str, last: str) -> None:
    assert str(shipped_law().forward_by(at(f"2026-{registered}T23:59"))) == f"2026-{last}"


# Three days on; over a weekend; over a weekend and a holiday; over a Saturday that is worked.
ARRIVE = [("09-01", "09-04"), ("09-02", "09-07"), ("09-05", "09-10"), ("03-12", "03-16")]


@pytest.mark.parametrize(("arrived", "last"), ARRIVE)
def test_a_case_is_registered_within_working_days(arrived: str, last: str) -> None:
    assert str(shipped_law().acknowledge_by(at(f"2026-{arrived}T12:00"))) == f"2026-{last}"


# What the law allows of one case

FORWARD_END, DUE = at("2026-09-07T23:59:59.999"), at("2026-10-01T23:59:59.999")


def told(held: CaseRow, event: str, now: int, is_short: bool = False) -> str:
    """Why the law does not allow it, after the name of the error; nothing where it does."""
    found = terms.fault(shipped_law(), held, event, is_short, now)
    return "" if found is None else f"{type(found).__name__}: {found}"


@pytest.mark.parametrize("kind", ["complaint", "question", "visit"])
def test_a_case_of_any_kind_is_passed_on_until_the_last_day_ends(kind: str) -> None:
    assert told(case(kind), FORWARDED, FORWARD_END) == ""
    assert told(case(kind), FORWARDED, FORWARD_END + 1).startswith("ForwardTooLateError: The case could be forwarded")
    assert "until 2026-09-07." in told(case(kind), FORWARDED, FORWARD_END + 1)
    assert told(case(kind, registered_at=None), FORWARDED, FORWARD_END + 1) == ""


def test_a_term_is_extended_until_it_runs_out() -> None:
    assert told(case(), EXTENDED, DUE) == ""
    assert told(case(), EXTENDED, DUE + 1) == "NoExtensionError: The term cannot be extended (it has run out)."
    assert told(case(due_at=None), EXTENDED, DUE + 1) == ""


@pytest.mark.parametrize(("kind", "so_far"), [("complaint", 1), ("question", 0), ("visit", 0), ("petition", 0)])
def test_a_term_is_not_extended_more_often_than_the_law_says(kind: str, so_far: int) -> None:
    fault = told(case(kind, extensions=so_far), EXTENDED, DUE)
    assert fault == f"NoExtensionError: The term cannot be extended (extended so far: {so_far})."


@pytest.mark.parametrize("kind", ["question", "petition"])
def test_only_an_appeal_is_registered_for_a_short_term(kind: str) -> None:
    fault = told(case(kind), REGISTERED, DUE, is_short=True)
    assert fault == f"NoShortTermError: There is no short term for a case of the kind {kind}."
    assert [told(case(kind), REGISTERED, DUE), told(case(), REGISTERED, DUE, is_short=True)] == ["", ""]


@pytest.mark.parametrize("event", sorted(EVENTS - {FORWARDED, EXTENDED, REGISTERED, REOPENED}))
def test_no_other_event_is_bound_to_a_term_or_changes_it(event: str) -> None:
    held = case("question", extensions=9)
    assert terms.fault(shipped_law(), held, event, True, DUE + 1) is None
    assert terms.due_at(shipped_law(), held, event, True, DUE + 1) == DUE


@pytest.mark.parametrize(
    ("held", "event", "is_short", "due"),
    [
        (case(), FORWARDED, False, ""),  # the other agency's registration begins a new term
        (case(), REOPENED, False, ""),  # and so does the one after it was opened again
        (case(registered_at=None, due_at=None), REGISTERED, False, "2026-10-05"),
        (case(registered_at=None, due_at=None), REGISTERED, True, "2026-09-18"),
        (case("visit"), REGISTERED, False, ""),
        (case(), EXTENDED, False, "2026-11-02"),
        (case(is_short=True), EXTENDED, False, "2026-10-16"),
        (case(), EXTENDED, True, "2026-11-02"),  # the case says which term it is
        (case(extensions=1), EXTENDED, False, "2026-11-30"),
        (case(registered_at=None), EXTENDED, False, "2026-10-01"),
    ],
)
def test_an_event_sets_the_last_day_for_the_answer(held: CaseRow, event: str, is_short: bool, due: str) -> None:
    """A registration counts from now, 3 September 2026; an extension from the registration that was."""
    found = terms.due_at(shipped_law(), held, event, is_short, at("2026-09-03T12:00"))
    assert found == (at(f"{due}T23:59:59.999") if due else None)
