"""A pack: one country's trees, places, agencies and words, read from its files and checked as a whole."""

from __future__ import annotations

import csv
import gc
import hashlib
import io
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from sado.menus.fields import DIGITS
from sado.menus.gsm import units
from sado.menus.language.languages import Languages
from sado.menus.language.places import Gazetteer
from sado.menus.reading import check, command_faults, pack_faults, yaml_files
from sado.menus.reading.commands import Commands, Keyword
from sado.menus.reading.faults import Fault, misfits
from sado.menus.reading.kinds import SHARED_WORDS, Label, Words
from sado.menus.reading.yaml_files import File, Written
from sado.menus.tree import PLACEHOLDER, Screen, Texts, Tree, TreeError, completed, labels_of, without_gotos

PACKS = Path(__file__).parents[1] / "packs"
SHARED = "pack.yaml"
COMMANDS = "commands.yaml"
TABLES = ("districts.csv", "regions.csv", "agencies.csv")
Files = Mapping[str, bytes]
Clock = Annotated[str, Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$", description="HH:MM")]


class SmsRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How SMS are sent: the price of a segment, between which hours only what was asked for is sent, and after how many
    hours a notice is of no use."""

    price: Annotated[str, Meta(pattern=r"^\d+(\.\d{1,3})?$", description="of a segment, in the country's money")]
    quiet: tuple[Clock, Clock] = ("21:00", "07:00")
    expires_hours: Annotated[int, Meta(ge=1, le=720)] = 72


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
    constants: dict[str, str]
    fields: dict[str, int]
    place_words: list[str]
    country: Annotated[str, Meta(pattern="^[A-Z]{2}$", description="ISO 3166: whose numbers need no country code")]
    sms: SmsRules
    routing: dict[str, str]
    statuses: dict[str, Label]
    messages: dict[str, Label]
    kinds: Annotated[dict[str, Label], Meta(description="words for kinds of case that no option names")] = {}
    topics: Annotated[dict[str, Label], Meta(description="words for topics that no option names")] = {}


@dataclass(frozen=True)
class Agency:
    """A body that receives cases: its code and its name in each language."""

    code: str
    names: Mapping[str, str]


@dataclass(frozen=True)
class Pack:
    """Everything about one country that the code asks for. `law` and `registers` are as written: their rooms read
    them (cases/law.py, cases/registers/lookup.py)."""

    name: str
    tree: Tree
    gazetteer: Gazetteer
    agencies: Mapping[str, Agency]
    routing: Mapping[str, str]
    statuses: Mapping[str, Mapping[str, str]]
    messages: Mapping[str, Mapping[str, str]]
    case_words: Mapping[tuple[str, str], Texts]
    country: str
    sms: SmsRules
    commands: Commands
    law: Mapping[str, Any]
    registers: Mapping[str, Any]

    @property
    def time_zone(self) -> str:
        """The country's clock, by which the law's days are counted."""
        return str(self.law.get("time_zone", "UTC"))

    @property
    def languages(self) -> Languages:
        """The languages and scripts that residents choose among."""
        return self.tree.languages

    def case_word(self, part: str, code: str, language: str) -> str:
        """The word for a case's `kind` or `topic`; one that this version of the pack does not know shows as it came."""
        return str(self.case_words.get((part, code), {}).get(language, code))

    def message(self, name: str, language: str, **values: str) -> str:
        """An SMS text in `language` (or the pack's default), filled."""
        texts = self.messages[name]
        text = texts.get(language) or texts[self.languages.default]
        return PLACEHOLDER.sub(lambda match: values.get(match[1], ""), text)

    def status(self, status: str, language: str) -> str:
        """The word for a status; a status of a newer release shows as it came."""
        return self.statuses.get(status, {}).get(language, status)


def load(name: str) -> Pack:
    """The pack of this name, or in this folder. Raises TreeError with every fault at once."""
    return build(name, files_of(name))


def files_of(name: str) -> dict[str, bytes]:
    """The files of the pack of this name, or in this folder: what its version is made of. Raises TreeError."""
    folder = Path(name) if (Path(name) / SHARED).is_file() else PACKS / name
    if not (folder / SHARED).is_file():
        known = ", ".join(sorted(path.parent.name for path in PACKS.glob(f"*/{SHARED}")))
        raise TreeError(f"There is no pack {name!r}: name a folder with a {SHARED} in it, or one of: {known}.")
    paths = [*folder.glob("*.yaml"), *folder.glob("*.csv"), *folder.glob("trees/*.yaml")]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(paths)}


