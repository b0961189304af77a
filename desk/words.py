"""The words for what the outbox holds, and for how a case stands against its term, in the page's language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sado.cases import statuses
from sado.cases.audit import Action
from sado.cases.audit_check import Wrong
from sado.desk import language
from sado.desk.language import N_, _, moment
from sado.desk.roles import Role
from sado.store.tables.cases import CaseRow, EventRow
from sado.store.tables.outbox import Destination, Entry
from sado.sync.codes import EntryKind, Reason

PATIENCE_MS = 120_000
KINDS: Mapping[str, str] = {
    EntryKind.CASE_OPENED: N_("new case"),
    EntryKind.CASE_MOVED: N_("new status"),
    EntryKind.CASE_WITHDRAWN: N_("wish for no more SMS about a case"),
    EntryKind.CASE_REQUESTED: N_("request for a new status"),
    EntryKind.CASE_DECIDED: N_("decision on a request"),
    EntryKind.CASE_NOTIFIED: N_("the resident was told"),
    EntryKind.NOTICE: N_("SMS notice"),
    EntryKind.ALERT: N_("SMS to a subscriber"),
    EntryKind.ANNOUNCEMENT: N_("announcement to subscribers"),
    EntryKind.TALLY_COUNTED: N_("vote"),
    EntryKind.ADDITION_ADDED: N_("words added by the resident"),
    EntryKind.PRIVACY_FORGOTTEN: N_("wish to have the number deleted"),
    EntryKind.AUDIT_WRITTEN: N_("rows of the audit log"),
    EntryKind.DAMAGED: N_("event that a disk has damaged"),
    EntryKind.REPLY: N_("SMS answer to the resident"),
    EntryKind.BLOB_OFFERED: N_("offer of new menus or registers"),
    EntryKind.BLOB_TAKEN: N_("word that new menus or registers are used"),
    EntryKind.BLOB_REFUSED: N_("word that new menus or registers were refused"),
}
ROLES: Mapping[str, str] = {
    Role.OPERATOR: N_("operator"),
    Role.SUPERVISOR: N_("supervisor"),
    Role.ADMINISTRATOR: N_("administrator"),
    Role.OFFICER: N_("officer of an agency"),
    Role.AUDITOR: N_("auditor"),
    Role.PHONE: N_("the phone page alone"),
}
STATES = {
    "queued": N_("waiting"),
    "awaiting": N_("may have left; waits for a report"),
    "acked": N_("arrived"),
    "dead": N_("given up after many tries"),
    "rejected": N_("refused by the destination"),
    "unknown": N_("unknown outcome: it may have arrived"),
}
DELIVERIES = {
    "uncertain": N_("may have left; waits for a report"),
    "sent": N_("sent"),
    "buffered": N_("waits at the network for the phone"),
    "failed": N_("did not arrive"),
    "delivered": N_("arrived at the phone"),
}
EVENTS = {
    "received": N_("Received by the channel"),
    "registered": N_("Registered by the agency"),
    "in_review": N_("Taken into review"),
    "documents_needed": N_("Documents asked for"),
    "extended": N_("Term extended"),
    "forwarded": N_("Forwarded"),
    "answered": N_("Answered"),
    "refused": N_("Refused"),
    "closed": N_("Closed"),
    "reopened": N_("Reopened"),
    "withdrawn": N_("The resident wants no more SMS about it"),
    "added": N_("The resident added words"),
    "notified": N_("An SMS about news was sent"),
}
ACTORS = {
    "resident": N_("resident"),
    "channel": N_("channel"),
    "operator": N_("operator"),
}
OUTCOMES = {
    "waiting": N_("not yet decided"),
    "applied": N_("taken"),
    "soft": N_("taken, beside another change made at the same time"),
    "hard": N_("not taken: the case had changed meanwhile. The agency decides at the hub"),
    "taken": N_("taken after all"),
    "set_aside": N_("set aside"),
}
ACTIONS: Mapping[str, str] = {
    Action.CASE_READ: N_("read a case"),
    Action.CASES_LISTED: N_("looked at the list of cases"),
    Action.CASE_MOVED: N_("changed a case"),
    Action.REQUEST_DECIDED: N_("decided on a request"),
    Action.NUMBER_READ: N_("read a telephone number in full"),
    Action.SEARCHED: N_("searched for cases"),
    Action.OUTBOX_READ: N_("looked at the outbox"),
    Action.OUTBOX_RETRIED: N_("had something tried again"),
    Action.LINE_READ: N_("looked at the page of the line"),
    Action.UNFINISHED_READ: N_("looked at unfinished forms"),
    Action.RESULTS_READ: N_("looked at results of polls"),
    Action.QUARANTINE_READ: N_("looked at what is kept aside"),
    Action.QUARANTINE_RELEASED: N_("had something applied that was kept aside"),
    Action.QUARANTINE_DELETED: N_("deleted something that was kept aside"),
    Action.ADMINISTRATION_READ: N_("looked at who is let in"),
    Action.PHONE_USED: N_("used the phone of the demonstration"),
    Action.AUDIT_READ: N_("looked at the audit log"),
    Action.SIGNED_IN: N_("signed in"),
    Action.SIGNED_OUT: N_("signed out"),
    Action.SIGN_IN_REFUSED: N_("was not let in: wrong password, or too soon"),
    Action.REFUSED: N_("was refused a page"),
    Action.ACCOUNT_CHANGED: N_("changed an account"),
    Action.TOKEN_CHANGED: N_("gave an agency a new token"),
    Action.STATION_CHANGED: N_("changed who exchanges with this station"),
    Action.SETTING_CHANGED: N_("started with a new setting"),
    Action.PUBLISHED: N_("published menus or a register"),
    Action.REGISTER_LOADED: N_("loaded a register"),
    Action.EXPORTED: N_("wrote data to a file"),
    Action.IMPORTED: N_("took data in from a file"),
    Action.BACKED_UP: N_("made a backup"),
    Action.RESTORED: N_("restored the station from a backup"),
    Action.KEYS_EXCHANGED: N_("began to exchange the keys"),
    Action.LINE_CALLED: N_("had the upstream called at once"),
}
FAULTS: Mapping[str, str] = {
    Wrong.CHANGED: N_("this row was changed, put in or moved."),
    Wrong.MISSING: N_("this row is missing."),
    Wrong.CUT: N_("the rows from here to the end are missing."),
    Wrong.LONGER: N_("from here on there are rows behind the end that is remembered."),
    Wrong.FORKED: N_(
        "from here on the station sent other rows than before: its log was rewritten, or its disk is an older one. Both"
        " are kept."
    ),
    Wrong.RESTORED: N_(
        "the station was restored from a backup and goes on from here. Its rows of before are kept too."
    ),
    Wrong.GAP: N_(
        "what the station sent from here on does not follow from any row that is here: rows are missing, or were"
        " rewritten."
    ),
    Wrong.ALTERED: N_(
        "the rows that the station sent do not give the hash that it said: one was changed before it left."
    ),
}
LINE_DOWN = N_("The line has been down since {at}: {reason}.")


@dataclass(frozen=True)
class Wording:
    """How a page speaks of a destination: where it is; how it is while it is up, new (not tried yet) or down; why an
    entry waits while it is down (`held`), while nothing hinders it (`free`) and, of those that leave one by one, while
    nothing takes any (`untaken`); and what became of one that was taken."""

    where: str
    up: str
    new: str
    down: str = LINE_DOWN
    held: str = N_("Waits for the line.")
    free: str = N_("It is next in line.")
    untaken: str = ""
    taken: str = STATES["acked"]


# By what comes before the colon in a destination's name.
WORDINGS = {
    "upstream": Wording(
        where=N_("the upstream station"),
        up=N_("The line is up. Last exchange at {at}."),
        new=N_("The upstream was not called yet."),
    ),
    "station": Wording(
        where=N_("station {number}"),
        up=N_("Last called at {at}."),
        new=N_("It has not called yet."),
        free=N_("Waits until that station calls."),
    ),
    "sms": Wording(
        where=N_("SMS to the resident"),
        up=N_("SMS leave as they should. Last one at {at}."),
        new=N_("No SMS was sent yet."),
        down=N_("SMS cannot leave since {at}: {reason}."),
        held=N_("Waits for the SMS gateway."),
        untaken=N_("No SMS gateway takes it yet. Whoever runs this station can set one."),
        taken=N_("handed to the gateway"),
    ),
    "agency": Wording(
        where=N_("queue of agency {agency}"),
        up=N_("What is sent there arrives. Last at {at}."),
        new=N_("Nothing was sent there yet."),
        down=N_("Nothing arrives there since {at}: {reason}."),
        held=N_("Waits until the agency's queue can be reached."),
        untaken=N_("This station does not deliver to that agency yet. Whoever runs it can set that up."),
    ),
}


def role(code: str) -> str:
    """What somebody is here for."""
    return _(ROLES.get(code, code))


def action(code: str) -> str:
    """What a row of the audit log tells of; that of another release as it came."""
    return _(ACTIONS.get(code, code))


def kind(name: str) -> str:
    """What an entry tells of."""
    return _word(KINDS, name)


def state(entry: Entry) -> str:
    """How an entry ended, or that it waits. An SMS that left is with the gateway; its report says if it arrived."""
    if entry.state == "acked":
        return _(_wording(entry.destination).taken)
    return _(STATES[entry.state]) if entry.state in STATES else entry.state


def delivery(name: str) -> str:
    """What became of an SMS."""
    return _word(DELIVERIES, name)


def event(name: str) -> str:
    """What happened to a case."""
    return _word(EVENTS, name)


def actor(name: str) -> str:
    """Who did something to a case."""
    return _word(ACTORS, name)


def outcome(name: str) -> str:
    """What became of a request."""
    return _word(OUTCOMES, name)


def _word(words: Mapping[str, str], code: str) -> str:
    """The word for a code. One of another station's later release shows as that."""
    return _(words[code]) if code in words else _("not known to this release: {code}", code=code)


