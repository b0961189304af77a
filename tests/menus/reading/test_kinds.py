"""What an administrator writes becomes screens of the few kinds that the engine knows."""

import pytest

from sado.menus.reading.kinds import KINDS, WRITTEN
from sado.menus.tree import Screen
from tests.support.packs import built

TEXT = "{en: A, ru: Я}"
END = f"{{go: end, text: {TEXT}}}"
PLACE = f"odd: {{kind: prompt, field: place, answer: place, go: end, text: {TEXT}}}"
WRITTEN_AS = {
    f"odd: {{kind: choice, text: {TEXT}, options: [{END}]}}": [("odd", "choice", ["end"])],
    f"odd: {{kind: choice, text: {TEXT}, answer: a, go: end, options: [{{value: x, text: {TEXT}}}]}}": [
        ("odd", "choice", ["end"])
    ],
    f"odd: {{kind: prompt, text: {TEXT}, answer: a, go: end}}": [("odd", "prompt", ["end"])],
    f"odd: {{kind: prompt, field: name, text: {TEXT}, answer: a, go: end, otherwise: root}}": [
        ("odd", "prompt", ["end", "root"])
    ],
    f"odd: {{kind: notice, text: {TEXT}}}": [("odd", "notice", [])],
    "odd: {kind: list, answer: row, go: end}": [("odd", "list", ["end"])],
    "odd: {kind: goto, go: end}": [("odd", "goto", ["end"])],
    "odd: {kind: lookup, register: r, by: [tin], go: {found: end, none: root, missing: lang}}": [
        ("odd", "lookup", ["end", "root", "lang"])
    ],
    "odd: {kind: ask, register: r, by: [tin], go: end}": [("odd", "ask_agency", ["end"])],
    f"odd: {{kind: sms, text: {TEXT}, go: end, muted: root}}": [("odd", "send_sms", ["end", "root"])],
    f"odd: {{kind: cases, text: {TEXT}, go: end, none: root}}": [
        ("odd", "my_cases", ["odd.list", "root"]),
        ("odd.list", "list", ["end"]),
    ],
    "odd: {kind: language, go: end}": [
        ("odd", "choice", ["odd.save"]),
        ("odd.save", "remember_language", ["end"]),
    ],
    f"odd: {{kind: poll, text: {TEXT}, go: end, again: root, options: [{{text: {TEXT}, value: a}},"
    f" {{text: {TEXT}, value: b}}]}}": [("odd", "choice", ["odd.count"]), ("odd.count", "vote", ["end", "root"])],
    f"odd: {{kind: rating, of: service, text: {TEXT}, go: end, again: root, options: [{{text: {TEXT}, value: a}},"
    f" {{text: {TEXT}, value: b}}]}}": [("odd", "choice", ["odd.count"]), ("odd.count", "vote", ["end", "root"])],
    "odd: {kind: subscribe, topic: jobs, go: end, already: root}": [("odd", "subscribe", ["end", "root"])],
    "odd: {kind: do, effect: stop_sms, go: {done: end}}": [("odd", "stop_sms", ["end"])],
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


def screen(odd: str, name: str = "odd") -> Screen:
    return next(one for one in screens(odd) if one.id == name)


@pytest.mark.parametrize(("odd", "expected"), WRITTEN_AS.items(), ids=[odd.split(",")[0][12:] for odd in WRITTEN_AS])
def test_a_kind_becomes_these_screens(odd: str, expected: list[tuple[str, str, list[str]]]) -> None:
    assert [(one.id, one.effect or one.kind, one.targets()) for one in screens(odd)] == expected


def test_every_kind_is_in_the_table() -> None:
    assert {odd.split("kind: ")[1].split(",")[0] for odd in WRITTEN_AS} == set(KINDS)


def test_options_are_numbered_by_their_place_unless_they_have_a_key() -> None:
    odd = f"odd: {{kind: choice, options: [{END}, {END[:-1]}, key: 7}}, {END}]}}"
    assert [option.key for option in screen(odd).options] == ["1", "7", "3"]


@pytest.mark.parametrize(
    ("field", "accepts", "length"),
    [("text", "text", 0), ("tin", "digits", 9), ("pin", "digits", 4), ("reference", "digits", 10), ("year", "year", 0)],
)
def test_a_field_of_the_country_or_the_program_is_one_of_digits(field: str, accepts: str, length: int) -> None:
    found = screen(f"odd: {{kind: prompt, field: {field}, answer: a, go: end, text: {TEXT}}}")
    assert (found.accepts, found.length) == (accepts, length)


@pytest.mark.parametrize("field", WRITTEN)
def test_every_field_that_can_be_written_can_be_used(field: str) -> None:
    length = ", length: 3" if field == "digits" else ""
    assert screens(f"odd: {{kind: prompt, field: {field}{length}, answer: place, go: end, text: {TEXT}}}")


def test_a_way_that_a_lookup_does_not_say_leads_where_missing_does() -> None:
    found = screen("odd: {kind: lookup, register: r, go: {found: end, none: root, missing: lang, stale: resume}}")
    assert found.outcomes == {
        "found": "end", "none": "root", "missing": "lang", "stale": "resume", "several": "lang", "locked": "lang"
    }  # fmt: skip


def test_a_row_that_has_something_leads_elsewhere() -> None:
    ways = "go: {found: end, none: root, missing: root}, when: {status.ready: lang}"
    found = screen(f"odd: {{kind: lookup, register: r, {ways}}}")
    assert (found.given["when"], found.outcomes["found.status.ready"]) == ("status.ready", "lang")


@pytest.mark.parametrize(
    ("more", "given"),
    [
        ("", {"topic": "jobs", "place": ""}),
        (", at: place", {"topic": "jobs", "place": "{place}"}),
        (", at: place, about: trade", {"topic": "jobs.{trade}", "place": "{place}"}),
    ],
)
def test_a_subscription_is_narrowed_by_place_and_subject(more: str, given: dict[str, str]) -> None:
    odd = f"odd: {{kind: subscribe, topic: jobs, go: end, already: end{more}}}"
    assert screen(odd).given == given


def test_a_poll_counts_under_its_own_name_and_a_rating_under_that_of_the_service() -> None:
    options = f"options: [{{text: {TEXT}, value: a}}, {{text: {TEXT}, value: b}}]"
    ends = f"text: {TEXT}, go: end, again: end, {options}"
    assert screen(f"odd: {{kind: poll, {ends}}}", "odd.count").given == {"subject": "odd"}
    rating = screen(f"odd: {{kind: rating, of: service, {ends}}}", "odd.count")
    assert (rating.given, rating.takes) == ({"subject": "odd.{service}"}, ("choice",))


def test_the_languages_are_offered_each_by_its_own_name() -> None:
    options = screen("odd: {kind: language, go: end}").options
    assert [(option.language, set(option.text.values())) for option in options] == [
        ("en", {"English"}), ("ru", {"Русский"})
    ]  # fmt: skip


def test_a_place_begins_the_form_where_it_is_typed() -> None:
    titled = [one.id for one in screens(PLACE[:-1] + f", title: {TEXT}}}") if one.title]
    assert titled == ["odd"]
