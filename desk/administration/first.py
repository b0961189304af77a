"""The first account: who can read what the machine prints makes an administrator with a code that is good once."""

from __future__ import annotations

import secrets

from sado.desk.administration.accounts import check_free, hashed_password, name_of
from sado.desk.administration.errors import RefusedError
from sado.desk.language import N_
from sado.desk.roles import Role
from sado.store import Store, Transaction
from sado.store.tables import accounts, first_code

GOOD_FOR_H = 24
WRONG = N_(
    "The code is wrong, older than {hours} hours, or was tried too often. `sado serve` prints a new one at each start."
)


def is_open(store: Store) -> bool:
    """Whether no account was ever made here."""
    return not store.read(accounts.has_any)


def mint(store: Store) -> str:
    """A new code, in place of an earlier one; empty once there is an account."""
    code = secrets.token_urlsafe(16)

    def save(tx: Transaction) -> str:
        if accounts.has_any(tx):
            first_code.delete(tx)
            return ""
        first_code.save(tx, code, tx.now + GOOD_FOR_H * 3_600_000)
        return code

    return store.write(save)


def make(store: Store, code: str, name: str, full_name: str, password: str) -> None:
    """Make the administrator, who then lets in everybody else. The code is looked at first, so that a stranger costs no
    hash of a password. Raises RefusedError."""
    if not store.write(lambda tx: _is_good(tx, code)):
        raise RefusedError(WRONG, hours=GOOD_FOR_H)
    name, hashed = name_of(name), hashed_password(password, name, full_name)

    def create(tx: Transaction) -> None:
        if accounts.has_any(tx) or not first_code.is_good(tx, code):
            raise RefusedError(WRONG, hours=GOOD_FOR_H)
        check_free(tx, name)
        accounts.save(tx, name, hashed, Role.ADMINISTRATOR, "", full_name.strip())
        first_code.delete(tx)

    store.write(create)


def _is_good(tx: Transaction, code: str) -> bool:
    if first_code.is_good(tx, code):
        return True
    first_code.count_wrong(tx)
    return False
