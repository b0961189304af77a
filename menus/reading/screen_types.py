"""The types of screens an administrator writes, and the few that the engine knows.

Each class is one `type:` of the YAML and is where its fields are documented: the published JSON Schema is made of
these. `screens` turns it into screens of the engine (menus/tree.py): a `poll` becomes a choice and an effect, a
`prompt` for a place becomes the prompt and the questions that follow it. What an administrator can say grows here;
the engine does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
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


def _numbered(options: Iterable[ChoiceOption]) -> tuple[Option, ...]:
    return tuple(
        Option(str(option.key or place), option.text, option.go or "", option.value)
        for place, option in enumerate(options, 1)
    )


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
        yield Screen(name, effect="lookup", inputs=tuple(self.by), constants=constants, outcomes=outcomes)


class Ask(ScreenType, frozen=True, kw_only=True, tag="ask"):
    """Sends the question that a lookup could not answer to the register's agency; the answer follows by SMS."""

    register: Name
    go: Annotated[Id, Meta(description="the screen that says so; it may show {ref} and {pin}")]
    by: Annotated[list[Name], Meta(description="the same answers as the lookup's")] = []

    def screens(self, name: str, shared: Mapping[str, Label]) -> Iterator[Screen]:
        """An effect."""
        constants, outcomes = {"register": self.register}, {"saved": self.go}
        yield Screen(name, effect="ask_agency", inputs=tuple(self.by), constants=constants, outcomes=outcomes)


class Sms(ScreenType, frozen=True, kw_only=True, tag="sms"):
    """Sends these words to the phone that asks for them, by SMS; shows nothing itself."""

    text: Words
    go: Annotated[Id, Meta(description="when it is on its way")]
    muted: Annotated[Id, Meta(description="for a phone that wants no SMS")]

    def screens(self, name: str, shared: Mapping[str, Label]) -> Iterator[Screen]:
        """An effect that has words."""
        outcomes = {"sent": self.go, "muted": self.muted}
        yield Screen(name, self.text, effect="send_sms", outcomes=outcomes)


class CaseList(ScreenType, frozen=True, kw_only=True, tag="cases"):
    """The cases filed from this phone, as a list; the chosen number is kept as `reference`."""

    go: Id
    none: Annotated[Id, Meta(description="where to go without a case")]
    text: Words = {}

    def screens(self, name: str, shared: Mapping[str, Label]) -> Iterator[Screen]:
        """An effect, and the list of what it found."""
        yield Screen(name, effect="my_cases", outcomes={"some": f"{name}.list", "none": self.none})
        yield Screen(f"{name}.list", self.text, answer="reference", go=self.go, is_list=True)


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
        yield Screen(name, options=options)
        yield Screen(f"{name}.save", effect="remember_language", inputs=("language",), outcomes={"done": self.go})


class Poll(ScreenType, frozen=True, kw_only=True, tag="poll"):
    """A question put to everyone. Each phone counts once, and no answer is kept with a phone."""

    text: Words
    options: Annotated[list[ChoiceOption], Meta(min_length=2)]
    go: Annotated[Id, Meta(description="after the answer was counted")]
    again: Annotated[Id, Meta(description="for a phone whose answer was counted before")]

    def screens(self, name: str, shared: Mapping[str, Label]) -> Iterator[Screen]:
        """A choice, and the effect that counts."""
        yield from _counted(self, name, subject=name)


class Rating(ScreenType, frozen=True, kw_only=True, tag="rating"):
    """A mark for a service, counted as a poll is."""

    text: Words
    options: Annotated[list[ChoiceOption], Meta(min_length=2)]
    of: Annotated[Name, Meta(description="the answer that names the service")]
    go: Id
    again: Id

    def screens(self, name: str, shared: Mapping[str, Label]) -> Iterator[Screen]:
        """A choice, and the effect that counts it for the service."""
        yield from _counted(self, name, subject=f"{name}.{{{self.of}}}")


def _counted(written: Poll | Rating, name: str, subject: str) -> Iterator[Screen]:
    outcomes = {"counted": written.go, "again": written.again}
    yield Screen(name, written.text, _numbered(written.options), "choice", f"{name}.count")
    yield Screen(f"{name}.count", effect="vote", inputs=("choice",), constants={"subject": subject}, outcomes=outcomes)


class Subscribe(ScreenType, frozen=True, kw_only=True, tag="subscribe"):
    """Asks for an SMS whenever there is news on a topic at a place; shows nothing itself."""

    topic: Annotated[str, Meta(description="a word such as jobs; with `about`, the first part of jobs.driver")]
    go: Id
    already: Id
    at: Annotated[Name, Meta(description="the answer that holds the place; none: everywhere")] | None = None
    about: Annotated[Name, Meta(description="the answer that narrows the topic")] | None = None

    def screens(self, name: str, shared: Mapping[str, Label]) -> Iterator[Screen]:
        """An effect."""
        constants = {"topic": f"{self.topic}.{{{self.about}}}" if self.about else self.topic}
        constants["place"] = f"{{{self.at}}}" if self.at else ""
        outcomes = {"done": self.go, "already": self.already}
        yield Screen(name, effect="subscribe", constants=constants, outcomes=outcomes)


class Goto(ScreenType, frozen=True, kw_only=True, tag="goto"):
    """Another name for a screen."""

    go: Id

    def screens(self, name: str, shared: Mapping[str, Label]) -> Iterator[Screen]:
        """Resolved when the tree is put together."""
        yield Screen(name, go=self.go, is_goto=True)


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
        yield Screen(
            name,
            effect=self.effect,
            inputs=tuple(self.inputs),
            constants=self.constants,
            note=self.note,
            outcomes=self.go,
        )


ScreenTypes = Mapping[str, type[ScreenType]]
# Every class above by its `type:`.
SCREEN_TYPES: ScreenTypes = {str(written.__struct_config__.tag): written for written in ScreenType.__subclasses__()}
