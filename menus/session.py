"""The state of one conversation between two hops, as plain data."""

from __future__ import annotations

import msgspec


class Session(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Where a subscriber is in a tree and what she has answered.

    `trail` is the way back; `items` are the (value, words) of the last list, and `found_by` is the screen whose effect
    found them; `values` fill placeholders; `ahead` are inputs dialled with the service code and not yet used,
    `prefilled` those that came with an SMS for the screens of these names; `form` is the screen that began a form which
    is not finished yet.
    """

    tree: str
    language: str
    screen: str
    page: int = 0
    error: str = ""
    answers: dict[str, str] = msgspec.field(default_factory=dict)
    values: dict[str, str] = msgspec.field(default_factory=dict)
    items: list[tuple[str, str]] = msgspec.field(default_factory=list)
    found_by: str = ""
    trail: list[str] = msgspec.field(default_factory=list)
    ahead: list[str] = msgspec.field(default_factory=list)
    prefilled: dict[str, str] = msgspec.field(default_factory=dict)
    form: str = ""

    def copied(self) -> Session:
        """A session to change, leaving this one as it is."""
        return Session(
            tree=self.tree,
            language=self.language,
            screen=self.screen,
            page=self.page,
            error=self.error,
            answers=dict(self.answers),
            values=dict(self.values),
            items=list(self.items),
            found_by=self.found_by,
            trail=list(self.trail),
            ahead=list(self.ahead),
            prefilled=dict(self.prefilled),
            form=self.form,
        )
