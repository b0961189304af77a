"""What every type of screen has to be, and the names and words that it is written with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated

import msgspec
from msgspec import Meta

from sado.menus.tree import Screen

Id = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_.]*$", description="a screen's name, such as appeal.topic")]
Name = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]*$", description="the name of an answer, placeholder or register")]
Forms = Annotated[
    dict[str, str],
    Meta(description="plural forms by CLDR category; `by` names the placeholder that holds the number"),
]
Words = Annotated[dict[str, str | Forms], Meta(description="language: words, in every language of the pack")]
Label = Annotated[dict[str, str], Meta(description="language: words, in every language of the pack")]

# The words of pack.yaml that screens made by the program say (`words:`): for a place, and for what files.
PLACE_WORDS = ("yes", "place_sure", "place_again", "place_list", "place_which", "place_region")
FILING_WORDS = ("filing_wait", "filing_again", "filing_confirm")
SHARED_WORDS = (*PLACE_WORDS, *FILING_WORDS, "sms_spent")


class ScreenType(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type"):
    """What every type may say."""

    title: Annotated[
        Words,
        Meta(description="from here until a notice a form is unfinished, and the next dial offers it by this title"),
    ] = {}

    def screens(self, name: str, shared: Mapping[str, Label]) -> Iterator[Screen]:
        """The engine's screens for this one. `shared` are the pack's own words for what many screens say."""
        raise NotImplementedError


ScreenTypes = Mapping[str, type[ScreenType]]
