"""What residents ask to have by SMS."""

from __future__ import annotations

from sado.cases.residents import replies
from sado.menus.engine import Effect, Outcome
from sado.store import Transaction


def send_sms(tx: Transaction, msisdn: str, effect: Effect) -> Outcome:
    """The words of the screen go to the phone that asks for them."""
    return Outcome(replies.send(tx, msisdn, effect.answers["text"]))
