"""The conversation: pure functions from (tree, session, input) to the next turn.

The engine does nothing itself. At an action the turn carries an Effect; the caller performs it
and hands the Outcome to `proceed`. So a dialogue runs in memory, and a session may be stored between any
two calls.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from sado.menus.effects import PRESSED
from sado.menus.fields import accepted
from sado.menus.gsm import Budget
from sado.menus.language import formats
from sado.menus.session import Session
from sado.menus.tree import PLACEHOLDER, Option, Screen, Tree
from sado.menus.view import filled, keys_of, options_of, pages_of, words

TRAIL_LIMIT = 40
USSD = Budget()


@dataclass(frozen=True)
class Effect:
    """Something to be done by the caller: a name from the tree, and the answers that are handed to it. `is_proven` says
    that the network vouches for the number, as it does for USSD: an SMS can be sent in anybody's name."""

    name: str
    answers: Mapping[str, str]
    language: str
    is_proven: bool = True


@dataclass(frozen=True)
class Outcome:
    """How an effect went: the tree has a way for each `name`; `values` fill placeholders, `items` a list.
    `is_filed` says that what the form was for has been done."""

    name: str
    values: Mapping[str, str] = field(default_factory=dict)
    items: Sequence[tuple[str, str]] = ()
    is_filed: bool = False


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
    first = tree.start if language in tree.languages.codes else tree.first_contact
    spoken = language if language in tree.languages.codes else tree.languages.default
    session = Session(tree=tree.version, language=spoken or "", screen=first, ahead=list(ahead))
    return _arrive(tree, session, budget)


def offer(tree: Tree, language: str, unfinished: str, budget: Budget = USSD) -> Turn:
    """Begin by asking whether to go on with the unfinished form of this title."""
    session = Session(tree=tree.version, language=language, screen=tree.resume, values={"title": unfinished})
    return _arrive(tree, session, budget)


def enter(tree: Tree, session: Session, budget: Budget = USSD) -> Turn:
    """Begin at the screen where this new session stands, with what it brings: `prefilled` inputs are used up where
    their screens ask for them, so that nothing is asked twice."""
    _check(tree, session)
    session = session.copied()
    if tree.screens[session.screen].title:
        session.form = session.screen
    return _arrive(tree, session, budget)


def reopen(tree: Tree, session: Session, language: str, budget: Budget = USSD) -> Turn:
    """Go on where a session stood, in the language that the subscriber has now, if its tree has it."""
    _check(tree, session)
    session = session.copied()
    session.error, session.page = "", 0
    if language in tree.languages.codes:
        session.language = language
    return _arrive(tree, session, budget)


def title(tree: Tree, session: Session, language: str) -> str:
    """The words by which the session's unfinished form is offered again; empty without one. They are in `language`,
    if the tree has it."""
    if not session.form:
        return ""
    spoken = language if language in tree.languages.codes else session.language
    return words(tree, tree.screens[session.form].title, session, spoken)


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
        session.items, session.found_by = list(outcome.items), session.screen
    if outcome.is_filed:
        # Nothing of the form can be gone back to: filing it twice is worse than beginning again.
        session.form, session.trail = "", [tree.start]
        session.answers.pop(PRESSED, None)
    _go(tree, session, tree.screens[session.screen].outcomes[outcome.name])
    return _arrive(tree, session, budget)


def _check(tree: Tree, session: Session) -> None:
    if session.tree != tree.version:
        raise TreeChangedError(session.tree)


def _arrive(tree: Tree, session: Session, budget: Budget) -> Turn:
    """Show the screen the session stands on, or ask for its effect, using up what was prefilled or dialled ahead."""
    while True:
        screen = tree.screens[session.screen]
        if screen.effect:
            return Turn(session, effect=_effect(tree, screen, session))
        if screen.id in session.prefilled:
            _take(tree, session, session.prefilled.pop(screen.id), budget)
            continue
        waits_for_language = screen.id == tree.first_contact
        if not session.ahead or session.error or screen.is_last or screen.expects or waits_for_language:
            break
        _take(tree, session, session.ahead.pop(0), budget)
    if session.error or screen.is_last or screen.expects:
        session.ahead.clear()
    shown = pages_of(tree, screen, session, budget)
    page = min(session.page, len(shown) - 1)
    is_last = screen.is_last and page == len(shown) - 1
    if is_last:
        session.form = ""
    return Turn(session, shown[page], is_last)


