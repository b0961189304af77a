"""SMS commands: every word in every spelling, what follows it, and what is no command."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sado.menus import commands as keywords
from sado.menus.commands import Arguments, Command
from tests.support.packs import faults, small
from tests.support.station import shipped_pack

# Every spelling that has to be understood, by the language that its answer is in.
SPELLINGS = {
    "status": {"tg": "ҲОЛАТ ХОЛАТ", "tg-Latn": "HOLAT XOLAT KHOLAT", "ru": "СТАТУС", "en": "STATUS CHECK"},
    "complaint": {
        "tg": "ШИКОЯТ",
        "tg-Latn": "SHIKOYAT SHIKOIAT SIKOYAT WIKOYAT 6IKOYAT SHIKOYT",
        "ru": "ЖАЛОБА ZHALOBA JALOBA",
        "en": "COMPLAINT",
    },
    "proposal": {
        "tg": "ТАКЛИФ ПЕШНИҲОД ПЕШНИХОД",
        "tg-Latn": "TAKLIF PESHNIHOD PEWNIHOD",
        "ru": "ПРЕДЛОЖЕНИЕ PREDLOZHENIE PREDLOJENIE",
        "en": "PROPOSAL IDEA",
    },
    "application": {"tg": "АРИЗА", "tg-Latn": "ARIZA", "ru": "ЗАЯВЛЕНИЕ ZAYAVLENIE", "en": "APPLY APPLICATION"},
    "request": {"tg": "ДАРХОСТ", "tg-Latn": "DARKHOST DARXOST DARHOST", "ru": "ЗАПРОС ZAPROS", "en": "REQUEST"},
    "answer": {"tg": "ҶАВОБ ЧАВОБ ЖАВОБ", "tg-Latn": "JAVOB DJAVOB CHAVOB", "ru": "ОТВЕТ OTVET", "en": "ANSWER"},
    "more_text": {"tg": "ИЛОВА", "tg-Latn": "ILOVA", "ru": "ДОПОЛНЕНИЕ DOPOLNENIE", "en": "ADD"},
    "jobs": {"tg": "КОР", "tg-Latn": "KOR", "ru": "РАБОТА ВАКАНСИИ RABOTA VAKANSII", "en": "JOBS WORK"},
    "licence": {
        "tg": "ИҶОЗАТ ИЧОЗАТ ИЖОЗАТ",
        "tg-Latn": "IJOZAT ICHOZAT IDJOZAT",
        "ru": "ЛИЦЕНЗИЯ LICENZIYA LITSENZIYA",
        "en": "LICENCE LICENSE",
    },
    "tax": {"tg": "АНДОЗ", "tg-Latn": "ANDOZ", "ru": "НАЛОГ NALOG", "en": "TAX"},
    "aid": {"tg": "КУМАКПУЛӢ КУМАКПУЛИ", "tg-Latn": "KUMAKPULI KUMAK_PULI", "ru": "ПОСОБИЕ POSOBIE", "en": "AID"},
    "exam": {"tg": "ИМТИҲОН ММТ ИМТИХОН", "tg-Latn": "IMTIHON IMTIXON MMT", "ru": "ЭКЗАМЕН НЦТ EKZAMEN", "en": "EXAM"},
    "passport": {"tg": "ШИНОСНОМА", "tg-Latn": "SHINOSNOMA WINOSNOMA", "ru": "ПАСПОРТ PASPORT", "en": "PASSPORT"},
    "book": {"tg": "НАВБАТ", "tg-Latn": "NAVBAT", "ru": "ЗАПИСЬ ОЧЕРЕДЬ ZAPIS OCHERED", "en": "BOOK"},
    "office": {"tg": "ИДОРА", "tg-Latn": "IDORA", "ru": "АДРЕС ADRES", "en": "OFFICE"},
    "rate": {"tg": "БАҲО БАХО", "tg-Latn": "BAHO BAXO", "ru": "ОЦЕНКА OCENKA OTSENKA", "en": "RATE"},
    "poll": {"tg": "НАЗАР", "tg-Latn": "NAZAR", "ru": "МНЕНИЕ ОПРОС MNENIE OPROS", "en": "VOTE"},
    "pin": {"tg": "РАМЗ", "tg-Latn": "RAMZ", "ru": "КОД ПИН KOD", "en": "PIN CODE"},
    "lang": {"tg": "ЗАБОН", "tg-Latn": "ZABON", "ru": "ЯЗЫК YAZYK YAZIK", "en": "LANG"},
    "help": {
        "tg": "КУМАК ЁРӢ КОМАК ЁРИ",
        "tg-Latn": "KUMAK KOMAK YORI",
        "ru": "ПОМОЩЬ СПРАВКА POMOSH POMOSCH SPRAVKA",
        "en": "HELP INFO",
    },
    "next": {"tg": "БОЗ", "tg-Latn": "BOZ", "ru": "ЕЩЁ ЕЩЕ ДАЛЕЕ ESHO ESCHE DALEE", "en": "MORE NEXT"},
    "stop": {"tg": "БАС", "tg-Latn": "BAS", "ru": "СТОП", "en": "STOP"},
    "start": {"tg": "СМС", "tg-Latn": "SMS", "ru": "СТАРТ", "en": "START"},
    "forget": {"tg": "НЕСТ", "tg-Latn": "NEST", "ru": "УДАЛИТЬ UDALIT", "en": "DELETE"},
    "yes": {"tg": "ҲА ХА", "tg-Latn": "HA XA", "ru": "ДА DA", "en": "YES OK"},
    "no": {"tg": "НЕ", "tg-Latn": "NE", "ru": "НЕТ NET", "en": "NO"},
}
NUMBER = "0070000017"
SEPARATORS = ("", " ", "  ", ",", ", ", ".", " - ", "-", "/", ":", "\n", " №", "#")


def spelt(name: str) -> list[tuple[str, str]]:
    """The spellings of a command, each with the language of its answer."""
    return [(language, word) for language, words in SPELLINGS[name].items() for word in words.split()]


ALL = [(name, language, word) for name in SPELLINGS for language, word in spelt(name)]


def parse(text: str) -> Command | None:
    pack = shipped_pack()
    return pack.commands.parse(text, pack.tree)


def name_of(text: str) -> str:
    found = parse(text)
    return found.name if found else ""


def arguments(text: str) -> Arguments:
    found = parse(text)
    assert found is not None, text
    return keywords.arguments(shipped_pack().tree, found.keyword, found.rest)


def test_the_pack_has_these_commands_and_these_spellings() -> None:
    written = {
        name: {language: set(words) for language, words in keyword.words.items()}
        for name, keyword in shipped_pack().commands.keywords.items()
    }
    assert written == {
        name: {language: set(words.split()) for language, words in spelt.items()} for name, spelt in SPELLINGS.items()
    }
    assert len(written) == 26


@pytest.mark.parametrize("name", SPELLINGS)
def test_each_spelling_is_its_command_in_its_language(name: str) -> None:
    for language, word in spelt(name):
        for typed in (word, word.lower(), word.capitalize(), f"  {word} ", f"«{word}»!", f"*{word}"):
            found = parse(typed)
            assert found is not None, typed
            assert (found.name, found.language, found.rest, found.is_near) == (name, language, "", False), typed


@pytest.mark.parametrize("name", SPELLINGS)
def test_digits_follow_each_spelling_glued_or_behind_any_separator(name: str) -> None:
    for _, word in spelt(name):
        # "No 0070000017" is how our own messages name a case.
        for typed in [f"{word}{separator}{NUMBER}" for separator in SEPARATORS if word != "NO"]:
            found = parse(typed)
            assert found is not None, typed
            assert (found.name, found.rest, found.is_near) == (name, NUMBER, False), typed


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("њОЛАТ", "status"),
        ("љАВОБ", "answer"),
        ("ИљОЗАТ", "licence"),
        ("КУМАКПУЛЇ", "aid"),
        ("ИМТИЊОН", "exam"),
        ("ПЕШНИЊОД", "proposal"),
        ("ЁРЇ", "help"),
        ("БАЊО", "rate"),
    ],
)
def test_old_font_codes_stand_for_their_letters(typed: str, name: str) -> None:
    assert name_of(typed) == name


@pytest.mark.parametrize(
    ("typed", "name"),
    [("CTATУC", "status"), ("ШИKOЯT", "complaint"), ("KOP", ""), ("KОР", "jobs"), ("KУMAK", "help"), ("СTOП", "stop")],
)
def test_letters_that_look_alike_are_read_by_their_looks_where_alphabets_are_mixed(typed: str, name: str) -> None:
    assert name_of(typed) == name


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("СТАТУЗ 007", "status"),
        ("ШИКОЙЯТ об нест", "complaint"),
        ("шиносном", "passport"),
        ("PASSPORTS", "passport"),
        ("КУМАККПУЛӢ", "aid"),
        ("АНДОС", "tax"),
    ],
)
def test_one_wrong_letter_is_forgiven(typed: str, name: str) -> None:
    assert name_of(typed) == name


@pytest.mark.parametrize("typed", ["УДАЛИТЕ", "ДЕЛЕТ", "DELET", "STOPS", "СТОПП", "STOOP", "НЕСТТ", "NESTE"])
def test_a_slip_is_never_read_as_a_destructive_word(typed: str) -> None:
    assert name_of(typed) not in ("stop", "forget")


@pytest.mark.parametrize(
    "typed", ["КОМ", "БОЛ", "ДО", "Салом", "Рахмат", "СТА", "", "  ", "?!", "🙂", "12", "КУМАКИ МАН ДЕҲ"]
)
def test_what_is_no_command_is_none(typed: str) -> None:
    assert name_of(typed) in ("", "help")
    assert typed == "КУМАКИ МАН ДЕҲ" or name_of(typed) == ""


def test_a_slip_between_two_commands_is_neither() -> None:
    keys = {"one": "СТАТОР", "two": "СТАТОК"}
    words = {name: keywords.Keyword(words={"tg": [word]}, go="root") for name, word in keys.items()}
    made = keywords.Commands(words, shipped_pack().languages)
    tree = shipped_pack().tree
    assert made.parse("СТАТОН", tree) is None
    alone = keywords.Commands({"one": keywords.Keyword(words={"tg": ["СТАТОР"]}, go="root")}, shipped_pack().languages)
    assert alone.parse("СТАТОН", tree) is not None, "with one candidate it is that one"


def test_a_destructive_word_one_letter_away_keeps_another_from_being_meant() -> None:
    words = {"one": keywords.Keyword(words={"tg": ["СТАТОР"]}, go="root")}
    words["two"] = keywords.Keyword(words={"tg": ["СТАТОК"]}, go="root", destructive=True)
    assert keywords.Commands(words, shipped_pack().languages).parse("СТАТОН", shipped_pack().tree) is None


def test_two_words_that_are_one_command_are_read_together() -> None:
    assert (name_of("KUMAK PULI 12345678"), name_of("КУМАК пули")) == ("aid", "aid")
    assert name_of("KUMAK 12345678") == "help"


@pytest.mark.parametrize(
    "typed",
    [
        NUMBER,
        f" {NUMBER}. ",
        "007 000 0017",
        "007-000-0017",
        f"№{NUMBER}",
        f"No {NUMBER}",
        f"{NUMBER} 4821",
        f"{NUMBER}4821",
    ],
)
def test_a_bare_reference_means_status(typed: str) -> None:
    found = parse(typed)
    assert found is not None
    assert (found.name, found.language) == ("status", "")


@pytest.mark.parametrize("typed", ["020025789", "00700000170", "+992900000001", "1", "0070000017 об нест"])
def test_another_number_alone_is_no_status(typed: str) -> None:
    assert parse(typed) is None


@pytest.mark.parametrize(
    ("typed", "inputs", "left"),
    [
        ("ҲОЛАТ 0070000017 4821", {"status.ref": NUMBER, "status.pin": "4821"}, ""),
        ("ҲОЛАТ00700000174821", {"status.ref": NUMBER, "status.pin": "4821"}, ""),
        ("ҲОЛАТ 007 000 0017, 48-21", {"status.ref": "007 000 0017", "status.pin": "48-21"}, ""),
        ("ҲОЛАТ/0070000017/4821", {"status.ref": NUMBER, "status.pin": "4821"}, ""),
        ("ҲОЛАТ 0070000017 чӣ шуд?", {"status.ref": NUMBER}, "чӣ шуд?"),
        ("ҲОЛАТ 007 00", {"status.ref": "007"}, "00"),
        ("ҲОЛАТ чӣ шуд", {}, "чӣ шуд"),
        ("ИЛОВА 0070000017 3 рӯз об нест", {"sms.add": NUMBER, "sms.add.text": "3 рӯз об нест"}, ""),
        ("ШИКОЯТ: об нест!", {"appeal.text": "об нест!"}, ""),
        ("КОР ш. Хуҷанд", {"jobs.place": "ш. Хуҷанд"}, ""),
        ("ИДОРА ЗАГС Ёвон", {"office": "5", "office.place": "Ёвон"}, ""),
        ("ИДОРА Ҷойи кор, Ёвон", {"office": "3", "office.place": "Ёвон"}, ""),
        ("ИДОРА Ёвон", {"office.place": "Ёвон"}, ""),
        ("БАҲО 0070000017 4", {"sms.rate": NUMBER, "sms.rate.mark": "4"}, ""),
        ("БАҲО 0070000017 хуб", {"sms.rate": NUMBER, "sms.rate.mark": "3"}, ""),
        ("БАҲО 0070000017 7", {"sms.rate": NUMBER}, "7"),
        ("АНДОЗ 020025789 1985", {"tax.tin": "020025789", "tax.born": "1985"}, ""),
        ("НАЗАР 2", {"poll": "2"}, ""),
        ("НАЗАР намедонам", {"poll": "3"}, ""),
        ("ИҶОЗАТ АМ 0001234", {"licence.number": "АМ 0001234"}, ""),
        ("LANG lat", {"sms.lang": "4"}, ""),
        ("ЗАБОН TJ", {"sms.lang": "1"}, ""),
        ("ЗАБОН Русский", {"sms.lang": "2"}, ""),
        ("НЕСТ", {}, ""),
        ("НЕСТ об дар деҳа", {}, "об дар деҳа"),
    ],
)
def test_what_follows_the_word_answers_its_screens(typed: str, inputs: dict[str, str], left: str) -> None:
    found = arguments(typed)
    assert (dict(found.inputs), found.left) == (inputs, left)


@given(st.text(max_size=80))
def test_any_text_is_a_command_or_none(text: str) -> None:
    found = parse(text)
    assert found is None or found.name in SPELLINGS


@given(st.sampled_from(ALL), st.text(max_size=40))
def test_whatever_follows_a_word_is_parted_without_loss_of_letters(spelling: tuple[str, str, str], rest: str) -> None:
    found = parse(f"{spelling[2]} {rest}")
    if found is not None and not found.keyword.does:
        parted = keywords.arguments(shipped_pack().tree, found.keyword, found.rest)
        choices = {one for one in parted.inputs if shipped_pack().tree.screens[one].is_choice}
        kept = "".join([*(text for name, text in parted.inputs.items() if name not in choices), parted.left])
        assert choices or [sign for sign in kept if sign.isalpha()] == [s for s in found.rest if s.isalpha()]


COMMANDS = """\
help: {words: {en: [HELP], ru: [ПОМОЩЬ]}, go: odd}
"yes": {words: {en: ["YES"]}, does: choose}
"""
DELETING = """\
odd: {type: choice, text: {en: Odd, ru: Новое}, options: [{go: gone, text: {en: A, ru: А}}]}
gone: {type: action, effect: forget, go: {done: end}}
number: {type: prompt, field: reference, answer: reference, go: end, text: {en: Number, ru: Номер}}
"""
CHOICE = """\
odd: {type: choice, answer: topic, go: end, options: [{value: water, text: {en: Water, ru: Вода}}]}
"""


def with_commands(commands: str, odd: str = CHOICE) -> dict[str, bytes]:
    return {**small(odd), "commands.yaml": commands.encode()}


def test_sound_commands_have_no_fault() -> None:
    assert faults(with_commands(COMMANDS)) == []


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("ask: {words: {en: [HALP, help]}, go: odd}", "help is read as a word of `help`"),
        ("ask: {words: {en: [ASK], sw: [ULIZA]}, go: odd}", "sw is no language of pack.yaml"),
        ("ask: {words: {en: [ASK]}}", "a command needs either `go` or `does`"),
        ("ask: {words: {en: [ASK]}, go: odd, does: more}", "a command needs either `go` or `does`"),
        ("ask: {words: {en: [ASK]}, go: nowhere}", "there is no screen nowhere"),
        ("ask: {words: {en: [ASK]}, go: odd, inputs: [nowhere]}", "there is no screen nowhere"),
        ("ask: {words: {en: [ASK]}, go: odd, inputs: [end]}", "end asks nothing"),
        ('ask: {words: {en: [ASK]}, go: odd, inputs: [odd], choices: {"7": [X]}}', "has an option 7"),
        ("ask: {words: {en: [ASK]}, go: odd, inputs: [odd], bare: true}", "only a number can stand bare"),
        ('ask: {words: {en: ["!"]}, go: odd}', "has no letters"),
        ("ask: {words: {en: [NO]}, go: odd}", "put quotes around"),
        ("ask: {words: {en: [ASK]}, goes: odd}", "there is no `goes`"),
    ],
)
def test_each_fault_of_a_command_is_told(line: str, says: str) -> None:
    found = faults(with_commands(f"{COMMANDS}{line}\n"))
    assert any(fault.file == "commands.yaml" and fault.line == 3 and says in fault.says for fault in found), found


@pytest.mark.parametrize(("mark", "is_told"), [("", True), (", destructive: true", False)])
def test_a_command_that_deletes_must_say_that_it_does(mark: str, is_told: bool) -> None:
    found = faults(with_commands(f"del: {{words: {{en: [DELETE]}}, go: odd{mark}}}\n", DELETING.split("number:")[0]))
    assert any("destructive: true" in fault.says for fault in found) == is_told


def test_a_screen_that_only_a_command_enters_is_in_reach() -> None:
    loose = DELETING.replace("effect: forget", "effect: start_sms")
    entered = "ref: {words: {en: [REF]}, go: number, inputs: [number], bare: true}\n"
    assert faults(with_commands(entered, loose)) == []
    assert any("no screen leads here" in fault.says for fault in faults(with_commands("{}", loose)))


def test_no_two_spellings_of_different_commands_are_read_alike() -> None:
    owners: dict[str, set[str]] = {}
    for name, _, word in ALL:
        found = parse(word)
        owners.setdefault(word, set()).update({name, found.name if found else ""})
    assert [word for word, names in owners.items() if len(names) > 1] == []
    assert len(ALL) >= 190
