"""Messages to residents: put into words in the resident's language when they leave, and sent by SMS."""

from __future__ import annotations

from typing import Protocol

import msgspec

from cases import replies, subscriptions
from cases.replies import Reply
from cases.service import Cases, Notice
from cases.subscriptions import Alert, Announcement
from menus.pack import Pack
from store import Store, Transaction, subscribers
from store.entries import Entry
from sync import outbox
from sync.outbox import NothingToSendError


class SmsGateway(Protocol):
    """Sends one message."""

    def send(self, msisdn: str, text: str) -> None:
        """Return when the gateway has it. Raises one of the outbox's SendErrors."""


class Notices:
    """The transport of the outbox's `sms` entries: news of a case, what somebody asked for, alerts, and announcements
    to be made into alerts. Nothing is sent to a number that wants no SMS, also when it was put before that."""

    def __init__(self, store: Store, gateway: SmsGateway, pack: Pack, cases: Cases, service_code: str) -> None:
        self._store = store
        self._gateway = gateway
        self._pack = pack
        self._cases = cases
        self._service_code = service_code

    def send(self, entry: Entry) -> None:
        """Send what the entry says. Raises one of the outbox's SendErrors."""
        if entry.kind == subscriptions.ANNOUNCEMENT:
            self._store.write(lambda tx: _spread(tx, entry))
            raise NothingToSendError("The alerts are in the outbox in its place.")
        words = {subscriptions.ALERT: self._alert, replies.REPLY: self._reply}.get(entry.kind, self._notice)
        self._gateway.send(*words(entry))

    def sent(self, tx: Transaction, entry: Entry) -> None:
        """Tell the case that the resident was told."""
        if entry.kind not in (subscriptions.ALERT, replies.REPLY):
            self._cases.notified(tx, entry.reference)

    def _notice(self, entry: Entry) -> tuple[str, str]:
        notice = msgspec.json.decode(entry.body, type=Notice)
        if self._store.read(lambda tx: subscribers.is_muted(tx, notice.msisdn)):
            raise NothingToSendError("The resident wants no SMS.")
        text = self._pack.message(notice.message, notice.language, ref=notice.reference, ussd=self._service_code)
        return notice.msisdn, text

    def _reply(self, entry: Entry) -> tuple[str, str]:
        reply = msgspec.json.decode(entry.body, type=Reply)
        msisdn = self._store.read(lambda tx: replies.recipient(tx, reply))
        if msisdn is None:
            raise NothingToSendError("The resident does not want it any more.")
        return msisdn, reply.text

    def _alert(self, entry: Entry) -> tuple[str, str]:
        alert = msgspec.json.decode(entry.body, type=Alert)
        to = self._store.read(lambda tx: subscriptions.recipient(tx, alert))
        if to is None:
            raise NothingToSendError("The resident does not want it any more.")
        texts = self._pack.languages.complete(alert.texts)
        default = self._pack.languages.default
        return to.msisdn, texts.get(to.language) or texts.get(default) or next(iter(texts.values()))


def _spread(tx: Transaction, entry: Entry) -> None:
    """Put the next alerts in the place of this entry, once: a sender whose lease has gone to another puts none."""
    if outbox.cancel(tx, entry):
        subscriptions.spread(tx, msgspec.json.decode(entry.body, type=Announcement))
