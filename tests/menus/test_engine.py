"""The engine: what each input does to a session, and what is shown."""

import msgspec
import pytest

from sado.menus import engine
from sado.menus.engine import Effect, Outcome, TreeChangedError, Turn
from sado.menus.session import Session
from sado.menus.tree import Tree
from tests.support.packs import tree

TEXT = "{en: Text, ru: Текст}"
LONG = "'" + "word " * 60 + "'"
ODD = f"""\
odd:
  type: choice
  answer: kind
  go: odd.place
  options:
    - {{value: water, text: {{en: Water, ru: Вода}}}}
    - {{go: pages, text: {TEXT}}}
    - {{go: mine, text: {TEXT}}}
    - {{go: children, text: {TEXT}}}
    - {{go: born, text: {TEXT}}}
    - {{go: lang, text: {TEXT}}}
pages: {{type: notice, text: {{en: {LONG}, ru: {LONG}}}}}
odd.place:
  {{type: prompt, field: place, answer: place, go: odd.name, title: {{en: "Form: {{kind}}", ru: "Форма: {{kind}}"}},
   text: {{en: "Town?", ru: "Город?"}}}}
odd.name: {{type: prompt, field: name, answer: name, go: sum, otherwise: nameless, text: {{en: Name, ru: Имя}}}}
nameless: {{type: choice, text: {{en: No name, ru: Нет}}, options: [{{go: odd.name, text: {TEXT}}}]}}
sum:
  type: choice
  text: {{en: "{{kind}}, {{place}}", ru: "{{kind}}, {{place}}"}}
  options: [{{go: file, text: {TEXT}}}, {{go: end, text: {TEXT}}}]
file:
  type: action
  effect: open_case
  inputs: [name, place]
  constants: {{kind: complaint, topic: "{{kind}}"}}
  note: "{{kind}}: {{name}}"
  go: {{saved: saved}}
saved: {{type: choice, text: {{en: "Saved {{ref}}", ru: "{{ref}}"}}}}
mine: {{type: cases, go: shown, none: none}}
shown: {{type: choice, text: {{en: "Case {{reference}}", ru: "{{reference}}"}}}}
none: {{type: choice, text: {{en: None, ru: Нет}}}}
children: {{type: prompt, field: number, answer: n2, go: born, text: {{en: How many, ru: Сколько}}}}
born: {{type: prompt, field: year, answer: born, go: end, text: {{en: Year, ru: Год}}}}
"""
DAY = f"""\
odd: {{type: prompt, field: date, answer: date, go: day.sure, text: {{en: Day, ru: День}}}}
day.sure:
  type: choice
  text: {{en: "On {{date}}", ru: "{{date}}"}}
  options: [{{go: day.file, text: {TEXT}}}]
day.file:
  type: action
  effect: open_case
  inputs: [date]
  constants: {{kind: complaint, topic: water}}
  note: "Day: {{date}}"
  go: {{saved: end}}
"""
OUTCOMES = {
    "remember_language": Outcome("done"),
    "find_place": Outcome("one", {"place": "Toptown city", "found": "T-1"}),
    "regions": Outcome("listed", items=[("R", "Region"), ("Q", "Quarter")]),
    "places_in_region": Outcome("listed", items=[(f"T-{at}", f"Town {at}") for at in range(1, 13)]),
    "open_case": Outcome("saved", {"ref": "007"}, is_filed=True),
    "my_cases": Outcome("some", items=[("007", "No 7"), ("008", "No 8")]),
}
FORM = ("1", "1", "Toptown", "1", "Ali")


@pytest.fixture(scope="module")
def odd() -> Tree:
    return tree(ODD)


class Walk:
    """One session on a tree; each effect ends as `OUTCOMES` says, or as it is told here."""

    def __init__(self, tree: Tree, language: str | None = "en", *ahead: str, **outcomes: Outcome) -> None:
        self.tree = tree
        self.effects: list[Effect] = []
        self._outcomes = OUTCOMES | outcomes
        self.turn = self._settled(engine.start(tree, language, ahead))

    def type(self, *inputs: str) -> "Walk":
        for text in inputs:
            kept = msgspec.json.decode(msgspec.json.encode(self.turn.session), type=Session)
            self.turn = self._settled(engine.resume(self.tree, kept, text))
        return self

    @property
    def lines(self) -> list[str]:
        return self.turn.text.split("\n")

    def _settled(self, turn: Turn) -> Turn:
        while turn.effect is not None:
            self.effects.append(turn.effect)
            turn = engine.proceed(self.tree, turn.session, self._outcomes[turn.effect.name])
        return turn


