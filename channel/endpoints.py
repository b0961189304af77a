"""What comes to a gateway's addresses: hops and ends of USSD sessions, SMS from residents, delivery reports."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from sado.channel.contract import Hop, SessionEnd, SmsGateway, UssdGateway
from sado.channel.front import Endpoint
from sado.channel.request import Request
from sado.channel.sms.inbox import Inbox
from sado.channel.sms.reports import Reports
from sado.channel.ussd.conversation import Conversation
from sado.store import Store
from sado.store.tables import subscribers

log = logging.getLogger(__name__)


class UssdEndpoints:
    """Hops and ends of a USSD gateway: `ussd` and `ussd-end`."""

    def __init__(self, store: Store, gateway: UssdGateway, conversation: Conversation) -> None:
        self._store = store
        self._gateway = gateway
        self._conversation = conversation

    def endpoints(self) -> Mapping[str, Endpoint]:
        """Each endpoint by the last part of its address."""
        return {"ussd": self._hop, "ussd-end": self._end}

    def _hop(self, request: Request) -> str:
        """Our answer; if our own side fails, a polite last screen, for a gateway shows anything else as its error."""
        hop = self._gateway.parse_hop(request)
        if isinstance(hop, SessionEnd):
            self._note(hop)
            return ""
        try:
            reply = self._store.write(lambda tx: self._conversation.answer(tx, hop))
        except Exception:
            log.exception("a hop failed")
            reply = self._conversation.apology(self._language(hop))
        return self._gateway.answer(hop, reply.text, reply.is_last)

    def _language(self, hop: Hop) -> str | None:
        try:
            return self._store.read(lambda tx: subscribers.language_of(tx, hop.msisdn))
        except Exception:
            return None

    def _end(self, request: Request) -> str:
        self._note(self._gateway.parse_end(request))
        return "OK"

    def _note(self, end: SessionEnd) -> None:
        try:
            self._store.write(lambda tx: self._conversation.end(tx, end))
        except Exception:
            log.exception("the end of a session could not be noted")


class SmsEndpoints:
    """Messages and reports of an SMS gateway: `sms` and `report`. What comes to either is kept before it is
    acknowledged; if our own side fails, the error reaches the gateway, which comes again."""

    def __init__(self, store: Store, gateway: SmsGateway, inbox: Inbox, reports: Reports) -> None:
        self._store = store
        self._gateway = gateway
        self._inbox = inbox
        self._reports = reports

    def endpoints(self) -> Mapping[str, Endpoint]:
        """Each endpoint by the last part of its address."""
        return {"sms": self._message, "report": self._report}

    def _message(self, request: Request) -> str:
        message = self._gateway.parse_message(request)
        if message is not None:
            self._store.write(lambda tx: self._inbox.take(tx, self._gateway.name, message))
        return self._gateway.acknowledgement

    def _report(self, request: Request) -> str:
        report = self._gateway.parse_report(request)
        if report is not None:
            self._store.write(lambda tx: self._reports.report(tx, self._gateway.name, report))
        return self._gateway.acknowledgement
