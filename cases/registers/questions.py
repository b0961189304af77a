"""Questions to an agency about a row that the station's copy does not have, or has from too long ago."""

from __future__ import annotations

from sado.cases import pins, statuses
from sado.cases.payloads import Appeal, Filed
from sado.cases.service import Cases
from sado.store import Transaction
from sado.store.tables import cases, registers

KIND = "question"
_ENDED = frozenset({statuses.ANSWERED, statuses.REFUSED, "closed"})


def ask(tx: Transaction, service: Cases, what: str, question: Appeal) -> Filed:
    """Open a case for the question. While one from the same phone about `what` is open it is that one again: an agency
    is not asked twice because somebody dialled twice."""
    what = f"{question.msisdn} {what}"
    reference = registers.question_about(tx, what)
    earlier = cases.find(tx, reference) if reference else None
    if earlier and earlier.status not in _ENDED and earlier.msisdn == question.msisdn:
        return Filed(earlier.reference, pins.pin_of(tx, earlier.reference))
    filed = service.open(tx, question)
    registers.remember_question(tx, what, filed.reference)
    return filed