def test_somebody_new_is_asked_for_her_language_first(odd: Tree) -> None:
    assert Walk(odd, None).lines == ["1 English", "2 Русский"]
    assert Walk(odd, "sw").lines == ["1 English", "2 Русский"]


def test_the_language_that_is_chosen_is_remembered_and_spoken(odd: Tree) -> None:
    walk = Walk(odd, None).type("2")
    assert (walk.effects[0].name, walk.effects[0].language) == ("remember_language", "ru")
    assert walk.lines[0] == "1 Новое"


def test_zero_goes_back_one_screen_and_the_first_screen_does_not_offer_it(odd: Tree) -> None:
    assert Walk(odd).type("1", "1", "0").lines[0] == "1 Water"
    assert Walk(odd).type("1", "1", "0", "0").lines == Walk(odd).lines
    assert "0 Back" not in Walk(odd).lines
    assert Walk(odd).type("0").lines[0] == "A number from the list."


def test_back_goes_past_a_screen_that_was_an_effect(odd: Tree) -> None:
    assert Walk(odd).type("1", "1", "Toptown", "0").lines[0] == "Town?"


def test_back_to_a_list_finds_again_what_it_lists(odd: Tree) -> None:
    """The items that a session holds by then are those of the list of places."""
    walk = Walk(odd).type("1", "1", "Toptown", "3", "1")
    assert walk.lines[:2] == ["1 Town 1", "2 Town 2"]
    assert walk.type("0").lines[:3] == ["Region:", "1 Region", "2 Quarter"]
    assert walk.type("2").turn.session.answers["region"] == "Q"


def test_back_from_what_was_chosen_in_a_list_is_the_list(odd: Tree) -> None:
    walk = Walk(odd).type("1", "3", "2")
    assert walk.lines[0] == "Case No 8"
    assert walk.type("0").lines == ["1 No 7", "2 No 8", "0 Back"]
    assert walk.type("0").lines[0] == "1 Water"


def test_double_zero_goes_home_from_anywhere_and_forgets_the_way(odd: Tree) -> None:
    walk = Walk(odd).type("1", "1", "Toptown", "00")
    assert walk.lines == Walk(odd).lines
    assert walk.turn.session.trail == []


def test_double_zero_does_not_pass_the_choice_of_language(odd: Tree) -> None:
    walk = Walk(odd, None).type("00")
    assert (walk.lines[0], walk.turn.session.screen) == ("A number from the list.", "lang")


def test_a_number_is_answered_with_zero_and_left_with_two(odd: Tree) -> None:
    assert Walk(odd).type("1", "4").lines == ["How many", "00 Back"]
    assert Walk(odd).type("1", "4", "0").turn.session.answers["n2"] == "0"
    assert Walk(odd).type("1", "4", "00").lines[0] == "1 Water"
    assert Walk(odd).type("1", "4", "000").lines == Walk(odd).lines


def test_more_turns_the_page_and_zero_turns_it_back(odd: Tree) -> None:
    first = Walk(odd).type("1", "2")
    assert first.lines[-1] == "99 More"
    assert Walk(odd).type("1", "2", "99").lines != first.lines
    assert Walk(odd).type("1", "2", "99", "0").lines == first.lines


def test_a_notice_longer_than_a_page_is_last_only_at_its_end(odd: Tree) -> None:
    assert not Walk(odd).type("1", "2").turn.is_last
    assert Walk(odd).type("1", "2", "99").turn.is_last


def test_a_choice_may_be_made_before_its_page_is_shown(odd: Tree) -> None:
    long = Outcome("listed", items=[(str(at), f"Town of the name {at}") for at in range(30)])
    walk = Walk(odd, "en", places_in_region=long).type("1", "1", "Toptown", "3", "1")
    assert "30 Town of the name 29" not in walk.lines
    assert walk.type("30").lines[0] == "Name"


def test_inputs_dialled_ahead_are_used_in_order(odd: Tree) -> None:
    assert Walk(odd, "en", "1", "1").lines[0] == "Town?"


def test_inputs_dialled_ahead_wait_for_the_language(odd: Tree) -> None:
    walk = Walk(odd, None, "1", "1")
    assert walk.lines[0] == "1 English"
    assert walk.type("1").lines[0] == "Town?"


def test_a_wrong_input_dialled_ahead_stops_there_and_drops_the_rest(odd: Tree) -> None:
    walk = Walk(odd, "en", "1", "9", "1", "1")
    assert walk.lines[:2] == ["A number from the list.", "1 Water"]
    assert walk.turn.session.ahead == []


def test_an_error_goes_when_the_next_answer_is_right(odd: Tree) -> None:
    assert Walk(odd).type("7", "1").lines == Walk(odd).type("1").lines


