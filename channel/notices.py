"""Notices to residents: put into words in the resident's language, and sent through an SMS gateway."""

from __future__ import annotations

from typing import Protocol

import msgspec

from cases.service import Cases, Notice
from menus.pack import Pack
from store import Transaction
from store.entries import Entry


class SmsGateway(Protocol):
    """Sends one message."""

    def send(self, msisdn: str, text: str) -> None:
        """Return when the gateway has it. Raises one of the outbox's SendErrors."""


class Notices:
    """The transport of the outbox's `sms` entries."""

    def __init__(self, gateway: SmsGateway, pack: Pack, cases: Cases, service_code: str) -> None:
        self._gateway = gateway
        self._pack = pack
        self._cases = cases
        self._service_code = service_code

    def send(self, entry: Entry) -> None:
        """Send the notice. Raises one of the outbox's SendErrors."""
        notice = msgspec.json.decode(entry.body, type=Notice)
        text = self._pack.message(notice.message, notice.language, ref=notice.reference, ussd=self._service_code)
        self._gateway.send(notice.msisdn, text)

    def sent(self, tx: Transaction, entry: Entry) -> None:
        """Tell the case that the resident was told."""
        self._cases.notified(tx, entry.reference)
