"""The types of screens that show something: choices, questions, lists, and the last words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated

import msgspec
from msgspec import Meta

from sado.menus.fields import DIGITS, FIELDS
from sado.menus.reading.contract import Id, Label, Name, ScreenType, Words
from sado.menus.tree import Option, Screen

WRITTEN = (*FIELDS, *DIGITS)


class ChoiceOption(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One numbered line of a choice."""

    text: Label
    go: Annotated[Id, Meta(description="the screen it leads to; by default that of the whole screen")] | None = None
    value: Annotated[str, Meta(description="what is kept as the screen's answer")] = ""
    constants: Annotated[dict[Name, str], Meta(description="more answers that this choice gives, written here")] = {}
    key: Annotated[int, Meta(ge=1, le=9, description="its number; by default its place in the list")] | None = None


def _numbered(options: Iterable[ChoiceOption]) -> tuple[Option, ...]:
    return tuple(
        Option(str(option.key or place), option.text, option.go or "", option.value, constants=option.constants)
        for place, option in enumerate(options, 1)
    )


class Choice(ScreenType, frozen=True, kw_only=True, tag="choice"):
    """Numbered options. Without options, a text to read; `0` goes back."""

    text: Words = {}
    options: list[ChoiceOption] = []
    answer: Annotated[Name, Meta(description="where the chosen value is kept")] | None = None
    go: Annotated[Id, Meta(description="where options lead that do not say")] | None = None
    paged: Annotated[bool, Meta(description="longer than a screen on purpose")] = False

    def screens(self, name: str, shared: Mapping[str, Label]) -> Iterator[Screen]:
        """A choice as it is."""
        yield Screen(
            name,
            self.text,
            _numbered(self.options),
            self.answer or "",
            self.go or "",
            title=self.title,
            is_paged=self.paged,
        )


class Prompt(ScreenType, frozen=True, kw_only=True, tag="prompt"):
    """Asks for one typed answer. What the field does not accept is asked again, with a short error."""

    text: Words
    answer: Annotated[Name, Meta(description="where the answer is kept")]
    go: Annotated[Id, Meta(description="the screen after an accepted answer")]
    field: Annotated[
        str, Meta(min_length=1, description=f"{', '.join(WRITTEN)}, or a field of digits named in pack.yaml")
    ] = "text"
    length: Annotated[int, Meta(ge=1, le=20, description="how many digits, for `field: digits`")] | None = None
    otherwise: Annotated[Id, Meta(description="where to go instead of asking again")] | None = None

    def screens(self, name: str, shared: Mapping[str, Label]) -> Iterator[Screen]:
        """A prompt; for a place also the questions that make it certain."""
        if self.field == "place":
            yield from self._place(name, shared)
            return
        yield Screen(
            name,
            self.text,
            answer=self.answer,
            go=self.go,
            accepts=self.field,
            length=self.length or 0,
            otherwise=self.otherwise or "",
            title=self.title,
        )

    def _place(self, name: str, shared: Mapping[str, Label]) -> Iterator[Screen]:
        """A hit is always a question: names repeat, and a near miss is somebody else's district."""
        find, sure, which, regions, listed = (f"{name}.{step}" for step in ("find", "sure", "which", "region", "list"))
        yield Screen(name, self.text, answer="typed_place", go=find, accepts="place", title=self.title)
        yield Screen(
            find,
            effect="find_place",
            inputs=("typed_place",),
            outcomes={"one": sure, "several": which, "none": f"{name}.regions"},
        )
        yield Screen(
            sure,
            shared["place_sure"],
            (
                Option("1", shared["yes"], self.go, "{found}"),
                Option("2", shared["place_again"], name),
                Option("3", shared["place_list"], f"{name}.regions"),
            ),
            self.answer,
        )
        yield Screen(which, shared["place_which"], answer=self.answer, go=self.go, is_list=True)
        yield Screen(f"{name}.regions", effect="regions", outcomes={"listed": regions})
        yield Screen(regions, shared["place_region"], answer="region", go=f"{name}.places", is_list=True)
        yield Screen(f"{name}.places", effect="places_in_region", inputs=("region",), outcomes={"listed": listed})
        yield Screen(listed, answer=self.answer, go=self.go, is_list=True)