@dataclass(frozen=True)
class Term:
    """How a case stands against its last day."""

    sentence: str
    is_late: bool


def term(case: CaseRow, events: Sequence[EventRow] = ()) -> Term | None:
    """How the case stands against its last day now or, once it is done, stood when it was answered. None without a
    last day, and for a done case without its history."""
    answered = [event.at for event in events if event.kind in (statuses.ANSWERED, statuses.REFUSED)]
    is_done = case.status in statuses.DONE
    if case.due_at is None or (is_done and not answered):
        return None
    at = answered[-1] if is_done else language.now()
    days = language.days_between(at, case.due_at)
    time = _("{n} d", n=abs(days))
    if is_done:
        return Term(_("answered {time} late", time=time) if days < 0 else _("answered in time"), days < 0)
    if days < 0:
        return Term(_("late by {time}", time=time), True)
    return Term(_("{time} left", time=time) if days else _("today is the last day"), False)


def destination(name: str, agency: str = "") -> str:
    """Where an entry goes, or where an event came from; `agency` is the name of the agency, for the queue of one."""
    code = name.partition(":")[2]
    return _(_wording(name).where, number=code, agency=agency or code)


def _wording(destination: str) -> Wording:
    return WORDINGS[destination.partition(":")[0]]


def cause(stored: str) -> str:
    """Why something did not leave, or was kept aside, as part of a sentence; empty where nothing is stored. What the
    other side said of it stands behind, as it came."""
    if not stored:
        return ""
    reason = Reason.read(stored)
    return f"{_(reason.cause.value)}: {reason.detail}" if reason.detail else _(reason.cause.value)


