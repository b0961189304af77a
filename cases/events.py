"""Events from other stations, each brought to the room that it is about."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cases.service import UnknownEventError
from store import Transaction

# (transaction, peer, kind, body), as the exchange hands them over.
Apply = Callable[[Transaction, str, str, str], None]


class Events:
    """Hands an event on by the part of its kind before the dot: `case.moved` goes to the handler of `case`."""

    def __init__(self, handlers: Mapping[str, Apply]) -> None:
        self._handlers = handlers

    def apply(self, tx: Transaction, peer: str, kind: str, body: str) -> None:
        """Take an event. Raises UnknownEventError, or what its handler raises: the caller keeps the event aside."""
        handler = self._handlers.get(kind.partition(".")[0])
        if handler is None:
            raise UnknownEventError(kind)
        handler(tx, peer, kind, body)