@dataclass(frozen=True)
class Examined:
    """What came of reading a pack: the pack as far as it can be made, its trees as written, and every fault that keeps
    it from being used."""

    pack: Pack | None
    written: Written
    faults: list[Fault]


def build(name: str, files: Files) -> Pack:
    """A pack of these files. Raises TreeError with every fault at once."""
    found = examine(name, files)
    if found.pack is None or found.faults:
        raise TreeError(f"The pack {name!r} cannot be used:\n  " + "\n  ".join(map(str, sorted(found.faults))))
    return found.pack


def examine(name: str, files: Files) -> Examined:
    """Read these files as a pack."""
    with _collector_off():
        return _examined(name, files)


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


def _examined(name: str, files: Files) -> Examined:
    shared, law, registers = (File(path, files.get(path, b"{}")) for path in (SHARED, "law.yaml", "registers.yaml"))
    written = yaml_files.read({path: content for path, content in files.items() if path.startswith("trees/")})
    said = File(COMMANDS, files.get(COMMANDS, b"{}"))
    data, rules, defined = shared.data, law.data, registers.data
    misfitting = [] if shared.faults else [shared.fault(path, says) for path, says in misfits(data, PackFile)]
    misfitting += [said.fault(path, says) for path, says in misfits(said.data, dict[str, Keyword])] + said.faults
    missing = [Fault(path, 1, "", "", "this file is missing") for path in TABLES if path not in files]
    faults = [*misfitting, *missing, *law.faults, *registers.faults, *shared.faults, *written.faults]
    if faults:
        return Examined(None, written, faults)
    words, keywords = msgspec.convert(data, PackFile), msgspec.convert(said.data, dict[str, Keyword])
    try:
        languages = Languages.read(words.languages, words.default_language, _texts(files, ".csv"))
        made = list(_made(words, languages, written))
        pack = _pack(name, files, words, keywords, languages, made, rules, defined)
    except (ValueError, KeyError) as error:
        return Examined(None, written, [shared.fault((), str(error))])
    faults = [*check.structure(pack.tree, written), *pack_faults.found(pack, words, made, shared, written)]
    faults += command_faults.found(keywords, pack.tree, said)
    return Examined(pack, written, faults)


def _pack(
    name: str,
    files: Files,
    words: PackFile,
    keywords: Mapping[str, Keyword],
    languages: Languages,
    made: Sequence[Screen],
    law: Mapping[str, Any],
    registers: Mapping[str, Any],
) -> Pack:
    tables = _texts(files, ".csv")
    places = Gazetteer.read(tables["districts.csv"], tables["regions.csv"], languages, words.place_words)
    statuses = {status: languages.complete(texts) for status, texts in words.statuses.items()}
    placeholders = {name: _worst(languages, value) for name, value in words.placeholders.items()}
    placeholders["status"] = _longest(languages, statuses.values())
    placeholders["place"] = _longest(languages, [place.names for place in places])
    entered = tuple(screen for one in keywords.values() for screen in (one.go, one.go_given, *one.takes) if screen)
    tree = replace(_tree(files, words, languages, made, placeholders), entered=entered)
    return Pack(
        name=name,
        tree=tree,
        gazetteer=places,
        agencies=_agencies(tables["agencies.csv"], languages),
        routing=words.routing,
        statuses=statuses,
        messages={message: languages.complete(texts) for message, texts in words.messages.items()},
        case_words=_case_words(tree, words, languages, registers),
        country=words.country,
        sms=words.sms,
        commands=Commands(keywords),
        law=law,
        registers=registers,
    )


