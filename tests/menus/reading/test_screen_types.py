"""What an administrator writes becomes screens of the few types that the engine knows."""

import pytest

from sado.menus.reading.screen_types import SCREEN_TYPES
from sado.menus.reading.showing import WRITTEN
from sado.menus.tree import Screen
from tests.support.packs import built

TEXT = "{en: A, ru: Я}"
END = f"{{go: end, text: {TEXT}}}"
PLACE = f"odd: {{type: prompt, field: place, answer: place, go: end, text: {TEXT}}}"
WRITTEN_AS = {
    f"odd: {{type: choice, text: {TEXT}, options: [{END}]}}": [("odd", "choice", ["end"])],
    f"odd: {{type: choice, text: {TEXT}, answer: a, go: end, options: [{{value: x, text: {TEXT}}}]}}": [
        ("odd", "choice", ["end"])
    ],
    f"odd: {{type: prompt, text: {TEXT}, answer: a, go: end}}": [("odd", "prompt", ["end"])],
    f"odd: {{type: prompt, field: name, text: {TEXT}, answer: a, go: end, otherwise: root}}": [
        ("odd", "prompt", ["end", "root"])
    ],
    f"odd: {{type: notice, text: {TEXT}}}": [("odd", "notice", [])],
    "odd: {type: list, answer: row, go: end}": [("odd", "list", ["end"])],
    "odd: {type: goto, go: end}": [("odd", "goto", ["end"])],
    "odd: {type: lookup, register: r, by: [tin], go: {found: end, none: root, missing: lang}}": [
        ("odd", "lookup", ["end", "root", "lang"])
    ],
    "odd: {type: ask, register: r, by: [tin], go: end}": [
        ("odd", "ask_agency", ["end", "odd.wait", "odd.confirm"]),
        ("odd.wait", "choice", ["odd"]),
        ("odd.confirm", "prompt", ["odd"]),
    ],
    f"odd: {{type: sms, text: {TEXT}, go: end, muted: root}}": [
        ("odd", "send_sms", ["end", "root", "odd.spent"]),
        ("odd.spent", "choice", []),
    ],
    f"odd: {{type: cases, text: {TEXT}, go: end, none: root}}": [
        ("odd", "my_cases", ["odd.list", "root"]),
        ("odd.list", "list", ["end"]),
    ],
    "odd: {type: language, go: end}": [
        ("odd", "choice", ["odd.save"]),
        ("odd.save", "remember_language", ["end"]),
    ],
    f"odd: {{type: poll, text: {TEXT}, go: end, again: root, options: [{{text: {TEXT}, value: a}},"
    f" {{text: {TEXT}, value: b}}]}}": [("odd", "choice", ["odd.count"]), ("odd.count", "vote", ["end", "root"])],
    f"odd: {{type: rating, of: service, text: {TEXT}, go: end, again: root, options: [{{text: {TEXT}, value: a}},"
    f" {{text: {TEXT}, value: b}}]}}": [("odd", "choice", ["odd.count"]), ("odd.count", "vote", ["end", "root"])],
    "odd: {type: subscribe, topic: jobs, go: end, already: root}": [("odd", "subscribe", ["end", "root"])],
    "odd: {type: action, effect: stop_sms, go: {done: end}}": [("odd", "stop_sms", ["end"])],
    PLACE: [
        ("odd", "prompt", ["odd.find"]),
        ("odd.find", "find_place", ["odd.sure", "odd.which", "odd.regions"]),
        ("odd.sure", "choice", ["end", "odd", "odd.regions"]),
        ("odd.which", "list", ["end"]),
        ("odd.regions", "regions", ["odd.region"]),
        ("odd.region", "list", ["odd.places"]),
        ("odd.places", "places_in_region", ["odd.list"]),
        ("odd.list", "list", ["end"]),
    ],
}


def screens(odd: str) -> list[Screen]:
    """The screens that this one becomes."""
    made = built(odd).tree.screens.values()
    return [screen for screen in made if screen.id.partition(".")[0] == "odd"]


def is_what(made: Screen) -> str:
    """The effect of an action; the type of any other."""
    types = {"list": made.is_list, "notice": made.is_last, "goto": made.is_goto, "choice": made.is_choice}
    types["prompt"] = bool(made.accepts)
    return made.effect or next(name for name, is_it in types.items() if is_it)


