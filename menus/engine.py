"""The conversation: pure functions from (tree, session, input) to the next turn.

The engine does nothing itself. Where a tree says `do`, the turn carries an Effect; the caller performs it
and hands the Outcome to `proceed`. So a dialogue runs in memory, and a session may be stored between any
two calls.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from menus.gsm import Budget
from menus.layout import clean, pages
from menus.session import Session
from menus.tree import PLACEHOLDER, Option, Screen, Texts, Tree

BACK, HOME, MORE = "0", "00", "99"
TRAIL_LIMIT = 40
USSD = Budget()


@dataclass(frozen=True)
class Effect:
    """Something to be done by the caller: a name from the tree, and the answers that it takes."""

    name: str
    answers: Mapping[str, str]
    language: str


@dataclass(frozen=True)
class Outcome:
    """How an effect went: the tree has a way for each `name`; `values` fill placeholders, `items` a list."""

    name: str
    values: Mapping[str, str] = field(default_factory=dict)
    items: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class Turn:
    """What one call gives: the session to keep, and either an effect to perform or a text to show."""

    session: Session
    text: str = ""
    is_last: bool = False
    effect: Effect | None = None


class TreeChangedError(Exception):
    """The session belongs to another version of the tree."""


def start(tree: Tree, language: str | None, ahead: Sequence[str] = (), budget: Budget = USSD) -> Turn:
    """Begin. A subscriber without a language is asked for it first; `ahead` are the inputs she dialled with
    the service code, used once the language is known."""
    first = tree.start if language else tree.first_contact
    session = Session(tree=tree.version, language=language or tree.default_language, screen=first, ahead=list(ahead))
    return _arrive(tree, session, budget)


def resume(tree: Tree, session: Session, text: str, budget: Budget = USSD) -> Turn:
    """Take one input. What the screen does not accept shows the same screen with a short error above."""
    _check(tree, session)
    session = session.copied()
    _take(tree, session, text, budget)
    return _arrive(tree, session, budget)


def proceed(tree: Tree, session: Session, outcome: Outcome, budget: Budget = USSD) -> Turn:
    """Go on after an effect."""
    _check(tree, session)
    session = session.copied()
    session.values.update(outcome.values)
    if outcome.items:
        session.items = list(outcome.items)
    _go(session, tree.screens[session.screen].outcomes[outcome.name])
    return _arrive(tree, session, budget)


def _check(tree: Tree, session: Session) -> None:
    if session.tree != tree.version:
        raise TreeChangedError(session.tree)


def _arrive(tree: Tree, session: Session, budget: Budget) -> Turn:
    """Show the screen the session stands on, or ask for its effect, using up what was dialled ahead."""
    while True:
        screen = tree.screens[session.screen]
        if screen.kind == "do":
            answers = {name: session.answers.get(name, "") for name in screen.takes}
            return Turn(session, effect=Effect(screen.effect, answers, session.language))
        waits_for_language = screen.id == tree.first_contact
        if not session.ahead or session.error or screen.kind == "notice" or waits_for_language:
            break
        _take(tree, session, session.ahead.pop(0), budget)
    if session.error or screen.kind == "notice":
        session.ahead.clear()
    shown = _pages(tree, screen, session, budget)
    page = min(session.page, len(shown) - 1)
    return Turn(session, shown[page], is_last=screen.kind == "notice" and page == len(shown) - 1)


def _take(tree: Tree, session: Session, text: str, budget: Budget) -> None:
    """Move the session by one input."""
    screen = tree.screens[session.screen]
    typed = unicodedata.normalize("NFKC", text).strip()
    if typed == MORE and session.page + 1 < len(_pages(tree, screen, session, budget)):
        session.page += 1
    elif typed == BACK and (session.page or session.trail):
        _step_back(session)
    elif typed == HOME and screen.id != tree.first_contact:
        session.trail.clear()
        _go(session, tree.start)
    else:
        session.error = ""
        _answer(tree, session, screen, text, typed)


def _step_back(session: Session) -> None:
    session.error = ""
    if session.page:
        session.page -= 1
    else:
        _go(session, session.trail.pop())


def _answer(tree: Tree, session: Session, screen: Screen, text: str, typed: str) -> None:
    if screen.kind == "prompt":
        _answer_prompt(session, screen, text)
        return
    option = _chosen(_options(screen, session), typed.rstrip(".) "))
    if option is None:
        session.error, session.page = "choice", 0
        return
    if screen.answer:
        session.answers[screen.answer] = _filled(tree, option.value, session)
    if option.language:
        session.language = session.answers["language"] = option.language
    _leave(session, option.go or screen.go)


def _chosen(options: Sequence[Option], key: str) -> Option | None:
    return next((option for option in options if option.key == key), None)


def _answer_prompt(session: Session, screen: Screen, text: str) -> None:
    value = accepted(screen, text)
    if value is not None:
        session.answers[screen.answer] = value
        _leave(session, screen.go)
    elif screen.otherwise:
        _leave(session, screen.otherwise)
    else:
        session.error, session.page = ("digits" if screen.accepts == "digits" else "text"), 0
        session.values["n"] = str(screen.length)


def accepted(screen: Screen, text: str) -> str | None:
    """The answer that `text` is to this prompt, or None: digits of the right number whatever stands between
    them, a name with letters, or any words."""
    if screen.accepts == "digits":
        digits = "".join(str(unicodedata.digit(sign)) for sign in text if sign.isdigit())
        others = {sign for sign in text if not sign.isdigit()} - set(" -.,/№")
        return digits if len(digits) == screen.length and not others else None
    words = clean(text).strip()
    wanted = sum(sign.isalpha() for sign in words) >= 2 if screen.accepts == "name" else any(map(str.isalnum, words))
    return words if wanted else None


def _leave(session: Session, target: str) -> None:
    if not session.trail or session.trail[-1] != session.screen:
        session.trail = [*session.trail, session.screen][-TRAIL_LIMIT:]
    _go(session, target)


def _go(session: Session, target: str) -> None:
    session.screen, session.page, session.error = target, 0, ""
    if target in session.trail:
        del session.trail[session.trail.index(target) :]


def _options(screen: Screen, session: Session) -> Sequence[Option]:
    if screen.kind != "list":
        return screen.options
    return [
        Option(key=str(number), text={session.language: words}, go="", value=value)
        for number, (value, words) in enumerate(session.items, 1)
    ]


def _pages(tree: Tree, screen: Screen, session: Session, budget: Budget) -> tuple[str, ...]:
    language = session.language
    text = _filled(tree, screen.text.get(language, ""), session)
    if session.error:
        error = _filled(tree, tree.errors[session.error][language], session)
        text = f"{error}\n{text}" if text else error
    options = [f"{option.key} {_filled(tree, option.text[language], session)}" for option in _options(screen, session)]
    nav = [f"{BACK} {tree.back[language]}"] if session.trail and screen.kind != "notice" else []
    return pages(text, options, nav, f"{MORE} {tree.more[language]}", budget)


def _filled(tree: Tree, text: str, session: Session) -> str:
    """`text` with its placeholders filled in one pass: a value cannot bring in another placeholder."""
    if "{" not in text:
        return text

    def fill(match: re.Match[str]) -> str:
        name = match[1]
        words: Texts | None = tree.labels.get((name, session.answers.get(name, "")))
        return words[session.language] if words else session.values.get(name) or tree.constants.get(name, "")

    return PLACEHOLDER.sub(fill, text)
