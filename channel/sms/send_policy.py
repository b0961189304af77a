"""When a message may leave: by day, soon enough to be of use, and within the money of the day."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from decimal import Decimal
from zoneinfo import ZoneInfo

from sado.menus.gsm import Encoding, encoding, segments
from sado.menus.pack import Pack
from sado.store import Transaction
from sado.store.tables import attempts, deliveries, lanes
from sado.store.tables.outbox import Entry
from sado.store.zone_time import HOUR_MS, local, moment
from sado.sync.codes import Cause, Reason
from sado.sync.outbox import LaterError, NothingToSendError

ALARM_SHARE = 0.8
# To what multiple of the day's budget all SMS may come together, where replies are among them.
REPLIES_SHARE = 2


@dataclass(frozen=True)
class Bill:
    """What a text costs to send: its encoding, its segments, those it would be in Latin letters where its language can
    be written in them, and the price in thousandths of the country's money."""

    encoding: Encoding
    segments: int
    latin_segments: int
    price: int


class SendPolicy:
    """The rules of one pack's `sms:`, and one station's own: its daily budget in thousandths (0: no limit), whether its
    notices leave at night too, and how many leave in a day because of one other station (0: no limit)."""

    def __init__(self, pack: Pack, daily_budget: int, at_night: bool = False, per_station: int = 0) -> None:
        self._pack = pack
        self._zone = ZoneInfo(pack.time_zone)
        self._budget = daily_budget
        self._at_night = at_night
        self._per_station = per_station

    def bill(self, text: str, language: str) -> Bill:
        """What this text costs by the pack's tariff."""
        count = len(segments(text))
        languages, price = self._pack.languages, int(Decimal(self._pack.sms.price) * 1000)
        latin = [languages.romanised(text, code) for code in languages.romanising(language)]
        return Bill(encoding(text), count, min(map(len, map(segments, latin)), default=count), count * price)

    def check(self, tx: Transaction, entry: Entry, text: str, language: str, peer: str = "") -> None:
        """Let a message pass that nobody asked for at this moment; a notice may come of an event of this peer. Raises
        NothingToSendError for one that came too late to be of use, LaterError at night, when the day's money is spent,
        and when the peer has caused as many as it may in a day. What waited for that is not too late."""
        has_waited = Reason.read(entry.reason).cause is Cause.STATION_NOTICES_SPENT
        if tx.now - entry.created_at > self._pack.sms.expires_hours * HOUR_MS and not has_waited:
            raise NothingToSendError(Cause.TOO_OLD)
        if peer and self._is_spent(tx, peer):
            tomorrow = self._midnight(tx.now, days=1)
            raise LaterError(Cause.STATION_NOTICES_SPENT, self._night_ends(tomorrow) or tomorrow)
        if until := self._night_ends(tx.now):
            raise LaterError(Cause.NIGHT, until)
        if self._budget and self.spent_today(tx) + self.bill(text, language).price > self._budget:
            raise LaterError(Cause.SMS_MONEY_SPENT, self._midnight(tx.now, days=1))

    def check_reply(self, tx: Transaction, text: str, language: str) -> None:
        """Let the reply to somebody who asked pass, by night as by day. Replies may cost as much again as the day's
        budget, all SMS together, and wait for the next day then: else whoever writes from many phones spends what he
        likes. Raises LaterError."""
        most = REPLIES_SHARE * self._budget
        if self._budget and self.spent_today(tx) + self.bill(text, language).price > most:
            raise LaterError(Cause.SMS_MONEY_SPENT, self._midnight(tx.now, days=1))

    def spent_today(self, tx: Transaction) -> int:
        """What was paid since midnight in the country, in thousandths."""
        return deliveries.spent(tx, self._midnight(tx.now))

    def count(self, tx: Transaction, peer: str) -> None:
        """A notice left that comes of an event of this peer."""
        attempts.add(tx, _notices(peer), self._midnight(tx.now))

    def spent_peers(self, tx: Transaction) -> list[str]:
        """The peers that have caused as many notices today as they may."""
        return [peer.name for peer in lanes.peers(tx) if self._is_spent(tx, peer.name)]

    def _is_spent(self, tx: Transaction, peer: str) -> bool:
        return 0 < self._per_station <= attempts.count(tx, _notices(peer), self._midnight(tx.now))

    def is_alarming(self, tx: Transaction) -> bool:
        """Whether four fifths of the day's money are spent."""
        return bool(self._budget) and self.spent_today(tx) >= ALARM_SHARE * self._budget

    def _night_ends(self, now: int) -> int:
        """When the night ends that it is now; 0 by day."""
        here = local(now, self._zone)
        clock = here.time()
        if self._at_night:
            return 0
        begins, ends = (datetime.time.fromisoformat(at) for at in self._pack.sms.quiet)
        is_night = clock >= begins or clock < ends if begins > ends else begins <= clock < ends
        if not is_night:
            return 0
        days = 1 if clock >= begins and begins > ends else 0
        return moment(here.date() + datetime.timedelta(days=days), self._zone, ends)

    def _midnight(self, now: int, days: int = 0) -> int:
        return moment(local(now, self._zone).date() + datetime.timedelta(days=days), self._zone)


def _notices(peer: str) -> str:
    """What the notices of one peer are counted under."""
    return f"notices {peer}"
