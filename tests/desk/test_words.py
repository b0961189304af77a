"""Every code that is stored has a word in each language of the desk: none is shown as it is."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import get_args

import pytest

from sado.cases import conflicts, payloads, statuses, terms
from sado.cases.audit import Action
from sado.cases.audit_check import Wrong
from sado.desk import asked, language, words
from sado.desk.officer import cases as officer
from sado.desk.operator import line
from sado.desk.phone import page as phone
from sado.desk.roles import Role
from sado.menus.handset import Letters
from sado.store.tables import deliveries, line_usage, quarantine
from sado.store.tables.events import Event
from sado.store.tables.lanes import LANES
from sado.store.tables.outbox import State
from sado.sync import outbox
from sado.sync.codes import Cause, EntryKind, Reason
from tests.support.browser import Desk

Catalogue = Mapping[str, str] | None
# What happens to a case beside the moves of its agency.
HAPPENS = {statuses.RECEIVED, statuses.WITHDRAWN, statuses.ADDED, statuses.NOTIFIED}
# Each closed list of codes, and the English words that the desk has for them.
CODES: Mapping[str, tuple[Collection[object], Mapping[object, str]]] = {
    "causes": (Cause, {cause: cause.value for cause in Cause}),
    "kinds": (EntryKind, {**words.KINDS}),
    "states": (get_args(State), {**words.STATES}),
    "what became of an SMS": (deliveries.RANKS, {**words.DELIVERIES}),
    "events of a case": (statuses.EVENTS | HAPPENS, {**words.EVENTS}),
    "roles": (Role, {**words.ROLES}),
    "who did it": ((payloads.RESIDENT, payloads.CHANNEL, "operator"), {**words.ACTORS}),
    "what became of a request": (conflicts.OUTCOMES, {**words.OUTCOMES}),
    "what the audit log tells of": (Action, {**words.ACTIONS}),
    "what is wrong with the audit log": (Wrong, {**words.FAULTS}),
    "lanes": (LANES, {**line.LANES}),
    "what the line was used for": (line_usage.PURPOSES, {**line.PURPOSES}),
    "what an agency may do": (statuses.EVENTS, {**officer.BUTTONS}),
    "what an agency's clock waits for": ((*statuses.NEW, *statuses.IN_WORK), {**officer.WAITS_FOR}),
    "terms that forbid it": (terms.TermError.__subclasses__(), {**officer.TERMS}),
    "marks of a request": (asked.MARKS.keys(), {**asked.MARKS}),
    "letters of a phone": (Letters, {**phone.LETTERS}),
}


def wordless(
    codes: Collection[object], english: Mapping[object, str], catalogue: Mapping[str, str] | None
) -> list[str]:
    """The codes that a page would show as they are, or in English; without a `catalogue` the page is in English, where
    a plain word such as `sent` may be its own."""
    found = []
    for code in codes:
        sentence, name = english.get(code, ""), str(getattr(code, "name", code))
        word = sentence if catalogue is None else catalogue.get(sentence, sentence)
        is_raw = word == name and (catalogue is not None or not name.isalpha())
        if not word or is_raw or (catalogue is not None and word == sentence):
            found.append(name)
    return found


def catalogue_of(code: str) -> Catalogue:
    return None if code == language.SOURCE else language.catalogue(code)


@pytest.mark.parametrize("code", language.available("tg"))
@pytest.mark.parametrize("name", CODES)
def test_every_code_has_a_word(name: str, code: str) -> None:
    assert wordless(*CODES[name], catalogue_of(code)) == []


def test_a_code_without_a_word_is_noticed() -> None:
    english = {"a.b": "the first", "c.d": "the second", "e.f": "e.f"}
    assert wordless(["a.b", "x"], english, None) == ["x"]
    assert wordless(["a.b", "c.d"], english, {"the first": "якум"}) == ["c.d"]
    assert wordless(["a.b", "c.d"], english, {"the first": "якум", "the second": "c.d"}) == ["c.d"]
    assert wordless(["e.f"], english, None) == ["e.f"]


@pytest.mark.parametrize("name", CODES)
def test_no_word_is_left_over(name: str) -> None:
    codes, english = CODES[name]
    assert {*english} == {*codes}


@pytest.mark.parametrize("code", language.available("tg"))
def test_a_cause_is_told_with_the_other_side_s_own_word(desk: Desk, code: str) -> None:
    catalogue = catalogue_of(code) or {}
    with desk.app.test_request_context(f"/?lang={code}"):
        for cause in Cause:
            told = catalogue.get(cause.value, cause.value)
            assert words.cause(Reason(cause, "NoCredit").stored) == f"{told}: NoCredit"
            assert words.cause(Reason(cause).stored) == told


@pytest.mark.parametrize("code", ["tg", "ru"])
def test_no_page_shows_a_code(desk: Desk, code: str) -> None:
    reason = Reason(Cause.CASE_UNKNOWN, "0070000000")
    for kind in EntryKind:
        desk.store.write(lambda tx, kind=kind: outbox.put(tx, outbox.UPSTREAM, kind, "", "{}"))  # type: ignore[misc]
        event = Event(kind, "", "{}")
        desk.store.write(lambda tx, event=event: quarantine.keep(tx, outbox.UPSTREAM, event, reason.stored))  # type: ignore[misc]
    shown = desk.signed_in("operator").get(f"/operator?lang={code}").text
    assert [kind for kind in EntryKind if re.search(rf">\s*{kind}\s*<", shown)] == []
    assert "CASE_UNKNOWN" not in shown and Cause.CASE_UNKNOWN.value not in shown
