"""The pack that files describe which have no fault of reading (menus/reading/source.py)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sado.menus.commands import Commands
from sado.menus.fields import DIGITS
from sado.menus.gsm import units
from sado.menus.language import csv_rows
from sado.menus.language.languages import Languages
from sado.menus.language.places import DISTRICTS, REGIONS, Gazetteer
from sado.menus.misfits import Misfit, MisfitError
from sado.menus.pack import Agency, Pack
from sado.menus.reading.contract import SHARED_WORDS, Label
from sado.menus.reading.source import AGENCIES, LAW, REGISTERS, PackFile, PackSource, version
from sado.menus.tree import Screen, Texts, Tree, completed, end_of, labels_of, without_gotos


def languages_of(source: PackSource) -> Languages:
    """The languages of the pack. Raises MisfitError."""
    return Languages.read(source.shared.languages, source.shared.default_language, source.tables)


def screens_of(source: PackSource, languages: Languages) -> list[Screen]:
    """The engine's screens for those that are written, in their order."""
    shared: dict[str, Label] = {name: {} for name in SHARED_WORDS}
    shared |= {name: languages.complete(texts) for name, texts in source.shared.words.items()}
    shared["language_names"] = dict(languages.names)
    return [screen for name, written in source.trees.screens.items() for screen in written.screens(name, shared)]


def pack_of(source: PackSource, languages: Languages, screens: Sequence[Screen]) -> Pack:
    """All of it together. Raises MisfitError for places and agencies that cannot be used."""
    shared, registers = source.shared, source.yaml[REGISTERS].data
    places = Gazetteer.read(source.tables[DISTRICTS], source.tables[REGIONS], languages, shared.place_words)
    statuses = {status: languages.complete(texts) for status, texts in shared.statuses.items()}
    placeholders = {name: _worst(languages, value) for name, value in shared.placeholders.items()}
    placeholders["status"] = _longest(languages, statuses.values())
    placeholders["place"] = _longest(languages, [place.names for place in places])
    tree = _tree(source, languages, screens, placeholders)
    return Pack(
        name=source.name,
        tree=tree,
        gazetteer=places,
        agencies=_agencies(source.tables[AGENCIES], languages),
        routing=shared.routing,
        statuses=statuses,
        messages={message: languages.complete(texts) for message, texts in shared.messages.items()},
        case_words=_case_words(tree, shared, languages, registers),
        country=shared.country,
        sms=shared.sms,
        commands=Commands(source.keywords, languages),
        law=source.yaml[LAW].data,
        registers=registers,
    )


def _tree(source: PackSource, languages: Languages, made: Sequence[Screen], placeholders: Mapping[str, Texts]) -> Tree:
    shared, keywords = source.shared, source.keywords.values()
    screens = without_gotos({screen.id: _finished(screen, languages, shared.fields) for screen in made})
    return Tree(
        version=version(source.files),
        languages=languages,
        start=end_of(screens, shared.start),
        first_contact=end_of(screens, shared.first_contact),
        resume=end_of(screens, shared.resume),
        screens=screens,
        back=languages.complete(shared.back),
        more=languages.complete(shared.more),
        errors={error: completed(languages, texts) for error, texts in shared.errors.items()},
        labels=_labels(screens, shared, languages),
        placeholders=placeholders,
        fixed_placeholders=shared.fixed_placeholders,
        refusals=frozenset(map(languages.fold, shared.refusals)),
        entered=tuple(screen for word in keywords for screen in (word.go, word.go_with_inputs, *word.inputs) if screen),
    )


def _finished(screen: Screen, languages: Languages, fields: Mapping[str, int]) -> Screen:
    """The screen in every language, its field one that the engine knows."""
    length = {**DIGITS, **fields}.get(screen.accepts)
    return replace(
        screen,
        accepts="digits" if length else screen.accepts,
        length=length or screen.length,
        text=completed(languages, screen.text),
        title=completed(languages, screen.title),
        options=tuple(replace(option, text=completed(languages, option.text)) for option in screen.options),
    )


def _labels(screens: Mapping[str, Screen], shared: PackFile, languages: Languages) -> dict[tuple[str, str], Texts]:
    """The words of each answer: those of its option, unless pack.yaml calls the kind or topic something else. A line of
    a full screen may be shorter than what the matter is called anywhere else."""
    labels, named = labels_of(screens), _named(shared)
    return {key: completed(languages, named.get(key, texts)) for key, texts in labels.items()}


def _named(shared: PackFile) -> dict[tuple[str, str], Texts]:
    """(kind or topic, code) → what pack.yaml calls it."""
    kinds: dict[tuple[str, str], Texts] = {("kind", code): texts for code, texts in shared.kinds.items()}
    return kinds | {("topic", code): texts for code, texts in shared.topics.items()}


def _worst(languages: Languages, value: str | Label) -> Texts:
    """The longest value of a placeholder in each language."""
    return languages.complete(dict.fromkeys(languages.codes, value) if isinstance(value, str) else value)


def _longest(languages: Languages, many: Collection[Mapping[str, str]]) -> Texts:
    """The longest words in each language among these."""
    return {code: max((texts.get(code, "") for texts in many), key=units, default="") for code in languages.codes}


def _case_words(
    tree: Tree, shared: PackFile, languages: Languages, registers: Mapping[str, Any]
) -> dict[tuple[str, str], Texts]:
    """(kind or topic, code) → words: those of pack.yaml, of the options, and for questions the registers' titles. An
    option says what a resident chooses by it, which need not be what an officer calls the case: "Any job"."""
    titles = {name: register.get("title") for name, register in registers.items() if isinstance(register, dict)}
    named: dict[tuple[str, str], Texts] = {
        ("topic", name): title for name, title in titles.items() if isinstance(title, dict)
    }
    named |= {key: texts for key, texts in tree.labels.items() if key[0] in ("kind", "topic")}
    return {key: completed(languages, texts) for key, texts in (named | _named(shared)).items()}


def _agencies(table: str, languages: Languages) -> dict[str, Agency]:
    rows = csv_rows.read(table)
    if misfits := [*_agency_misfits(rows)]:
        raise MisfitError(misfits)
    return {
        row["code"]: Agency(
            row["code"], languages.complete({key[5:]: name for key, name in row.items() if key.startswith("name_")})
        )
        for _, row in rows
    }


def _agency_misfits(rows: Sequence[tuple[int, csv_rows.Row]]) -> Iterator[Misfit]:
    if rows and "code" not in rows[0][1]:
        yield AGENCIES, (1,), "needs a column code, and a column name_… for each language"
        return
    counts = Counter(row["code"] for _, row in rows)
    for line, row in rows:
        if counts[row["code"]] > 1:
            yield AGENCIES, (line,), f"{row['code']} stands in two rows: remove one"
