"""A pack: read from its files and checked as a whole. The shipped ones have no fault, also at their worst."""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from sado.menus import engine
from sado.menus.engine import Outcome
from sado.menus.gsm import Budget, segments, units
from sado.menus.handset import Handset, Letters
from sado.menus.pack import Pack
from sado.menus.reading import check, pack
from sado.menus.reading.pack import PACKS
from sado.menus.reading.source import MOST_BYTES, MOST_FILES
from sado.menus.reading.source import version as version_of
from sado.menus.tree import PLACEHOLDER, Texts, TreeError
from sado.menus.view import pages_of
from sado.publishing import checking
from tests.support.packs import ODD, SHARED, built, faults, small, written

NAMES = sorted(path.parent.name for path in PACKS.glob("*/pack.yaml"))
every_pack = pytest.mark.parametrize("name", NAMES)


@cache
def shipped(name: str) -> Pack:
    return pack.load(name)


def texts(shipped: Pack) -> Iterator[tuple[str, Texts]]:
    """Every text of the pack, with where it stands."""
    tree = shipped.tree
    for screen in tree.screens.values():
        yield from ((screen.id, one) for one in screen.texts())
    yield from (("back", tree.back), ("more", tree.more))
    for group in (tree.errors, shipped.statuses, shipped.messages):
        yield from group.items()


@every_pack
def test_a_shipped_pack_has_no_fault(name: str) -> None:
    found = pack.examine(name, pack.files_of(name))
    assert found.pack is not None and found.faults == []
    assert [*map(str, check.style(found.pack.tree, found.source.trees, Budget()))] == []
    assert checking.check_pack(found.pack) == []


@every_pack
def test_a_text_asks_for_the_same_in_each_language(name: str) -> None:
    plain = [(where, [text for text in one.values() if isinstance(text, str)]) for where, one in texts(shipped(name))]
    asked = [(where, {tuple(sorted(PLACEHOLDER.findall(text))) for text in words}) for where, words in plain]
    assert [where for where, lists in asked if len(lists) > 1] == []


@every_pack
def test_no_text_holds_a_letter_that_a_screen_does_not_show(name: str) -> None:
    said = [(where, form) for where, one in texts(shipped(name)) for form in one.values() if isinstance(form, str)]
    hidden = {"Cc", "Cf", "Cs"}
    assert [
        where for where, text in said for sign in text if sign != "\n" and unicodedata.category(sign) in hidden
    ] == []


@every_pack
def test_the_longest_value_of_a_placeholder_is_no_shorter_than_a_word_that_a_register_fills_it_with(name: str) -> None:
    found = shipped(name)
    longest = found.tree.placeholders
    words = [
        (field, texts)
        for register in found.registers.values()
        for field, one in register["fields"].items()
        for texts in one.get("words", {}).values()
    ]
    short = [
        (field, language)
        for field, texts in words
        if field in longest
        for language in found.languages.written
        if units(texts[language]) > units(str(longest[field][language]))
    ]
    assert short == []


@every_pack
def test_a_notice_by_sms_is_one_segment(name: str) -> None:
    found = shipped(name)
    long = [
        (message, language)
        for message in found.messages
        for language in found.languages.codes
        if len(segments(_longest(found, message, language))) > 1
    ]
    assert long == []


def _longest(found: Pack, message: str, language: str) -> str:
    """The message with every placeholder at its longest."""
    values = found.tree.placeholders
    return PLACEHOLDER.sub(lambda match: str(values[match[1]][language]), found.messages[message][language])


