"""Accounts of people at a browser with their second factor, and the agencies' tokens (kept as hashes).

An account that was removed keeps its row, without the password: its name stays that person's, and never becomes
another's in what is told of earlier days."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from sado.store.tables import sign_ins, trusted_devices
from sado.store.tables.token_hash import hash_of
from sado.store.transaction import Row, Transaction

COLUMNS = "name, full_name, role, agency, language, password, must_change, is_disabled, created_at, totp IS NOT NULL"
TOTP = "accounts.totp"


@dataclass(frozen=True)
class Account:
    """A person who may sign in, unless `is_disabled`: `name` is what she signs in with, `full_name` what others read of
    her; `role` says to which pages, `agency` whose cases an officer sees, `language` in what language. One that
    `must_change` its password was given it by the machine; one that `has_totp` is asked for a code besides."""

    name: str
    full_name: str
    role: str
    agency: str
    language: str
    password: str
    must_change: bool
    is_disabled: bool
    created_at: int
    has_totp: bool


@dataclass(frozen=True)
class Token:
    """That an agency has a token, and since when."""

    agency: str
    created_at: int


def save(
    tx: Transaction,
    name: str,
    password: str,
    role: str,
    agency: str,
    full_name: str = "",
    language: str = "",
    must_change: bool = False,
) -> None:
    """Create an account, or replace everything of it but when it was created and its second factor: one that was
    disabled or removed is open again. Its sign-ins end."""
    tx.run(
        "INSERT INTO accounts (name, full_name, role, agency, language, password, must_change, is_disabled, created_at,"
        " totp_step) VALUES (:name, :full_name, :role, :agency, :language, :password, :must_change, FALSE, :now, 0)"
        " ON CONFLICT (name) DO UPDATE SET full_name = excluded.full_name, role = excluded.role,"
        " agency = excluded.agency, language = excluded.language, password = excluded.password,"
        " must_change = excluded.must_change, is_disabled = FALSE, is_removed = FALSE",
        name=name,
        full_name=full_name or name,
        role=role,
        agency=agency,
        language=language,
        password=password,
        must_change=must_change,
        now=tx.now,
    )
    _shut(tx, name)


def set_password(tx: Transaction, name: str, password: str, must_change: bool = False) -> None:
    """Give an account another password. Its sign-ins end."""
    tx.run(
        "UPDATE accounts SET password = :password, must_change = :must_change WHERE name = :name",
        name=name,
        password=password,
        must_change=must_change,
    )
    _shut(tx, name)


def set_language(tx: Transaction, name: str, language: str) -> None:
    """Say in what language its owner wants the pages."""
    tx.run("UPDATE accounts SET language = :language WHERE name = :name", name=name, language=language)


def _shut(tx: Transaction, name: str) -> None:
    """What a former password has opened is open no more."""
    sign_ins.end_all(tx, name)
    trusted_devices.end_all(tx, name)


def find(tx: Transaction, name: str) -> Account | None:
    """The account, or None."""
    row = tx.one(f"SELECT {COLUMNS} FROM accounts WHERE name = :name", name=name)  # noqa: S608
    return None if row is None else _account(row)


def every(tx: Transaction) -> list[Account]:
    """All accounts, by name; not those that were removed."""
    return [_account(row) for row in tx.all(f"SELECT {COLUMNS} FROM accounts WHERE NOT is_removed ORDER BY name")]  # noqa: S608


def has_any(tx: Transaction) -> bool:
    """Whether there is an account, or ever was one."""
    return tx.one("SELECT name FROM accounts LIMIT 1") is not None


def set_person(tx: Transaction, name: str, full_name: str, role: str, agency: str, language: str) -> None:
    """Say anew who somebody is; it counts from her next page on."""
    tx.run(
        "UPDATE accounts SET full_name = :full_name, role = :role, agency = :agency, language = :language"
        " WHERE name = :name",
        name=name,
        full_name=full_name,
        role=role,
        agency=agency,
        language=language,
    )


def set_disabled(tx: Transaction, name: str, is_disabled: bool) -> None:
    """Let nobody sign in with it any more, and end all sign-ins; or let her in again."""
    tx.run("UPDATE accounts SET is_disabled = :is_disabled WHERE name = :name", name=name, is_disabled=is_disabled)
    _shut(tx, name)


def remove(tx: Transaction, name: str) -> None:
    """Take an account away: its name stays taken, its password is gone, and all sign-ins end."""
    set_disabled(tx, name, True)
    clear_totp(tx, name)
    tx.run("UPDATE accounts SET is_removed = TRUE, password = '' WHERE name = :name", name=name)


def _account(row: Row) -> Account:
    account = Account(*row)
    return replace(
        account,
        must_change=bool(account.must_change),
        is_disabled=bool(account.is_disabled),
        has_totp=bool(account.has_totp),
    )


def set_totp(tx: Transaction, name: str, key: str, step: int, recovery_codes: Iterable[str]) -> None:
    """Ask for codes made with this key, later than that of `step`, in place of an earlier one. Each recovery code has
    120 random bits, so a plain hash cannot be reversed."""
    sealed = tx.seal(key, TOTP, name)
    tx.run("UPDATE accounts SET totp = :totp, totp_step = :step WHERE name = :name", name=name, totp=sealed, step=step)
    tx.run("DELETE FROM recovery_codes WHERE account = :name", name=name)
    for code in recovery_codes:
        tx.run("INSERT INTO recovery_codes (account, hash) VALUES (:name, :hash)", name=name, hash=hash_of(code))


def clear_totp(tx: Transaction, name: str) -> None:
    """Ask for no code any more: her phone is lost, or she wants none."""
    tx.run("UPDATE accounts SET totp = NULL, totp_step = 0 WHERE name = :name", name=name)
    tx.run("DELETE FROM recovery_codes WHERE account = :name", name=name)


def totp(tx: Transaction, name: str) -> tuple[str, int] | None:
    """The key of an account's codes and the step of the last one that was used, or None for one without."""
    row = tx.one("SELECT totp, totp_step FROM accounts WHERE name = :name AND totp IS NOT NULL", name=name)
    return None if row is None else (tx.unseal(row[0], TOTP, name), row[1])


