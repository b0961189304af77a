"""What `sado menus check` says of a pack: a table for a person, JSON for a program."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass

import msgspec

from sado.menus.gsm import Budget
from sado.menus.reading import check, pack
from sado.menus.reading.faults import Fault
from sado.menus.reading.pack import Files, Pack
from sado.menus.reading.yaml_files import File, Written

HEADS = ("where", "screen", "language", "what to do")


@dataclass(frozen=True)
class Report:
    """The faults of a pack, and how much was looked at."""

    pack: str
    screens: int
    languages: tuple[str, ...]
    faults: tuple[Fault, ...]

    def as_table(self) -> str:
        """A line for each fault, and one that sums up."""
        rows = [(f"{one.file}:{one.line}", one.screen, one.language, one.says) for one in self.faults]
        where = f"in {', '.join(self.languages)}" if self.languages else "read, not checked until they can be"
        looked = f"{self.pack}: {self.screens} screens {where}"
        ends = f"{looked}: {len(rows)} {'fault' if len(rows) == 1 else 'faults'}" if rows else f"{looked}: no fault"
        return "\n".join([*_aligned([HEADS, *rows]), ends] if rows else [ends])

    def as_json(self) -> str:
        """One object with a list of faults, each with file, line, screen, language and says."""
        return msgspec.json.encode({**asdict(self), "faults": [asdict(one) for one in self.faults]}).decode()


def of(name: str, budget: Budget, look: Callable[[Pack], object]) -> Report:
    """Every fault of the pack of this name, or in this folder. `look` raises ValueError for what the menus cannot see,
    its law and its registers. Raises TreeError when there is no such pack."""
    files = pack.files_of(name)
    found = pack.examine(name, files)
    faults, read = found.faults, found.pack
    if read is not None and not faults:
        faults = [*check.style(read.tree, found.written, budget), *_elsewhere(read, found.written, files, look)]
    languages = read.languages.codes if read else ()
    return Report(name, len(found.written.screens), languages, tuple(sorted(faults)))


def _elsewhere(found: Pack, written: Written, files: Files, look: Callable[[Pack], object]) -> Iterator[Fault]:
    """Such an error names its `file`, and has a line for each fault that begins with the entry or screen it is in."""
    try:
        look(found)
    except ValueError as error:
        name = getattr(error, "file", pack.SHARED)
        file, (head, *each) = File(name, files.get(name, b"")), str(error).split("\n")
        for says in map(str.strip, each or [head]):
            entry, _, fault = says.partition(": ")
            yield written.fault(entry, fault) if entry in written.files else file.fault((entry,), says)


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    *columns, _ = zip(*rows, strict=True)
    widths = [max(map(len, column)) for column in columns]
    return ["  ".join([*map(str.ljust, row, widths), row[-1]]) for row in rows]