@pytest.mark.parametrize(
    ("old", "new", "at", "language", "says"),
    [
        (
            "default_language: en",
            "default_language: de",
            "default_language:",
            "",
            "default_language: 'de' is none of en, ru",
        ),
        ("start: root", "start: gone", "start:", "", "there is no screen gone"),
        ("back: {en: Back, ru: Назад}", "back: {en: Back}", "back:", "ru", "has no words in this language"),
        ("  place_again: {en: Again, ru: Снова}\n", "", "words:", "", "there is nothing for place_again"),
        ("  busy: {en: Later., ru: Позже.}\n", "", "errors:", "", "there is nothing for busy"),
        ("en: A date., ru: День.", "en: A date.", "  date:", "ru", "has no words in this language"),
        ('one: "{n} digit.", other: "{n} digits."', "one: a", "    en: {by", "en", "these plural forms need `other`"),
        ("A phone number.", "'{call}'", "  phone:", "", "nothing fills {call}: the placeholders are in pack.yaml"),
        ("{water: AGE}", "{water: AGO}", "routing:", "", "goes to AGO, which is not in agencies.csv"),
        ("{en: Saved, ru: Сохранено}", "{en: Saved}", "statuses:", "ru", "has no words in this language"),
        (", unknown: {en: Dial., ru: Наберите.}", "", "messages:", "", "there is nothing for unknown"),
        ("country: TJ", "country: Tajikistan", "country:", "", "Expected `str` matching regex '^[A-Z]{2}$'"),
        ("country: TJ\n", "", "languages:", "", "`country` is missing: ISO 3166: whose numbers need no country code"),
        ("back:", "bakc:", "back:", "", "there is no `bakc` here; did you mean `back`?"),
        ("topics: {water: {en: Water, ru: Вода}}", "", "languages:", "", "nothing names the topic 'water'"),
    ],
)
def test_a_fault_of_what_all_screens_share_is_told_at_its_line(
    old: str, new: str, at: str, language: str, says: str
) -> None:
    assert SHARED.count(old) == 1
    found = faults(small() | {"pack.yaml": SHARED.replace(old, new).encode()})
    line = SHARED[: SHARED.index(at)].count("\n") + 1
    assert ("pack.yaml", line, language) in [(one.file, one.line, one.language) for one in found if says in one.says]


@pytest.mark.parametrize("part", ["start", "first_contact", "resume"])
def test_a_pack_may_begin_at_a_goto(part: str) -> None:
    name = {"start": "root", "first_contact": "lang", "resume": "resume"}[part]
    shared = SHARED.replace(f"{part}: {name}\n", f"{part}: odd\n")
    files = small(f"odd: {{type: goto, go: odder}}\nodder: {{type: goto, go: {name}}}\n") | {
        "pack.yaml": shared.encode()
    }
    assert getattr(pack.build("small", files).tree, part) == name


def test_a_goto_that_a_pack_begins_at_and_that_leads_round_is_told() -> None:
    shared = SHARED.replace("resume: resume\n", "resume: round\n")
    files = small(ODD + "round: {type: goto, go: round}\n") | {"pack.yaml": shared.encode()}
    assert "leads back to itself" in " ".join(one.says for one in faults(files))


def test_a_case_has_the_words_of_the_pack_before_those_of_an_option() -> None:
    option = "odd: {type: choice, answer: topic, go: end, options: [{value: water, text: {en: Any, ru: Любая}}]}\n"
    assert built(option).case_word("topic", "water", "ru") == "Вода"


@every_pack
def test_advice_names_a_command_in_the_language_that_it_is_given_in(name: str) -> None:
    commands = shipped(name).commands
    for where, said in texts(shipped(name)):
        for language, form in said.items():
            for word in re.findall(r"\b[A-ZА-ЯЁҒӢҚӮҲҶ]{3,}\b", form if isinstance(form, str) else ""):
                command = commands.parse(word, shipped(name).tree)
                is_advice = "SMS" not in word and command is not None and not command.is_near
                assert not is_advice or command.language == language, (where, language, word)


@pytest.mark.parametrize("name", ["districts.csv", "regions.csv", "agencies.csv"])
def test_a_table_that_is_missing_is_named(name: str) -> None:
    files = small()
    del files[name]
    assert [str(one) for one in faults(files)] == [f"{name}:1: this file is missing"]


def test_an_agency_without_a_name_is_a_fault_of_the_pack() -> None:
    table = small()["agencies.csv"].replace("Ведомство".encode(), b"")
    assert [str(one) for one in faults(small() | {"agencies.csv": table})] == [
        "agencies.csv:1: AGE ru: this agency has no name in this language"
    ]


