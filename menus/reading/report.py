"""What `sado menus check` says of a pack: a table for a person, JSON for a program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import msgspec

from sado.menus.gsm import Budget
from sado.menus.invisible import marked
from sado.menus.reading import check
from sado.menus.reading.faults import Fault
from sado.menus.reading.pack import Look, examine, files_of

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
        rows = [(f"{fault.file}:{fault.line}", fault.screen, fault.language, fault.says) for fault in self.faults]
        where = f"in {', '.join(self.languages)}" if self.languages else "read, not checked until they can be"
        looked = f"{self.pack}: {self.screens} screens {where}"
        ends = f"{looked}: {len(rows)} {'fault' if len(rows) == 1 else 'faults'}" if rows else f"{looked}: no fault"
        # A pack is somebody else's file, and what it says may turn or hide words in a terminal too.
        return marked("\n".join([*aligned([HEADS, *rows], "<<<<"), ends] if rows else [ends]))

    def as_json(self) -> str:
        """One object with a list of faults, each with file, line, screen, language and says."""
        return msgspec.json.encode({**asdict(self), "faults": [asdict(fault) for fault in self.faults]}).decode()


def of(name: str, budget: Budget, look: Look) -> Report:
    """Every fault of the pack of this name, or in this folder; `look` is asked for what the menus cannot see. Raises
    TreeError when there is no such pack."""
    examined = examine(name, files_of(name))
    pack, source, faults = examined.pack, examined.source, examined.faults
    trees = source.trees
    if pack is not None and not faults:
        faults = [*check.style(pack.tree, trees, budget), *source.located(look(pack))]
    return Report(name, len(trees.screens), pack.languages.codes if pack else (), tuple(sorted(faults)))


def aligned(rows: Sequence[Sequence[str]], sides: str) -> list[str]:
    """A table for a terminal, a line for each row; `sides` has a sign for each column, < for left and > for right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    cells = ([f"{cell:{side}{width}}" for cell, side, width in zip(row, sides, widths, strict=True)] for row in rows)
    return ["  ".join(row).rstrip() for row in cells]
