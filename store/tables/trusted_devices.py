"""Devices on which somebody has signed in: strangers' wrong passwords do not hold her up there. Each by the hash of the
token that its cookie holds; several people may share one desk, and so one token."""

from __future__ import annotations

from sado.store.tables.token_hash import hash_of
from sado.store.transaction import Transaction

# Of one account; the one that was used least lately goes first.
MOST = 20


def trust(tx: Transaction, account: str, token: str) -> None:
    """Trust it from now on."""
    tx.run(
        "INSERT INTO trusted_devices (account, hash, at) VALUES (:account, :hash, :now)"
        " ON CONFLICT (account, hash) DO UPDATE SET at = excluded.at",
        account=account,
        hash=hash_of(token),
        now=tx.steady,
    )
    tx.run(
        "DELETE FROM trusted_devices WHERE account = :account AND hash NOT IN (SELECT hash FROM trusted_devices"
        " WHERE account = :account ORDER BY at DESC, hash LIMIT :most)",
        account=account,
        most=MOST,
    )


def is_trusted(tx: Transaction, account: str, token: str, since: int) -> bool:
    """Whether somebody has signed in to this account there since."""
    at = tx.value(
        "SELECT at FROM trusted_devices WHERE account = :account AND hash = :hash", account=account, hash=hash_of(token)
    )
    return at is not None and int(at) > since


def is_known(tx: Transaction, token: str) -> bool:
    """Whether this token is one of ours, whoever signed in there."""
    return tx.one("SELECT 1 FROM trusted_devices WHERE hash = :hash", hash=hash_of(token)) is not None


def end_all(tx: Transaction, account: str) -> None:
    """Trust none of this account any more."""
    tx.run("DELETE FROM trusted_devices WHERE account = :account", account=account)


def forget(tx: Transaction, before: int) -> None:
    """Delete those on which nobody has signed in since."""
    tx.run("DELETE FROM trusted_devices WHERE at < :before", before=before)
