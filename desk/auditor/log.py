"""The audit log for auditors: who did what, newest first, and whether it is as it was written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from sado.cases import audit_check, msisdn
from sado.cases.audit import Action
from sado.cases.audit_check import Fault
from sado.desk import recording, words
from sado.desk.language import _
from sado.menus.pack import Pack
from sado.store import LARGEST, Store, Transaction
from sado.store.tables import audit as rows
from sado.store.tables.audit import AuditRow
from sado.store.zone_time import moment

LISTED = 100
# What may be asked for, each a column of the log.
FILTERS = ("who", "action", "object", "station")


@dataclass(frozen=True)
class Asked:
    """What the page is asked for: the columns that have to be as said, the day, and how many rows to pass over. `fault`
    says what cannot be understood."""

    filters: dict[str, object]
    since: int
    until: int
    skip: int
    fault: str


def create(store: Store, pack: Pack) -> Blueprint:
    """The blueprint of the page."""
    blueprint = Blueprint("audit", __name__, url_prefix="/audit")
    views = _Views(store, pack)
    blueprint.add_url_rule("", view_func=views.index, strict_slashes=False)
    blueprint.add_url_rule("", view_func=views.search, methods=["POST"], strict_slashes=False)
    return blueprint


@dataclass(frozen=True)
class _Views:
    """The view, and what it needs."""

    store: Store
    pack: Pack

    @recording.recorded(Action.AUDIT_READ)
    def index(self) -> ResponseReturnValue:
        """A page of the log."""
        asked = _asked(self.pack)
        listed, check = self.store.read(lambda tx: (_listed(tx, asked), audit_check.last(tx)))
        return render_template(
            "desk/audit.html",
            rows=[(row, words.action(row.action)) for row in listed[:LISTED]],
            actions=sorted((words.action(action), action.value) for action in Action),
            checked=check[0] if check else None,
            faults=[(fault, fault_words(fault)) for fault in check[1]] if check else [],
            fault=asked.fault,
            older=_address(asked.skip + LISTED) if len(listed) > LISTED else "",
            newer=_address(max(asked.skip - LISTED, 0)) if asked.skip else "",
        ), (400 if asked.fault else 200)

    @recording.recorded(Action.AUDIT_READ)
    def search(self) -> ResponseReturnValue:
        """On to the page of what was asked for. An address stays in logs: what looks like a telephone number, which no
        row has, is in none."""
        typed = {name: request.form.get(name, "").strip() for name in FILTERS} | {"day": _day(request.form)}
        kept = {name: said for name, said in typed.items() if said and (name == "day" or not msisdn.may_be(said))}
        return redirect(f"{url_for('audit.index')}?{urlencode(kept)}")


def fault_words(fault: Fault) -> str:
    """What is wrong, in the page's language."""
    return _(words.FAULTS[fault.wrong])


def _listed(tx: Transaction, asked: Asked) -> list[AuditRow]:
    return rows.listed(tx, asked.filters, asked.since, asked.until, asked.skip, LISTED + 1)


def _asked(pack: Pack) -> Asked:
    given = {name: value for name in FILTERS if (value := request.args.get(name, "").strip())}
    day, fault = request.args.get("day", "").strip(), ""
    since, until = 0, LARGEST
    try:
        if day:
            began, zone = date.fromisoformat(day), ZoneInfo(pack.time_zone)
            since, until = moment(began, zone), moment(began + timedelta(days=1), zone)
    except (ValueError, OverflowError):
        fault = _("This is not a day: write it as 2026-11-30.")
    filters: dict[str, object] = dict(given)
    if station := given.get("station"):
        if station.isascii() and station.isdigit() and len(station) < 4:  # noqa: PLR2004 - as in references
            filters["station"] = int(station)
        else:
            fault = _("The number of a station has three digits.")
    skip = request.args.get("skip", "")
    return Asked(
        {} if fault else filters,
        since,
        until,
        int(skip) if skip.isascii() and skip.isdigit() and len(skip) < 10 else 0,
        fault,
    )


def _day(said: Mapping[str, str]) -> str:
    """The day that is asked for, as a browser writes days; what is none is left out."""
    day = said.get("day", "").strip()
    return day if re.fullmatch(r"\d{4}-\d\d-\d\d", day) else ""


def _address(skip: int) -> str:
    """This page, further on or back."""
    kept = {name: value for name in (*FILTERS, "day") if (value := request.args.get(name, ""))}
    return f"{url_for('audit.index')}?{urlencode({**kept, 'skip': skip})}"
