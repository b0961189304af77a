"""Accounts of people at a browser, and the agencies' tokens (kept as hashes).

An account that was removed keeps its row, without the password: its name stays that person's, and never becomes
another's in what is told of earlier days."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from sado.store.transaction import Row, Transaction

COLUMNS = "name, full_name, role, agency, language, password, is_disabled, created_at, failures, blocked_until, stamp"


@dataclass(frozen=True)
class Account:
    """A person who may sign in, unless `is_disabled`: `name` is what she signs in with, `full_name` what others read of
    her; `role` says to which pages, `agency` whose cases an officer sees, `language` in what language. A new `stamp`
    ends her sign-ins."""

    name: str
    full_name: str
    role: str
    agency: str
    language: str
    password: str
    is_disabled: bool
    created_at: int
    failures: int
    blocked_until: int
    stamp: int


@dataclass(frozen=True)
class Token:
    """That an agency has a token, and since when."""

    agency: str
    created_at: int


def save(
    tx: Transaction, name: str, password: str, role: str, agency: str, full_name: str = "", language: str = ""
) -> None:
    """Create an account, or replace everything of it but when it was created: one that was disabled or removed is open
    again."""
    tx.run(
        "INSERT INTO accounts (name, full_name, role, agency, language, password, is_disabled, created_at, failures,"
        " blocked_until) VALUES (:name, :full_name, :role, :agency, :language, :password, FALSE, :now, 0, 0)"
        " ON CONFLICT (name) DO UPDATE SET full_name = excluded.full_name, role = excluded.role,"
        " agency = excluded.agency, language = excluded.language, password = excluded.password, is_disabled = FALSE,"
        " is_removed = FALSE, failures = 0, blocked_until = 0",
        name=name,
        full_name=full_name or name,
        role=role,
        agency=agency,
        language=language,
        password=password,
        now=tx.now,
    )


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


def set_password(tx: Transaction, name: str, password: str) -> None:
    """Replace the password; wrong tries of the old one are forgotten, and all sign-ins end."""
    tx.run("UPDATE accounts SET password = :password WHERE name = :name", name=name, password=password)
    set_failures(tx, name, 0, 0)
    end_sessions(tx, name)


def set_disabled(tx: Transaction, name: str, is_disabled: bool) -> None:
    """Let nobody sign in with it any more, and end all sign-ins; or let her in again."""
    tx.run("UPDATE accounts SET is_disabled = :is_disabled WHERE name = :name", name=name, is_disabled=is_disabled)
    end_sessions(tx, name)


def remove(tx: Transaction, name: str) -> None:
    """Take an account away: its name stays taken, its password is gone, and all sign-ins end."""
    set_disabled(tx, name, True)
    tx.run("UPDATE accounts SET is_removed = TRUE, password = '' WHERE name = :name", name=name)


def end_sessions(tx: Transaction, name: str) -> None:
    """End every sign-in of this account."""
    tx.run("UPDATE accounts SET stamp = stamp + 1 WHERE name = :name", name=name)


def _account(row: Row) -> Account:
    account = Account(*row)
    return replace(account, is_disabled=bool(account.is_disabled))


def set_failures(tx: Transaction, name: str, failures: int, blocked_until: int) -> None:
    """Count wrong passwords; no sign-in before `blocked_until`."""
    tx.run(
        "UPDATE accounts SET failures = :failures, blocked_until = :until WHERE name = :name",
        failures=failures,
        until=blocked_until,
        name=name,
    )


def save_token(tx: Transaction, agency: str, token: str) -> None:
    """Let `token` speak for the agency, in place of an earlier one. Only its hash is kept: the token has 256
    random bits, so a plain hash cannot be reversed."""
    tx.run(
        "INSERT INTO agency_tokens (agency, hash, created_at) VALUES (:agency, :hash, :now)"
        " ON CONFLICT (agency) DO UPDATE SET hash = excluded.hash, created_at = excluded.created_at",
        agency=agency,
        hash=_hashed(token),
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
    agency: str | None = tx.value("SELECT agency FROM agency_tokens WHERE hash = :hash", hash=_hashed(token))
    return agency


def _hashed(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
