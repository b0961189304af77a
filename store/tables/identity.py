"""Who this station is: its number and its incarnation."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from sado.store.errors import StoreError
from sado.store.transaction import Transaction


@dataclass(frozen=True)
class Identity:
    """`number` (0 to 999) begins every reference it issues; `incarnation` is new for each life of the disk."""

    number: int
    incarnation: str


def create(tx: Transaction, number: int) -> Identity:
    """Name a new station. Raises StoreError if it already has another number: references carry it."""
    existing = find(tx)
    if existing is not None and existing.number != number:
        raise StoreError(f"This station already is number {existing.number}; a number never changes.")
    if existing is not None:
        return existing
    values = {"number": str(number), "incarnation": secrets.token_hex(4)}
    for name, value in values.items():
        tx.run("INSERT INTO identity (name, value) VALUES (:name, :value)", name=name, value=value)
    return Identity(number, values["incarnation"])


def renew(tx: Transaction) -> Identity:
    """Begin another life: the number stays, the incarnation is new. For a database that was restored from a copy.

    Raises StoreError when it has no number."""
    identity = find(tx)
    if identity is None:
        raise StoreError("This database has no station number: it is not of a station.")
    reborn = Identity(identity.number, secrets.token_hex(4))
    tx.run("UPDATE identity SET value = :value WHERE name = 'incarnation'", value=reborn.incarnation)
    return reborn


def find(tx: Transaction) -> Identity | None:
    """The identity, or None before `create`."""
    values = dict(tx.all("SELECT name, value FROM identity"))
    return Identity(int(values["number"]), values["incarnation"]) if values else None
