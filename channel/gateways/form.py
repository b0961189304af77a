"""Fields that every gateway has, whatever it calls them."""

from __future__ import annotations

from collections.abc import Mapping

from sado.channel.request import BadRequestError

# Whatever somebody types is hers to have answered: ten thousand digits get the screen again, with its error.
LONGEST_TEXT = 20_000
LONGEST = 200


def needed(fields: Mapping[str, str], name: str) -> str:
    """The field without spaces around it. Raises BadRequestError when it is missing or empty, or no number or id can be
    so long."""
    value = fields.get(name, "").strip()
    if not value or len(value) > LONGEST:
        raise BadRequestError(f"{name} is missing, or too long.")
    return value


def text_in(fields: Mapping[str, str], name: str) -> str:
    """The text of a hop or a message. Raises BadRequestError when it is missing: it may be empty, but it is there."""
    if name not in fields:
        raise BadRequestError(f"{name} is missing; it may be empty, but it is there.")
    if len(fields[name]) > LONGEST_TEXT:
        raise BadRequestError(f"{name} is longer than {LONGEST_TEXT} characters.")
    return fields[name]
