"""The results of polls and ratings, for operators: how often each choice was taken, never by whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from sado.cases.audit import Action
from sado.cases.residents import consultation
from sado.desk import language, recording
from sado.menus.pack import Pack
from sado.menus.tree import PLACEHOLDER, Screen, Texts, Tree
from sado.store import Store


@dataclass(frozen=True)
class Choice:
    """One choice in words; `share` is its part of all votes on the subject, in percent."""

    words: str
    votes: int
    share: float


@dataclass(frozen=True)
class Subject:
    """One poll or rating in words; `about` is the service that is rated. `choices` is None where the votes are too few
    to be shown. `sources` says how many votes each station counted, by its number, empty for this one."""

    question: str
    about: str
    choices: list[Choice] | None
    votes: int
    sources: list[tuple[str, int]] = field(default_factory=list)


def create(store: Store, pack: Pack) -> Blueprint:
    """The blueprint of the results page."""
    blueprint = Blueprint("consultation", __name__, url_prefix="/consultation")

    @blueprint.get("", strict_slashes=False)
    @recording.recorded(Action.RESULTS_READ)
    def index() -> ResponseReturnValue:
        counted, sources = store.read(lambda tx: (consultation.results(tx), consultation.sources(tx)))
        subjects = [
            replace(described(pack, subject, votes), sources=_from_below(sources[subject]))
            for subject, votes in counted.items()
        ]
        return render_template("desk/consultation.html", subjects=subjects, fewest=consultation.FEWEST)

    return blueprint


def described(pack: Pack, subject: str, votes: Mapping[str, int] | None) -> Subject:
    """The subject in the words of the screen that asks for it, its choices in that screen's order; what no screen of
    the pack asks for now shows as it came."""
    screen, about = _asked(pack.tree, subject)
    question = _words(screen.text if screen else {}, subject)
    if votes is None:
        return Subject(question, about, None, 0)
    offered = {option.value: option.text for option in screen.options if option.value} if screen else {}
    total = sum(votes.values())
    codes = [*offered, *(code for code in votes if code not in offered)]
    choices = [
        Choice(_words(offered.get(code, {}), code), votes.get(code, 0), 100 * votes.get(code, 0) / total)
        for code in codes
    ]
    return Subject(question, about, choices, total)


def _from_below(votes: Mapping[str, int]) -> list[tuple[str, int]]:
    """What each station counted; nothing where all votes are this station's own."""
    return [(source.removeprefix("station:"), count) for source, count in votes.items()] if {*votes} != {""} else []


def _asked(tree: Tree, subject: str) -> tuple[Screen | None, str]:
    """The screen that asks for votes on this subject, and what it asks about: `rate.passport` is counted by a screen
    that gives the subject `rate.{service}`, and asked by the screen `rate`."""
    for counting in tree.screens.values():
        counted = counting.constants.get("subject", "") if counting.effect == "vote" else ""
        if counted == subject:
            return tree.screens.get(subject), ""
        name, _, value = subject.rpartition(".")
        for answer in PLACEHOLDER.findall(counted):
            if counted == f"{name}.{{{answer}}}":
                return tree.screens.get(name), _words(tree.labels.get((answer, value), {}), value)
    return None, ""


def _words(texts: Texts, otherwise: str) -> str:
    words = texts.get(language.current())
    return words if isinstance(words, str) else otherwise
