"""People's accounts: who is let in, as what, and who is no longer.

Every change counts from the next request on; a new password, disabling and removing end the sign-ins at once."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from sado.cases import msisdn
from sado.desk import language, passwords
from sado.desk.administration import agencies
from sado.desk.administration.errors import RefusedError
from sado.desk.language import N_
from sado.desk.roles import Role
from sado.menus.pack import Pack
from sado.store import Store, Transaction
from sado.store.tables import accounts, sign_ins
from sado.store.tables.accounts import Account

# Of random bytes in a password that is minted: nobody has to think of it, so nobody can guess it.
MINTED_BYTES = 16
LONGEST_NAME = 64
LANGUAGES = language.available(language.SOURCE)

NO_NAME = N_("An account needs a name to sign in with.")
LONG_NAME = N_("A name has at most {most} characters.")
NUMBER = N_("A name to sign in with is no telephone number.")
NO_ACCOUNT = N_("There is no account {name}.")
TAKEN = N_("There is an account {name} already; it can have a new password.")
WAS_TAKEN = N_(
    "{name} was somebody's who is here no more: in what was written down it goes on meaning that person. Choose"
    " another."
)
NO_ROLE = N_("There is no role {role}.")
NO_LANGUAGE = N_("The pages do not speak {language}.")
AGENCY_OF_OFFICERS = N_("An officer needs an agency, and only an officer has one.")
LAST = N_("Somebody has to be able to let people in: make another administrator first.")


@dataclass(frozen=True)
class Listed:
    """An account as it is told of: nothing by which one could sign in."""

    name: str
    full_name: str
    role: str
    agency: str
    language: str
    is_disabled: bool
    has_totp: bool
    created_at: int


@dataclass(frozen=True)
class Accounts:
    """The accounts of one station; `pack` gives what it serves, with the agencies that there are."""

    store: Store
    pack: Callable[[], Pack]

    def every(self) -> list[Listed]:
        """All accounts, by name."""
        return [_listed(account) for account in self.store.read(accounts.every)]

    def add(
        self, name: str, role: str, agency: str = "", full_name: str = "", language: str = "", password: str = ""
    ) -> str:
        """Let somebody in; her password, which is minted where none is given. Raises RefusedError."""
        name = name_of(name)
        self._check(role, agency, full_name, language)
        chosen = password or secrets.token_urlsafe(MINTED_BYTES)
        hashed = hashed_password(chosen, name, full_name)

        def create(tx: Transaction) -> None:
            check_free(tx, name)
            accounts.save(tx, name, hashed, role, agency, full_name.strip(), language, must_change=not password)

        self.store.write(create)
        return chosen

    def change(self, name: str, role: str, agency: str, full_name: str, language: str) -> None:
        """Say anew who somebody is. Raises RefusedError."""
        self._check(role, agency, full_name, language)
        called = full_name.strip() or name
        self._write(name, lambda tx: accounts.set_person(tx, name, called, role, agency, language))

    def renew_password(self, name: str, password: str = "") -> str:
        """A new password for somebody, which is minted where none is given; her sign-ins end. Raises RefusedError."""
        chosen = password or secrets.token_urlsafe(MINTED_BYTES)
        hashed = hashed_password(chosen, name)
        self._write(name, lambda tx: accounts.set_password(tx, name, hashed, must_change=not password))
        return chosen

    def disable(self, name: str) -> None:
        """Let somebody in no more, until she is enabled again. Raises RefusedError."""
        self._write(name, lambda tx: accounts.set_disabled(tx, name, True))

    def enable(self, name: str) -> None:
        """Let somebody in again who was disabled; she signs in anew. Raises RefusedError."""
        self._write(name, lambda tx: accounts.set_disabled(tx, name, False))

    def remove(self, name: str) -> None:
        """Take an account away for good; its name is never another's. Raises RefusedError."""
        self._write(name, lambda tx: accounts.remove(tx, name))

    def end_sessions(self, name: str) -> None:
        """End all sign-ins of somebody, who may sign in again. Raises RefusedError."""
        self._write(name, lambda tx: sign_ins.end_all(tx, name))

    def totp_off(self, name: str) -> bool:
        """Ask somebody for no code any more; whether she was asked for one. Raises RefusedError."""
        had: list[bool] = []

        def clear(tx: Transaction) -> None:
            had.append(accounts.totp(tx, name) is not None)
            accounts.clear_totp(tx, name)

        self._write(name, clear)
        return had[-1]

    def _check(self, role: str, agency: str, full_name: str, language: str) -> None:
        if role not in set(Role):
            raise RefusedError(NO_ROLE, role=role)
        if language and language not in LANGUAGES:
            raise RefusedError(NO_LANGUAGE, language=language)
        if (role == Role.OFFICER) != bool(agency):
            raise RefusedError(AGENCY_OF_OFFICERS)
        if len(full_name) > LONGEST_NAME:
            raise RefusedError(LONG_NAME, most=LONGEST_NAME)
        if agency:
            agencies.check(self.pack(), agency)

    def _write(self, name: str, change: Callable[[Transaction], None]) -> None:
        """Change an account that there is; whoever could let people in before, somebody still can."""

        def write(tx: Transaction) -> None:
            listed = accounts.every(tx)
            if name not in {account.name for account in listed}:
                raise RefusedError(NO_ACCOUNT, name=name)
            change(tx)
            if _is_administered(listed) and not _is_administered(accounts.every(tx)):
                raise RefusedError(LAST)

        self.store.write(write)


def name_of(typed: str) -> str:
    """The name that somebody chose to sign in with. Raises RefusedError."""
    if not (name := typed.strip()):
        raise RefusedError(NO_NAME)
    if len(name) > LONGEST_NAME:
        raise RefusedError(LONG_NAME, most=LONGEST_NAME)
    # Neither an address nor the audit log may have a telephone number.
    if msisdn.may_be(name):
        raise RefusedError(NUMBER)
    return name


def check_free(tx: Transaction, name: str) -> None:
    """Refuse a name that is, or was, an account's. Raises RefusedError."""
    if any(account.name == name for account in accounts.every(tx)):
        raise RefusedError(TAKEN, name=name)
    if accounts.find(tx, name) is not None:
        raise RefusedError(WAS_TAKEN, name=name)


def hashed_password(password: str, *personal: str) -> str:
    """What is kept of a password, made before anything is written, for phones wait for the writer. Raises RefusedError
    for one that may not be."""
    try:
        return passwords.hash_password(password, *personal)
    except ValueError as error:
        raise RefusedError(str(error)) from None


def _listed(account: Account) -> Listed:
    return Listed(
        account.name,
        account.full_name,
        account.role,
        account.agency,
        account.language,
        account.is_disabled,
        account.has_totp,
        account.created_at,
    )


def _is_administered(listed: list[Account]) -> bool:
    return any(account.role == Role.ADMINISTRATOR and not account.is_disabled for account in listed)
