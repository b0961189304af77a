"""Whatever a tree is made of and whatever is typed, a page is shown that fits and can be left."""

from dataclasses import replace
from functools import cache

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sado.menus import engine
from sado.menus.effects import EFFECTS
from sado.menus.engine import Outcome, Turn
from sado.menus.gsm import Budget
from sado.menus.reading import pack
from sado.menus.reading.pack import PACKS
from sado.menus.session import Session
from sado.menus.tree import Option, Screen, Tree
from tests.support.packs import tree

USSD = Budget()
# Errors and navigation of the small pack take 34 units of a page with Cyrillic letters at most.
BUDGETS = st.builds(Budget, st.integers(70, 200), st.integers(50, 100))
ALPHABET = "aбҳ漢😀\u0301\u202e\u200f 1~€\n"
PROSE = st.text(ALPHABET, max_size=300).map(lambda text: f"w{text}")
LINE = st.text(ALPHABET.replace("\n", ""), max_size=40).map(lambda text: f"w{text}")
KEYS = st.sampled_from([str(at) for at in range(10)])
TYPED = st.one_of(
    KEYS,
    st.sampled_from(["0", "00", "000", "0000", "99", "999", "9999", "1", "2", "3", "9", "30", "", "1.", "١", "*", "#"]),
    st.sampled_from(["Ёвон", "Kisumu", "Ali Valiev", "0074424284", "4821", "1985", "14.07.2026", "900000001"]),
    st.sampled_from(["0" * 10_000, "\u202e0", "😀" * 70, "\x00\x1b", "e\u0301" * 100]),
    st.text(max_size=500),
)
MANY_TYPED = st.lists(TYPED, max_size=12)
FIELDS = [("text", 0), ("name", 0), ("place", 0), ("digits", 1), ("digits", 2), ("digits", 10), ("number", 0),
          ("date", 0), ("year", 0), ("phone", 0)]  # fmt: skip
WAYS = ("one", "other")


@st.composite
def trees(draw: st.DrawFn) -> Tree:
    """A sound tree of any shape: screens lead anywhere, effects never only to each other."""
    shown = [f"s{at}" for at in range(draw(st.integers(1, 6)))]
    silent = [f"d{at}" for at in range(draw(st.integers(0, 3)))]
    somewhere = st.sampled_from([*shown, *silent, "root"])
    seen = st.sampled_from([*shown, "root"])
    screens = {"root": _choice(draw, "root", somewhere)}
    screens |= {name: draw(st.sampled_from(TYPES))(draw, name, somewhere) for name in shown}
    screens |= {
        name: Screen(name, effect="any", inputs=("a",), note="{a}", outcomes={way: draw(seen) for way in WAYS})
        for name in silent
    }
    base = tree()
    return replace(base, screens={**base.screens, **screens, "resume": _choice(draw, "resume", somewhere)})


def _texts(draw: st.DrawFn, words: st.SearchStrategy[str]) -> dict[str, str]:
    return {code: draw(words) + draw(st.sampled_from(["", "{a}", "{v}"])) for code in ("en", "ru")}


def _choice(draw: st.DrawFn, name: str, targets: st.SearchStrategy[str]) -> Screen:
    count = draw(st.integers(1, 9))
    options = tuple(
        Option(str(at), _texts(draw, LINE), draw(targets), draw(st.sampled_from(["", "x", "{v}"])))
        for at in range(1, count + 1)
    )
    title = _texts(draw, LINE) if draw(st.booleans()) else {}
    return Screen(name, _texts(draw, PROSE), options, answer=draw(st.sampled_from(["", "a"])), title=title)


def _reading(draw: st.DrawFn, name: str, targets: st.SearchStrategy[str]) -> Screen:
    return Screen(name, _texts(draw, PROSE))


def _prompt(draw: st.DrawFn, name: str, targets: st.SearchStrategy[str]) -> Screen:
    field, length = draw(st.sampled_from(FIELDS))
    return Screen(
        name, _texts(draw, PROSE), answer="a", go=draw(targets), accepts=field, length=length,
        otherwise=draw(st.one_of(st.just(""), targets)),
    )  # fmt: skip


def _list(draw: st.DrawFn, name: str, targets: st.SearchStrategy[str]) -> Screen:
    return Screen(name, _texts(draw, LINE), answer="a", go=draw(targets), is_list=True)


def _notice(draw: st.DrawFn, name: str, targets: st.SearchStrategy[str]) -> Screen:
    return Screen(name, _texts(draw, PROSE), is_last=True)


TYPES = [_choice, _reading, _prompt, _prompt, _prompt, _list, _notice]
ITEMS = st.lists(st.tuples(st.text(max_size=3), LINE), max_size=40)


def kept(session: Session) -> Session:
    """The session as the next hop finds it."""
    return msgspec.json.decode(msgspec.json.encode(session), type=Session)


