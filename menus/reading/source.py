"""A pack as written: its files parsed, each with where its things stand."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

import msgspec
from msgspec import Meta

from sado.menus.commands import Keyword
from sado.menus.language.places import DISTRICTS, REGIONS
from sado.menus.misfits import Misfit, Path, worded
from sado.menus.pack import SmsRules
from sado.menus.reading import yaml_files
from sado.menus.reading.contract import Label, Words
from sado.menus.reading.faults import NOT_UTF8, Fault
from sado.menus.reading.yaml_files import File, Written

Files = Mapping[str, bytes]
SHARED = "pack.yaml"
COMMANDS = "commands.yaml"
LAW = "law.yaml"
REGISTERS = "registers.yaml"
AGENCIES = "agencies.csv"
TABLES = (DISTRICTS, REGIONS, AGENCIES)
# Some forty times the largest pack there is. A table's cells are reckoned as if each row had every column.
MOST_FILES, MOST_BYTES, MOST_CELLS = 1000, 8 << 20, 400_000


class PackFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`pack.yaml`: what every screen shares."""

    languages: dict[str, dict[str, str]]
    default_language: str
    start: str
    first_contact: str
    resume: str
    back: Label
    more: Label
    words: dict[str, Label]
    errors: dict[str, Words]
    placeholders: dict[str, str | Label]
    fixed_placeholders: dict[str, str]
    fields: dict[str, int]
    place_words: list[str]
    country: Annotated[str, Meta(pattern="^[A-Z]{2}$", description="ISO 3166: whose numbers need no country code")]
    sms: SmsRules
    routing: dict[str, str]
    statuses: dict[str, Label]
    messages: dict[str, Label]
    kinds: Annotated[dict[str, Label], Meta(description="words for kinds of case; they go before an option's")] = {}
    refusals: Annotated[list[str], Meta(description="words that are said in place of a name, such as anonymous")] = []
    topics: Annotated[dict[str, Label], Meta(description="words for topics; they go before an option's")] = {}


@dataclass(frozen=True)
class PackSource:
    """The files of a pack. Only one without `faults` has `shared`, `keywords` and `tables` to give."""

    name: str
    files: Files
    yaml: Mapping[str, File]
    trees: Written
    faults: list[Fault]

    @cached_property
    def shared(self) -> PackFile:
        """What pack.yaml says."""
        return msgspec.convert(self.yaml[SHARED].data, PackFile)

    @cached_property
    def keywords(self) -> dict[str, Keyword]:
        """The SMS commands of commands.yaml by their names."""
        return msgspec.convert(self.yaml[COMMANDS].data, dict[str, Keyword])

    @cached_property
    def tables(self) -> dict[str, str]:
        """The text of each CSV file."""
        return {path: content.decode("utf-8-sig") for path, content in self.files.items() if path.endswith(".csv")}

    def located(self, misfits: Iterable[Misfit]) -> list[Fault]:
        """The faults with their lines."""
        return [self._located(*misfit) for misfit in misfits]

    def _located(self, file: str, path: Path, says: str) -> Fault:
        if not file:
            screen, *inner = path
            return self.trees.fault(str(screen), says, tuple(inner))
        if file in self.yaml:
            return self.yaml[file].fault(path, worded(path, says))
        return Fault(file, int(path[0]) if path else 1, "", "", says)


def parse(name: str, files: Files) -> PackSource:
    """The pack of these files; what cannot be read, or is not what its place in a file takes, is told in `faults`."""
    if faults := [*_too_much(files)]:
        return PackSource(name, files, {}, Written({}, {}, []), faults)
    yaml = {path: File(path, files.get(path, b"{}")) for path in (SHARED, COMMANDS, LAW, REGISTERS)}
    trees = yaml_files.read({path: content for path, content in files.items() if path.startswith("trees/")})
    faults = [*yaml[SHARED].unlike(PackFile), *yaml[COMMANDS].unlike(dict[str, Keyword]), *trees.faults]
    faults += [*yaml[LAW].unlike(dict), *yaml[REGISTERS].unlike(dict)]
    faults += [Fault(path, 1, "", "", "this file is missing") for path in TABLES if path not in files]
    faults += [
        fault for path, content in files.items() if path.endswith(".csv") for fault in _table_faults(path, content)
    ]
    return PackSource(name, files, yaml, trees, faults)


def _too_much(files: Files) -> Iterator[Fault]:
    """What no station reads: it is looked at before anything is."""
    if len(files) > MOST_FILES:
        yield Fault(SHARED, 1, "", "", f"a pack has at most {MOST_FILES} files, this one {len(files)}")
    if (size := sum(map(len, files.values()))) > MOST_BYTES:
        largest = max(files, key=lambda path: len(files[path]))
        yield Fault(largest, 1, "", "", f"a pack has at most {MOST_BYTES} bytes, this one {size}")


def _table_faults(path: str, content: bytes) -> Iterator[Fault]:
    """What keeps a table from being read, or makes it too large."""
    try:
        reader = csv.reader(io.StringIO(content.decode("utf-8"), newline=""))
        columns = len(next(reader, ()))
        cells = columns * sum(1 for _ in reader)
    except UnicodeDecodeError as error:
        yield Fault(path, content.count(b"\n", 0, error.start) + 1, "", "", NOT_UTF8)
    except csv.Error as error:
        yield Fault(path, reader.line_num, "", "", f"this is not CSV: {error}")
    else:
        if cells > MOST_CELLS:
            yield Fault(path, 1, "", "", f"a table has at most {MOST_CELLS} cells, this one {cells}")


def version(files: Files) -> str:
    """The name of this content: a session finishes on the version it began on."""
    content = hashlib.sha256()
    for path, data in sorted(files.items()):
        content.update(b"%d %s %d " % (len(path), path.encode(), len(data)) + data)
    return content.hexdigest()[:12]
