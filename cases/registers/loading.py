"""Loading a register from an agency's file, in steps of a few hundred lines.

Each step is one transaction, so phones are answered in between, and a load that is broken off leaves a register that
can be used: what came before is kept, the rest is as it was, and the same file loaded again finishes the work. The
steps may be taken in another process than the one that reads the file: only one may hold the database.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import msgspec

from sado.cases.registers.definitions import SAMPLE, Register, RegisterError
from sado.cases.registers.lookup import Registers, Values, values_of
from sado.store import Store, Transaction
from sado.store.tables import registers as rows
from sado.store.tables.registers import RegisterRow, RegisterTable

MOST_LINES = 500
MARKS = ("", "yes")

Announce = Callable[[Transaction, Register, Values], object]


class Line(msgspec.Struct, frozen=True):
    """One line of a file: its number, its cells by column, or the fault for which it could not be read at all."""

    number: int
    cells: dict[str, str]
    fault: str = ""


class Checked(NamedTuple):
    """A line as it will be kept: its values, the words that name its row if they are there, its faults if any."""

    values: Values
    name: str
    fault: str


class Load(msgspec.Struct, frozen=True):
    """A load under way. Loads are numbered, and a row carries the number of the last one that named it. `is_first`
    while there is no copy, `is_sample` when the copy that is here has invented rows. `part` names the part of the
    register that it is the whole of (cases/registers/snapshots.py); empty: no part, but the register."""

    register: str
    number: int
    as_of: str
    is_first: bool
    is_sample: bool
    part: str = ""


class Step(msgspec.Struct, frozen=True):
    """What came of some lines. `rejected` says of a line what is wrong; `nameless` are those of them that do not even
    tell which row they mean."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    samples: int = 0
    nameless: int = 0
    rejected: list[tuple[int, str]] = []


class Removed(msgspec.Struct, frozen=True):
    """What a step of the cleaning did; the next one goes on after this id, which is empty at the end."""

    count: int
    after: str


class Steps(Protocol):
    """The steps of a load, in this process or through the control API of the one that serves."""

    def begin(self, register: str, as_of: str) -> Load:
        """Number the load. Raises RegisterError when the file is no news for this register."""
        ...

    def keep(self, load: Load, lines: Sequence[Line]) -> Step:
        """Keep these lines, reject those with faults."""
        ...

    def remove(self, load: Load, after: str) -> Removed:
        """Remove some of the rows that the load has not named, those with ids above `after`."""
        ...

    def end(self, load: Load, is_sample: bool) -> None:
        """The register is of the load's day from now on."""


def remove_unnamed(steps: Steps, load: Load) -> int:
    """Remove every row that the load has not named, some at a time; how many there were."""
    count, after, goes_on = 0, "", True
    while goes_on:
        removed = steps.remove(load, after)
        count, after, goes_on = count + removed.count, removed.after, bool(removed.after)
    return count


