"""What a resident meets at the rate limit of filing (cases/filing_rate.py): it waits, or is to be confirmed."""

from __future__ import annotations

from sado.cases.payloads import Filed
from sado.cases.service import Cases
from sado.channel.effects.words import moment
from sado.menus.effects import PRESSED
from sado.menus.engine import Effect, Outcome
from sado.menus.pack import Pack
from sado.store import Transaction


def held(tx: Transaction, cases: Cases, pack: Pack, msisdn: str, effect: Effect) -> Outcome | None:
    """How an effect that files ends when this phone may not file now: `wait`, with the moment from which it may, or
    `confirm`, with the digit to type. None: it may."""
    until = cases.filing_rate.waits_until(tx, msisdn, effect.is_proven)
    if until is not None:
        return Outcome("wait", {"send_from": moment(pack, until, effect.language)})
    if cases.filing_rate.asks(tx) and not effect.answers.get(PRESSED):
        return Outcome("confirm", {"digit": cases.filing_rate.draw()})
    return None


def saved(filed: Filed) -> Outcome:
    """The end of one that has filed, with what she writes down."""
    return Outcome("saved", {"ref": filed.reference, "pin": filed.pin}, is_filed=True)