@pytest.mark.parametrize(("rule", "inputs", "count"), [("true", "", 1), ("true", "name", 0), ("false", "", 0)])
def test_a_form_of_a_kind_that_needs_a_name_hands_one_over(rule: str, inputs: str, count: int) -> None:
    """Else the last hop of the form would fail, for everybody."""
    strict = small()["law.yaml"].replace(b"{complaint: {}}", f"{{complaint: {{needs_name: {rule}}}}}".encode())
    form = "odd: {type: prompt, field: name, answer: name, go: odd.file, text: {en: Name, ru: Имя}}\nodd.file:"
    filed = "constants: {kind: complaint, topic: water}, go: {saved: end}}\n"
    found = faults(
        small(f"{form} {{type: action, effect: open_case, inputs: [{inputs}], {filed}") | {"law.yaml": strict}
    )
    assert [one.says for one in found] == [
        "the law wants a name for the kind 'complaint': ask for it and hand it over"
    ] * count


def test_a_district_without_a_name_is_a_fault_of_the_pack() -> None:
    table = small()["districts.csv"].replace("Дно,Bottom".encode(), b",Bottom")
    (fault,) = faults(small() | {"districts.csv": table})
    assert (fault.file, fault.line, fault.says) == ("districts.csv", 3, "nothing in short_ru")


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("law.yaml", "kinds: {complaint: {}}", "kinds: 5"),
        ("law.yaml", "kinds: {complaint: {}}", "kinds: [complaint]"),
        ("registers.yaml", "title: {en: Register, ru: Реестр}", "title: Register"),
        ("agencies.csv", "AGE,Agency,Ведомство", "AGE,Agency,Ведомство,more"),
        ("agencies.csv", "AGE,Agency,Ведомство", "AGE"),
    ],
)
def test_data_of_another_shape_ends_no_examination(path: str, old: str, new: str) -> None:
    """What it means is for the rooms that read it to tell; here nothing else may go wrong than what is a fault."""
    files = small()
    assert files[path].decode().count(old) == 1
    assert pack.examine("small", files | {path: files[path].decode().replace(old, new).encode()}).source.trees.screens


def test_a_pack_is_read_from_any_folder(tmp_path: Path) -> None:
    written(tmp_path, small())
    assert pack.load(str(tmp_path)).tree.version == version_of(small())


def test_a_pack_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(TreeError, match=f"no pack 'atlantis': name a folder .* or one of: {', '.join(NAMES)}"):
        pack.load("atlantis")


def test_a_pack_with_faults_is_refused_with_all_of_them() -> None:
    with pytest.raises(TreeError, match=r"'small' cannot be used:\n  trees/base.yaml:17: odd: .*\n  trees/x.yaml:1: "):
        pack.build("small", small("odd: {}\n", x="two: {}\n"))


def test_what_is_not_nice_does_not_keep_a_pack_from_being_used() -> None:
    files = small("odd: {type: notice, text: {en: A, ru: '" + "слово " * 30 + "'}}\n")
    assert faults(files)
    assert pack.build("small", files).tree.screens["odd"]


@pytest.mark.parametrize("path", sorted(small()))
def test_another_content_is_another_version(path: str) -> None:
    files = small()
    assert version_of(files) == version_of(dict(reversed(files.items())))
    assert version_of(files | {path: files[path] + b"\n"}) != version_of(files)


def test_moving_content_from_one_file_to_another_is_another_version() -> None:
    assert version_of({"a": b"1", "b": b"2"}) != version_of({"a": b"12", "b": b""})
    assert version_of({"a": b"", "b": b"x"}) != version_of({"ab": b"", "": b"x"})


def test_a_message_speaks_the_language_or_the_default_one() -> None:
    small_pack = built()
    assert small_pack.message("news", "ru", ref="7") == "7: новость"
    assert small_pack.message("news", "sw", ref="7") == "No 7: news"


def test_texts_know_the_code_that_is_dialled_at_the_station() -> None:
    there = pack.load("kenya").dialled_at("*500*7#")
    assert there.message("news", "en", ref="7") == "No 7: there is news. Dial *500*7*1*2#"
    assert there.message("unknown", "en") == "Not understood. Send HELP or dial *500*7#."


