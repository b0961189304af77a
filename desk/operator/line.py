"""The page of the line: what waits and why, what went today and this month, on what and for how much; "sync now"."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from sado.cases.audit import Action
from sado.desk import language, recording, words
from sado.desk.language import N_, _, moment
from sado.menus.language.languages import Languages
from sado.store import Store, Transaction
from sado.store.tables import line_usage
from sado.store.tables.line_usage import Spent
from sado.store.zone_time import MINUTE_MS
from sado.sync import outbox
from sado.sync.codes import MONEY
from sado.sync.status import Status, Waiting

LANES = {outbox.URGENT: N_("Urgent"), outbox.NORMAL: N_("Normal"), outbox.BULK: N_("Bulk")}
PURPOSES = {
    line_usage.URGENT: N_("Urgent"),
    line_usage.NORMAL: N_("Normal"),
    line_usage.BULK: N_("Bulk"),
    line_usage.BLOBS: N_("Menus and registers"),
    line_usage.IDLE: N_("Calls that brought nothing"),
    line_usage.PROBE: N_("Tries while the line was down"),
}


@dataclass(frozen=True)
class Lane:
    """What waits in one lane, in words."""

    name: str
    count: int
    oldest: int
    why: str


@dataclass(frozen=True)
class Cost:
    """What one purpose took today and this month, in words: bytes, and money where there is a price."""

    what: str
    today: str
    month: str
    today_money: str
    month_money: str


@dataclass(frozen=True)
class Used:
    """How much of a limit is used, in words and as a share of it."""

    sentence: str
    share: float


@dataclass(frozen=True)
class View:
    """What the page shows."""

    sentence: str
    limits: str
    pace: str
    is_down: bool
    lanes: list[Lane]
    costs: list[Cost]
    total: Cost
    used: list[Used]
    clocks: list[str]
    aside: int


def create(store: Store, languages: Languages, status_of: Callable[[Transaction], Status]) -> Blueprint:
    """The blueprint of the line's page."""
    blueprint = Blueprint("line", __name__, url_prefix="/operator/line")

    views = _Views(store, languages, status_of)
    blueprint.add_url_rule("", view_func=views.index, strict_slashes=False)
    blueprint.add_url_rule("", view_func=views.sync_now, methods=["POST"])
    return blueprint


@dataclass(frozen=True)
class _Views:
    """The views, and what they need."""

    store: Store
    languages: Languages
    status_of: Callable[[Transaction], Status]

    @recording.recorded(Action.LINE_READ)
    def index(self) -> ResponseReturnValue:
        """How the line stands now."""
        now, status = self.store.read(lambda tx: (tx.now, self.status_of(tx)))
        shown = view(status, self.languages, now)
        return render_template("desk/line.html", view=shown, has_upstream=status.line is not None)

    @recording.recorded(Action.LINE_CALLED)
    def sync_now(self) -> ResponseReturnValue:
        """Try everything that waits now."""
        self.store.write(outbox.retry_all_now)
        flash(_("Everything that waits is being tried now."))
        return redirect(url_for("line.index"))


def view(status: Status, languages: Languages, now: int) -> View:
    """The facts in the page's language."""
    money = _Money(status, languages)
    today, month = ({sent.purpose: sent.total for sent in spent} for spent in (status.today, status.month))
    return View(
        sentence=words.health(status.line, now) if status.line else "",
        limits=limits(status, languages),
        pace=_pace(status),
        is_down=bool(status.line and status.line.down_since),
        lanes=[_lane(status, queue, languages) for queue in status.waiting],
        costs=[
            _cost(_(name), today.get(what, 0), month.get(what, 0), money)
            for what, name in PURPOSES.items()
            if what in month or what in today
        ],
        total=_cost(_("Total"), sum(today.values()), sum(month.values()), money),
        used=_used(status, money),
        clocks=clocks(status),
        aside=status.aside,
    )


def limits(status: Status, languages: Languages) -> str:
    """Until when only what is urgent leaves, and why; or that "sync now" was said. Empty when everything may leave."""
    if status.lifted_at:
        lifted = N_("“Sync now” was asked for at {at}: no window or budget holds anything back until nothing waits.")
        return _(lifted, at=moment(status.lifted_at))
    if status.allowance.is_whole:
        return ""
    at, reason = moment(status.allowance.until), _reason(status, languages)
    return _("Until {at} only what is urgent leaves: {reason}.", at=at, reason=reason)


def held(status: Status, languages: Languages) -> str:
    """Why an event waits that may not leave now."""
    return _("Waits until {at}: {reason}.", at=moment(status.allowance.until), reason=_reason(status, languages))


def today(status: Status, languages: Languages) -> str:
    """What the line carried today, and for how much."""
    size = sum(sent.total for sent in status.today)
    cost = _Money(status, languages).of(size)
    return _("Today: {size}", size=f"{language.size(size)}, {cost}" if cost else language.size(size))


def clocks(status: Status) -> list[str]:
    """Whose clock is wrong, or ours, a sentence each."""
    ahead = N_("The clock of {station} is {n} min ahead of this station's: one of the two is wrong.")
    behind = N_("The clock of {station} is {n} min behind this station's: one of the two is wrong.")
    return [
        words.capital(
            _(
                ahead if clock.ahead_ms > 0 else behind,
                station=words.destination(clock.peer),
                n=abs(clock.ahead_ms) // MINUTE_MS,
            )
        )
        for clock in status.clocks
    ]


class _Money:
    """What bytes cost, as the pack writes the country's money; empty words without a price."""

    def __init__(self, status: Status, languages: Languages) -> None:
        self._budget = status.budget
        self._languages = languages

    def of(self, size: int) -> str:
        return self.words(self._budget.money(size)) if self._budget.price else ""

    def words(self, amount: Decimal) -> str:
        return self._languages.money(language.current()).replace("{n}", language.number(amount, "#,##0.00"))


def _lane(status: Status, queue: Waiting, languages: Languages) -> Lane:
    free = _("Waits for the line.") if status.line and status.line.down_since else _("It is next in line.")
    return Lane(_(LANES[queue.lane]), queue.count, queue.oldest, free if queue.may_leave else held(status, languages))


def _reason(status: Status, languages: Languages) -> str:
    amount, cause = status.allowance.amount, status.allowance.why
    spoken = _Money(status, languages).words(amount) if cause in MONEY else language.size(int(amount))
    return _(cause.value, amount=spoken) if cause else ""


def _cost(what: str, today: int, month: int, money: _Money) -> Cost:
    return Cost(what, language.size(today), language.size(month), money.of(today), money.of(month))


def _used(status: Status, money: _Money) -> list[Used]:
    used = []
    for limit in status.budget.limits:
        spent = _total(status.today if limit.is_daily else status.month)
        is_money = limit.why in MONEY
        values = {
            "used": money.of(spent) if is_money else language.size(spent),
            "limit": money.words(limit.amount) if is_money else language.size(limit.bytes),
        }
        sentence = N_("Today: {used} of {limit}") if limit.is_daily else N_("This month: {used} of {limit}")
        used.append(Used(_(sentence, **values), min(spent / limit.bytes, 1.0) if limit.bytes else 1.0))
    return used


def _total(spent: Sequence[Spent]) -> int:
    return sum(sent.total for sent in spent)


def _pace(status: Status) -> str:
    if not status.goodput:
        return ""
    return _(
        "The line was measured to carry {rate} a second, so that an exchange carries up to {size}.",
        rate=language.size(int(status.goodput)),
        size=language.size(status.chunk),
    )