class Notice(ScreenType, frozen=True, kw_only=True, tag="notice"):
    """The last thing shown; it ends the session."""

    text: Words

    def screens(self, name: str, shared: Mapping[str, Label]) -> Iterator[Screen]:
        """A notice as it is."""
        yield Screen(name, self.text, is_last=True)


class List(ScreenType, frozen=True, kw_only=True, tag="list"):
    """A paged choice among what the last lookup or effect found."""

    answer: Annotated[Name, Meta(description="where the chosen one is kept")]
    go: Id
    text: Words = {}

    def screens(self, name: str, shared: Mapping[str, Label]) -> Iterator[Screen]:
        """A list as it is."""
        yield Screen(name, self.text, answer=self.answer, go=self.go, title=self.title, is_list=True)


class CaseList(ScreenType, frozen=True, kw_only=True, tag="cases"):
    """The cases filed from this phone, as a list; the chosen number is kept as `reference`."""

    go: Id
    none: Annotated[Id, Meta(description="where to go without a case")]
    text: Words = {}

    def screens(self, name: str, shared: Mapping[str, Label]) -> Iterator[Screen]:
        """An action, and the list of what it found."""
        yield Screen(name, effect="my_cases", outcomes={"some": f"{name}.list", "none": self.none})
        yield Screen(f"{name}.list", self.text, answer="reference", go=self.go, is_list=True)


class LanguageChoice(ScreenType, frozen=True, kw_only=True, tag="language"):
    """The pack's languages, each by its own name; the choice is remembered for the phone."""

    go: Id

    def screens(self, name: str, shared: Mapping[str, Label]) -> Iterator[Screen]:
        """A choice, and an action that remembers it. The names are the pack's own (menus/reading/build.py)."""
        names = shared["language_names"]
        options = tuple(
            Option(str(number), dict.fromkeys(names, str(words)), f"{name}.save", language=language)
            for number, (language, words) in enumerate(names.items(), 1)
        )
        yield Screen(name, options=options)
        yield Screen(f"{name}.save", effect="remember_language", inputs=("language",), outcomes={"done": self.go})


class Poll(ScreenType, frozen=True, kw_only=True, tag="poll"):
    """A question put to everyone. Each phone counts once, and no answer is kept with a phone."""

    text: Words
    options: Annotated[list[ChoiceOption], Meta(min_length=2)]
    go: Annotated[Id, Meta(description="after the answer was counted")]
    again: Annotated[Id, Meta(description="for a phone whose answer was counted before")]

    def screens(self, name: str, shared: Mapping[str, Label]) -> Iterator[Screen]:
        """A choice, and the action that counts."""
        yield from _counted(self, name, subject=name)


class Rating(ScreenType, frozen=True, kw_only=True, tag="rating"):
    """A mark for a service, counted as a poll is."""

    text: Words
    options: Annotated[list[ChoiceOption], Meta(min_length=2)]
    of: Annotated[Name, Meta(description="the answer that names the service")]
    go: Id
    again: Id

    def screens(self, name: str, shared: Mapping[str, Label]) -> Iterator[Screen]:
        """A choice, and the action that counts it for the service."""
        yield from _counted(self, name, subject=f"{name}.{{{self.of}}}")


def _counted(written: Poll | Rating, name: str, subject: str) -> Iterator[Screen]:
    outcomes = {"counted": written.go, "again": written.again}
    yield Screen(name, written.text, _numbered(written.options), "choice", f"{name}.count")
    yield Screen(f"{name}.count", effect="vote", inputs=("choice",), constants={"subject": subject}, outcomes=outcomes)
