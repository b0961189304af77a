"""The statuses of a case and the legal moves between them, as one table."""

from __future__ import annotations

RECEIVED = "received"
REGISTERED = "registered"
EXTENDED = "extended"
FORWARDED = "forwarded"
ANSWERED = "answered"
REFUSED = "refused"
CLOSED = "closed"
REOPENED = "reopened"
# The resident wants no more notices. It is no status: the file goes on.
WITHDRAWN = "withdrawn"
# What else a case's history has: further words of the resident, and that she was sent the news.
ADDED, NOTIFIED = "added", "notified"

# From a status, the events that may come next; an event's name is the status it leads to. A case is closed
# only after an answer or a reasoned refusal: nobody's word is closed away unanswered. A forwarded case waits at the
# other agency, and a reopened one where it was; the registration there begins a new term.
MOVES: dict[str, frozenset[str]] = {
    RECEIVED: frozenset({REGISTERED}),
    REGISTERED: frozenset({"in_review", "documents_needed", EXTENDED, FORWARDED, ANSWERED, REFUSED}),
    "in_review": frozenset({"documents_needed", EXTENDED, FORWARDED, ANSWERED, REFUSED}),
    "documents_needed": frozenset({"in_review", EXTENDED, FORWARDED, ANSWERED, REFUSED}),
    EXTENDED: frozenset({"in_review", "documents_needed", FORWARDED, ANSWERED, REFUSED}),
    FORWARDED: frozenset({REGISTERED}),
    ANSWERED: frozenset({CLOSED}),
    REFUSED: frozenset({"in_review", ANSWERED, CLOSED}),
    CLOSED: frozenset({REOPENED}),
    REOPENED: frozenset({REGISTERED}),
}
STATUSES = tuple(MOVES)
EVENTS = frozenset[str]().union(*MOVES.values())
# The steps that a resident is sent an SMS of: a term begins or changes, something is asked of her, another agency has
# it, or there is an answer. That somebody looks at it, or puts the file away after the answer, is no news to her.
TOLD = EVENTS - {"in_review", CLOSED}
WITH_WORDS = frozenset({"documents_needed", EXTENDED, ANSWERED, REFUSED})
NEW = (RECEIVED, FORWARDED, REOPENED)
IN_WORK = (REGISTERED, "in_review", "documents_needed", EXTENDED)
DONE = (ANSWERED, REFUSED, CLOSED)


class IllegalMoveError(Exception):
    """An event that does not follow from the case's status; the message says which would."""

    def __init__(self, status: str, event: str) -> None:
        allowed = ", ".join(sorted(MOVES.get(status, ()))) or "nothing that this release knows"
        super().__init__(f"A case that is {status} cannot become {event}. What can come next: {allowed}.")


class WordsMissingError(Exception):
    """An answer, a refusal, a longer term or a wish for documents without a text says nothing to the resident."""


def check_move(status: str, event: str, text: str) -> None:
    """Raises IllegalMoveError or WordsMissingError when `event` may not follow `status`."""
    if event not in MOVES.get(status, ()):
        raise IllegalMoveError(status, event)
    if event in WITH_WORDS and not any(map(str.isalnum, text)):
        raise WordsMissingError(f"{event} needs a text: it is what the resident reads.")