class Loading:
    """The steps on this process's own store. `announce` is called for each new row of a register that was loaded
    before, in the transaction that keeps the row."""

    def __init__(self, store: Store, registers: Registers, announce: Announce) -> None:
        self._store = store
        self._registers = registers
        self._announce = announce

    def begin(self, register: str, as_of: str) -> Load:
        """Number the load. Raises RegisterError for a day to come, or one before that of the copy that is here."""
        self._registers.get(register)
        if datetime.date.fromisoformat(as_of) > self._registers.today(self._store.now()):
            raise RegisterError(f"{as_of} is a day to come: give the day of the agency's copy with --as-of.")
        return self._store.write(lambda tx: self._begun(tx, register, as_of))

    def take_over(self, register: str, as_of: str, is_sample: bool, part: str) -> Load:
        """Number the load of a copy that the upstream has checked: its day is believed, whatever the clock says here.
        Raises RegisterError for a day before that of the copy that is here, and for invented rows in place of real."""
        return self._store.write(lambda tx: self._taken_over(tx, register, as_of, is_sample, part))

    def keep(self, load: Load, lines: Sequence[Line]) -> Step:
        """Keep the sound lines in one transaction; all are checked before it begins, so that it is short."""
        checked = [self._checked(load, line) for line in lines]
        pairs = list(zip(lines, checked, strict=True))
        kept = self._store.write(lambda tx: [self._keep(tx, load, line) for line in checked])
        return Step(
            new=kept.count("new"),
            changed=kept.count("changed"),
            unchanged=kept.count("unchanged"),
            samples=sum(bool(line.cells.get(SAMPLE, "").strip()) for line, row in pairs if not row.fault),
            nameless=kept.count("nameless"),
            rejected=[(line.number, row.fault) for line, row in pairs if row.fault],
        )

    def remove(self, load: Load, after: str) -> Removed:
        """Remove some rows that the load has not named: looked for by a reader, so that nobody waits meanwhile."""
        table = self._table(load.register)
        ids = self._store.read(lambda tx: table.unnamed(tx, load.number, after, MOST_LINES, load.part))
        count = self._store.write(lambda tx: sum(self._remove(tx, load, row_id) for row_id in ids))
        return Removed(count, ids[-1] if len(ids) == MOST_LINES else "")

    def end(self, load: Load, is_sample: bool) -> None:
        """Set the day of the copy."""
        self._store.write(lambda tx: rows.save_snapshot(tx, load.register, load.as_of, is_sample))

    def _taken_over(self, tx: Transaction, register: str, as_of: str, is_sample: bool, part: str) -> Load:
        self._registers.get(register)
        copy, parts = rows.snapshot_of(tx, register), rows.parts_of(tx, register)
        day = parts.get(part) if part and parts else copy and copy.as_of
        if day and day > as_of:
            raise RegisterError(f"The copy of {register} here is of {day}, later than {as_of}.")
        if is_sample and copy and not copy.is_sample:
            raise RegisterError(f"The copy of {register} here is real, the one that came is a sample.")
        is_first = part not in parts if part else copy is None
        return Load(register, tx.next_number("loads"), as_of, is_first, copy is not None and copy.is_sample, part)

    def _begun(self, tx: Transaction, register: str, as_of: str) -> Load:
        copy = rows.snapshot_of(tx, register)
        if copy and copy.as_of > as_of:
            raise RegisterError(
                f"The copy of {register} here is of {copy.as_of}, later than {as_of}: "
                "load a newer file, or give its day with --as-of."
            )
        return Load(register, tx.next_number("loads"), as_of, copy is None, copy is not None and copy.is_sample)

    def _checked(self, load: Load, line: Line) -> Checked:
        if line.fault:
            return Checked({}, "", line.fault)
        values, faults = self._registers.check(load.register, line.cells)
        name = self._registers.name_of(load.register, values)
        mark = line.cells.get(SAMPLE, "").strip()
        if mark not in MARKS:
            faults.append(f"{SAMPLE}: is yes or empty")
        elif mark and not (load.is_first or load.is_sample):
            faults.append(f"{SAMPLE}: an invented row cannot go into a register of real ones")
        if not (name or faults):
            faults.append(f"{', '.join(self._registers.get(load.register).id)}: no letter or digit names the row")
        return Checked(values, name, "; ".join(faults))

    def _keep(self, tx: Transaction, load: Load, line: Checked) -> str:
        """Keep one line; the count of Step that it adds to."""
        if not line.name:
            return "nameless"
        table, values = self._table(load.register), line.values
        row_id = table.row_id(tx, line.name)
        if line.fault:
            table.spare(tx, row_id, load.number)
            return "rejected"
        body = msgspec.json.encode(values).decode()
        old = table.get(tx, row_id)
        if old and old.body == body:
            table.renew(tx, row_id, load.as_of, load.number, load.part)
        else:
            if old:
                table.drop_keys(tx, row_id, self._registers.keys_of(load.register, values_of(old.body)))
            table.save(tx, RegisterRow(row_id, body, load.as_of), load.number, load.part)
        table.add_keys(tx, row_id, self._registers.keys_of(load.register, values))
        if old:
            return "unchanged" if old.body == body else "changed"
        if not load.is_first:
            self._announce(tx, self._registers.get(load.register), values)
        return "new"

    def _remove(self, tx: Transaction, load: Load, row_id: str) -> bool:
        table = self._table(load.register)
        removed = table.remove(tx, row_id, load.number)
        if removed:
            table.drop_keys(tx, row_id, self._registers.keys_of(load.register, values_of(removed.body)))
        return removed is not None

    def _table(self, register: str) -> RegisterTable:
        return RegisterTable(register, self._registers.get(register).private)