def test_what_a_prompt_does_not_accept_is_asked_again_with_the_error_of_its_field(odd: Tree) -> None:
    assert Walk(odd).type("1", "5", "85").lines[:2] == ["A year.", "Year"]
    assert Walk(odd).type("1", "5", "85", "1985").turn.session.answers["born"] == "1985"


def test_a_prompt_may_lead_elsewhere_instead_of_asking_again(odd: Tree) -> None:
    assert Walk(odd).type(*FORM[:-1], "1").lines[0] == "No name"


@pytest.mark.parametrize("text", ["1", "1.", "1)", " 1 ", "１", "1 )"])
def test_an_option_is_chosen_the_ways_people_type_it(odd: Tree, text: str) -> None:
    assert Walk(odd).type(text).lines[0] == "1 Water"


def test_what_was_chosen_shows_in_words(odd: Tree) -> None:
    assert Walk(odd).type(*FORM).lines[0] == "Water, Toptown city"


def test_an_effect_gets_the_answers_it_takes_those_written_and_the_note(odd: Tree) -> None:
    (asked,) = [one for one in Walk(odd, "ru").type(*FORM, "1").effects if one.name == "open_case"]
    assert asked == Effect(
        "open_case",
        {"name": "Ali", "place": "T-1", "pressed": "", "kind": "complaint", "topic": "water", "text": "Water: Ali"},
        "ru",
    )


def test_after_a_form_was_filed_back_is_the_main_menu(odd: Tree) -> None:
    walk = Walk(odd).type(*FORM, "1")
    assert walk.lines == ["Saved 007", "0 Back"]
    assert walk.type("0").lines == Walk(odd).lines


@pytest.mark.parametrize(
    ("inputs", "form"),
    [
        (("1",), ""),
        (("1", "1"), "odd.place"),
        (FORM, "odd.place"),
        ((*FORM, "2"), ""),
        ((*FORM, "1"), ""),
        ((*FORM, "00"), ""),
        (("1", "1", "0"), ""),
    ],
)
def test_a_form_is_unfinished_from_its_title_to_its_end(odd: Tree, inputs: tuple[str, ...], form: str) -> None:
    session = Walk(odd).type(*inputs).turn.session
    assert session.form == form
    assert engine.title(odd, session, "en") == ("Form: Water" if form else "")


@pytest.mark.parametrize(("language", "words"), [("en", "Form: Water"), ("ru", "Форма: Вода"), ("sw", "Form: Water")])
def test_an_unfinished_form_is_offered_in_the_language_of_now(odd: Tree, language: str, words: str) -> None:
    assert engine.title(odd, Walk(odd).type(*FORM).turn.session, language) == words


def test_the_offer_shows_the_title_and_has_no_way_round_it(odd: Tree) -> None:
    turn = engine.offer(odd, "en", "Form: Water")
    assert turn.text == "Continue?\n1 Yes: Form: Water\n2 Anew\n3 Not needed"
    assert engine.resume(odd, turn.session, "00").session.screen == "resume"


@pytest.mark.parametrize("key", ["2", "3"])
def test_the_offer_is_not_come_back_to(odd: Tree, key: str) -> None:
    turn = engine.resume(odd, engine.offer(odd, "en", "Form: Water").session, key)
    if turn.effect:
        turn = engine.proceed(odd, turn.session, Outcome("done"))
    assert turn.text == "1 Odd\n2 End"
    assert engine.resume(odd, turn.session, "0").session.screen == "root"


def asked(odd: Tree, *ahead: str) -> Walk:
    """Where a form that is filed is asked for the digit 7; every later filing is asked too."""
    return Walk(odd, "en", *ahead, open_case=Outcome("confirm", {"digit": "7"}))


def test_the_digit_that_is_shown_is_handed_to_the_effect(odd: Tree) -> None:
    walk = asked(odd).type(*FORM, "1")
    assert walk.lines == ["Type 7.", "0 Back"]
    assert walk.type("7").effects[-1].answers["pressed"] == "7"


@pytest.mark.parametrize("typed", ["3", "77", "yes", "1", ""])
def test_anything_else_asks_the_effect_again_without_it(odd: Tree, typed: str) -> None:
    walk = asked(odd).type(*FORM, "1", typed)
    assert walk.lines == ["Type 7.", "0 Back"]
    assert walk.effects[-1].answers["pressed"] == ""


def test_what_was_dialled_ahead_does_not_answer_what_was_not_yet_shown(odd: Tree) -> None:
    walk = asked(odd, *FORM, "1", "7", "7", "7")
    assert walk.lines == ["Type 7.", "0 Back"]
    assert walk.effects[-1].answers["pressed"] == "" and walk.turn.session.ahead == []


