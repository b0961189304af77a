"""What is wrong with the data of a pack, as whoever reads a part of it says so."""

from __future__ import annotations

from collections.abc import Iterable

# The keys that lead to a place in a YAML file, or the line of a CSV file.
Path = tuple[str | int, ...]
# The file, the place in it, and what to do. Without a file the place is that of a screen, which has one.
Misfit = tuple[str, Path, str]


class MisfitError(ValueError):
    """A part of a pack cannot be used; `misfits` are all that is wrong with it."""

    def __init__(self, misfits: Iterable[Misfit]) -> None:
        self.misfits = tuple(misfits)
        super().__init__("\n".join(f"{file}: {worded(path, says)}" for file, path, says in self.misfits))


def worded(path: Path, says: str) -> str:
    """The fault with the keys that lead to it."""
    return f"{'.'.join(map(str, path))}: {says}" if path else says
