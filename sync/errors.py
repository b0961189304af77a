"""What an exchange fails with."""

from __future__ import annotations

from sado.sync.codes import CausedError


class UnknownStationError(Exception):
    """No station with this number is admitted here."""


class LineDownError(CausedError):
    """The upstream cannot be reached now: the normal state of a village line. The cause says how it showed."""
