"""What residents ask to have by SMS."""

from __future__ import annotations

from collections.abc import Mapping

from sado.cases.residents import replies
from sado.channel.effects.contract import Handler
from sado.menus.engine import Effect, Outcome
from sado.store import Transaction


class Sending:
    """Performs `send_sms`: the words of the screen go to the phone that asks for them."""

    def handlers(self) -> Mapping[str, Handler]:
        """The effect by its name."""
        return {"send_sms": self._send}

    def _send(self, tx: Transaction, msisdn: str, effect: Effect) -> Outcome:
        return Outcome("sent" if replies.send(tx, msisdn, effect.answers["text"]) else "muted")
