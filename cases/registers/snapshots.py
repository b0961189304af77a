"""Snapshots of registers for other stations: each whole, and one for each district where its rows are about districts.

A copy is text: a line about the copy, then a line for each row, sorted, so that copies of two days differ only where
the register does. A station that takes one in has what the agency's file had, with its days; rows that a newer copy
lacks go.
"""

from __future__ import annotations

import datetime
import io
from collections.abc import Collection, Iterable, Iterator

import msgspec

from sado.cases.registers.definitions import Register, RegisterError
from sado.cases.registers.loading import MOST_LINES, Line, Load, Loading, remove_unnamed
from sado.cases.registers.lookup import Registers, Values, values_of
from sado.store import Store, Transaction
from sado.store.tables import registers as rows
from sado.store.tables.registers import RegisterRow, RegisterTable, Snapshot

# The part of what is about no district.
NOWHERE = "-"
# The letters of an agency's line (csv_file.py), each of which may become six bytes, and the names of its columns.
LONGEST_LINE = 256 * 1024


class Head(msgspec.Struct, frozen=True, omit_defaults=True):
    """The first line: which register, of which day, and which part of it (empty: all).

    `salt` is in private ones: their hashes are seen on the line, and nobody shall find a row by trying."""

    register: str
    as_of: str
    part: str = ""
    is_sample: bool = False
    salt: str = ""


class RowLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """One row: its cells by column, and the day of the last copy that held it, where that is not the copy's."""

    cells: dict[str, str]
    as_of: str = ""


_ENCODER = msgspec.json.Encoder()
_HEAD, _ROW = msgspec.json.Decoder(Head), msgspec.json.Decoder(RowLine)


class Snapshots:
    """Makes and takes in the copies of one pack's registers; `districts` are the codes that the pack has."""

    def __init__(self, store: Store, registers: Registers, loading: Loading, districts: Collection[str]) -> None:
        self._store = store
        self._registers = registers
        self._loading = loading
        self._districts = districts

    def made(self, name: str) -> Iterator[tuple[str, bytes]]:
        """(part, copy) for the register as it is here now; its whole comes last. Of a register that is not here whole
        there are only the parts that are. Raises RegisterError when there is no copy at all."""
        register = self._registers.get(name)
        copy, kept, parts_here = self._store.read(lambda tx: _all(tx, name, register))
        if copy is None:
            raise RegisterError(f"There is no copy of {name} here: load one first.")
        lines = [(_district(register, values_of(row.body)), self._line(copy, register, row)) for row in kept]
        parts = parts_here or ([*sorted({*self._districts, *(part for part, _ in lines)} - {NOWHERE}), NOWHERE])
        for part in parts if register.district else ():
            yield part, self._copy(copy, register, part, [line for its, line in lines if its == part])
        if not parts_here:
            yield "", self._copy(copy, register, "", [line for _, line in lines])

    def take(self, content: bytes) -> str:
        """Take in a copy, some hundred rows in a transaction; the register's name. Every row is looked at before the
        first is kept. Raises RegisterError, and then nothing has changed."""
        try:
            head = _HEAD.decode(next(_lines(content), b""))
            datetime.date.fromisoformat(head.as_of)
            self._check(head, _rows(content))
        except RegisterError:
            raise
        except (ValueError, RecursionError):
            raise RegisterError("What came is no copy of a register.") from None
        load = self._loading.take_over(head.register, head.as_of, head.is_sample, head.part)
        self._keep(load, head, _rows(content))
        self._store.write(lambda tx: _finish(tx, head))
        return head.register

    def _check(self, head: Head, rows_in_it: Iterable[tuple[int, RowLine]]) -> None:
        for number, row in rows_in_it:
            datetime.date.fromisoformat(row.as_of or head.as_of)
            values, faults = self._registers.check(head.register, row.cells)
            if faults or not self._registers.name_of(head.register, values):
                raise RegisterError(f"{head.register}, line {number}: {'; '.join(faults) or 'nothing names the row'}")

    def _keep(self, load: Load, head: Head, rows_in_it: Iterable[tuple[int, RowLine]]) -> None:
        by_day: dict[str, list[Line]] = {}
        for number, row in rows_in_it:
            lines = by_day.setdefault(row.as_of or head.as_of, [])
            lines.append(Line(number, row.cells))
            # Lines of ever other days would pile up.
            if len(lines) == MOST_LINES or len(by_day) == MOST_LINES:
                self._keep_lines(load, by_day)
        self._keep_lines(load, by_day)
        remove_unnamed(self._loading, load)

    def _keep_lines(self, load: Load, by_day: dict[str, list[Line]]) -> None:
        for day, lines in by_day.items():
            self._loading.keep(msgspec.structs.replace(load, as_of=day), lines)
        by_day.clear()

    def _line(self, copy: Snapshot, register: Register, row: RegisterRow) -> bytes:
        cells = dict(_cells(register, values_of(row.body)))
        return _ENCODER.encode(RowLine(cells, "" if row.as_of == copy.as_of else row.as_of))

    def _copy(self, copy: Snapshot, register: Register, part: str, lines: list[bytes]) -> bytes:
        salt = ""
        if register.private:
            salt = self._store.keys.digest("copies", f"{copy.name} {part}").hex()
        head = _ENCODER.encode(Head(copy.name, copy.as_of, part, copy.is_sample, salt))
        return b"\n".join([head, *sorted(lines), b""])


def _lines(content: bytes) -> Iterator[bytes]:
    """The lines of a copy, one at a time: all of them at once take many times its bytes. Raises RegisterError for one
    that no row can be."""
    text = io.BytesIO(content)
    while line := text.readline(LONGEST_LINE):
        if len(line) == LONGEST_LINE:
            raise RegisterError(f"A line of the copy has more than {LONGEST_LINE} bytes.")
        yield line


def _rows(content: bytes) -> Iterator[tuple[int, RowLine]]:
    """The rows of a copy with the numbers of their lines. Raises ValueError for what is none."""
    lines = enumerate(_lines(content), 1)
    next(lines, None)
    yield from ((number, _ROW.decode(line)) for number, line in lines)


def _all(tx: Transaction, name: str, register: Register) -> tuple[Snapshot | None, list[RegisterRow], list[str]]:
    kept = RegisterTable(name, register.private).rows(tx)
    return rows.snapshot_of(tx, name), kept, sorted(rows.parts_of(tx, name))


def _district(register: Register, values: Values) -> str:
    return str(values.get(register.district, "") or NOWHERE)


def _cells(register: Register, values: Values) -> Iterator[tuple[str, str]]:
    """The columns of a row, as its file had them."""
    for name in register.fields:
        value = values.get(name, "")
        if isinstance(value, str):
            if value:
                yield name, value
        else:
            yield from ((f"{name}_{language}", words) for language, words in value.items())


def _finish(tx: Transaction, head: Head) -> None:
    """The copy is of its day from now on; parts of one register may come in any order."""
    before, day = rows.snapshot_of(tx, head.register), head.as_of
    if head.part:
        rows.save_part(tx, head.register, head.part, day)
        day = max(day, before.as_of) if before else day
    else:
        rows.forget_parts(tx, head.register)
    rows.save_snapshot(tx, head.register, day, head.is_sample)