def test_a_topic_is_called_by_its_own_name_where_its_line_in_a_menu_is_short() -> None:
    tree = pack.load("tajikistan").tree
    assert [str(tree.labels["topic", topic]["ru"]) for topic in ("other", "water")] == ["Другое", "Вода"]
    assert [str(option.text["ru"]) for option in tree.screens["appeal.topic"].options if option.value == "other"] == [
        "Ещё"
    ]


def test_a_status_of_a_newer_release_shows_as_it_came() -> None:
    assert [built().status(one, "ru") for one in ("received", "escalated")] == ["Сохранено", "escalated"]


def test_two_agencies_with_one_code_are_a_fault() -> None:
    table = small()["agencies.csv"]
    twice = table.rstrip() + b"\n" + table.splitlines()[1] + b"\n"
    assert faults(small()) == []
    assert [str(fault) for fault in faults(small() | {"agencies.csv": twice})] == [
        f"agencies.csv:{line}: AGE stands in two rows: remove one" for line in (2, 3)
    ]


TOO_MUCH = {
    "files": ({f"trees/t{number}.yaml": b"" for number in range(MOST_FILES)}, "a pack has at most"),
    "bytes": ({"trees/base.yaml": b"#" * MOST_BYTES}, f"at most {MOST_BYTES} bytes"),
    "cells": ({"agencies.csv": b"code," + b"a," * 999 + b"\n" + b"x\n" * 999}, "a table has at most"),
    "a cell": ({"agencies.csv": b"code\n" + b"x" * 200_000}, "this is not CSV: field larger"),
}


@pytest.mark.parametrize("which", TOO_MUCH)
def test_a_pack_that_is_too_large_is_a_fault_before_it_is_read(which: str) -> None:
    files, says = TOO_MUCH[which]
    assert says in " ".join(fault.says for fault in faults(small() | files))


def test_a_folder_with_too_much_in_it_is_not_read(tmp_path: Path) -> None:
    for name, content in small().items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    assert pack.files_of(str(tmp_path))
    with (tmp_path / "trees" / "large.yaml").open("wb") as file:
        file.truncate(MOST_BYTES)
    with pytest.raises(TreeError, match="a pack has at most"):
        pack.files_of(str(tmp_path))


# Some networks cut a screen at 60 UCS-2 units, or its octets in GSM-7.
SMALL = Budget(136, 60)


@pytest.mark.parametrize("language", ["tg", "ru", "en", "tg-Latn"])
def test_no_option_vanishes_under_a_screen_of_sixty_units(language: str) -> None:
    tree = shipped("tajikistan").tree
    for screen in tree.screens.values():
        if screen.effect or screen.is_goto:
            continue
        session = check.worst(tree, screen, language)
        *before, last = pages_of(tree, screen, session, SMALL)
        lines = [line for page in (*before, last) for line in page.split("\n")]
        assert all(any(line.startswith(f"{option.key} ") for line in lines) for option in screen.options), screen.id
        assert all(str(tree.more[language]) in page for page in before), screen.id


def test_a_network_that_cuts_a_whole_screen_takes_options_away_unseen() -> None:
    tree = shipped("tajikistan").tree
    (whole,) = pages_of(
        tree, tree.screens["appeal.topic"], check.worst(tree, tree.screens["appeal.topic"], "ru"), Budget()
    )
    assert "9 Ещё" in Handset(cut=60).show(whole).lost


def test_a_phone_without_cyrillic_is_offered_tajik_in_latin_letters() -> None:
    tree = shipped("tajikistan").tree
    first = engine.start(tree, None).text
    assert Handset(letters=Letters.LATIN).show(first).text.split("\n") == [
        "1 □□□□□□",
        "2 □□□□□□□",
        "3 English",
        "4 Tojiki",
    ]
    hers = engine.resume(tree, engine.start(tree, None).session, "4")
    shown = engine.proceed(tree, hers.session, Outcome("done")).text
    assert Handset(letters=Letters.LATIN).show(shown).text == shown
