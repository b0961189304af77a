"""The page of the line: what waits and why, what went today and this month, on what and for how much; "sync now"."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from sado.desk import language, words
from sado.desk.language import N_, _, moment
from sado.desk.signin import needs_role
from sado.menus.language.languages import Languages
from sado.store import Store, Transaction
from sado.store.tables import traffic
from sado.store.tables.traffic import Spent
from sado.sync import outbox
from sado.sync.codes import MONEY
from sado.sync.status import Standing, Waiting

LANES = {outbox.URGENT: N_("Urgent"), outbox.NORMAL: N_("Normal"), outbox.BULK: N_("Bulk")}
WHATS = {
    traffic.URGENT: N_("Urgent"),
    traffic.NORMAL: N_("Normal"),
    traffic.BULK: N_("Bulk"),
    traffic.BLOBS: N_("Menus and registers"),
    traffic.IDLE: N_("Calls that brought nothing"),
    traffic.PROBE: N_("Tries while the line was down"),
}
MINUTE_MS = 60_000


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


def create(store: Store, languages: Languages, standing: Callable[[Transaction], Standing]) -> Blueprint:
    """The blueprint of the line's page."""
    blueprint = Blueprint("line", __name__, url_prefix="/operator/line")

    @blueprint.get("", strict_slashes=False)
    @needs_role("operator")
    def index() -> ResponseReturnValue:
        now, it = store.read(lambda tx: (tx.now, standing(tx)))
        return render_template("desk/line.html", it=view(it, languages, now), has_upstream=it.line is not None)

    @blueprint.post("")
    @needs_role("operator")
    def sync_now() -> ResponseReturnValue:
        store.write(outbox.retry_all_now)
        flash(_("Everything that waits is being tried now."))
        return redirect(url_for("line.index"))

    return blueprint


def view(it: Standing, languages: Languages, now: int) -> View:
    """The facts in the page's language."""
    money = _Money(it, languages)
    today, month = ({one.purpose: one.total for one in spent} for spent in (it.today, it.month))
    return View(
        sentence=words.health(it.line, now) if it.line else "",
        limits=limits(it, languages),
        pace=_pace(it),
        is_down=bool(it.line and it.line.down_since),
        lanes=[_lane(it, one, languages) for one in it.waiting],
        costs=[
            _cost(_(name), today.get(what, 0), month.get(what, 0), money)
            for what, name in WHATS.items()
            if what in month or what in today
        ],
        total=_cost(_("Total"), sum(today.values()), sum(month.values()), money),
        used=_used(it, money),
        clocks=clocks(it),
        aside=it.aside,
    )


def limits(it: Standing, languages: Languages) -> str:
    """Until when only what is urgent leaves, and why; or that "sync now" was said. Empty when everything may leave."""
    if it.lifted_at:
        lifted = N_("“Sync now” was asked for at {at}: no window or budget holds anything back until nothing waits.")
        return _(lifted, at=moment(it.lifted_at))
    if it.allowance.is_whole:
        return ""
    at, reason = moment(it.allowance.until), _reason(it, languages)
    return _("Until {at} only what is urgent leaves: {reason}.", at=at, reason=reason)


def held(it: Standing, languages: Languages) -> str:
    """Why an event waits that may not leave now."""
    return _("Waits until {at}: {reason}.", at=moment(it.allowance.until), reason=_reason(it, languages))


def today(it: Standing, languages: Languages) -> str:
    """What the line carried today, and for how much."""
    size = sum(one.total for one in it.today)
    cost = _Money(it, languages).of(size)
    return _("Today: {size}", size=f"{language.size(size)}, {cost}" if cost else language.size(size))


def clocks(it: Standing) -> list[str]:
    """Whose clock is wrong, or ours, a sentence each."""
    ahead = N_("The clock of {station} is {n} min ahead of this station's: one of the two is wrong.")
    behind = N_("The clock of {station} is {n} min behind this station's: one of the two is wrong.")
    return [
        words.capital(
            _(
                ahead if one.ahead_ms > 0 else behind,
                station=words.destination(one.peer),
                n=abs(one.ahead_ms) // MINUTE_MS,
            )
        )
        for one in it.clocks
    ]


class _Money:
    """What bytes cost, as the pack writes the country's money; empty words without a price."""

    def __init__(self, it: Standing, languages: Languages) -> None:
        self._budget = it.budget
        self._languages = languages

    def of(self, size: int) -> str:
        return self.words(self._budget.money(size)) if self._budget.price else ""

    def words(self, amount: Decimal) -> str:
        page, languages = language.current(), self._languages
        pattern = languages[page if page in languages.codes else languages.default].money
        return pattern.replace("{n}", language.number(amount, "#,##0.00"))


def _lane(it: Standing, one: Waiting, languages: Languages) -> Lane:
    free = _("Waits for the line.") if it.line and it.line.down_since else _("It is next in line.")
    return Lane(_(LANES[one.lane]), one.count, one.oldest, free if one.may_leave else held(it, languages))


def _reason(it: Standing, languages: Languages) -> str:
    amount, cause = it.allowance.amount, it.allowance.why
    spoken = _Money(it, languages).words(amount) if cause in MONEY else language.size(int(amount))
    return _(cause.value, amount=spoken) if cause else ""


def _cost(what: str, today: int, month: int, money: _Money) -> Cost:
    return Cost(what, language.size(today), language.size(month), money.of(today), money.of(month))


def _used(it: Standing, money: _Money) -> list[Used]:
    found = []
    for limit in it.budget.limits:
        spent = _total(it.today if limit.is_daily else it.month)
        is_money = limit.why in MONEY
        values = {
            "used": money.of(spent) if is_money else language.size(spent),
            "limit": money.words(limit.amount) if is_money else language.size(limit.bytes),
        }
        sentence = N_("Today: {used} of {limit}") if limit.is_daily else N_("This month: {used} of {limit}")
        found.append(Used(_(sentence, **values), min(spent / limit.bytes, 1.0) if limit.bytes else 1.0))
    return found


def _total(spent: Sequence[Spent]) -> int:
    return sum(one.total for one in spent)


def _pace(it: Standing) -> str:
    if not it.goodput:
        return ""
    return _(
        "The line was measured to carry {rate} a second, so that an exchange carries up to {size}.",
        rate=language.size(int(it.goodput)),
        size=language.size(it.chunk),
    )
