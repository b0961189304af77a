"""Who may read a case over a phone: the phone that filed it, or any phone with its PIN."""

from __future__ import annotations

import hmac
from enum import Enum
from typing import TypeGuard

from sado.cases import pins, reference
from sado.store import Transaction
from sado.store.tables import cases
from sado.store.tables.cases import CaseRow


class Refusal(Enum):
    """Why a case is not shown. WRONG is also what a number without a case gets."""

    MISTYPED = "mistyped"
    ASK_PIN = "ask_pin"
    WRONG = "wrong"
    LOCKED = "locked"


def _is_own(case: CaseRow | None, msisdn: str) -> TypeGuard[CaseRow]:
    """Whether it was filed from this number. A case whose number was deleted is nobody's own."""
    return case is not None and case.msisdn != "" and case.msisdn == msisdn


def open_for(
    tx: Transaction, number: str, msisdn: str, pin: str, *, is_proven: bool = True, is_reading: bool = False
) -> CaseRow | Refusal:
    """The case, or why not. A slip in the number is told at once and costs no try; three wrong PINs lock a phone for 24
    hours, and too many from other phones lock strangers (cases/pins.py), never the phone that filed. A number that is
    not proven, as that of an SMS, is a stranger's, but for `is_reading`: what is only read goes to the number itself.
    """
    if not reference.is_reference(number):
        return Refusal.MISTYPED
    case = cases.find(tx, number)
    if (is_proven or is_reading) and _is_own(case, msisdn):
        return case
    if pins.is_locked(tx, number, msisdn, is_proven):
        return Refusal.LOCKED
    if not pin:
        return Refusal.ASK_PIN
    if case is not None and hmac.compare_digest(pins.pin_of(tx, number), pin):
        return case
    pins.note_miss(tx, number, msisdn, is_proven)
    return Refusal.LOCKED if pins.is_locked(tx, number, msisdn, is_proven) else Refusal.WRONG


def new_pin(tx: Transaction, number: str, msisdn: str) -> str | None:
    """Another PIN for a case that was filed from this phone. None for any other number, typed right or not: whoever
    asks learns nothing of other people's cases."""
    return pins.renew(tx, number) if _is_own(cases.find(tx, number), msisdn) else None
