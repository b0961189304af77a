"""The audit log: who did and read what at this station.

A row names a person, an agency's system or a command, what was done, and what to: a reference, an account, a station.
It has no telephone number, no name of a resident and none of her words, so it stays when she wants hers deleted. The
rows of a station are a hash chain (store/tables/audit.py) and go up with the exchange (cases/audit_exchange.py): a
station that is stolen can write new rows and change none that left.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum, unique

from sado.cases import msisdn, reference
from sado.store import Transaction
from sado.store.tables import audit as rows
from sado.store.tables import identity

STATION, STRANGER = "station", "stranger"
LONGEST = 80
# As a telephone number is written in full.
NUMBER_IN_FULL = re.compile(r"\+[0-9]{5,}")


@unique
class Action(StrEnum):
    """What a row tells of. The list is closed: the desk has a word for each in each of its languages. A name never
    comes to mean another thing, since it is hashed."""

    # At the pages and the API.
    CASE_READ = "case.read"
    CASES_LISTED = "cases.listed"
    CASE_MOVED = "case.moved"
    REQUEST_DECIDED = "request.decided"
    NUMBER_READ = "number.read"
    SEARCHED = "searched"
    OUTBOX_READ = "outbox.read"
    OUTBOX_RETRIED = "outbox.retried"
    LINE_READ = "line.read"
    UNFINISHED_READ = "unfinished.read"
    RESULTS_READ = "results.read"
    QUARANTINE_READ = "quarantine.read"
    QUARANTINE_RELEASED = "quarantine.released"
    QUARANTINE_DELETED = "quarantine.deleted"
    ADMINISTRATION_READ = "administration.read"
    PHONE_USED = "phone.used"
    AUDIT_READ = "audit.read"
    SIGNED_IN = "signed.in"
    SIGNED_OUT = "signed.out"
    SIGN_IN_REFUSED = "sign-in.refused"
    REFUSED = "refused"
    # By commands, and by the station itself.
    ACCOUNT_CHANGED = "account.changed"
    TOKEN_CHANGED = "token.changed"  # noqa: S105 - names what was done
    STATION_CHANGED = "station.changed"
    SETTING_CHANGED = "setting.changed"
    PUBLISHED = "published"
    REGISTER_LOADED = "register.loaded"
    EXPORTED = "exported"
    IMPORTED = "imported"
    BACKED_UP = "backed.up"
    RESTORED = "restored"
    KEYS_EXCHANGED = "keys.exchanged"
    LINE_CALLED = "line.called"


def person(name: str) -> str:
    """Somebody with an account."""
    return f"person:{name}"


def system(agency: str) -> str:
    """An agency's own system, known by its token."""
    return f"agency:{agency}"


def terminal(user: str) -> str:
    """Whoever ran a command: the user of the machine."""
    return f"terminal:{user}"


# Who did what to what, and what there is to say of it.
Told = tuple[str, Action, str, str]


def record(tx: Transaction, who: str, action: Action, object: str = "", detail: str = "") -> None:  # noqa: A002
    """Write a row."""
    record_all(tx, [(who, action, object, detail)])


def record_all(tx: Transaction, told: Sequence[Told]) -> None:
    """Write these rows. What looks like a telephone number is left out: a log that nobody may shorten must not have
    one, whatever the caller thinks that it hands over. Nothing is written before the station has a number."""
    own = identity.find(tx)
    if own is not None:
        said = [(_plain(who), action.value, _object(about), _plain(detail)) for who, action, about, detail in told]
        rows.append(tx, own.number, said)


def case(number: str) -> str:
    """A case as the object of a row: its reference, and nothing where what was typed is none."""
    return number if reference.is_reference(number) else ""


def _object(about: str) -> str:
    """What a row is about; nothing where somebody may have typed a number for it."""
    return "" if msisdn.may_be(about) else _plain(about)


def _plain(text: str) -> str:
    return NUMBER_IN_FULL.sub("+…", text)[:LONGEST]


def record_settings(tx: Transaction, values: Mapping[str, str], defaults: Mapping[str, str]) -> list[str]:
    """Write a row for each setting whose value is another than at the last start; at the first, than by default. Of
    values a keyed hash is kept and nothing said: some are secrets."""
    before = rows.seen_settings(tx)
    now = {name: tx.lookup(f"setting {name}={value}") for name, value in values.items()}
    first = {name: tx.lookup(f"setting {name}={value}") for name, value in defaults.items()}
    changed = sorted(name for name, hashed in now.items() if before.get(name, first.get(name)) != hashed)
    for name in changed:
        record(tx, STATION, Action.SETTING_CHANGED, name)
    if before != now:
        rows.see_settings(tx, now)
    return changed
