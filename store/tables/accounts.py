"""Accounts of people at a browser, and the agencies' tokens (kept as hashes)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from sado.store.transaction import Transaction


@dataclass(frozen=True)
class Account:
    """Someone who may sign in: `role` says to which pages, `agency` whose cases an officer sees."""

    name: str
    password: str
    role: str
    agency: str
    failures: int
    blocked_until: int


def save(tx: Transaction, name: str, password: str, role: str, agency: str) -> None:
    """Create an account, or replace its password hash, role and agency."""
    tx.run(
        "INSERT INTO accounts (name, password, role, agency, failures, blocked_until)"
        " VALUES (:name, :password, :role, :agency, 0, 0)"
        " ON CONFLICT (name) DO UPDATE SET password = excluded.password, role = excluded.role,"
        " agency = excluded.agency, failures = 0, blocked_until = 0",
        name=name,
        password=password,
        role=role,
        agency=agency,
    )


def find(tx: Transaction, name: str) -> Account | None:
    """The account, or None."""
    row = tx.one(
        "SELECT name, password, role, agency, failures, blocked_until FROM accounts WHERE name = :name", name=name
    )
    return None if row is None else Account(*row)


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
