"""Whether somebody is who she says: passwords and codes compared, and misses counted."""

from __future__ import annotations

from sado.desk import delays, passwords, second_factor
from sado.desk.delays import Claimant
from sado.store import Store, Transaction
from sado.store.tables import accounts
from sado.store.tables.accounts import Account


def with_password(store: Store, name: str, password: str, claimant: Claimant) -> Account | None:
    """The account, or None: a wrong name, a wrong password, or too soon after a wrong one, all after the same work.

    Nobody else is compared meanwhile, so many tries at one moment gain nothing. Raises passwords.BusyError, and then
    has counted nothing: a crowd at the sign-in holds nobody up."""
    with passwords.turn():
        account, limits, may_try = store.read(lambda tx: _looked_up(tx, name, claimant))
        kept = account.password if account and may_try else passwords.DECOY
        if passwords.matches(kept, password) and account and may_try:
            return account
        if may_try:
            store.write(lambda tx: delays.note_miss(tx, limits))
        return None


def with_code(store: Store, name: str, code: str, claimant: Claimant) -> bool:
    """Whether this is a good code of an account whose password was right; it is none any more."""
    return store.write(lambda tx: _take_code(tx, name, code, claimant))


def _looked_up(tx: Transaction, name: str, claimant: Claimant) -> tuple[Account | None, list[delays.Limit], bool]:
    found = accounts.find(tx, name)
    account = None if found is None or found.is_disabled else found
    limits = delays.of_password(tx, name, account is not None, claimant)
    return account, limits, delays.are_over(tx, limits)


def _take_code(tx: Transaction, name: str, code: str, claimant: Claimant) -> bool:
    limits = delays.of_code(tx, name, claimant)
    if not delays.are_over(tx, limits):
        return False
    if second_factor.is_good(tx, name, code):
        return True
    delays.note_miss(tx, limits)
    return False
