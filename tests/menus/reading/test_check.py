"""Every fault of a tree is found, with its place and what to do; its sound twin has none."""

import pytest

from sado.menus.reading.faults import Fault
from tests.support.packs import BASE, ODD, SHARED, faults, small

LINE = BASE.count("\n") + 1
BOTH = "{en: Text, ru: Текст}"
END = f"{{go: end, text: {BOTH}}}"


def notice(en: str = "Text", ru: str = "Текст") -> str:
    return f'odd: {{type: notice, text: {{en: "{en}", ru: "{ru}"}}}}\n'


def choice(*options: str, text: str = BOTH) -> str:
    return f"odd: {{type: choice, text: {text}, options: [{', '.join(options)}]}}\n"


def prompt(field: str) -> str:
    return f"odd: {{type: prompt, answer: a, go: end, text: {BOTH}, {field}}}\n"


def action(effect: str, go: str, more: str = "") -> str:
    return f"odd: {{type: action, effect: {effect}, go: {go}{more}}}\n"


def sms(en: str = "Text", ru: str = "Текст") -> str:
    return f'odd: {{type: sms, go: end, muted: end, text: {{en: "{en}", ru: "{ru}"}}}}\n'


def poll(*options: str) -> str:
    listed = ", ".join(f"{{text: {BOTH}, {one}}}" for one in options)
    return f"odd: {{type: poll, text: {BOTH}, go: end, again: end, options: [{listed}]}}\n"


def chain(length: int) -> str:
    """The main menu leads to `odd`, and from there menu by menu."""
    names = ["odd", *(f"odd{at}" for at in range(2, length + 1)), "end"]
    return "".join(
        f"{one}: {{type: choice, text: {BOTH}, options: [{{go: {then}, text: {BOTH}}}]}}\n"
        for one, then in zip(names, names[1:], strict=False)
    )


def told(found: list[Fault]) -> list[tuple[int, str, str]]:
    return [(one.line, one.language, one.says) for one in found]


def test_the_sound_pack_has_no_fault() -> None:
    assert faults(small()) == []


