"""What comes through a gateway that cannot call us: its messages and reports are collected, a few at a time."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TypeVar

from sado.channel.contract import Message, PolledGateway, Received, Report
from sado.channel.sms.inbox import Inbox
from sado.channel.sms.reports import Reports
from sado.store import Store, Transaction
from sado.sync.outbox import SendError

log = logging.getLogger(__name__)

BATCH = 50
PAUSE_MS = 60_000

Incoming = TypeVar("Incoming", bound=Message | Report)


class Poller:
    """Has the inbox take the gateway's messages, and the reports its states.

    Each is marked there after it was committed here. A crash between the two has it collected once more: the inbox
    knows a message that it has taken, and a report that is repeated changes nothing.
    """

    def __init__(self, store: Store, gateway: PolledGateway, inbox: Inbox, reports: Reports) -> None:
        self._store = store
        self._gateway = gateway
        self._inbox = inbox
        self._reports = reports
        self._again_at: dict[str, int] = {}
        self._fault = ""

    def step(self) -> None:
        """Take what came; to be called every second or so. A gateway that cannot be read is no error."""
        fault = self._try(self._poll)
        if fault != self._fault:
            log.warning("%s: %s", self._gateway.name, fault or "it is read again")
        self._fault = fault

    def forget(self) -> None:
        """Have the gateway delete what is done with; to be called every hour or so."""
        if fault := self._try(self._gateway.forget):
            log.warning("%s: nothing was deleted: %s", self._gateway.name, fault)

    def _try(self, work: Callable[[], None]) -> str:
        """What is wrong with the gateway, or nothing."""
        try:
            work()
        except SendError as error:
            return str(error)
        return ""

    def _poll(self) -> None:
        for message in self._due(self._gateway.collect()):
            self._take(message)
        for report in self._due(self._gateway.reports()):
            self._tell(report)

    def _take(self, message: Received) -> None:
        if self._is_kept(message, lambda tx: self._inbox.take(tx, self._gateway.name, message)):
            self._gateway.collected([message])

    def _tell(self, report: Report) -> None:
        if self._is_kept(report, lambda tx: self._reports.report(tx, self._gateway.name, report)):
            self._gateway.told([report])

    def _due(self, waiting: Iterable[Incoming]) -> Iterator[Incoming]:
        now = self._store.now()
        return islice((incoming for incoming in waiting if self._again_at.get(incoming.id, 0) <= now), BATCH)

    def _is_kept(self, incoming: Message | Report, work: Callable[[Transaction], None]) -> bool:
        """Whether the work was committed. What fails is left where it is and stands in nobody's way: it is tried again
        in a minute."""
        try:
            self._store.write(work)
        except Exception:
            log.exception("what %s has brought could not be taken", self._gateway.name)
            self._again_at[incoming.id] = self._store.now() + PAUSE_MS
            return False
        self._again_at.pop(incoming.id, None)
        return True
