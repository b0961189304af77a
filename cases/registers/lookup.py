"""Registers: what agencies publish, and the looking up of a row in the station's own copy.

A lookup never leaves the station. It says of which day the copy is, and whether that is too long ago to be relied on;
then the caller asks the agency (cases/registers/questions.py).
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from zoneinfo import ZoneInfo

import msgspec

from sado.cases.registers import field_types
from sado.cases.registers.definitions import Register, RegisterError
from sado.cases.registers.field_types import Field, FieldError, Fold, Texts
from sado.store import Transaction
from sado.store.tables import registers as rows
from sado.store.tables.registers import FOREVER, Key, RegisterRow, RegisterTable
from sado.store.zone_time import local

MOST_LISTED = 30
# Names that begin with the same letters are compared, so many at most; near ones are alike to this share.
STEM, MOST_COMPARED, MOST_NEAR, ALIKE = 3, 500, 9, 0.8
# The part of what is about no district.
NOWHERE = "-"
_BODY = msgspec.json.Decoder(dict[str, str | Texts])

Values = Mapping[str, str | Texts]
Part = Callable[[Field, str, Fold], str]


@dataclass(frozen=True)
class Row:
    """One row of a register: its values as they were kept, and the day of the last copy that held it."""

    id: str
    values: Values
    as_of: datetime.date


@dataclass(frozen=True)
class Found:
    """What a lookup gave. `as_of` is the day of its oldest row, or of the copy when it has no rows; None without a
    copy. `is_stale` when that is longer ago than the register's `fresh_days`, or unknown. `near` are rows with nearly
    the name that was looked for and not found."""

    register: Register
    rows: tuple[Row, ...]
    as_of: datetime.date | None
    is_stale: bool
    near: tuple[Row, ...] = ()


@dataclass(frozen=True)
class RegisterStatus:
    """How a register stands at this station."""

    name: str
    count: int
    as_of: datetime.date | None
    is_stale: bool
    is_sample: bool


class Registers:
    """The registers of one pack. `fold` gives one key for every spelling of a name, `places` are the codes that exist,
    `languages` those in which texts are written, `zone` the country's clock: a day ends by it."""

    def __init__(
        self,
        definitions: Mapping[str, Register],
        fold: Fold,
        places: Collection[str],
        languages: Sequence[str],
        zone: ZoneInfo,
    ) -> None:
        self._definitions = definitions
        self._fold = fold
        self._places = frozenset(places)
        self.languages = tuple(languages)
        self._zone = zone

    def get(self, name: str) -> Register:
        """The register. Raises RegisterError with those that exist."""
        try:
            return self._definitions[name]
        except KeyError:
            names = ", ".join(self._definitions) or "none"
            raise RegisterError(f"There is no register {name!r}. The registers are: {names}.") from None

    def today(self, at: int) -> datetime.date:
        """The day that it is in the country at this moment (milliseconds since 1970 UTC)."""
        return local(at, self._zone).date()

    def find(self, tx: Transaction, name: str, values: Mapping[str, str]) -> Found:
        """The rows whose fields have these values, as somebody typed them; at most MOST_LISTED, those that end soonest
        first. Raises RegisterError when the register cannot be looked up by exactly these fields."""
        register, wanted = self.get(name), self.key(name, values)
        matching: list[Row] = []
        near: tuple[Row, ...] = ()
        if self._says(register, list(values), values):
            today = self.today(tx.now).isoformat()
            kept = RegisterTable(name, register.private).find(tx, wanted, today, MOST_LISTED)
            matching = [row for row in map(_row, kept) if self._is_meant(register, wanted, values, row)]
            near = () if matching else self._near(tx, name, values, wanted, today)
        return self._found(tx, name, matching, str(values.get(register.district, "")), near)

    def find_row(self, tx: Transaction, name: str, row_id: str) -> Found:
        """The row that was chosen from a list. A private register has no lists, and so none."""
        register = self.get(name)
        kept = None if register.private else RegisterTable(name, is_private=False).get(tx, row_id)
        return self._found(tx, name, [_row(kept)] if kept else [], "")

    def asked(self, name: str, values: Mapping[str, str]) -> str:
        """One text for every spelling of a question about these values, and another for every other question. Raises
        RegisterError as `key` does."""
        return self._key(self.get(name), self._way(name, values), values, field_types.identity)

    def key(self, name: str, values: Mapping[str, str]) -> str:
        """One text for every spelling of these values. Raises RegisterError for fields that are no way to look up."""
        return self._key(self.get(name), self._way(name, values), values)

    def target(self, name: str, values: Mapping[str, str]) -> str:
        """What somebody who tries many values is after: the first field of the way, since the others are what she
        guesses. Raises RegisterError as `key` does."""
        register = self.get(name)
        return self._key(register, self._way(name, values)[:1], values)

    def standing(self, tx: Transaction) -> list[RegisterStatus]:
        """Every register with what the station has of it."""
        counts, today = rows.counts(tx), self.today(tx.now)
        statuses = []
        for name, register in self._definitions.items():
            copy = rows.snapshot_of(tx, name)
            as_of = datetime.date.fromisoformat(copy.as_of) if copy else None
            is_sample = copy is not None and copy.is_sample
            statuses.append(
                RegisterStatus(name, counts.get(name, 0), as_of, _is_stale(register, as_of, today), is_sample)
            )
        return statuses

    def check(self, name: str, cells: Mapping[str, str]) -> tuple[dict[str, str | Texts], list[str]]:
        """A line of a file as values to keep, and every fault of it; no fault repeats a value."""
        register = self.get(name)
        values: dict[str, str | Texts] = {}
        faults = []
        for field_name, field in register.fields.items():
            try:
                value = self._value(field_name, field, cells)
            except FieldError as error:
                faults.append(str(error))
                continue
            if value:
                values[field_name] = value
            elif field.required:
                faults.append(f"{field_name}: is empty")
        return values, faults

    def name_of(self, name: str, values: Values) -> str:
        """What names this row among those of its register; empty when its values do not tell."""
        register = self.get(name)
        if not self._says(register, register.id, values):
            return ""
        return self._key(register, register.id, values, field_types.identity)

    def keys_of(self, name: str, values: Values) -> list[Key]:
        """What the row is found by, and until when."""
        register = self.get(name)
        until = str(values.get(register.until) or FOREVER)
        return [Key(text, until) for text in self._keys(register, values)]

    def _is_meant(self, register: Register, wanted: str, values: Mapping[str, str], row: Row) -> bool:
        """Whether a row that was found is what was looked for. A key made under an earlier definition may be left over:
        the row itself decides."""
        return wanted in self._keys(register, row.values) and all(
            field_types.agrees(register.fields[name], typed, str(row.values.get(name, "")), self._fold)
            for name, typed in values.items()
        )

    def _near(self, tx: Transaction, name: str, values: Mapping[str, str], wanted: str, today: str) -> tuple[Row, ...]:
        """The rows whose name begins as this one does and is spelt nearly so, or is the beginning of the other; those
        most alike first. Of persons nobody is shown another's row."""
        register, typed = self.get(name), wanted.partition("=")[2]
        if register.private or [register.fields[part].type for part in values] != ["name"] or len(typed) < STEM:
            return ()
        table, way = RegisterTable(name, register.private), wanted.removesuffix(typed)
        others = table.beginning(tx, way + typed[:STEM], today, MOST_COMPARED)
        alike = [(_likeness(typed, key.removeprefix(way)), row_id) for key, row_id in others]
        closest = sorted((one for one in alike if one[0] >= ALIKE), reverse=True)[:MOST_NEAR]
        return tuple(_row(kept) for _, row_id in closest if (kept := table.get(tx, row_id)))

    def _way(self, name: str, values: Mapping[str, str]) -> list[str]:
        searches = self.get(name).find_by
        search = next((search for search in searches if set(search) == set(values)), None)
        if search is None:
            possible = "; ".join(", ".join(search) or "nothing" for search in searches)
            raise RegisterError(f"{name} is looked up by {possible}; not by {', '.join(values) or 'nothing'}.")
        return search

    def _value(self, name: str, field: Field, cells: Mapping[str, str]) -> str | Texts:
        if field.type != "texts":
            return self._kept(field, name, cells)
        texts = {code: self._kept(field, f"{name}_{code}", cells) for code in self.languages}
        return {code: words for code, words in texts.items() if words}

    def _kept(self, field: Field, column: str, cells: Mapping[str, str]) -> str:
        """The value in this column, or nothing. Raises FieldError."""
        raw = cells.get(column, "").strip()
        try:
            value = field_types.kept(field, raw) if raw else ""
        except FieldError as error:
            raise FieldError(f"{column}: {error}") from None
        if value and field.type == "place" and value not in self._places:
            raise FieldError(f"{column}: this code is not in the country's list of places")
        return value

    def _keys(self, register: Register, values: Values) -> list[str]:
        return [self._key(register, way, values) for way in register.find_by if self._says(register, way, values)]

    def _says(self, register: Register, names: Sequence[str], values: Values) -> bool:
        """Whether each of these fields has something to be found by."""
        return all(self._part(register, name, values) for name in names)

    def _key(self, register: Register, names: Sequence[str], values: Values, part: Part = field_types.key) -> str:
        parts = (part(register.fields[name], str(values.get(name, "")), self._fold) for name in names)
        return f"{'+'.join(names)}={'/'.join(parts)}"

    def _part(self, register: Register, name: str, values: Values) -> str:
        return field_types.key(register.fields[name], str(values.get(name, "")), self._fold)

    def _found(
        self, tx: Transaction, name: str, matching: list[Row], district: str, near: tuple[Row, ...] = ()
    ) -> Found:
        register = self.get(name)
        as_of = min((row.as_of for row in matching), default=None) or self._absent_since(tx, name, district)
        return Found(register, tuple(matching), as_of, _is_stale(register, as_of, self.today(tx.now)), near)

    def _absent_since(self, tx: Transaction, name: str, district: str) -> datetime.date | None:
        """The day of the copy that lacks what was looked for. Where only parts of the register are here, that of the
        district's part: without it nothing is known, unless every part is here."""
        copy, parts = rows.snapshot_of(tx, name), rows.parts_of(tx, name)
        if not parts:
            day = copy and copy.as_of
        elif parts.keys() >= {*self._places, NOWHERE}:
            day = parts.get(district) or min(parts.values())
        else:
            day = parts.get(district)
        return datetime.date.fromisoformat(day) if day else None


def values_of(body: str) -> dict[str, str | Texts]:
    """The values of a row from the JSON that it is kept as."""
    return _BODY.decode(body)


def _likeness(typed: str, name: str) -> float:
    """How alike two keys of names are, from 0 to 1; one that begins with the other is like it."""
    shorter, longer = sorted((typed, name), key=len)
    return 1.0 if longer.startswith(shorter) else SequenceMatcher(None, typed, name).ratio()


def _row(kept: RegisterRow) -> Row:
    return Row(kept.id, values_of(kept.body), datetime.date.fromisoformat(kept.as_of))


def _is_stale(register: Register, as_of: datetime.date | None, today: datetime.date) -> bool:
    return as_of is None or (today - as_of).days > register.fresh_days