def note_totp_step(tx: Transaction, name: str, step: int) -> None:
    """The code of this step was used: it and those before are of no use any more."""
    tx.run("UPDATE accounts SET totp_step = :step WHERE name = :name", name=name, step=step)


def use_recovery_code(tx: Transaction, name: str, code: str) -> bool:
    """Whether this is one; it is none any more."""
    query = "DELETE FROM recovery_codes WHERE account = :name AND hash = :hash RETURNING hash"
    return tx.one(query, name=name, hash=hash_of(code)) is not None


def recovery_codes_left(tx: Transaction, name: str) -> int:
    """How many an account still has."""
    return int(tx.value("SELECT COUNT(*) FROM recovery_codes WHERE account = :name", name=name))


def save_token(tx: Transaction, agency: str, token: str) -> None:
    """Let `token` speak for the agency, in place of an earlier one. Only its hash is kept: the token has 256
    random bits, so a plain hash cannot be reversed."""
    tx.run(
        "INSERT INTO agency_tokens (agency, hash, created_at) VALUES (:agency, :hash, :now)"
        " ON CONFLICT (agency) DO UPDATE SET hash = excluded.hash, created_at = excluded.created_at",
        agency=agency,
        hash=hash_of(token),
        now=tx.now,
    )


def remove_token(tx: Transaction, agency: str) -> bool:
    """Let no token speak for the agency; False when none did."""
    return tx.one("DELETE FROM agency_tokens WHERE agency = :agency RETURNING agency", agency=agency) is not None


def tokens(tx: Transaction) -> list[Token]:
    """The agencies that have a token."""
    return [Token(*row) for row in tx.all("SELECT agency, created_at FROM agency_tokens ORDER BY agency")]


def agency_of(tx: Transaction, token: str) -> str | None:
    """The agency that this token speaks for, or None."""
    agency: str | None = tx.value("SELECT agency FROM agency_tokens WHERE hash = :hash", hash=hash_of(token))
    return agency
