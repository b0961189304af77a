"""Delivery reports: early, late, repeated and unknown ones are all accepted, and a state never goes back."""

from __future__ import annotations

import logging

from sado.cases.service import Cases
from sado.channel.contract import Report
from sado.store import Transaction
from sado.store.tables import deliveries
from sado.store.tables.deliveries import Delivery
from sado.sync import outbox
from sado.sync.codes import EntryKind

log = logging.getLogger(__name__)
NOTICE = EntryKind.NOTICE


class Deliveries:
    """Takes the reports of all gateways. All of `report` happens inside the caller's transaction."""

    def __init__(self, cases: Cases) -> None:
        self._cases = cases

    def report(self, tx: Transaction, gateway: str, report: Report) -> None:
        """Note what became of a message. One whose fate was unknown is told for good, and if it was a notice, the case
        learns that the resident was told."""
        if report.state is None:
            log.warning("%s reports a state that we do not know: %s", gateway, report.word)
            return
        known = deliveries.report(tx, gateway, report.id, report.state, report.word)
        if known:
            confirm(tx, self._cases, known)


def confirm(tx: Transaction, cases: Cases, known: Delivery) -> None:
    """Tell the outbox, and the case of a notice, what became of a message whose fate was unknown; nothing while it
    still is."""
    if known.state == "uncertain":
        return
    has_left = known.state != "failed"
    if outbox.confirm(tx, known.entry, has_left) and has_left and known.kind == NOTICE:
        cases.notified(tx, known.reference)