def _effect(tree: Tree, screen: Screen, session: Session) -> Effect:
    answers = {name: session.answers.get(name, "") for name in screen.inputs}
    for name, constant in screen.constants.items():
        answers[name] = PLACEHOLDER.sub(lambda match: session.answers.get(match[1], ""), constant)
    if screen.text:
        answers["text"] = words(tree, screen.text, session)
    if screen.note:
        answers["text"] = filled(tree, screen.note, session, tree.languages.default)
    return Effect(screen.effect, answers, session.language)


def _take(tree: Tree, session: Session, text: str, budget: Budget) -> None:
    """Move the session by one input."""
    screen = tree.screens[session.screen]
    keys = keys_of(screen, session)
    typed = unicodedata.normalize("NFKC", text).strip()
    if typed == keys.more and session.page + 1 < len(pages_of(tree, screen, session, budget)):
        session.page += 1
    elif typed == keys.back and (session.page or session.trail):
        _step_back(tree, session)
    elif typed == keys.home and screen.id not in (tree.first_contact, tree.resume):
        session.trail.clear()
        _go(tree, session, tree.start)
    else:
        session.error = ""
        _answer(tree, session, screen, text, typed)


def _step_back(tree: Tree, session: Session) -> None:
    session.error = ""
    if session.page:
        session.page -= 1
    else:
        _go(tree, session, session.trail.pop())
        if session.form not in (*session.trail, session.screen):
            # She is before the form again; it stays unfinished where she left it.
            session.form = ""


def _answer(tree: Tree, session: Session, screen: Screen, text: str, typed: str) -> None:
    if screen.accepts:
        _answer_prompt(tree, session, screen, text)
        return
    option = _chosen(options_of(screen, session), typed.rstrip(".) "))
    if option is None:
        session.error, session.page = "choice", 0
        return
    if screen.answer:
        session.answers[screen.answer] = PLACEHOLDER.sub(lambda match: session.values.get(match[1], ""), option.value)
        if screen.is_list:
            session.values[screen.answer] = str(option.text[session.language])
    for name, value in option.constants.items():
        session.answers[name] = value
        session.values.pop(name, None)
    if option.language:
        session.language = session.answers["language"] = option.language
    _leave(tree, session, option.go or screen.go)


def _chosen(options: Sequence[Option], key: str) -> Option | None:
    return next((option for option in options if option.key == key), None)


def _answer_prompt(tree: Tree, session: Session, screen: Screen, text: str) -> None:
    value = accepted(screen.accepts, screen.length, text)
    if screen.expects and value != session.values.get(screen.expects):
        value = None
    if value is not None and _is_refusal(tree, session, screen, value):
        session.answers[screen.answer] = value
        _leave(tree, session, screen.otherwise)
    elif value is not None:
        session.answers[screen.answer] = value
        # What an earlier way round filled in for this name is not what was typed now.
        session.values.pop(screen.answer, None)
        if screen.accepts == "date":
            session.values[screen.answer] = formats.date(date.fromisoformat(value), tree.languages, session.language)
        _leave(tree, session, screen.go)
    elif screen.otherwise:
        _leave(tree, session, screen.otherwise)
    else:
        session.error, session.page = screen.accepts, 0
        session.values["n"] = str(screen.length)


def _is_refusal(tree: Tree, session: Session, screen: Screen, value: str) -> bool:
    """Whether this is said in place of a name, and she was not asked again yet. Whoever says it twice means it: it may
    be a name after all, and the law's word on nameless appeals was shown."""
    fold = tree.languages.fold
    if screen.accepts != "name" or not screen.otherwise or fold(value) not in tree.refusals:
        return False
    return fold(session.answers.get(screen.answer, "")) not in tree.refusals


def _leave(tree: Tree, session: Session, target: str) -> None:
    # The way back to a list is through what found it: by then its items may be those of another list.
    is_list = tree.screens[session.screen].is_list
    here = session.found_by if is_list and session.found_by else session.screen
    if here == tree.resume:
        # The offer is made once: gone back to, it would have no title, nor a form to go on with.
        here = tree.start
    if not session.trail or session.trail[-1] != here:
        session.trail = [*session.trail, here][-TRAIL_LIMIT:]
    _go(tree, session, target)


def _go(tree: Tree, session: Session, target: str) -> None:
    session.screen, session.page, session.error = target, 0, ""
    if target in session.trail:
        del session.trail[session.trail.index(target) :]
    if tree.screens[target].title:
        session.form = target
    elif target == tree.start:
        # What one form or lookup left behind must not get into the next: the phone may be in other hands by then.
        session.form = ""
        session.answers, session.values = {}, {}
