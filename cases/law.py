"""The rules of the law as data of the pack: which kinds of case there are, by when the law wants an answer, and on
which days offices are shut. Pure: it knows no clock and no database.

A term counts from the registration at the agency, never from the moment the channel received the case. Its days are
calendar days of the pack's time zone; the day of registration is not counted, and a last day on which offices are
shut moves to the next working day.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Meta

from sado.cases.errors import NamelessError, PackDataError
from sado.store.zone_time import local, moment

Days = Annotated[int, Meta(ge=1, le=366)]
# So long a case is kept at most once it is over: a hundred years.
KeptDays = Annotated[int, Meta(ge=1, le=36525)]
Weekday = Annotated[int, Meta(ge=1, le=7)]
FILE = "law.yaml"
DAY = timedelta(days=1)
LEAP_YEAR = 2000


class UnknownKindError(ValueError):
    """A kind of case that the pack's rules do not have."""


class Kind(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the rules say of one kind of case. `is_appeal`: the law on appeals gives its terms; another kind has
    `answer_days` of its own, or no term."""

    is_appeal: bool = False
    needs_name: bool = False
    answer_days: Days | None = None


class Retention(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many days after it is over a case is kept with its names and words, and how many its bare row."""

    nameless_days: KeptDays
    deleted_days: KeptDays


class Law(msgspec.Struct, frozen=True):
    """One country's rules. `weekend` holds ISO weekdays; `yearly_holidays` are keyed MM-DD; a day of
    `dated_working_days` is worked although it is in the weekend."""

    time_zone: str
    answer_days: Days
    short_days: Days
    extension_days: Days
    extensions: Annotated[int, Meta(ge=0)]
    forward_days: Days
    acknowledge_working_days: Days
    kinds: Annotated[dict[str, Kind], Meta(min_length=1)]
    retention: dict[str, Retention]
    weekend: Annotated[frozenset[Weekday], Meta(max_length=6)]
    moves_off_weekends: bool
    yearly_holidays: Annotated[dict[str, str], Meta(max_length=100)]
    dated_holidays: dict[date, str]
    dated_working_days: dict[date, str]

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> Law:
        """The rules in a pack's law.yaml, parsed. Raises PackDataError."""
        fields = {field.name: field.type for field in msgspec.structs.fields(cls)}
        values: dict[str, Any] = {}
        faults = [(name, "there is no such entry") for name in sorted(raw.keys() - fields.keys())]
        for name, wanted in fields.items():
            try:
                values[name] = msgspec.convert(raw.get(name), wanted)
            except msgspec.ValidationError as error:
                faults.append((name, str(error) if name in raw else "is missing"))
        faults += _senseless(values)
        faults += _unkept(values)
        if faults:
            raise PackDataError(FILE, (((name,), says) for name, says in faults))
        return cls(**values)

    def check(self, kind: str, name: str) -> None:
        """Whether a case of this kind may be filed by somebody who gives this name. Raises UnknownKindError, which
        lists the kinds there are, or NamelessError."""
        if kind not in self.kinds:
            raise UnknownKindError(f"There is no kind of case {kind!r}. The kinds are: {', '.join(self.kinds)}.")
        if self.kinds[kind].needs_name and not any(map(str.isalnum, name)):
            raise NamelessError(f"The law does not examine a {kind} without a name.")

    def has_short_term(self, kind: str) -> bool:
        """Whether a case of this kind may be registered for the shorter term."""
        return kind in self.kinds and self.kinds[kind].is_appeal

    def may_extend(self, kind: str, extensions: int) -> bool:
        """Whether the term of such a case, extended so often already, may be extended once more."""
        return kind in self.kinds and self.kinds[kind].is_appeal and extensions < self.extensions

    def due_on(self, registered_at: int, kind: str, is_short: bool = False, extensions: int = 0) -> date | None:
        """The last day for the answer to a case registered at this moment (milliseconds since 1970 UTC); None for a
        kind without a term, or one that only a newer pack knows."""
        rules = self.kinds.get(kind, Kind())
        days = rules.answer_days
        if rules.is_appeal:
            days = (self.short_days if is_short else self.answer_days) + extensions * self.extension_days
        return None if days is None else self._rolled(self.day_of(registered_at) + days * DAY)

    def forward_by(self, registered_at: int) -> date:
        """The last day on which the agency that registered a case at this moment may pass it on."""
        return self._rolled(self.day_of(registered_at) + self.forward_days * DAY)

    def acknowledge_by(self, arrived_at: int) -> date:
        """The last day for registering a case that came to the agency at this moment."""
        day = self.day_of(arrived_at)
        for _ in range(self.acknowledge_working_days):
            day = self._rolled(day + DAY)
        return day

    def day_of(self, at: int) -> date:
        """The day in the pack's time zone that holds this moment (milliseconds since 1970 UTC)."""
        return local(at, ZoneInfo(self.time_zone)).date()

    def end_of(self, day: date) -> int:
        """The last millisecond of a day of the pack's time zone, since 1970 UTC."""
        return moment(day + DAY, ZoneInfo(self.time_zone)) - 1

    def is_working(self, day: date) -> bool:
        """Whether offices are open on this day."""
        return not self._is_holiday(day) and not self._is_weekend(day) and day not in self._moved(day.year)

    def _rolled(self, day: date) -> date:
        while not self.is_working(day):
            day += DAY
        return day

    def _is_holiday(self, day: date) -> bool:
        return day in self.dated_holidays or f"{day:%m-%d}" in self.yearly_holidays

    def _is_weekend(self, day: date) -> bool:
        return day.isoweekday() in self.weekend and day not in self.dated_working_days

    def _moved(self, year: int) -> set[date]:
        """The free days that make up for holidays on weekends, each the next that is not free already: those of the
        year, and of the one before, whose last may be free in this one."""
        moved: set[date] = set()
        for day in (*self._holidays(year - 1), *self._holidays(year)) if self.moves_off_weekends else ():
            if self._is_weekend(day):
                while self._is_holiday(day) or self._is_weekend(day) or day in moved:
                    day += DAY
                moved.add(day)
        return moved

    def _holidays(self, year: int) -> list[date]:
        days = {*(_day(year, name) for name in self.yearly_holidays), *self.dated_holidays}
        return sorted(day for day in days if day is not None and day.year == year)


def _day(year: int, name: str) -> date | None:
    """The day named MM-DD; None when this year has none."""
    try:
        day = date.fromisoformat(f"{year}-{name}")
    except ValueError:
        return None
    # The names of weeks are ISO dates too.
    return day if f"{day:%m-%d}" == name else None


def _unkept(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What the two lists of kinds say of each other."""
    if not {"kinds", "retention"} <= values.keys():
        return
    kinds, retention = values["kinds"], values["retention"]
    for kind in kinds.keys() - retention.keys():
        yield "retention", f"says nothing of the kind {kind!r}"
    for kind in retention.keys() - kinds.keys():
        yield "retention", f"there is no kind {kind!r}"
    for kind, kept in retention.items():
        if kept.deleted_days < kept.nameless_days:
            yield "retention", f"a case of the kind {kind!r} would be deleted before it is nameless"


def _senseless(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What is of the right type and yet cannot be."""
    try:
        ZoneInfo(values.get("time_zone", "UTC"))
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: a folder of zones, a name too long for a file
        yield "time_zone", f"there is no zone {values['time_zone']!r}"
    for name in values.get("yearly_holidays", ()):
        if _day(LEAP_YEAR, name) is None:
            yield "yearly_holidays", f"{name!r} is no day, written MM-DD"
