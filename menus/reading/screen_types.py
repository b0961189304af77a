"""The types of screens an administrator writes, and the few that the engine knows.

Each class is one `type:` of the YAML and is where its fields are documented: the published JSON Schema is made of
these. `screens` turns it into screens of the engine (menus/tree.py): a `poll` becomes a choice and an effect, a
`prompt` for a place becomes the prompt and the questions that follow it. What an administrator can say grows here;
the engine does not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated

import msgspec
from msgspec import Meta

from sado.menus.fields import DIGITS, FIELDS
from sado.menus.tree import Option, Screen

Id = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_.]*$", description="a screen's name, such as appeal.topic")]
Name = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]*$", description="the name of an answer, placeholder or register")]
Forms = Annotated[
    dict[str, str],
    Meta(description="plural forms by CLDR category; `by` names the placeholder that holds the number"),
]
Words = Annotated[dict[str, str | Forms], Meta(description="language: words, in every language of the pack")]
Label = Annotated[dict[str, str], Meta(description="language: words, in every language of the pack")]


# The words of pack.yaml that the screens made for a field say (`words:`).
SHARED_WORDS = ("yes", "place_sure", "place_again", "place_list", "place_which", "place_region")

WRITTEN = (*FIELDS, *DIGITS)


class ChoiceOption(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One numbered line of a choice."""

    text: Label
    go: Annotated[Id, Meta(description="the screen it leads to; by default that of the whole screen")] | None = None
    value: Annotated[str, Meta(description="what is kept as the screen's answer")] = ""
    key: Annotated[int, Meta(ge=1, le=9, description="its number; by default its place in the list")] | None = None

    def option(self, number: int) -> Option:
        """As the engine has it."""
        return Option(str(self.key or number), self.text, self.go or "", self.value)


