"""An agency's file: a CSV of one register, read line by line, and loaded step by step.

The file is UTF-8, with or without the mark that spreadsheets put first; its first line names the columns.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sado.cases.registers.definitions import SAMPLE, Register, RegisterError
from sado.cases.registers.loading import MOST_LINES, Line, Step, Steps, remove_unnamed

LONGEST_LINE = 20_000
# What is read of a file while no line of it has ended: a quotation mark that is not closed takes all that follows.
LONGEST_UNENDED = 1_000_000
# A step has to pass through the control API, which takes a megabyte; a letter may become six bytes.
LONGEST_STEP = 100_000


@dataclass
class Report:
    """What came of a load. `rejected` are lines with what is wrong with each, `nameless` how many of them do not even
    tell which row they mean."""

    read: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    removed: int = 0
    samples: int = 0
    nameless: int = 0
    rejected: list[tuple[int, str]] = field(default_factory=list)

    @property
    def kept(self) -> int:
        """How many lines are in the register now."""
        return self.new + self.changed + self.unchanged


class RegisterFile:
    """A file that is open for reading; `position` of `size` bytes have been read. Close it, or use it in `with`."""

    def __init__(self, path: Path, register: Register, languages: Collection[str]) -> None:
        """Open it and look at its columns. Raises RegisterError when they are not those of the register."""
        self.size = path.stat().st_size
        self._raw = path.open("rb")
        self._text = io.TextIOWrapper(self._raw, "utf-8-sig", newline="")
        self._path = path
        self._unended = 0
        self._reader = csv.reader(self._pieces(), strict=True)
        try:
            self._columns = self._header()
            _check_columns(self._columns, register, languages)
        except BaseException:
            self._raw.close()
            raise

    def __enter__(self) -> RegisterFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._raw.close()

    @property
    def position(self) -> int:
        """How many bytes have been read."""
        return self.size if self._raw.closed else self._raw.tell()

    def steps(self) -> Iterator[list[Line]]:
        """The lines of the file, some hundred at a time. Raises RegisterError where it is not UTF-8."""
        step: list[Line] = []
        length = 0
        for line in self._lines():
            step.append(line)
            length += sum(map(len, line.cells.values()))
            if len(step) == MOST_LINES or length >= LONGEST_STEP:
                yield step
                step, length = [], 0
        if step:
            yield step

    def _pieces(self) -> Iterator[str]:
        """The file for the reader of CSV, which asks on until a line ends. Raises RegisterError where none does."""
        while piece := self._text.readline(LONGEST_UNENDED):
            self._unended += len(piece)
            if self._unended >= LONGEST_UNENDED:
                raise RegisterError(
                    f"{self._path} has a line that does not end: close its quotation mark, or save it as CSV. The lines"
                    " before are kept; load the new file over them."
                )
            yield piece

    def _header(self) -> list[str]:
        try:
            return [name.strip() for name in next(self._reader, [])]
        except (csv.Error, UnicodeDecodeError):
            raise RegisterError(f"{self._path} does not begin with a line of columns in UTF-8.") from None

    def _lines(self) -> Iterator[Line]:
        while True:
            number, self._unended = self._reader.line_num + 1, 0
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield Line(number, {}, f"this is not CSV: {error}")
                continue
            except UnicodeDecodeError:
                raise RegisterError(
                    f"{self._path} is not UTF-8 after line {number - 1}: save it as CSV UTF-8. "
                    "The lines before are kept; load the new file over them."
                ) from None
            if any(map(str.strip, cells)):
                yield self._line(number, cells)

    def _line(self, number: int, cells: list[str]) -> Line:
        if len(cells) != len(self._columns):
            return Line(number, {}, f"{len(self._columns)} columns are needed, got {len(cells)}")
        if sum(map(len, cells)) > LONGEST_LINE:
            return Line(number, {}, f"at most {LONGEST_LINE} letters fit a line")
        return Line(number, dict(zip(self._columns, cells, strict=True)))


def _check_columns(header: list[str], register: Register, languages: Collection[str]) -> None:
    """Raises RegisterError for a column that is missing, unknown or there twice."""
    allowed = register.columns(languages)
    needed = [column for column, name in allowed.items() if register.fields[name].required]
    faults = {
        "missing": [column for column in needed if column not in header],
        "unknown": [column for column in header if column not in allowed and column != SAMPLE],
        "there twice": sorted(column for column, count in Counter(header).items() if count > 1),
    }
    if any(faults.values()):
        said = "; ".join(f"{fault}: {', '.join(columns)}" for fault, columns in faults.items() if columns)
        raise RegisterError(f"The columns do not fit, {said}. They can be: {', '.join([*allowed, SAMPLE])}.")


def load(
    file: RegisterFile, steps: Steps, name: str, as_of: str, is_whole: bool, progress: Callable[[int], object]
) -> Report:
    """Load the file into the register `name`; `progress` is told how many bytes have been read.

    `is_whole`: the file is the whole register, and rows that it does not name are removed; but none while some line is
    so damaged that it does not tell which row it means. When no line can be kept the register stays as it was. Raises
    RegisterError."""
    begun = steps.begin(name, as_of)
    report = Report()
    for lines in file.steps():
        _add(report, steps.keep(begun, lines), len(lines))
        progress(file.position)
    if report.kept:
        if is_whole and not report.nameless:
            report.removed = remove_unnamed(steps, begun)
        has_old_samples = begun.is_sample and not (is_whole and not report.nameless)
        steps.end(begun, bool(report.samples) or has_old_samples)
    return report


def _add(report: Report, step: Step, read: int) -> None:
    report.read += read
    report.new += step.new
    report.changed += step.changed
    report.unchanged += step.unchanged
    report.samples += step.samples
    report.nameless += step.nameless
    report.rejected += step.rejected
