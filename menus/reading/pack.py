"""A pack, read from its files and checked as a whole: parsed (source.py), put together (build.py), and then every rule
that its parts must keep."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sado.menus.misfits import Misfit, MisfitError
from sado.menus.pack import Pack
from sado.menus.reading import build as building
from sado.menus.reading import check, command_faults, pack_faults
from sado.menus.reading.faults import Fault
from sado.menus.reading.source import MOST_BYTES, SHARED, Files, PackSource, parse
from sado.menus.tree import TreeError

PACKS = Path(__file__).parents[1] / "packs"
# What is wrong with a pack that the menus cannot see: its law, its registers, lookups in them.
Look = Callable[[Pack], Iterable[Misfit]]


class PackError(TreeError):
    """A pack that must not be used; `faults` are all that is wrong with it."""

    def __init__(self, name: str, faults: Iterable[Fault]) -> None:
        self.faults = tuple(sorted(faults))
        super().__init__("\n  ".join([f"The pack {name!r} cannot be used:", *map(str, self.faults)]))


def nothing_else(pack: Pack) -> Iterable[Misfit]:
    """Looks at nothing that the menus cannot see."""
    return ()


def load(name: str) -> Pack:
    """The pack of this name, or in this folder. Raises TreeError with every fault at once."""
    return build(name, files_of(name))


def files_of(name: str) -> dict[str, bytes]:
    """The files of the pack of this name, or in this folder: what its version is made of. Raises TreeError."""
    folder = Path(name) if (Path(name) / SHARED).is_file() else PACKS / name
    if not (folder / SHARED).is_file():
        packs = ", ".join(sorted(path.parent.name for path in PACKS.glob(f"*/{SHARED}")))
        raise TreeError(f"There is no pack {name!r}: name a folder with a {SHARED} in it, or one of: {packs}.")
    paths = [*folder.glob("*.yaml"), *folder.glob("*.csv"), *folder.glob("trees/*.yaml")]
    if (size := sum(path.stat().st_size for path in paths)) > MOST_BYTES:
        raise TreeError(f"The files in {folder} have {size} bytes; a pack has at most {MOST_BYTES}.")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(paths)}


@dataclass(frozen=True)
class Examined:
    """What came of reading a pack: its files as parsed, the pack as far as it can be made, and every fault that keeps
    it from being used."""

    source: PackSource
    pack: Pack | None
    faults: list[Fault]


def build(name: str, files: Files, look: Look = nothing_else) -> Pack:
    """A pack of these files. What `look` sees is asked of one that has no other fault. Raises PackError with every
    fault at once."""
    examined = examine(name, files)
    pack, faults = examined.pack, examined.faults
    if pack is None or (faults := faults or examined.source.located(look(pack))):
        raise PackError(name, faults)
    return pack


def examine(name: str, files: Files) -> Examined:
    """Read these files as a pack."""
    with _collector_off():
        source = parse(name, files)
        if source.faults:
            return Examined(source, None, source.faults)
        try:
            languages = building.languages_of(source)
            screens = building.screens_of(source, languages)
            pack = building.pack_of(source, languages, screens)
        except MisfitError as error:
            return Examined(source, None, source.located(error.misfits))
        faults = [*check.structure(pack.tree, source.trees), *pack_faults.found(pack, screens, source)]
        faults += command_faults.found(pack.tree, source)
        return Examined(source, pack, faults)


@contextmanager
def _collector_off() -> Iterator[None]:
    """Nothing that is made of a pack is garbage, and looking for it in ever more objects takes four fifths of the
    time that 5,000 screens need."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
