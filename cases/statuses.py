"""The statuses of a case and the legal moves between them, as one table."""

from __future__ import annotations

RECEIVED = "received"
ANSWERED = "answered"
REFUSED = "refused"

# From a status, the events that may come next; an event's name is the status it leads to. A case is closed
# only after an answer or a reasoned refusal: nobody's word is closed away unanswered.
MOVES: dict[str, frozenset[str]] = {
    RECEIVED: frozenset({"registered"}),
    "registered": frozenset({"in_review", "documents_needed", ANSWERED, REFUSED}),
    "in_review": frozenset({"documents_needed", ANSWERED, REFUSED}),
    "documents_needed": frozenset({"in_review", ANSWERED, REFUSED}),
    ANSWERED: frozenset({"closed"}),
    REFUSED: frozenset({"in_review", ANSWERED, "closed"}),
    "closed": frozenset(),
}
STATUSES = tuple(MOVES)
WITH_WORDS = frozenset({"documents_needed", ANSWERED, REFUSED})


class IllegalMoveError(Exception):
    """An event that does not follow from the case's status; the message says which would."""

    def __init__(self, status: str, event: str) -> None:
        allowed = ", ".join(sorted(MOVES.get(status, ()))) or "none, the case is over"
        super().__init__(f"A case that is {status} cannot become {event}. What can come next: {allowed}.")


class WordsMissingError(Exception):
    """An answer, a refusal or a wish for documents without a text says nothing to the resident."""


def check_move(status: str, event: str, text: str) -> None:
    """Raises IllegalMoveError or WordsMissingError when `event` may not follow `status`."""
    if event not in MOVES.get(status, ()):
        raise IllegalMoveError(status, event)
    if event in WITH_WORDS and not any(map(str.isalnum, text)):
        raise WordsMissingError(f"{event} needs a text: it is what the resident reads.")