def _tree(
    files: Files, words: PackFile, languages: Languages, made: Sequence[Screen], placeholders: Mapping[str, Texts]
) -> Tree:
    screens = without_gotos({screen.id: _finished(screen, languages, words.fields) for screen in made})
    return Tree(
        version=version(files),
        languages=languages,
        start=words.start,
        first_contact=words.first_contact,
        resume=words.resume,
        screens=screens,
        back=languages.complete(words.back),
        more=languages.complete(words.more),
        errors={error: completed(languages, texts) for error, texts in words.errors.items()},
        labels=labels_of(screens),
        placeholders=placeholders,
        constants=words.constants,
    )


def _made(words: PackFile, languages: Languages, written: Written) -> Iterator[Screen]:
    """The engine's screens for those that are written, in their order."""
    shared: dict[str, Label] = {name: {} for name in SHARED_WORDS}
    shared |= {name: languages.complete(texts) for name, texts in words.words.items()}
    shared["language_names"] = dict(languages.names)
    for name, kind in written.screens.items():
        yield from kind.screens(name, shared)


def _finished(screen: Screen, languages: Languages, fields: Mapping[str, int]) -> Screen:
    """The screen in every language, its field one that the engine knows."""
    length = {**DIGITS, **fields}.get(screen.accepts)
    return replace(
        screen,
        accepts="digits" if length else screen.accepts,
        length=length or screen.length,
        text=completed(languages, screen.text),
        title=completed(languages, screen.title),
        options=tuple(replace(one, text=completed(languages, one.text)) for one in screen.options),
    )


def _worst(languages: Languages, value: str | Label) -> Texts:
    """The longest value of a placeholder in each language."""
    return languages.complete(dict.fromkeys(languages.codes, value) if isinstance(value, str) else value)


def _longest(languages: Languages, many: Collection[Mapping[str, str]]) -> Texts:
    """The longest words in each language among these."""
    return {code: max((texts.get(code, "") for texts in many), key=units, default="") for code in languages.codes}


def _case_words(
    tree: Tree, words: PackFile, languages: Languages, registers: Mapping[str, Any]
) -> dict[tuple[str, str], Texts]:
    """(kind or topic, code) → words: those of the options, of pack.yaml, and for questions the registers' titles."""
    titles = {name: one.get("title") for name, one in registers.items() if isinstance(one, dict)}
    named: dict[tuple[str, str], Texts] = {
        ("topic", name): title for name, title in titles.items() if isinstance(title, dict)
    }
    named |= {("kind", code): texts for code, texts in words.kinds.items()}
    named |= {("topic", code): texts for code, texts in words.topics.items()}
    named = {key: completed(languages, texts) for key, texts in named.items()}
    return named | {key: texts for key, texts in tree.labels.items() if key[0] in ("kind", "topic")}


def version(files: Files) -> str:
    """The name of this content: a session finishes on the version it began on."""
    content = hashlib.sha256()
    for path, data in sorted(files.items()):
        content.update(b"%d %s %d " % (len(path), path.encode(), len(data)) + data)
    return content.hexdigest()[:12]


def _texts(files: Files, ending: str) -> dict[str, str]:
    return {path: data.decode("utf-8-sig") for path, data in files.items() if path.endswith(ending)}


def _agencies(table: str, languages: Languages) -> dict[str, Agency]:
    reader = csv.DictReader(io.StringIO(table, newline=""), restval="")
    if "code" not in (reader.fieldnames or ()):
        raise ValueError("agencies.csv needs a column code, and a column name_… for each language")
    rows = list(reader)
    if twice := [code for code, count in Counter(row["code"] for row in rows).items() if count > 1]:
        raise ValueError(f"agencies.csv has two rows with the code {', '.join(twice)}: remove one")
    return {
        row["code"]: Agency(
            row["code"],
            languages.complete({key[5:]: name for key, name in row.items() if key and key.startswith("name_")}),
        )
        for row in rows
    }
