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


class Reports:
    """Takes the reports of all gateways. All of `report` happens inside the caller's transaction."""

    def __init__(self, cases: Cases) -> None:
        self._cases = cases

    def report(self, tx: Transaction, gateway: str, report: Report) -> None:
        """Note what became of a message. One whose fate was unknown is told for good, and if it was a notice, the case
        learns that the resident was told."""
        if report.state is None:
            log.warning("%s reports a state that we do not know: %s", gateway, report.word)
            return
        delivery = deliveries.report(tx, gateway, report.id, report.state, report.word)
        if delivery:
            confirm(tx, self._cases, delivery)


def confirm(tx: Transaction, cases: Cases, delivery: Delivery) -> None:
    """Tell the outbox, and the case of a notice, what became of a message whose fate was unknown; nothing while it
    still is."""
    if delivery.state == "uncertain":
        return
    has_left = delivery.state != "failed"
    if outbox.confirm(tx, delivery.entry, has_left) and has_left and delivery.kind == NOTICE:
        cases.notified(tx, delivery.reference)
