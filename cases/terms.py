"""What the terms of the law allow of one case at one moment, beyond the table of moves."""

from __future__ import annotations

from sado.cases.law import Law
from sado.cases.statuses import EXTENDED, FORWARDED, REGISTERED, REOPENED
from sado.store.tables.cases import CaseRow


class TermError(Exception):
    """A move that the table has and the law does not allow of this case now; the message says why."""


class ForwardTooLateError(TermError):
    """The days for passing a case on are over."""


class NoExtensionError(TermError):
    """The term was extended as often as the law allows, has run out, or is none that can be extended."""


class NoShortTermError(TermError):
    """The law knows no shorter term for this kind of case."""


def fault(law: Law, case: CaseRow, event: str, is_short: bool, now: int) -> TermError | None:
    """Why the law does not allow this event now (milliseconds since 1970 UTC); None where it does."""
    if event == FORWARDED and case.registered_at is not None:
        last = law.forward_by(case.registered_at)
        if now > law.end_of(last):
            return ForwardTooLateError(f"The case could be forwarded until {last}. Now answer it, or refuse it.")
    if event == EXTENDED:
        # A term that has run out stays so: extending it would hide that the answer is late.
        is_over = case.due_at is not None and now > case.due_at
        if is_over or not law.may_extend(case.kind, case.extensions):
            why = "it has run out" if is_over else f"extended so far: {case.extensions}"
            return NoExtensionError(f"The term cannot be extended ({why}).")
    if event == REGISTERED and is_short and not law.has_short_term(case.kind):
        return NoShortTermError(f"There is no short term for a case of the kind {case.kind}.")
    return None


def due_at(law: Law, case: CaseRow, event: str, is_short: bool, now: int) -> int | None:
    """The end of the last day for the answer once this event has happened, in milliseconds since 1970 UTC."""
    if event in (FORWARDED, REOPENED):
        return None
    if event == REGISTERED:
        day = law.due_on(now, case.kind, is_short)
    elif event == EXTENDED and case.registered_at is not None:
        day = law.due_on(case.registered_at, case.kind, case.is_short, case.extensions + 1)
    else:
        return case.due_at
    return None if day is None else law.end_of(day)
