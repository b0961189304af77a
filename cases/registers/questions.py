"""Questions to an agency about a row that the station's copy does not have, or has from too long ago."""

from __future__ import annotations

from sado.cases import pins, statuses
from sado.cases.payloads import Filed
from sado.store import Transaction
from sado.store.tables import cases, registers

KIND = "question"


def asked(tx: Transaction, what: str, msisdn: str) -> Filed | None:
    """The question from this phone about `what` that is still open: an agency is not asked twice because somebody
    dialled twice."""
    reference = registers.question_about(tx, f"{msisdn} {what}")
    earlier = cases.find(tx, reference) if reference else None
    if earlier and earlier.status not in statuses.DONE and earlier.msisdn == msisdn:
        return Filed(earlier.reference, pins.pin_of(tx, earlier.reference))
    return None


def remember(tx: Transaction, what: str, msisdn: str, filed: Filed) -> None:
    """Keep that this phone's question about `what` is open as that case."""
    registers.remember_question(tx, f"{msisdn} {what}", filed.reference)