def why(entry: Entry, to: Destination, now: int) -> str:
    """Why an entry still waits, as a sentence."""
    if entry.state == "awaiting":
        return _(
            "It is not sent again before a day has passed: it may have left. {reason}.",
            reason=capital(cause(entry.reason)),
        )
    if entry.lease_until > now:
        return _("It is being sent now.")
    wording = _wording(to.name)
    if to.down_since is not None:
        return _(wording.held)
    if entry.reason and entry.due_at > now:
        return _("{reason}. Next try at {at}.", reason=capital(cause(entry.reason)), at=moment(entry.due_at))
    if wording.untaken and to.ok_at is None and now - entry.created_at > PATIENCE_MS:
        return _(wording.untaken)
    return _(wording.free)


def health(to: Destination, now: int) -> str:
    """How a destination is, as a sentence or two."""
    wording = _wording(to.name)
    if to.down_since is not None:
        down = _(wording.down, at=moment(to.down_since), reason=cause(to.reason))
        return f"{down} {_next_try(to, now)}"
    return _(wording.new) if to.ok_at is None else _(wording.up, at=moment(to.ok_at))


def _next_try(to: Destination, now: int) -> str:
    return _("Next try at {at}.", at=moment(to.due_at)) if to.due_at > now else _("The next try begins any moment.")


def capital(text: str) -> str:
    """The text as a sentence begins."""
    return text[:1].upper() + text[1:]
