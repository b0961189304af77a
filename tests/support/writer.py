"""A resident who writes SMS: what she sends reaches the webhook in Africa's Talking's form fields."""

from collections.abc import Iterator
from itertools import count

import msgspec

from sado.cases.residents import replies
from sado.cases.residents.replies import Reply
from sado.store import Transaction
from sado.sync import outbox
from tests.support.station import TOKEN, Station

_numbers = count(1)


class Writer:
    """One phone that writes."""

    def __init__(self, station: Station, msisdn: str = "+992900000001") -> None:
        self.msisdn = msisdn
        self._station = station

    def write(self, text: str, number: str = "") -> list[str]:
        """Send one SMS, which has this number of the gateway or a new one; the texts that come back."""
        form = {"id": number or f"m{next(_numbers)}", "from": self.msisdn, "to": "1339", "text": text, "date": ""}
        answer = self._station.client.post(f"/gateway/africastalking/{TOKEN}/sms", data=form)
        assert answer.status_code == 200, answer.text
        return self.received()

    def say(self, *texts: str) -> str:
        """Send these; the answer to the last one, or nothing."""
        received: list[str] = []
        for text in texts:
            received = self.write(text)
            assert len(received) <= 1, "an SMS is answered by one at most"
        return received[0] if received else ""

    def received(self) -> list[str]:
        """What has left for this phone since the last look."""

        def texts(tx: Transaction) -> Iterator[str]:
            while entry := outbox.claim(tx, outbox.SMS):
                outbox.ack(tx, entry)
                reply = msgspec.json.decode(entry.body, type=Reply) if entry.kind == replies.REPLY else None
                if reply and replies.recipient(tx, reply) == self.msisdn:
                    yield reply.text

        return self._station.store.write(lambda tx: list(texts(tx)))
