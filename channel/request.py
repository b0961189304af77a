"""A request of a gateway, read no further than the gateway's format needs, and the fields that every gateway has."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

# Whatever somebody types is hers to have answered: ten thousand digits get the screen again, with its error.
LONGEST_TEXT = 20_000
LONGEST = 200
_ESCAPES = re.compile(rb"(?:%[0-9A-Fa-f]{2})+")


class BadRequestError(Exception):
    """The gateway sent something that this format does not allow; the message says what is missing."""


class TooLargeError(BadRequestError):
    """The gateway sent more than this address takes; it is not read."""


@dataclass(frozen=True)
class Request:
    """One HTTP request: its raw query and body, and its environment for the headers."""

    query: bytes
    body: bytes
    environ: Mapping[str, object]

    @classmethod
    def read(cls, environ: WSGIEnvironment, largest: int) -> Request:
        """The request of this WSGI environment, whose body has `largest` bytes at most. Raises BadRequestError."""
        try:
            length = int(environ.get("CONTENT_LENGTH") or 0)
        except ValueError:
            raise BadRequestError("Content-Length is not a number.") from None
        if length > largest:
            raise TooLargeError(f"The request is larger than {largest} bytes.")
        query = environ.get("QUERY_STRING", "").encode("latin-1", "replace")
        return cls(query, environ["wsgi.input"].read(max(length, 0)), environ)

    @cached_property
    def form(self) -> Mapping[str, str]:
        """The fields of a form in the body. Raises BadRequestError when it is not UTF-8."""
        return _fields(self.body)

    @cached_property
    def address(self) -> Mapping[str, str]:
        """The fields of the query alone: a body that is what somebody wrote could name fields of its own. Raises
        BadRequestError when it is not UTF-8."""
        return _fields(self.query)

    @cached_property
    def fields(self) -> Mapping[str, str]:
        """The fields of the query and of a form in the body, the body's before the query's. Raises BadRequestError."""
        return {**self.address, **self.form}

    def header(self, name: str) -> str:
        """The header, or nothing."""
        return str(self.environ.get(f"HTTP_{name.upper().replace('-', '_')}", ""))


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


def _fields(encoded: bytes) -> dict[str, str]:
    """The fields; the last of a repeated one counts.

    Read by hand, a run of escapes at a time: a parser that looks at every escape costs more than the engine."""
    pairs = (pair.partition(b"=") for pair in encoded.split(b"&"))
    try:
        return {_decoded(name): _decoded(value) for name, _, value in pairs if name}
    except ValueError:
        raise BadRequestError("The form is not UTF-8.") from None


def _decoded(part: bytes) -> str:
    """Undo application/x-www-form-urlencoded (WHATWG URL, section 5.1), a run of escapes at a time."""
    if b"%" not in part:
        return part.replace(b"+", b" ").decode()
    # A space as an escape does not end a run.
    escaped = part.replace(b"+", b"%20")
    return _ESCAPES.sub(lambda run: bytes.fromhex(run[0].replace(b"%", b"").decode()), escaped).decode()
