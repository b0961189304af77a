"""A screen as it is shown: its words filled in, its options, its error and its navigation, cut into pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sado.menus.fields import accepted
from sado.menus.gsm import Budget
from sado.menus.layout import pages
from sado.menus.session import Session
from sado.menus.tree import Form, Option, Screen, Texts, Tree
from sado.menus.tree import filled as fill

BACKS, MORES = ("0", "00", "000", "0000"), ("99", "999", "9999", "0000")
# A field for words takes these keys for what they are everywhere else: nobody's name or matter is "0".
_WORDS = ("text", "name", "place")
LISTED = 30


@dataclass(frozen=True)
class Keys:
    """What moves about on one screen: back, home to the main menu, on to the next page."""

    back: str
    home: str
    more: str


_USUAL = Keys(BACKS[0], BACKS[1], MORES[0])


def keys_of(screen: Screen, session: Session) -> Keys:
    """The keys of navigation on this screen. They are the same everywhere, except where one is an answer."""
    if screen.accepts in _WORDS or screen.expects:
        return _USUAL
    if screen.accepts:
        answers = {key for key in (*BACKS, *MORES) if accepted(screen.accepts, screen.length, key) is not None}
    else:
        answers = {option.key for option in options_of(screen, session)}
    if not answers.intersection((*BACKS, *MORES)):
        return _USUAL
    back, home = [key for key in BACKS if key not in answers][:2]
    return Keys(back, home, next(key for key in MORES if key not in answers))


def options_of(screen: Screen, session: Session) -> Sequence[Option]:
    """The numbered lines: the tree's own, or for a list what the last effect found."""
    if not screen.is_list:
        return screen.options
    return [
        Option(key=str(number), text={session.language: words}, go="", value=value)
        for number, (value, words) in enumerate(session.items[:LISTED], 1)
    ]


def pages_of(tree: Tree, screen: Screen, session: Session, budget: Budget) -> tuple[str, ...]:
    """Everything this screen says to this session, as pages that fit."""
    keys, language = keys_of(screen, session), session.language
    text = words(tree, screen.text, session)
    if session.error:
        error = words(tree, tree.errors[session.error], session)
        text = f"{error}\n{text}" if text else error
    offered = options_of(screen, session)
    options = [
        f"{option.key} {line}" for option, line in zip(offered, _lines(tree, screen, offered, session), strict=True)
    ]
    back = [f"{keys.back} {tree.back[language]}"] if _shows_back(tree, screen, session) else []
    return pages(text, options, back, f"{keys.more} {tree.more[language]}", budget)


def _shows_back(tree: Tree, screen: Screen, session: Session) -> bool:
    """Whether the way back is told. It is always there; by SMS the line is spared, except where a form has no other way
    on than back from a text that was read."""
    if not session.trail or screen.is_last:
        return False
    return not tree.is_by_sms or (bool(session.form) and screen.is_choice and not screen.options)


def _lines(tree: Tree, screen: Screen, offered: Sequence[Option], session: Session) -> list[str]:
    """A list's lines are values already: what an agency wrote cannot bring in a placeholder. By SMS, where letters are
    paid for, they leave out the end that all have in common: whoever asked about a place knows it."""
    if not screen.is_list:
        return [words(tree, option.text, session) for option in offered]
    lines = [str(option.text[session.language]) for option in offered]
    parts = [line.rpartition(", ") for line in lines]
    if (
        tree.is_by_sms
        and len(lines) > 1
        and all(begin for begin, _, _ in parts)
        and len({end for *_, end in parts}) == 1
    ):
        return [begin for begin, _, _ in parts]
    return lines


def words(tree: Tree, texts: Texts, session: Session, language: str = "") -> str:
    """What `texts` say to this session, filled; in its language unless another is given."""
    code = language or session.language
    return filled(tree, _form(tree, texts.get(code, ""), session, code), session, code)


def _form(tree: Tree, form: Form, session: Session, language: str) -> str:
    if isinstance(form, str):
        return form
    # A number comes as it is written in the language, "1 250" or "1,250".
    digits = "".join(filter(str.isdigit, session.values.get(form["by"], "")))
    return tree.languages.plural(form, int(digits or 0), language)


def filled(tree: Tree, text: str, session: Session, language: str) -> str:
    """`text` with its placeholders filled. A line that is left empty goes: a row of a register need not have every
    field."""
    if "{" not in text:
        return text

    def value_of(name: str) -> str:
        answer = session.answers.get(name, "")
        if label := tree.labels.get((name, answer)):
            return str(label[language])
        return session.values.get(name) or tree.fixed_placeholders.get(name) or answer

    lines = (fill(line, value_of) for line in text.split("\n"))
    return "\n".join(line for line in lines if line.strip())
