"""What is written to the audit log of a request to the pages or the API.

A view says itself what it is: `recorded` with an action, or `shows_nothing` of anybody. `tests/desk/test_recording.py`
goes through every address and fails for one that says neither. The row is handed to the writer before the view begins,
and the answer waits for it at its end: so the page is made while the disk is busy. An answer whose row is not on the
disk is not given, and a change whose row is not there is not begun.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from flask import Flask, Response, current_app, g, request
from flask.typing import ResponseReturnValue

from sado.cases import audit
from sado.cases.audit import STRANGER, Action, Told
from sado.store import DiskError, Store, StoreError, Transaction
from sado.store.errors import StoreClosedError

log = logging.getLogger(__name__)

View = TypeVar("View", bound=Callable[..., Any])
MARK = "audit_mark"
CODE = re.compile(r"[a-z_]{1,20}")
AGENCY = re.compile(r"[A-Z][A-Z0-9-]{1,11}")
MINUTE_MS = 60_000


@dataclass(frozen=True)
class Mark:
    """What a view says of itself. `object` is its argument, or a field of its form, that says what it is about;
    `says` is what is done, and `detail` a field of its form that says more of it. Where `is_late`, the view writes its
    row itself, once it knows what to say. Without an action it shows nothing of anybody."""

    action: Action | None = None
    object: str = ""
    detail: str = ""
    is_late: bool = False
    says: str = ""


def recorded(
    action: Action,
    object: str = "",  # noqa: A002
    detail: str = "",
    is_late: bool = False,
    says: str = "",
) -> Callable[[View], View]:
    """Mark a view whose requests are rows."""
    return _marking(Mark(action, object, detail, is_late, says))


def shows_nothing(view: View) -> View:
    """Mark a view that shows and changes nothing of anybody."""
    return _marking(Mark())(view)


def _marking(mark: Mark) -> Callable[[View], View]:
    def marked(view: View) -> View:
        setattr(view, MARK, mark)
        return view

    return marked


@dataclass
class Refusals:
    """Refusals are rows too, but somebody who tries without end must not fill the disk: of each kind a row is written
    at once, and then one a minute that says how many more there were."""

    store: Store
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _since: dict[tuple[str, Action, str, str], tuple[int, int]] = field(default_factory=dict)

    def note(self, who: str, action: Action, object: str, detail: str) -> None:  # noqa: A002
        """One more. Nobody waits for its row: how long that takes would tell whether there is such an account."""
        key, now = (who, action, object, detail), self.store.now()
        with self._lock:
            since, more = self._since.get(key, (now, -1))
            self._since[key] = (since, more + 1)
        if more < 0:
            self._write(key, 0)

    def flush(self) -> None:
        """Write how many there were since the last row of their kind, of each that is a minute old."""
        with self._lock:
            old = {key: more for key, (since, more) in self._since.items() if self._is_over(since)}
            for key in old:
                del self._since[key]
        for key, more in old.items():
            if more:
                self._write(key, more)

    def _is_over(self, since: int) -> bool:
        return not 0 <= self.store.now() - since < MINUTE_MS

    def _write(self, key: tuple[str, Action, str, str], more: int) -> None:
        who, action, object, detail = key  # noqa: A001
        said = f"{detail}, {more} more".removeprefix(", ") if more else detail
        try:
            self.store.submit(lambda tx: audit.record(tx, who, action, object, said))
        except StoreClosedError:
            log.info("a refusal is not recorded: the station is stopping")


class Rows:
    """Rows of concurrent requests are written together: the job that the first of them hands to the writer takes along
    those that come until it begins."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._lock = threading.Lock()
        self._open: list[Told] | None = None
        self._wait: Callable[[], object] = lambda: None

    def hand_over(self, told: Told) -> Callable[[], object]:
        """What waits until this row is on the disk."""
        with self._lock:
            if self._open is None:
                batch: list[Told] = []
                self._wait = self.store.submit(lambda tx: self._write(tx, batch))
                self._open = batch
            self._open.append(told)
            return self._wait

    def _write(self, tx: Transaction, batch: list[Told]) -> None:
        """A job may be run twice: the second time with the same rows."""
        with self._lock:
            if self._open is batch:
                self._open = None
        audit.record_all(tx, batch)


@dataclass(frozen=True)
class Recorder:
    """What the app has of the log: `visitor` says the name of the account that is signed in."""

    rows: Rows
    refusals: Refusals
    visitor: Callable[[], str]


def install(app: Flask, store: Store, visitor: Callable[[], str]) -> None:
    """Set up the log on the app."""
    app.extensions["sado_audit"] = Recorder(Rows(store), Refusals(store), visitor)


def of(app: Flask) -> Recorder:
    """What the app has of the log."""
    return cast(Recorder, app.extensions["sado_audit"])


def begin() -> None:
    """Before a view, once it is known who asks: hand its row to the writer. A stranger is shown nothing that would be a
    row, and could fill the disk with them."""
    mark = mark_of(current_app.view_functions.get(request.endpoint or ""))
    if mark.action is None or mark.is_late or asking() == STRANGER:
        return
    said = request.form.get(mark.detail, "") if mark.detail else ""
    about = _about(mark.object)
    if mark.action is Action.STATION_CHANGED:
        about = about.zfill(3)
    note(mark.action, about, f"{mark.says} {said if CODE.fullmatch(said) else ''}".strip())


def _about(name: str) -> str:
    """What a request is about. An address may have anything in it: of that a case and an agency are taken."""
    given = (request.view_args or {}).get(name)
    if given is None:
        return request.form.get(name, "").strip() if name else ""
    if not isinstance(given, str):
        return str(given)
    return given if AGENCY.fullmatch(given) else audit.case(given)


def note(action: Action, object: str = "", detail: str = "", who: str = "") -> None:  # noqa: A002
    """Hand a row to the writer. The answer waits for it (`finish`); a change does so before it is made, and raises
    DiskError."""
    named = who or asking()
    written = of(current_app).rows.hand_over((named, action, object, detail))
    if request.method == "GET":
        g.setdefault("audit", []).append(written)
    else:
        written()


def refused(action: Action, object: str = "", detail: str = "") -> None:  # noqa: A002
    """Somebody was not let do something."""
    of(current_app).refusals.note(asking(), action, object, detail)


def finish(broken: Callable[[Exception], ResponseReturnValue]) -> Callable[[Response], Response]:
    """What stands behind views: the answer waits until its rows are on the disk, and is `broken` where they cannot
    be."""

    def wait(response: Response) -> Response:
        try:
            for written in g.pop("audit", []):
                written()
        except (DiskError, StoreError) as error:
            return current_app.make_response(broken(error))
        return response

    return wait


def mark_of(view: object) -> Mark:
    """What a view says of itself; one that says nothing is as one that shows nothing."""
    return cast(Mark, getattr(view, MARK, Mark()))


def asking() -> str:
    """Who asks, as the log names her."""
    if agency := g.get("agency"):
        return audit.system(agency)
    name = of(current_app).visitor()
    return audit.person(name) if name else STRANGER
