"""The operator's pages: what waits and why, and what was given up on.

All of it is local data, so it works with the line down. Lists show no number in full.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from sado.cases import retention, views
from sado.cases.audit import Action
from sado.cases.law import Law
from sado.cases.retention import Coming
from sado.desk import recording, words
from sado.desk.case_view import CaseView, agency_name, case_view
from sado.desk.language import N_, _
from sado.desk.operator import line
from sado.menus.pack import Pack
from sado.store import Store, Transaction
from sado.store.tables import deletions, quarantine, requests
from sado.store.tables import outbox as entries
from sado.store.tables.outbox import Destination, Entry, State
from sado.store.tables.quarantine import Quarantined
from sado.store.tables.requests import RequestRow
from sado.sync import outbox
from sado.sync.status import Status

LISTED = 200
TITLES = {outbox.UPSTREAM: N_("The line"), outbox.SMS: N_("SMS")}


@dataclass(frozen=True)
class Line:
    """One destination in words; `state` is up, down or new. The line to the upstream also has its `limits` of now and
    what it carried `today`."""

    title: str
    state: str
    sentence: str
    waiting: int
    limits: str = ""
    today: str = ""


@dataclass(frozen=True)
class Row:
    """One entry in words."""

    entry: Entry
    what: str
    where: str
    state: str
    why: str


@dataclass(frozen=True)
class Overview:
    """What the outbox page shows, all read at one moment. `late` are cases whose agency should have answered,
    `clashes` requests that wait for a person at the hub, `coming` what becomes of cases whose time is over; until
    `held_until` backups hold what residents had deleted."""

    lines: list[Line]
    waiting: list[Row]
    given_up: list[Row]
    aside: list[Quarantined]
    stopped: list[str]
    spent: list[str]
    clocks: list[str]
    is_flooded: bool
    late: list[CaseView]
    clashes: list[RequestRow]
    waiting_count: int
    given_up_count: int
    oldest: int | None
    coming: Coming
    held_until: int | None


def create(
    store: Store,
    pack: Pack,
    has_upstream: bool,
    is_costly: Callable[[Transaction], bool],
    spent_peers: Callable[[Transaction], list[str]],
    status_of: Callable[[Transaction], Status],
    law: Callable[[], Law],
) -> Blueprint:
    """The operator's blueprint."""
    blueprint = Blueprint("operator", __name__, url_prefix="/operator")
    views = _Views(store, pack, has_upstream, is_costly, spent_peers, status_of, law)
    blueprint.add_url_rule("", view_func=views.index, strict_slashes=False)
    blueprint.add_url_rule("/retry", view_func=views.retry_all, methods=["POST"])
    blueprint.add_url_rule("/retry/<int:entry_id>", view_func=views.retry, methods=["POST"])
    return blueprint


@dataclass(frozen=True)
class _Views:
    """The views, and what they need."""

    store: Store
    pack: Pack
    has_upstream: bool
    is_costly: Callable[[Transaction], bool]
    spent_peers: Callable[[Transaction], list[str]]
    status_of: Callable[[Transaction], Status]
    law: Callable[[], Law]

    @recording.recorded(Action.OUTBOX_READ)
    def index(self) -> ResponseReturnValue:
        """What waits and why."""
        overview, costly = self.store.read(lambda tx: (self._overview(tx), self.is_costly(tx)))
        return render_template("desk/operator.html", overview=overview, words=words, listed=LISTED, costly=costly)

    @recording.recorded(Action.OUTBOX_RETRIED)
    def retry_all(self) -> ResponseReturnValue:
        """Try everything that waits now."""
        self.store.write(outbox.retry_all_now)
        flash(_("Everything that waits is being tried now."))
        return redirect(url_for("operator.index"))

    @recording.recorded(Action.OUTBOX_RETRIED, "entry_id")
    def retry(self, entry_id: int) -> ResponseReturnValue:
        """Put an entry that was given up on among those that wait."""
        if self.store.write(lambda tx: entries.requeue(tx, entry_id)):
            flash(_("It waits in the outbox again and is tried next."))
        else:
            flash(_("This entry is not among those given up on any more."))
        return redirect(url_for("operator.index"))

    def _overview(self, tx: Transaction) -> Overview:
        pack, has_upstream, status = self.pack, self.has_upstream, self.status_of(tx)
        counts = entries.counts(tx)
        names = [*([outbox.UPSTREAM] if has_upstream else []), outbox.SMS]
        names += sorted({name for name, _state in counts} - set(names))
        destinations = {name: entries.destination(tx, name) for name in names}
        waits = [waiting for (_name, state), waiting in counts.items() if state in outbox.WAITING]
        return Overview(
            lines=[
                _line(tx, destinations[name], counts.get((name, "queued"), (0, 0))[0], status, pack) for name in names
            ],
            waiting=[
                _held(entry, destinations[entry.destination], tx.now, status, pack)
                for entry in _listed(tx, outbox.WAITING)
            ],
            given_up=[
                _row(entry, destinations[entry.destination], tx.now, pack) for entry in _listed(tx, outbox.GIVEN_UP)
            ],
            aside=quarantine.listed(tx, LISTED),
            stopped=status.stopped,
            spent=self.spent_peers(tx),
            clocks=line.clocks(status),
            is_flooded=status.is_flooded,
            late=[case_view(pack, case) for case in views.late(tx, LISTED)],
            clashes=[] if has_upstream else requests.hard(tx, LISTED),
            waiting_count=sum(count for count, _oldest in waits),
            given_up_count=sum(count for (_name, state), (count, _at) in counts.items() if state in outbox.GIVEN_UP),
            oldest=min((oldest for _count, oldest in waits), default=None),
            coming=retention.coming(tx, self.law(), 0),
            held_until=deletions.held_until(tx),
        )


def _line(tx: Transaction, to: Destination, waiting: int, status: Status, pack: Pack) -> Line:
    state = "down" if to.down_since is not None else "new" if to.ok_at is None else "up"
    title = _(TITLES[to.name]) if to.name in TITLES else words.capital(_where(to.name, pack))
    spoken = Line(title, state, words.health(to, tx.now), waiting)
    if to.name != outbox.UPSTREAM:
        return spoken
    return replace(spoken, limits=line.limits(status, pack.languages), today=line.today(status, pack.languages))


def _where(destination: str, pack: Pack) -> str:
    return words.destination(destination, agency_name(pack, destination.partition(":")[2]))


def _listed(tx: Transaction, states: tuple[State, ...]) -> list[Entry]:
    return entries.listed(tx, states, LISTED)


def _held(entry: Entry, to: Destination, now: int, status: Status, pack: Pack) -> Row:
    """One entry in words; where its lane may not leave now, that is why it waits."""
    row = _row(entry, to, now, pack)
    is_held = entry.destination == outbox.UPSTREAM and entry.lane not in status.allowance.lanes
    return replace(row, why=line.held(status, pack.languages)) if is_held else row


def _row(entry: Entry, to: Destination, now: int, pack: Pack) -> Row:
    why = words.why(entry, to, now) if entry.state in outbox.WAITING else words.cause(entry.reason)
    return Row(entry, words.kind(entry.kind), _where(entry.destination, pack), words.state(entry), why)


def entry_rows(tx: Transaction, number: str, pack: Pack) -> list[Row]:
    """The entries about one case in words."""
    return [_row(one, entries.destination(tx, one.destination), tx.now, pack) for one in entries.of_case(tx, number)]
