"""Who may do what: the roles of people, and for each permission the roles that have it.

A page, or a view that asks for more than its page, names one permission; nothing else decides who may open it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Role(StrEnum):
    """What somebody is here for."""

    OPERATOR = "operator"
    SUPERVISOR = "supervisor"
    ADMINISTRATOR = "administrator"
    OFFICER = "officer"
    AUDITOR = "auditor"
    # The phone page of the demonstration, and nothing else.
    PHONE = "phone"


class Permission(StrEnum):
    """What one may be allowed."""

    # The cases, unfinished forms and results of this station, its outbox and its line.
    CENTRE = "centre"
    # What is kept aside: to look at it, release and delete it.
    QUARANTINE = "quarantine"
    # The cases that an agency holds.
    AGENCY = "agency"
    # People, agencies' tokens and stations.
    ADMINISTRATION = "administration"
    # Who did and read what.
    AUDIT = "audit"
    # Being any phone: only where the settings have the phone page.
    PHONE = "phone"
    # One's own account.
    ACCOUNT = "account"


ROLES_OF: Mapping[Permission, frozenset[Role]] = {
    Permission.CENTRE: frozenset({Role.OPERATOR, Role.SUPERVISOR}),
    Permission.QUARANTINE: frozenset({Role.OPERATOR, Role.SUPERVISOR}),
    Permission.AGENCY: frozenset({Role.OFFICER}),
    Permission.ADMINISTRATION: frozenset({Role.ADMINISTRATOR}),
    Permission.AUDIT: frozenset({Role.AUDITOR}),
    Permission.PHONE: frozenset({Role.OPERATOR, Role.PHONE}),
    Permission.ACCOUNT: frozenset(Role),
}


def may(role: str, permission: Permission) -> bool:
    """Whether somebody with this role has the permission."""
    return role in ROLES_OF[permission]