class ScreenType(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type"):
    """What every type may say."""

    title: Annotated[
        Words,
        Meta(description="from here until a notice a form is unfinished, and the next dial offers it by this title"),
    ] = {}

    def screens(self, name: str, shared: Mapping[str, Label]) -> Iterator[Screen]:
        """The engine's screens for this one. `shared` are the pack's own words for what many screens say."""
        raise NotImplementedError


class Choice(ScreenType, frozen=True, kw_only=True, tag="choice"):
    """Numbered options. Without options, a text to read; `0` goes back."""

    text: Words = {}
    options: list[ChoiceOption] = []
    answer: Annotated[Name, Meta(description="where the chosen value is kept")] | None = None
    go: Annotated[Id, Meta(description="where options lead that do not say")] | None = None
    paged: Annotated[bool, Meta(description="longer than a screen on purpose")] = False

    def screens(self, name: str, shared: Mapping[str, Label]) -> Iterator[Screen]:
        """A choice as it is."""
        options = tuple(option.option(number) for number, option in enumerate(self.options, 1))
        yield Screen(
            name, "choice", self.text, options, self.answer or "", self.go or "", title=self.title, is_paged=self.paged
        )


class Prompt(ScreenType, frozen=True, kw_only=True, tag="prompt"):
    """Asks for one typed answer. What the field does not accept is asked again, with a short error."""

    text: Words
    answer: Annotated[Name, Meta(description="where the answer is kept")]
    go: Annotated[Id, Meta(description="the screen after an accepted answer")]
    field: Annotated[str, Meta(description=f"{', '.join(WRITTEN)}, or a field of digits named in pack.yaml")] = "text"
    length: Annotated[int, Meta(ge=1, le=20, description="how many digits, for `field: digits`")] | None = None
    otherwise: Annotated[Id, Meta(description="where to go instead of asking again")] | None = None

    def screens(self, name: str, shared: Mapping[str, Label]) -> Iterator[Screen]:
        """A prompt; for a place also the questions that make it certain."""
        if self.field == "place":
            yield from self._place(name, shared)
            return
        yield Screen(
            name,
            "prompt",
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
        yield Screen(name, "prompt", self.text, answer="typed_place", go=find, accepts="place", title=self.title)
        yield Screen(
            find,
            "action",
            effect="find_place",
            inputs=("typed_place",),
            outcomes={"one": sure, "several": which, "none": f"{name}.regions"},
        )
        yield Screen(
            sure,
            "choice",
            shared["place_sure"],
            (
                Option("1", shared["yes"], self.go, "{found}"),
                Option("2", shared["place_again"], name),
                Option("3", shared["place_list"], f"{name}.regions"),
            ),
            self.answer,
        )
        yield Screen(which, "list", shared["place_which"], answer=self.answer, go=self.go)
        yield Screen(f"{name}.regions", "action", effect="regions", outcomes={"listed": regions})
        yield Screen(regions, "list", shared["place_region"], answer="region", go=f"{name}.places")
        yield Screen(
            f"{name}.places", "action", effect="places_in_region", inputs=("region",), outcomes={"listed": listed}
        )
        yield Screen(listed, "list", answer=self.answer, go=self.go)


class Notice(ScreenType, frozen=True, kw_only=True, tag="notice"):
    """The last thing shown; it ends the session."""

    text: Words

    def screens(self, name: str, shared: Mapping[str, Label]) -> Iterator[Screen]:
        """A notice as it is."""
        yield Screen(name, "notice", self.text)


class List(ScreenType, frozen=True, kw_only=True, tag="list"):
    """A paged choice among what the last lookup or effect found."""

    answer: Annotated[Name, Meta(description="where the chosen one is kept")]
    go: Id
    text: Words = {}

    def screens(self, name: str, shared: Mapping[str, Label]) -> Iterator[Screen]:
        """A list as it is."""
        yield Screen(name, "list", self.text, answer=self.answer, go=self.go, title=self.title)


class LookupOutcomes(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Where a lookup leads. A way that is not written leads where `missing` does."""

    found: Annotated[Id, Meta(description="one row, of a fresh copy")]
    none: Annotated[Id, Meta(description="the copy is fresh and has no such row")]
    missing: Annotated[Id, Meta(description="no copy, or an old one without the row: open a question here")]
    stale: Annotated[Id, Meta(description="a row of an old copy: show it with its date, and ask")] | None = None
    several: Annotated[Id, Meta(description="more than one row: a list")] | None = None
    locked: Annotated[Id, Meta(description="too many wrong tries")] | None = None


class Lookup(ScreenType, frozen=True, kw_only=True, tag="lookup"):
    """Finds rows of a register by answers, and shows nothing itself."""

    register: Name
    go: LookupOutcomes
    by: Annotated[list[Name], Meta(description="the answers that are looked up; `row` for a list's; none: all")] = []
    when: Annotated[
        dict[str, Id],
        Meta(description="where a found row leads instead: `field.value`, or a `field` that has something; first wins"),
    ] = {}

    def screens(self, name: str, shared: Mapping[str, Label]) -> Iterator[Screen]:
        """An effect with an outcome for each way."""
        outcomes = {way: target or self.go.missing for way, target in msgspec.structs.asdict(self.go).items()}
        outcomes |= {f"found.{case}": target for case, target in self.when.items()}
        constants = {"register": self.register} | ({"when": " ".join(self.when)} if self.when else {})
        yield _effect(name, "lookup", tuple(self.by), constants, outcomes)


class Ask(ScreenType, frozen=True, kw_only=True, tag="ask"):
    """Sends the question that a lookup could not answer to the register's agency; the answer follows by SMS."""

    register: Name
    go: Annotated[Id, Meta(description="the screen that says so; it may show {ref} and {pin}")]
    by: Annotated[list[Name], Meta(description="the same answers as the lookup's")] = []

    def screens(self, name: str, shared: Mapping[str, Label]) -> Iterator[Screen]:
        """An effect."""
        yield _effect(name, "ask_agency", tuple(self.by), {"register": self.register}, {"saved": self.go})


class Sms(ScreenType, frozen=True, kw_only=True, tag="sms"):
    """Sends these words to the phone that asks for them, by SMS; shows nothing itself."""

    text: Words
    go: Annotated[Id, Meta(description="when it is on its way")]
    muted: Annotated[Id, Meta(description="for a phone that wants no SMS")]

    def screens(self, name: str, shared: Mapping[str, Label]) -> Iterator[Screen]:
        """An effect that has words."""
        outcomes = {"sent": self.go, "muted": self.muted}
        yield Screen(name, "action", self.text, effect="send_sms", outcomes=outcomes)


class CaseList(ScreenType, frozen=True, kw_only=True, tag="cases"):
    """The cases filed from this phone, as a list; the chosen number is kept as `reference`."""

    go: Id
    none: Annotated[Id, Meta(description="where to go without a case")]
    text: Words = {}

    def screens(self, name: str, shared: Mapping[str, Label]) -> Iterator[Screen]:
        """An effect, and the list of what it found."""
        yield _effect(name, "my_cases", (), {}, {"some": f"{name}.list", "none": self.none})
        yield Screen(f"{name}.list", "list", self.text, answer="reference", go=self.go)


class LanguageChoice(ScreenType, frozen=True, kw_only=True, tag="language"):
    """The pack's languages, each by its own name; the choice is remembered for the phone."""

    go: Id

    def screens(self, name: str, shared: Mapping[str, Label]) -> Iterator[Screen]:
        """A choice, and an effect that remembers it. The names are the pack's own (menus/reading/pack.py)."""
        names = shared["language_names"]
        options = tuple(
            Option(str(number), dict.fromkeys(names, str(words)), f"{name}.save", language=language)
            for number, (language, words) in enumerate(names.items(), 1)
        )
        yield Screen(name, "choice", options=options)
        yield _effect(f"{name}.save", "remember_language", ("language",), {}, {"done": self.go})


class Poll(ScreenType, frozen=True, kw_only=True, tag="poll"):
    """A question put to everyone. Each phone counts once, and no answer is kept with a phone."""

    text: Words
    options: Annotated[list[ChoiceOption], Meta(min_length=2)]
    go: Annotated[Id, Meta(description="after the answer was counted")]
    again: Annotated[Id, Meta(description="for a phone whose answer was counted before")]

    def screens(self, name: str, shared: Mapping[str, Label]) -> Iterator[Screen]:
        """A choice, and the effect that counts."""
        options = tuple(option.option(number) for number, option in enumerate(self.options, 1))
        yield Screen(name, "choice", self.text, options, "choice", f"{name}.count")
        yield _effect(
            f"{name}.count", "vote", ("choice",), {"subject": name}, {"counted": self.go, "again": self.again}
        )


class Rating(ScreenType, frozen=True, kw_only=True, tag="rating"):
    """A mark for a service, counted as a poll is."""

    text: Words
    options: Annotated[list[ChoiceOption], Meta(min_length=2)]
    of: Annotated[Name, Meta(description="the answer that names the service")]
    go: Id
    again: Id

    def screens(self, name: str, shared: Mapping[str, Label]) -> Iterator[Screen]:
        """A choice, and the effect that counts it for the service."""
        options = tuple(option.option(number) for number, option in enumerate(self.options, 1))
        yield Screen(name, "choice", self.text, options, "choice", f"{name}.count")
        outcomes = {"counted": self.go, "again": self.again}
        yield _effect(f"{name}.count", "vote", ("choice",), {"subject": f"{name}.{{{self.of}}}"}, outcomes)


class Subscribe(ScreenType, frozen=True, kw_only=True, tag="subscribe"):
    """Asks for an SMS whenever there is news on a topic at a place; shows nothing itself."""

    topic: Annotated[str, Meta(description="a word such as jobs; with `about`, the first part of jobs.driver")]
    go: Id
    already: Id
    at: Annotated[Name, Meta(description="the answer that holds the place; none: everywhere")] | None = None
    about: Annotated[Name, Meta(description="the answer that narrows the topic")] | None = None

    def screens(self, name: str, shared: Mapping[str, Label]) -> Iterator[Screen]:
        """An effect."""
        answers = {"topic": f"{self.topic}.{{{self.about}}}" if self.about else self.topic}
        answers["place"] = f"{{{self.at}}}" if self.at else ""
        yield _effect(name, "subscribe", (), answers, {"done": self.go, "already": self.already})


class Goto(ScreenType, frozen=True, kw_only=True, tag="goto"):
    """Another name for a screen."""

    go: Id

    def screens(self, name: str, shared: Mapping[str, Label]) -> Iterator[Screen]:
        """Resolved when the tree is put together."""
        yield Screen(name, "goto", go=self.go)


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
        """An effect as it is."""
        yield _effect(name, self.effect, tuple(self.inputs), self.constants, self.go, self.note)


ScreenTypes = Mapping[str, type[ScreenType]]
# Every class above by its `type:`.
SCREEN_TYPES: ScreenTypes = {str(written.__struct_config__.tag): written for written in ScreenType.__subclasses__()}


def _effect(
    name: str,
    effect: str,
    inputs: tuple[str, ...],
    constants: Mapping[str, str],
    outcomes: Mapping[str, str],
    note: str = "",
) -> Screen:
    return Screen(name, "action", effect=effect, inputs=inputs, constants=constants, outcomes=outcomes, note=note)
