"""How long somebody waits after wrong passwords and codes.

A miss holds up who made it: the source that it came from, for that account alone, and not its owner elsewhere. On a
device where she has signed in before, she is held up by the misses made there alone. All strangers together are slowed
mildly once they have missed an account often, and sharply where they know its password and guess codes: many sources
gain little. docs/security.md has the arithmetic.

Moments are by the clock that nobody sets (store/clock.py): setting the other one makes no wait shorter or longer."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sado.store import Transaction
from sado.store.tables import sign_in_misses, trusted_devices
from sado.store.zone_time import DAY_MS

LONGEST_S = 15 * 60
# So many misses strangers have for an account, and then one in so many seconds.
STRANGERS_FREE, STRANGERS_S = 20, 10
# Misses are forgotten when none has followed for as long.
KEEP_MS = DAY_MS
TRUST_MS = 90 * DAY_MS
# Whoever has an address of IPv6 has all of its /64.
IPV6_PREFIX = 64


@dataclass(frozen=True)
class Claimant:
    """Who wants to sign in: where from, and the token of a trusted device, if the browser has one."""

    source: str
    device: str


@dataclass(frozen=True)
class Limit:
    """Misses that hold somebody up: whose they are, and how many seconds so many of them cost. Strangers may make as
    many limits that are `is_passing` as they like."""

    what: str
    wait_s: Callable[[int], int]
    is_passing: bool


def source_of(address: str | None) -> str:
    """Where a request comes from, as far as one person can have many addresses."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return address or ""
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((int(parsed), IPV6_PREFIX), strict=False))


def of_password(tx: Transaction, name: str, exists: bool, claimant: Claimant) -> list[Limit]:
    """What holds up a try for the password of this name. That of strangers stays where there is such an account: nobody
    can push it out."""
    if _is_trusted(tx, name, claimant):
        return [_of_device(name, claimant)]
    return [_of_source(name, claimant), Limit(f"strangers at {name}", _strangers_s, is_passing=not exists)]


def of_code(tx: Transaction, name: str, claimant: Claimant) -> list[Limit]:
    """What holds up a try for a code of this account, by somebody who knew its password."""
    if _is_trusted(tx, name, claimant):
        return [_of_device(name, claimant)]
    return [_of_source(name, claimant), Limit(f"codes of {name}", _own_s, is_passing=False)]


def are_over(tx: Transaction, limits: Sequence[Limit]) -> bool:
    """Whether there may be a try now."""
    return all(_is_over(tx, limit) for limit in limits)


def note_miss(tx: Transaction, limits: Sequence[Limit]) -> None:
    """The try failed."""
    for limit in limits:
        sign_in_misses.add(tx, limit.what, tx.steady - KEEP_MS, limit.is_passing)


def welcome(tx: Transaction, name: str, claimant: Claimant) -> None:
    """The person is in: what she missed from here is forgotten, and what strangers missed is not."""
    for limit in (_of_device(name, claimant), _of_source(name, claimant)):
        sign_in_misses.clear(tx, limit.what)


def _is_trusted(tx: Transaction, name: str, claimant: Claimant) -> bool:
    return bool(claimant.device) and trusted_devices.is_trusted(tx, name, claimant.device, tx.steady - TRUST_MS)


def _of_device(name: str, claimant: Claimant) -> Limit:
    return Limit(f"device {claimant.device} at {name}", _own_s, is_passing=True)


def _of_source(name: str, claimant: Claimant) -> Limit:
    return Limit(f"source {claimant.source} at {name}", _own_s, is_passing=True)


def _is_over(tx: Transaction, limit: Limit) -> bool:
    misses, at = sign_in_misses.find(tx, limit.what, tx.steady - KEEP_MS)
    return tx.steady >= at + limit.wait_s(misses) * 1000


def _own_s(misses: int) -> int:
    """1, 2, 4 … seconds."""
    return min(2 ** min(misses - 1, 10), LONGEST_S) if misses else 0


def _strangers_s(misses: int) -> int:
    return 0 if misses < STRANGERS_FREE else STRANGERS_S
