"""Accounts of people at a browser, and the agencies' tokens (kept as hashes)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from sado.store.transaction import Row, Transaction

COLUMNS = "name, full_name, role, agency, language, password, is_disabled, created_at, failures, blocked_until"


@dataclass(frozen=True)
class Account:
    """A person who may sign in, unless `is_disabled`: `name` is what she signs in with, `full_name` what others read of
    her; `role` says to which pages, `agency` whose cases an officer sees, `language` in what language."""

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


def save(
    tx: Transaction, name: str, password: str, role: str, agency: str, full_name: str = "", language: str = ""
) -> None:
    """Create an account, or replace everything of it but when it was created: one that was disabled is open again."""
    tx.run(
        "INSERT INTO accounts (name, full_name, role, agency, language, password, is_disabled, created_at, failures,"
        " blocked_until) VALUES (:name, :full_name, :role, :agency, :language, :password, FALSE, :now, 0, 0)"
        " ON CONFLICT (name) DO UPDATE SET full_name = excluded.full_name, role = excluded.role,"
        " agency = excluded.agency, language = excluded.language, password = excluded.password, is_disabled = FALSE,"
        " failures = 0, blocked_until = 0",
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
    """All accounts, by name."""
    return [_account(row) for row in tx.all(f"SELECT {COLUMNS} FROM accounts ORDER BY name")]  # noqa: S608


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
        "INSERT INTO agency_tokens (agency, hash) VALUES (:agency, :hash)"
        " ON CONFLICT (agency) DO UPDATE SET hash = excluded.hash",
        agency=agency,
        hash=_hashed(token),
    )


def agency_of(tx: Transaction, token: str) -> str | None:
    """The agency that this token speaks for, or None."""
    agency: str | None = tx.value("SELECT agency FROM agency_tokens WHERE hash = :hash", hash=_hashed(token))
    return agency


def _hashed(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