def test_back_from_the_digit_is_where_the_form_was(odd: Tree) -> None:
    assert asked(odd).type(*FORM, "1", "0").lines[0] == "Water, Toptown city"


def test_a_digit_counts_for_one_filing(odd: Tree) -> None:
    walk = asked(odd).type(*FORM, "1", "7")
    filing = msgspec.structs.replace(walk.turn.session, screen="file")
    filed = engine.proceed(odd, filing, Outcome("saved", {"ref": "007"}, is_filed=True))
    assert "pressed" in walk.turn.session.answers and "pressed" not in filed.session.answers


def test_what_has_to_wait_stays_a_form_and_can_be_tried_again(odd: Tree) -> None:
    walk = Walk(odd, "en", open_case=Outcome("wait", {"send_from": "14.07.2026 10:30"})).type(*FORM, "1")
    assert walk.lines == ["From 14.07.2026 10:30.", "1 Send", "0 Back"]
    assert walk.turn.session.form and not walk.turn.is_last
    assert len(walk.type("1").effects) == len(walk.effects) > 1


def test_a_date_is_read_as_people_write_it(odd: Tree) -> None:
    walk = Walk(tree(DAY)).type("1", "14/7/27")
    assert walk.lines[0] == "On 14.07.2027"
    walk.type("1")
    assert walk.effects[-1].answers == {
        "date": "2027-07-14",
        "pressed": "",
        "kind": "complaint",
        "topic": "water",
        "text": "Day: 14.07.2027",
    }


def test_what_is_typed_anew_is_shown_anew(odd: Tree) -> None:
    assert Walk(tree(DAY)).type("1", "14/7/27", "0", "15/7/27").lines[0] == "On 15.07.2027"


def test_a_session_goes_on_in_the_language_of_now_without_its_error(odd: Tree) -> None:
    session = Walk(odd).type("1", "5", "85").turn.session
    assert engine.reopen(odd, session, "ru").text == "Год\n0 Назад"
    assert engine.reopen(odd, session, "sw").text == "Year\n0 Back"


def test_a_value_with_a_placeholder_in_it_is_shown_as_it_is(odd: Tree) -> None:
    tricky = Outcome("one", {"place": "{pin}{ref}", "found": "x"})
    assert Walk(odd, "en", find_place=tricky).type("1", "1", "Toptown").lines[0] == "{pin}{ref}?"


def test_an_outcome_that_the_tree_has_no_way_for_is_an_error(odd: Tree) -> None:
    with pytest.raises(KeyError, match="surprise"):
        Walk(odd, "en", find_place=Outcome("surprise")).type("1", "1", "Toptown")


def test_the_session_given_is_left_as_it_was(odd: Tree) -> None:
    session = Walk(odd).type("1", "1").turn.session
    before = msgspec.json.encode(session)
    engine.resume(odd, session, "Toptown")
    assert msgspec.json.encode(session) == before


@pytest.mark.parametrize("call", ["resume", "proceed", "reopen"])
def test_a_session_of_another_version_of_the_tree_is_refused(odd: Tree, call: str) -> None:
    session = msgspec.structs.replace(Walk(odd).turn.session, tree="older")
    argument = Outcome("done") if call == "proceed" else "1"
    with pytest.raises(TreeChangedError):
        getattr(engine, call)(odd, session, argument)


def test_nothing_that_was_answered_or_found_goes_beyond_the_main_menu(odd: Tree) -> None:
    """The phone may be in other hands by then, and what was written for one agency is not for another."""
    walk = Walk(odd).type(*FORM)
    assert (walk.turn.session.answers["name"], walk.turn.session.values["place"]) == ("Ali", "Toptown city")
    walk.type("00")
    assert (walk.turn.session.answers, walk.turn.session.values) == ({}, {})


def test_what_was_answered_before_a_form_began_is_part_of_it(odd: Tree) -> None:
    assert Walk(odd).type("00", *FORM).lines[0] == "Water, Toptown city"


def test_an_option_gives_its_constants_as_answers_and_another_gives_none() -> None:
    odd = f"""\
odd:
  type: choice
  options:
    - {{go: asked, constants: {{service: water}}, text: {TEXT}}}
    - {{go: asked, text: {TEXT}}}
asked:
  type: choice
  answer: service
  options: [{{go: end, value: water, text: {{en: Water, ru: Вода}}}}, {{go: end, value: power, text: {TEXT}}}]
"""
    one = tree(odd)
    at_odd = engine.resume(one, engine.start(one, "en").session, "1").session
    assert [engine.resume(one, at_odd, key).session.answers.get("service") for key in ("1", "2")] == ["water", None]