def screen(odd: str, name: str = "odd") -> Screen:
    return next(one for one in screens(odd) if one.id == name)


@pytest.mark.parametrize(("odd", "expected"), WRITTEN_AS.items(), ids=[odd.split(",")[0][12:] for odd in WRITTEN_AS])
def test_a_type_becomes_these_screens(odd: str, expected: list[tuple[str, str, list[str]]]) -> None:
    assert [(one.id, is_what(one), one.targets()) for one in screens(odd)] == expected


def test_every_type_is_in_the_table() -> None:
    assert {odd.split("type: ")[1].split(",")[0] for odd in WRITTEN_AS} == set(SCREEN_TYPES)


def test_options_are_numbered_by_their_place_unless_they_have_a_key() -> None:
    odd = f"odd: {{type: choice, options: [{END}, {END[:-1]}, key: 7}}, {END}]}}"
    assert [option.key for option in screen(odd).options] == ["1", "7", "3"]


@pytest.mark.parametrize(
    ("field", "accepts", "length"),
    [("text", "text", 0), ("tin", "digits", 9), ("pin", "digits", 4), ("reference", "digits", 10), ("year", "year", 0)],
)
def test_a_field_of_the_country_or_the_program_is_one_of_digits(field: str, accepts: str, length: int) -> None:
    found = screen(f"odd: {{type: prompt, field: {field}, answer: a, go: end, text: {TEXT}}}")
    assert (found.accepts, found.length) == (accepts, length)


@pytest.mark.parametrize("field", WRITTEN)
def test_every_field_that_can_be_written_can_be_used(field: str) -> None:
    length = ", length: 3" if field == "digits" else ""
    assert screens(f"odd: {{type: prompt, field: {field}{length}, answer: place, go: end, text: {TEXT}}}")


def test_a_way_that_a_lookup_does_not_say_leads_where_missing_does() -> None:
    found = screen("odd: {type: lookup, register: r, go: {found: end, none: root, missing: lang, stale: resume}}")
    # A name that is like others is one that nobody has, to a screen which says no more.
    assert found.outcomes == {
        "found": "end", "none": "root", "missing": "lang", "stale": "resume", "several": "lang", "locked": "lang",
        "near": "root",
    }  # fmt: skip


def test_a_row_that_has_something_leads_elsewhere() -> None:
    ways = "go: {found: end, none: root, missing: root}, when: {status.ready: lang}"
    found = screen(f"odd: {{type: lookup, register: r, {ways}}}")
    assert (found.constants["when"], found.outcomes["found.status.ready"]) == ("status.ready", "lang")


@pytest.mark.parametrize(
    ("more", "constants"),
    [
        ("", {"topic": "jobs", "place": ""}),
        (", at: place", {"topic": "jobs", "place": "{place}"}),
        (", at: place, about: trade", {"topic": "jobs.{trade}", "place": "{place}"}),
    ],
)
def test_a_subscription_is_narrowed_by_place_and_subject(more: str, constants: dict[str, str]) -> None:
    odd = f"odd: {{type: subscribe, topic: jobs, go: end, already: end{more}}}"
    assert screen(odd).constants == constants


def test_a_poll_counts_under_its_own_name_and_a_rating_under_that_of_the_service() -> None:
    options = f"options: [{{text: {TEXT}, value: a}}, {{text: {TEXT}, value: b}}]"
    ends = f"text: {TEXT}, go: end, again: end, {options}"
    assert screen(f"odd: {{type: poll, {ends}}}", "odd.count").constants == {"subject": "odd"}
    rating = screen(f"odd: {{type: rating, of: service, {ends}}}", "odd.count")
    assert (rating.constants, rating.inputs) == ({"subject": "odd.{service}"}, ("choice",))


def test_the_languages_are_offered_each_by_its_own_name() -> None:
    options = screen("odd: {type: language, go: end}").options
    assert [(option.language, set(option.text.values())) for option in options] == [
        ("en", {"English"}), ("ru", {"Русский"})
    ]  # fmt: skip


def test_a_place_begins_the_form_where_it_is_typed() -> None:
    titled = [one.id for one in screens(PLACE[:-1] + f", title: {TEXT}}}") if one.title]
    assert titled == ["odd"]
