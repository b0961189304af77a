"""The types of screens that show nothing: the program does something, or goes on elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Annotated

import msgspec
from msgspec import Meta

from sado.menus.effects import PRESSED, is_rate_limited
from sado.menus.reading.contract import Id, Label, Name, ScreenType, Words
from sado.menus.tree import Option, Screen


class LookupOutcomes(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Where a lookup leads. A way that is not written leads where `missing` does."""

    found: Annotated[Id, Meta(description="one row, of a fresh copy")]
    none: Annotated[Id, Meta(description="the copy is fresh and has no such row")]
    missing: Annotated[Id, Meta(description="no copy, or an old one without the row: open a question here")]
    stale: Annotated[Id, Meta(description="a row of an old copy: show it with its date, and ask")] | None = None
    several: Annotated[Id, Meta(description="more than one row: a list")] | None = None
    near: Annotated[Id, Meta(description="no such name, but others like it: a list; not written: as `none`")] | None = (
        None
    )
    locked: Annotated[Id, Meta(description="too many wrong tries")] | None = None


class Lookup(ScreenType, frozen=True, kw_only=True, tag="lookup"):
    """Finds rows of a register by answers, and shows nothing itself."""

    register: Name
    go: LookupOutcomes
    by: Annotated[list[Name], Meta(description="the answers that are looked up; `row` for a list's; none: all")] = []
    when: Annotated[
        dict[str, Id],
        Meta(description="a found row leads here: `field.value`, `day.past`, or a `field` with any; first wins"),
    ] = {}

    def screens(self, name: str, shared: Mapping[str, Label]) -> Iterator[Screen]:
        """An action with an outcome for each way."""
        outcomes = {way: target or self.go.missing for way, target in msgspec.structs.asdict(self.go).items()}
        outcomes["near"] = self.go.near or self.go.none
        outcomes |= {f"found.{case}": target for case, target in self.when.items()}
        constants = {"register": self.register} | ({"when": " ".join(self.when)} if self.when else {})
        yield Screen(name, effect="lookup", inputs=tuple(self.by), constants=constants, outcomes=outcomes)


class Ask(ScreenType, frozen=True, kw_only=True, tag="ask"):
    """Sends the question that a lookup could not answer to the register's agency; the answer follows by SMS."""

    register: Name
    go: Annotated[Id, Meta(description="the screen that says so; it may show {ref} and {pin}")]
    by: Annotated[list[Name], Meta(description="the same answers as the lookup's")] = []

    def screens(self, name: str, shared: Mapping[str, Label]) -> Iterator[Screen]:
        """An action, and what follows while many file."""
        constants, outcomes = {"register": self.register}, {"saved": self.go}
        action = Screen(name, effect="ask_agency", inputs=tuple(self.by), constants=constants, outcomes=outcomes)
        yield from _rate_limited(action, shared)


class Sms(ScreenType, frozen=True, kw_only=True, tag="sms"):
    """Sends these words to the phone that asks for them, by SMS; shows nothing itself."""

    text: Words
    go: Annotated[Id, Meta(description="when it is on its way")]
    muted: Annotated[Id, Meta(description="for a phone that wants no SMS")]

    def screens(self, name: str, shared: Mapping[str, Label]) -> Iterator[Screen]:
        """An action that has words, and what is said once as many left as may in a day."""
        spent = f"{name}.spent"
        outcomes = {"sent": self.go, "muted": self.muted, "spent": spent}
        yield Screen(name, self.text, effect="send_sms", outcomes=outcomes)
        yield Screen(spent, shared["sms_spent"])


class Subscribe(ScreenType, frozen=True, kw_only=True, tag="subscribe"):
    """Asks for an SMS whenever there is news on a topic at a place; shows nothing itself."""

    topic: Annotated[str, Meta(description="a word such as jobs; with `about`, the first part of jobs.driver")]
    go: Id
    already: Id
    at: Annotated[Name, Meta(description="the answer that holds the place; none: everywhere")] | None = None
    about: Annotated[Name, Meta(description="the answer that narrows the topic")] | None = None

    def screens(self, name: str, shared: Mapping[str, Label]) -> Iterator[Screen]:
        """An action."""
        constants = {"topic": f"{self.topic}.{{{self.about}}}" if self.about else self.topic}
        constants["place"] = f"{{{self.at}}}" if self.at else ""
        outcomes = {"done": self.go, "already": self.already}
        yield Screen(name, effect="subscribe", constants=constants, outcomes=outcomes)


class Action(ScreenType, frozen=True, kw_only=True, tag="action"):
    """Something the program does; docs/menus.md lists the effects with what they need and fill."""

    effect: Name
    go: Annotated[dict[str, Id], Meta(min_length=1, description="outcome: screen")]
    inputs: Annotated[list[Name], Meta(description="the answers handed over")] = []
    constants: Annotated[
        dict[str, str], Meta(description="more answers, written here; {name} is the value of another")
    ] = {}
    note: Annotated[str, Meta(description="what the agency reads as `text`; {name} is an answer in words")] = ""

    def screens(self, name: str, shared: Mapping[str, Label]) -> Iterator[Screen]:
        """An action as it is; one that files also has what follows while many do."""
        action = Screen(
            name,
            effect=self.effect,
            inputs=tuple(self.inputs),
            constants=self.constants,
            note=self.note,
            outcomes=self.go,
        )
        yield from _rate_limited(action, shared) if is_rate_limited(self.effect) else (action,)


class Goto(ScreenType, frozen=True, kw_only=True, tag="goto"):
    """Another name for a screen."""

    go: Id

    def screens(self, name: str, shared: Mapping[str, Label]) -> Iterator[Screen]:
        """Resolved when the tree is put together."""
        yield Screen(name, go=self.go, is_goto=True)


def _rate_limited(action: Screen, shared: Mapping[str, Label]) -> Iterator[Screen]:
    """An action that files, and the screens that it leads to when it has to wait or be confirmed. Both lead back to it:
    the form stays where it is meanwhile, and a wrong digit is asked again with another."""
    wait, confirm = f"{action.id}.wait", f"{action.id}.confirm"
    yield replace(
        action,
        inputs=(*action.inputs, PRESSED),
        outcomes={**action.outcomes, "wait": wait, "confirm": confirm},
    )
    yield Screen(wait, shared["filing_wait"], (Option("1", shared["filing_again"], action.id),))
    yield Screen(
        confirm,
        shared["filing_confirm"],
        answer=PRESSED,
        go=action.id,
        accepts="digits",
        length=1,
        otherwise=action.id,
        expects="digit",
    )
