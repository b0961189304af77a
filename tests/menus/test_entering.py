"""A session that begins in the middle of a tree, as SMS commands begin it, and the tree as it is walked by SMS."""

import msgspec
import pytest

from sado.menus import engine
from sado.menus.engine import Outcome, TreeChangedError, Turn
from sado.menus.session import Session
from sado.menus.tree import Tree, without_sms
from tests.support.packs import tree

ODD = """\
odd:
  type: choice
  answer: topic
  go: place
  title: {en: "Form: {topic}", ru: "Форма: {topic}"}
  options: [{value: water, text: {en: Water, ru: Вода}}, {value: other, text: {en: Other, ru: Другое}}]
place: {type: prompt, field: place, answer: place, go: number, text: {en: Town, ru: Город}}
number: {type: prompt, field: reference, answer: reference, go: name, text: {en: Number, ru: Номер}}
name: {type: prompt, field: name, answer: name, go: sum, text: {en: Name, ru: Имя}}
sum:
  type: choice
  text: {en: "{topic}, {place}", ru: "{topic}, {place}"}
  options: [{go: send, text: {en: SMS, ru: SMS}}, {go: end, text: {en: End, ru: Конец}}]
send: {type: sms, text: {en: Words, ru: Слова}, go: end, muted: end}
"""
FOUND = Outcome("one", {"place": "Toptown city", "found": "T-1"})
PREFILLED = {"place": "Toptown", "place.sure": "1", "number": "0070000017", "name": "Ali"}


@pytest.fixture(scope="module")
def odd() -> Tree:
    return tree(ODD)


def entered(tree: Tree, screen: str, **prefilled: str) -> Turn:
    named = {name.replace("_", "."): text for name, text in prefilled.items()}
    return settled(tree, engine.enter(tree, Session(tree=tree.version, language="en", screen=screen, prefilled=named)))


def settled(tree: Tree, turn: Turn) -> Turn:
    while turn.effect is not None:
        turn = engine.proceed(tree, turn.session, FOUND)
    return turn


def test_what_is_given_is_not_asked(odd: Tree) -> None:
    turn = entered(odd, "odd", odd="1", place="Toptown", place_sure="1", number="007 000 0017", name="Ali")
    assert turn.text == "Water, Toptown city\n1 SMS\n2 End\n0 Back"
    answers = turn.session.answers
    assert (answers["topic"], answers["place"], answers["reference"]) == ("water", "T-1", "0070000017")
    assert turn.session.prefilled == {}


def test_what_is_given_waits_until_its_screen_asks(odd: Tree) -> None:
    turn = entered(odd, "odd", name="Ali", number="0070000017")
    assert turn.text.startswith("1 Water")
    kept = msgspec.json.decode(msgspec.json.encode(turn.session), type=Session)
    turn = settled(odd, engine.resume(odd, kept, "1"))
    assert turn.text.startswith("Town")
    turn = settled(odd, engine.resume(odd, turn.session, "Toptown"))
    assert settled(odd, engine.resume(odd, turn.session, "1")).text.startswith("Water, Toptown city")


def test_what_is_given_and_not_accepted_is_told_and_the_rest_waits(odd: Tree) -> None:
    turn = entered(odd, "number", number="007", name="Ali")
    assert turn.text == "10 digits.\nNumber"
    turn = engine.resume(odd, turn.session, "0070000017")
    assert (turn.session.screen, turn.session.answers["name"]) == ("sum", "Ali")


def test_a_form_that_is_entered_at_its_beginning_is_unfinished(odd: Tree) -> None:
    assert entered(odd, "odd").session.form == "odd"
    assert entered(odd, "number").session.form == ""


def test_the_session_given_is_left_as_it_was(odd: Tree) -> None:
    session = Session(tree=odd.version, language="en", screen="place", prefilled=dict(PREFILLED))
    engine.enter(odd, session)
    assert session.prefilled == PREFILLED


def test_a_session_of_another_version_cannot_enter(odd: Tree) -> None:
    with pytest.raises(TreeChangedError):
        engine.enter(odd, Session(tree="older", language="en", screen="odd"))


def test_by_sms_the_option_to_get_an_sms_is_left_out_and_the_others_keep_their_numbers(odd: Tree) -> None:
    by_sms = without_sms(odd)
    prefilled = {"number": "0070000017", "name": "Ali"}
    turn = entered(by_sms, "number", **prefilled)
    assert turn.text.split("\n")[1:] == ["2 End"]
    assert engine.resume(by_sms, turn.session, "2").text == "Bye"
    assert engine.resume(by_sms, turn.session, "1").session.error == "choice"
    assert engine.resume(by_sms, turn.session, "0").text == "Name"
    assert entered(odd, "number", **prefilled).text.split("\n")[1:] == ["1 SMS", "2 End", "0 Back"]
