"""Sign-ins of people at a browser, each found by the hash of the token that its cookie holds. A token has 256 random
bits, so a plain hash cannot be reversed: whoever reads the database or a backup can be nobody.

Moments are by the clock that nobody sets (store/clock.py): setting the other one back keeps no sign-in alive."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sado.store.tables.token_hash import hash_of
from sado.store.transaction import Row, Transaction

# Of one account; the one that was used least lately goes first. One whose code is to come pushes out its like alone.
MOST = 20
COLUMNS = "hash, account, device, needs_code, created_at, seen_at"


@dataclass(frozen=True)
class SignIn:
    """One sign-in: `device` describes the browser, `needs_code` says that the password was right and the second factor
    is still to come."""

    hash: bytes
    account: str
    device: str
    needs_code: bool
    created_at: int
    seen_at: int


def begin(tx: Transaction, account: str, token: str, device: str, needs_code: bool) -> None:
    """Keep a new one."""
    tx.run(
        f"INSERT INTO sign_ins ({COLUMNS}) VALUES (:hash, :account, :device, :needs_code, :now, :now)",  # noqa: S608
        hash=hash_of(token),
        account=account,
        device=device,
        needs_code=needs_code,
        now=tx.steady,
    )
    tx.run(
        "DELETE FROM sign_ins WHERE account = :account AND needs_code = :needs_code AND hash NOT IN (SELECT hash"
        " FROM sign_ins WHERE account = :account AND needs_code = :needs_code"
        " ORDER BY seen_at DESC, created_at DESC LIMIT :most)",
        account=account,
        needs_code=needs_code,
        most=MOST,
    )


def find(tx: Transaction, token: str) -> SignIn | None:
    """The one that this token belongs to, or None."""
    row = tx.one(f"SELECT {COLUMNS} FROM sign_ins WHERE hash = :hash", hash=hash_of(token))  # noqa: S608
    return None if row is None else _sign_in(row)


def of(tx: Transaction, account: str) -> list[SignIn]:
    """Those of an account, the last used first."""
    query = f"SELECT {COLUMNS} FROM sign_ins WHERE account = :account ORDER BY seen_at DESC, hash"  # noqa: S608
    return [_sign_in(row) for row in tx.all(query, account=account)]


def see(tx: Transaction, hashed: bytes) -> None:
    """Note that it is in use."""
    tx.run("UPDATE sign_ins SET seen_at = :now WHERE hash = :hash", now=tx.steady, hash=hashed)


def end(tx: Transaction, account: str, hashed: bytes) -> None:
    """End one of this account."""
    tx.run("DELETE FROM sign_ins WHERE account = :account AND hash = :hash", account=account, hash=hashed)


def end_others(tx: Transaction, account: str, kept: bytes) -> None:
    """End all of this account but one."""
    tx.run("DELETE FROM sign_ins WHERE account = :account AND hash <> :kept", account=account, kept=kept)


def end_all(tx: Transaction, account: str) -> None:
    """End all of this account."""
    tx.run("DELETE FROM sign_ins WHERE account = :account", account=account)


def end_everybodys(tx: Transaction) -> None:
    """End all of all accounts: in a restored database are some that were ended since."""
    tx.run("DELETE FROM sign_ins")
    tx.run("DELETE FROM trusted_devices")


def forget(tx: Transaction, before: int) -> None:
    """Delete those that began before `before`."""
    tx.run("DELETE FROM sign_ins WHERE created_at < :before", before=before)


def _sign_in(row: Row) -> SignIn:
    sign_in = SignIn(*row)
    return replace(sign_in, needs_code=bool(sign_in.needs_code))