def settled(tree: Tree, turn: Turn, budget: Budget, data: st.DataObject) -> Turn:
    """The turn once its effects went in any of the ways that the tree knows."""
    for _ in range(20):
        if turn.effect is None:
            return turn
        ways = sorted(tree.screens[turn.session.screen].outcomes)
        names = {"v", *(name for contract in EFFECTS.values() for name in contract.fills)}
        values = data.draw(st.fixed_dictionaries(dict.fromkeys(sorted(names), LINE)))
        outcome = Outcome(data.draw(st.sampled_from(ways)), values, data.draw(ITEMS), data.draw(st.booleans()))
        turn = engine.proceed(tree, kept(turn.session), outcome, budget)
    raise AssertionError("effects without end")


def check_page(tree: Tree, turn: Turn, budget: Budget) -> None:
    """The page fits, says something, and offers a way on."""
    assert turn.text.strip()
    assert budget.fits(turn.text)
    screen = tree.screens[turn.session.screen]
    assert turn.is_last or screen.accepts or any(line[:1].isdigit() for line in turn.text.split("\n"))


def check_walk(tree: Tree, turn: Turn, inputs: list[str], budget: Budget, data: st.DataObject) -> None:
    """Type each of these, and look at every page on the way."""
    turn = settled(tree, turn, budget, data)
    check_page(tree, turn, budget)
    for text in inputs:
        if turn.is_last:
            return
        before, turn = turn, settled(tree, engine.resume(tree, kept(turn.session), text, budget), budget, data)
        check_page(tree, turn, budget)
        if turn.session.error and not before.session.error and not before.session.ahead:
            assert (turn.session.screen, turn.session.answers) == (before.session.screen, before.session.answers)
            assert turn.text != before.text


@settings(max_examples=150)
@given(trees(), st.sampled_from([None, "en", "ru"]), st.lists(TYPED, max_size=3), MANY_TYPED, BUDGETS, st.data())
def test_any_tree_can_be_walked_with_any_input(
    tree: Tree, language: str | None, ahead: list[str], inputs: list[str], budget: Budget, data: st.DataObject
) -> None:
    check_walk(tree, engine.start(tree, language, ahead, budget), inputs, budget, data)


@settings(max_examples=300)
@given(trees(), ITEMS, MANY_TYPED, BUDGETS, st.data())
def test_every_screen_of_any_tree_takes_any_input(
    tree: Tree, items: list[tuple[str, str]], inputs: list[str], budget: Budget, data: st.DataObject
) -> None:
    """A walk seldom comes far; so each is begun at some screen, with a way back."""
    name = data.draw(st.sampled_from(sorted(name for name in tree.screens if name[:1] in "sd")))
    session = Session(tree=tree.version, language="ru", screen=name, items=items, values={"n": "3"}, trail=["root"])
    check_walk(tree, engine.reopen(tree, session, "ru", budget), inputs, budget, data)


@settings(max_examples=50)
@given(trees(), LINE, MANY_TYPED, st.data())
def test_any_tree_can_be_walked_from_the_offer_of_a_form(
    tree: Tree, title: str, inputs: list[str], data: st.DataObject
) -> None:
    check_walk(tree, engine.offer(tree, "ru", title), inputs, USSD, data)


def test_an_input_that_a_screen_does_not_take_shows_it_again_under_a_short_error() -> None:
    first = engine.start(tree(), "ru")
    for text in ("7", "", "😀" * 500, "0" * 10_000, "\u202e1x", "*"):
        again = engine.resume(tree(), first.session, text)
        assert again.text == f"Только номер.\n{first.text}"


@cache
def shipped(name: str) -> Tree:
    return pack.load(name).tree


@pytest.mark.parametrize("name", sorted(path.parent.name for path in PACKS.glob("*/pack.yaml")))
def test_a_shipped_pack_can_be_walked_with_any_input(name: str) -> None:
    tree = shipped(name)

    @settings(max_examples=150)
    @given(st.sampled_from([None, *tree.languages.codes]), st.lists(st.one_of(KEYS, TYPED), max_size=20), st.data())
    def walked(language: str | None, inputs: list[str], data: st.DataObject) -> None:
        check_walk(tree, engine.start(tree, language), inputs, USSD, data)

    walked()


@pytest.mark.parametrize("name", sorted(path.parent.name for path in PACKS.glob("*/pack.yaml")))
def test_every_screen_of_a_shipped_pack_takes_any_input(name: str) -> None:
    tree = shipped(name)
    waiting = [screen.id for screen in tree.screens.values() if not (screen.effect or screen.is_goto)]

    @settings(max_examples=300)
    @given(
        st.sampled_from(waiting), st.sampled_from(tree.languages.codes), ITEMS, st.lists(TYPED, max_size=4), st.data()
    )
    def walked(
        screen: str, language: str, items: list[tuple[str, str]], inputs: list[str], data: st.DataObject
    ) -> None:
        session = Session(tree=tree.version, language=language, screen=screen, items=items, trail=[tree.start])
        session.values = {**dict.fromkeys(tree.placeholders, "x"), "n": "3"}
        check_walk(tree, engine.reopen(tree, session, language), inputs, USSD, data)

    walked()