BACK = len("\n0 Назад")
KINDS = (
    "x: {type: choice, answer: kind, go: end, options: ["
    "{value: a, text: {en: A, ru: Длинное}}, {value: b, text: {en: B, ru: Я}}]}\n"
)
TWINS = {
    "Cyrillic letters": (notice(ru="я" * 80), notice(ru="я" * 81), "ru", "takes 81 of 80 units"),
    "Latin letters": (notice(en="a" * 182), notice(en="a" * 183), "en", "takes 183 of 182 units"),
    "an escaped letter": (notice(en="a" * 180 + "~"), notice(en="a" * 181 + "~"), "en", "takes 183 of 182 units"),
    "the longest place": (
        notice(ru="я" * (80 - len("город Топ")) + "{place}"),
        notice(ru="я" * (81 - len("город Топ")) + "{place}"),
        "ru",
        "takes 81 of 80",
    ),
    "the longest words of an answer": (
        notice(ru="я" * 73 + "{kind}") + KINDS,
        notice(ru="я" * 74 + "{kind}") + KINDS,
        "ru",
        "takes 81 of 80",
    ),
    "options": (
        choice(END, text=f"{{en: T, ru: {'я' * (80 - BACK - len('  1 Текст') + 1)}}}"),
        choice(END, text=f"{{en: T, ru: {'я' * (81 - BACK - len('  1 Текст') + 1)}}}"),
        "ru",
        "takes 81 of 80",
    ),
    "the way back": (
        choice(text=f"{{en: T, ru: {'я' * (80 - BACK)}}}"),
        choice(text=f"{{en: T, ru: {'я' * (81 - BACK)}}}"),
        "ru",
        "takes 81 of 80",
    ),
    "the longest plural form": (
        f"odd: {{type: notice, text: {{en: T, ru: {{by: cases, one: '{'я' * 80}', other: b}}}}}}\n",
        f"odd: {{type: notice, text: {{en: T, ru: {{by: cases, one: '{'я' * 81}', other: b}}}}}}\n",
        "ru",
        "takes 81 of 80",
    ),
    "an SMS in Cyrillic letters": (sms(ru="я" * 70), sms(ru="я" * 71), "ru", "takes 71 units as an SMS"),
    "a longer one": (sms(ru="я" * 81), sms(ru="я" * 80), "ru", "which is two segments: 70 are one"),
    "an SMS in Latin letters": (sms(en="a" * 160), sms(en="a" * 161), "en", "takes 161 units as an SMS"),
    "a longer one in Latin letters": (sms(en="a" * 171), sms(en="a" * 170), "en", "two segments: 160 are one"),
    "a letter that is not in GSM-7": (notice(en="Déjà vu"), notice(en="Déjà vŭ"), "en", "Latin text with ŭ"),
    "a mark that is not in GSM-7": (notice(en="It's on"), notice(en="It’s on"), "en", "Latin text with ’"),
    "no words in a language": (notice(), "odd: {type: notice, text: {en: Text}}\n", "ru", "has no words"),
    "empty words": (notice(), notice(ru=""), "ru", "has no words"),
    "an option without a language": (
        choice(END), choice("{go: end, text: {ru: Текст}}"), "en", "has no words"
    ),
    "a language that the pack does not have": (
        notice(), "odd: {type: notice, text: {en: T, ru: Т, de: T}}\n", "de", "is no language of pack.yaml"
    ),
    "a placeholder that nothing fills": (notice(en="{ref}"), notice(en="{reff}"), "", "nothing fills {reff}"),
    "a number that nothing fills": (
        "odd: {type: notice, text: {en: {by: cases, other: a}, ru: Т}}\n",
        "odd: {type: notice, text: {en: {by: things, other: a}, ru: Т}}\n",
        "",
        "nothing fills {things}",
    ),
    "plural forms without the last": (
        "odd: {type: notice, text: {en: {by: cases, other: a}, ru: Т}}\n",
        "odd: {type: notice, text: {en: {one: a}, ru: Т}}\n",
        "en",
        "these plural forms need `by` and `other`",
    ),
    "a note with what is no answer": (
        action("open_case", "{saved: end}", ", constants: {kind: complaint, topic: water}, note: '{ref}'"),
        action("open_case", "{saved: end}", ", constants: {kind: complaint, topic: water}, note: '{trade}'"),
        "",
        "nothing fills {trade} of the note",
    ),
    "an answer that nobody asks for": (
        action("open_case", "{saved: end}", ", constants: {kind: complaint, topic: water}"),
        action("open_case", "{saved: end}", ", constants: {kind: complaint, topic: water}, inputs: [plcae]"),
        "",
        "no screen asks for plcae, which this hands over",
    ),
    "an answer that nobody asks for, in a value": (
        action("subscribe", "{done: end, already: end}", ", constants: {topic: water, place: ''}"),
        action("subscribe", "{done: end, already: end}", ", constants: {topic: 'water.{trade}', place: ''}"),
        "",
        "no screen asks for trade, which this hands over",
    ),
    "a vote without a value": (
        poll("value: a", "value: b"), poll("value: a", "key: 2"), "", "every option that is counted needs a `value`"
    ),
    "two votes of one value": (
        poll("value: a", "value: b"), poll("value: a", "value: a"), "", "every option that is counted needs a `value`"
    ),
    "leading nowhere": (choice(END), choice(f"{{go: gone, text: {BOTH}}}"), "", "leads to gone, which is no screen"),
    "a go-to of itself": ("odd: {type: goto, go: end}\n", "odd: {type: goto, go: odd}\n", "", "leads back to itself"),
    "no exit": (
        choice(f"{{go: odd2, text: {BOTH}}}") + choice(END).replace("odd", "odd2"),
        choice(f"{{go: odd2, text: {BOTH}}}") + choice(f"{{go: odd, text: {BOTH}}}").replace("odd:", "odd2:"),
        "",
        "no way on from here ever ends",
    ),
    "effects without end": (
        action("stop_sms", "{done: odd2}") + action("start_sms", "{done: end}").replace("odd:", "odd2:"),
        action("stop_sms", "{done: odd2}") + action("start_sms", "{done: odd}").replace("odd:", "odd2:"),
        "",
        "goes round without ever showing a screen",
    ),
    "a choice of nothing": (choice(END), "odd: {type: choice}\n", "", "a choice needs options or a text"),
    "a notice of nothing": (notice(), "odd: {type: notice, text: {}}\n", "", "a notice needs a text"),
    "a prompt of nothing": (
        prompt("field: text"), prompt("field: text").replace(BOTH, "{}"), "", "a prompt needs a text"
    ),
    "an option of nothing": (choice(END), choice("{go: end, text: {}}"), "", "every option needs words"),
    "an option to nowhere": (choice(END), choice(f"{{text: {BOTH}}}"), "", "every option needs `go`"),
    "one key twice": (choice(END, END), choice(END, END[:-1] + ", key: 1}"), "", "two options have one key"),
    "ten options": (
        choice(*[END.replace("Текст", "Т")] * 9, text="{en: T, ru: Т}"),
        choice(*[END.replace("Текст", "Т")] * 10, text="{en: T, ru: Т}"),
        "",
        "more than 9 options",
    ),
    "an unknown field": (prompt("field: tin"), prompt("field: tina"), "", "there is no field 'tina'; the fields are: "),
    "digits without a length": (
        prompt("field: digits, length: 3"), prompt("field: digits"), "", "`field: digits` needs `length`"
    ),
    "an unknown effect": (
        action("stop_sms", "{done: end}"), action("stop", "{done: end}"), "", "there is no effect 'stop'"
    ),
    "a missing outcome": (
        action("my_cases", "{some: end, none: end}"), action("my_cases", "{some: end}"), "", "may also end as none"
    ),
    "an unknown outcome": (
        action("stop_sms", "{done: end}"), action("stop_sms", "{done: end, lost: end}"), "", "never ends as lost"
    ),
    "an answer that is not handed over": (
        action("new_pin", "{done: end, wrong: end, unproven: end}", ", constants: {reference: '0070000017'}"),
        action("new_pin", "{done: end, wrong: end, unproven: end}"),
        "",
        "new_pin needs the answers reference",
    ),
    "a topic without an agency": (
        action("open_case", "{saved: end}", ", constants: {kind: complaint, topic: water}"),
        action("open_case", "{saved: end}", ", constants: {kind: complaint, topic: wine}"),
        "",
        "files the topic 'wine'",
    ),
    "a kind of case that the law does not have": (
        action("open_case", "{saved: end}", ", constants: {kind: complaint, topic: water}"),
        action("open_case", "{saved: end}", ", constants: {kind: complaynt, topic: water}"),
        "",
        "files the kind 'complaynt'",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("odd", "language", "says"), [twin[1:] for twin in TWINS.values()], ids=TWINS)
def test_a_fault_is_found_at_its_line_with_its_language(odd: str, language: str, says: str) -> None:
    found = [one for one in faults(small(odd)) if says in one.says]
    assert ("trees/base.yaml", LINE, "odd", language) in [
        (one.file, one.line, one.screen, one.language) for one in found
    ]


@pytest.mark.parametrize(("sound", "says"), [(twin[0], twin[3]) for twin in TWINS.values()], ids=TWINS)
def test_its_sound_twin_does_not_have_it(sound: str, says: str) -> None:
    assert [one for one in faults(small(sound)) if "no screen leads here" not in one.says] == []


def test_a_screen_that_nothing_leads_to_is_found() -> None:
    found = faults(small(ODD + "lost: {type: notice, text: {en: A, ru: Я}}\n"))
    assert told(found) == [(LINE + 1, "", "no screen leads here: remove it, or lead to it")]


@pytest.mark.parametrize(("length", "deep"), [(3, []), (4, ["odd4"]), (5, ["odd4", "odd5"])])
def test_a_menu_more_than_four_choices_deep_is_found(length: int, deep: list[str]) -> None:
    assert [one.screen for one in faults(small(chain(length)))] == deep


def test_the_steps_of_a_form_are_not_counted_as_menus() -> None:
    form = chain(6).replace("type: choice", "type: choice, answer: a")
    assert faults(small(form)) == []


@pytest.mark.parametrize(("error", "count"), [("я" * 64, 0), ("яяя " * 26, 2)])
def test_an_error_line_that_takes_a_third_page_is_found(error: str, count: int) -> None:
    files = small(choice(END, text=f"{{en: T, ru: {'я' * 63}}}"))
    files["pack.yaml"] = SHARED.replace("Только номер.", error.strip()).encode()
    found = [one for one in faults(files) if "with the error line above" in one.says]
    assert len(found) >= count if count else found == []


@pytest.mark.parametrize(("spare", "count"), [(0, 0), (-1, 1)])
def test_the_main_menu_needs_room_for_the_way_back_to_the_languages(spare: int, count: int) -> None:
    last = "я" * (80 - len("1 Новое\n2 ") - BACK - spare)
    files = small()
    files["trees/base.yaml"] = (BASE + ODD).replace("ru: Конец", f"ru: {last}").encode()
    assert [one.screen for one in faults(files)] == ["root"] * count


def test_long_text_is_right_where_it_is_long_on_purpose() -> None:
    long = f"odd: {{type: choice, text: {{en: T, ru: '{'слово ' * 50}'}}}}\n"
    assert [one.language for one in faults(small(long))] == ["ru"]
    assert faults(small(long.replace("choice,", "choice, paged: true,"))) == []


def test_a_fault_of_a_screen_that_was_made_is_told_at_the_one_it_was_made_for() -> None:
    place = "odd: {type: prompt, field: place, answer: place, go: gone, text: {en: T, ru: Т}}\n"
    found = faults(small(place))
    assert {(one.line, one.screen) for one in found} == {(LINE, "odd.sure"), (LINE, "odd.which"), (LINE, "odd.list")}


def test_the_yes_of_a_found_place_does_not_hide_how_long_the_place_is() -> None:
    place = "odd: {type: prompt, field: place, answer: place, go: sum, text: {en: T, ru: Т}}\n"
    shown = f"sum: {{type: notice, text: {{en: T, ru: '{'я' * 72}{{place}}'}}}}\n"
    assert [one.says[:14] for one in faults(small(place + shown))] == ["takes 81 of 80"]


def test_effects_between_menus_do_not_hide_how_deep_they_are() -> None:
    between = action("stop_sms", "{done: odd6}").replace("odd:", "odd5:") + chain(1).replace("odd:", "odd6:")
    assert [one.screen for one in faults(small(chain(5).partition("odd5:")[0] + between))] == ["odd4", "odd6"]
