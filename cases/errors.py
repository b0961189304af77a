"""Why something cannot be done to a case. Each says what to do, or that the caller keeps the event aside."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from sado.sync.codes import Cause, CausedError


class EventError(CausedError):
    """What an event from another station is kept aside for."""

    cause: ClassVar[Cause]

    def __init__(self, detail: str) -> None:
        super().__init__(self.cause, detail)


class UnknownCaseError(EventError):
    """There is no such case, or not for this agency: the two read the same."""

    cause = Cause.CASE_UNKNOWN


class PackDataError(ValueError):
    """A file of the pack cannot be used. `misfits` are all that is wrong with it: the file, the keys that lead to the
    place in it, and what to do."""

    def __init__(self, file: str, faults: Iterable[tuple[tuple[str, ...], str]]) -> None:
        self.misfits = [(file, path, says) for path, says in faults]
        told = [f"{'.'.join(path)}: {says}" for _, path, says in self.misfits]
        super().__init__("\n  ".join([f"{file} cannot be used:", *told]))


class NamelessError(ValueError):
    """An appeal without a name, of a kind that the law does not examine without one. Ask for the name."""


class NoOtherAgencyError(ValueError):
    """A case is passed on to another agency: it needs a code, and not that of the agency which holds it."""


class PassedOnError(Exception):
    """The agency passed this case on; what comes next is the other agency's to say."""


class DecidedError(Exception):
    """This request was decided already, or does not wait for a person. Read the case again."""


class DoubledReferenceError(EventError):
    """Two appeals with one number: the station's disk went back in time and it gave the number twice. The second is
    kept aside whole; a person has to look at both."""

    cause = Cause.REFERENCE_DOUBLED


class UnknownEventError(EventError):
    """A kind of event that this release does not know."""

    cause = Cause.EVENT_UNKNOWN


class CaseFullError(EventError):
    """There is more about this case than any case has. An event from below is kept aside; a resident files anew."""

    cause = Cause.CASE_FULL


class ForeignEventError(EventError):
    """An event about a case that its sender has no say in."""

    cause = Cause.EVENT_FOREIGN
