"""Messages to residents: put into words in the resident's language when they leave, and sent by SMS."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

import msgspec

from sado.cases.payloads import Notice
from sado.cases.residents import replies, subscriptions
from sado.cases.residents.replies import Reply
from sado.cases.residents.subscriptions import Alert, Announcement
from sado.cases.service import Cases
from sado.channel.sms.failover import Failover, Receipt, UncertainError
from sado.channel.sms.reports import NOTICE, confirm
from sado.channel.sms.send_policy import SendPolicy
from sado.menus.pack import Pack
from sado.store import Store, Transaction
from sado.store.tables import deliveries, subscribers
from sado.store.tables import outbox as entries
from sado.store.tables.deliveries import Delivery
from sado.store.tables.outbox import Entry
from sado.sync.codes import Cause
from sado.sync.outbox import NothingToSendError


@dataclass(frozen=True)
class Words:
    """One message as it leaves: to whom, what, in which language; of a notice also whose event it comes of."""

    msisdn: str
    text: str
    language: str
    peer: str = ""


InWords = Callable[[Transaction, Entry], Words]


@dataclass(frozen=True)
class Handed:
    """A message that a gateway was given, and its words."""

    receipt: Receipt
    words: Words


class Notices:
    """The transport of the outbox's `sms` entries: news of a case, what somebody asked for, alerts, and announcements
    to be made into alerts. Nothing is sent to a number that wants no SMS, also when it was put before that."""

    def __init__(self, store: Store, failover: Failover, pack: Pack, cases: Cases, policy: SendPolicy) -> None:
        self._store = store
        self._failover = failover
        self._pack = pack
        self._cases = cases
        self._policy = policy

    def send(self, entry: Entry) -> Handed:
        """Send what the entry says. Raises one of the outbox's SendErrors."""
        if entry.kind == subscriptions.ANNOUNCEMENT:
            self._store.write(lambda tx: _spread(tx, entry))
            raise NothingToSendError(Cause.SPREAD)
        words = self._store.read(lambda tx: self._allowed(tx, entry))
        try:
            return Handed(self._failover.send(words.msisdn, words.text, self._key(entry)), words)
        except UncertainError as error:
            error.receipt = Handed(error.taken, words)
            raise

    def sent(self, tx: Transaction, entry: Entry, receipt: object, is_certain: bool) -> None:
        """Keep what was sent and what it cost; tell the case that the resident was told, once that is certain."""
        handed = cast(Handed, receipt)
        taken, words = handed.receipt, handed.words
        bill = self._policy.bill(words.text, words.language)
        delivery = Delivery(
            entry=entry.id,
            reference=entry.reference,
            kind=entry.kind,
            gateway=taken.gateway,
            language=words.language,
            encoding=bill.encoding,
            segments=bill.segments,
            latin_segments=bill.latin_segments,
            price=bill.price,
            state="sent" if is_certain else "uncertain",
            word="",
            sent_at=tx.now,
            updated_at=tx.now,
        )
        if early := deliveries.add(tx, delivery, taken.message):
            confirm(tx, self._cases, early)
        if words.peer:
            self._policy.count(tx, words.peer)
        if is_certain and entry.kind == NOTICE:
            self._cases.notified(tx, entry.reference)

    def _allowed(self, tx: Transaction, entry: Entry) -> Words:
        """The words of an entry that may leave now. What somebody asked for leaves at any time."""
        in_words: Mapping[str, InWords] = {subscriptions.ALERT: self._alert, replies.REPLY: self._reply}
        words = in_words.get(entry.kind, self._notice)(tx, entry)
        if entry.kind == replies.REPLY:
            self._policy.check_reply(tx, words.text, words.language)
        else:
            self._policy.check(tx, entry, words.text, words.language, words.peer)
        return words

    def _key(self, entry: Entry) -> str:
        """Our name for a message at its gateway; another one when it is sent again, and in another life of the disk:
        each has reports of its own."""
        return f"{self._cases.station}-{entry.id}-{entry.attempts}"

    def _notice(self, tx: Transaction, entry: Entry) -> Words:
        """After an outage several steps of one case say no more than the latest: there is news."""
        notice = msgspec.json.decode(entry.body, type=Notice)
        if subscribers.is_muted(tx, notice.msisdn):
            raise NothingToSendError(Cause.NOT_WANTED)
        waiting = entries.waiting_of_case(tx, entry.reference)
        if any(other.id > entry.id and other.kind == entry.kind for other in waiting):
            raise NothingToSendError(Cause.SAID_LATER)
        language = subscribers.language_of(tx, notice.msisdn) or notice.language
        text = self._pack.message(notice.message, language, ref=notice.reference)
        return Words(notice.msisdn, text, language, notice.peer)

    def _reply(self, tx: Transaction, entry: Entry) -> Words:
        reply = msgspec.json.decode(entry.body, type=Reply)
        msisdn = replies.recipient(tx, reply)
        if msisdn is None:
            raise NothingToSendError(Cause.NOT_WANTED)
        return Words(msisdn, reply.text, subscribers.language_of(tx, msisdn) or self._pack.languages.default)

    def _alert(self, tx: Transaction, entry: Entry) -> Words:
        alert = msgspec.json.decode(entry.body, type=Alert)
        to = subscriptions.recipient(tx, alert)
        if to is None:
            raise NothingToSendError(Cause.NOT_WANTED)
        texts = self._pack.languages.complete(alert.texts)
        default = self._pack.languages.default
        return Words(to.msisdn, texts.get(to.language) or texts.get(default) or next(iter(texts.values())), to.language)


def _spread(tx: Transaction, entry: Entry) -> None:
    """Put the next alerts in the place of this entry, once: a sender whose lease has gone to another puts none."""
    if entries.remove(tx, entry):
        subscriptions.spread(tx, msgspec.json.decode(entry.body, type=Announcement))
