"""The language of a page and its words, and moments in the country's time.

English sentences are the names of messages, so English needs no catalogue; the others are read from `.po` files
as they are, once and when first asked for: no compile step can be forgotten.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from flask import Flask, Response, current_app, g, request

LANGUAGES = ("tg", "ru", "en")
NAMES = {"tg": "Тоҷикӣ", "ru": "Русский", "en": "English"}
DEFAULT, SOURCE = "tg", "en"
COOKIE = "sado_lang"
COOKIE_S = 365 * 24 * 3600
LOCALES = Path(__file__).parent.parent / "locales"
FULL, DATE, CLOCK = "dd.MM.yyyy HH:mm", "dd.MM.yyyy", "HH:mm"
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
KB, MB = 1000, 1_000_000


@dataclass(frozen=True)
class Here:
    """Where the pages' clock hangs: the zone it shows and what it says now, in milliseconds since 1970 UTC."""

    zone: ZoneInfo
    now: Callable[[], int]


def install(app: Flask, time_zone: str, now: Callable[[], int]) -> None:
    """Give every template `_`, `local_time`, `timesince` and the links to the other languages."""
    app.extensions["sado_here"] = Here(ZoneInfo(time_zone), now)
    app.jinja_env.globals.update(
        _=_,
        local_time=local_time,
        local_date=local_date,
        moment=moment,
        timesince=timesince,
        page_language=current,
        language_links=links,
    )


def current() -> str:
    """The language of this page: `?lang=`, else the cookie, else what the browser asks for, else Tajik."""
    if "page_language" not in g:
        g.page_language = _chosen()
    return str(g.page_language)


def remember(response: Response) -> Response:
    """Keep a choice made with `?lang=` for the next pages."""
    if request.args.get("lang") in LANGUAGES:
        response.set_cookie(
            COOKIE,
            request.args["lang"],
            max_age=COOKIE_S,
            httponly=True,
            samesite="Lax",
            secure=current_app.config["SESSION_COOKIE_SECURE"],
        )
    return response


def links() -> list[tuple[str, str, str]]:
    """(language, its own name, address of this page in it). After a form there is no page to come back to: the
    first page."""
    path = request.path if request.method == "GET" else "/"
    return [(language, name, f"{path}?{_query(language)}") for language, name in NAMES.items()]


def _(message: str, **values: object) -> str:
    """The sentence in the page's language, filled with `values`; in English where it is not translated yet."""
    text = catalogue(current()).get(message, message)
    return text.format(**values) if values else text


def N_(message: str) -> str:  # noqa: N802 - gettext's own name
    """Mark a sentence that is translated later, where it is shown."""
    return message


@functools.cache
def catalogue(language: str) -> Mapping[str, str]:
    """English sentence → sentence. Empty for English and for a language without a file."""
    path = LOCALES / language / "LC_MESSAGES" / "desk.po"
    if language == SOURCE or not path.is_file():
        return {}
    from babel.messages.pofile import read_po

    with path.open("rb") as file:
        messages = read_po(file, locale=language)
    return {str(one.id): str(one.string) for one in messages if one.id and one.string and not one.fuzzy}


def local_time(ms: int) -> str:
    """A moment as a person reads it: day and time in the country's zone."""
    return _formatted(ms, FULL)


def local_date(ms: int) -> str:
    """The day of a moment as a person reads it, in the country's zone."""
    return _formatted(ms, DATE)


def days_between(start: int, end: int) -> int:
    """How many midnights of the country's zone lie between two moments; negative where `end` is earlier."""
    first, last = (datetime.fromtimestamp(ms / 1000, _here().zone).date() for ms in (start, end))
    return (last - first).days


def now() -> int:
    """What the pages' clock says, in milliseconds since 1970 UTC."""
    return _here().now()


def moment(ms: int) -> str:
    """A moment near now: the time alone when it is today, else with its day."""
    here = _here()
    day = datetime.fromtimestamp(ms / 1000, here.zone).date()
    today = datetime.fromtimestamp(here.now() / 1000, here.zone).date()
    return _formatted(ms, CLOCK if day == today else FULL)


def timesince(ms: int) -> str:
    """How long ago, roughly: in minutes, hours or days."""
    passed = max(0, _here().now() - ms)
    if passed < MINUTE:
        return _("under a minute")
    if passed < HOUR:
        return _("{n} min", n=passed // MINUTE)
    if passed < DAY:
        return _("{n} h", n=passed // HOUR)
    return _("{n} d", n=passed // DAY)


def number(value: Decimal | float, pattern: str) -> str:
    """A number as the page's language writes it."""
    from babel.numbers import format_decimal

    return str(format_decimal(value, pattern, locale=current()))


def size(count: int) -> str:
    """So many bytes, rounded; a kilobyte is 1,000, as in the bill for the line."""
    if count < KB:
        return _("{n} bytes", n=count)
    if count < MB:
        return _("{n} KB", n=number(count / KB, "#,##0.#" if count < 100 * KB else "#,##0"))
    return _("{n} MB", n=number(count / MB, "#,##0.##"))


def _chosen() -> str:
    for asked in (request.args.get("lang"), request.cookies.get(COOKIE)):
        if asked in LANGUAGES:
            return asked
    wished = (tag.partition("-")[0].lower() for tag in request.accept_languages.values())
    return next((language for language in wished if language in LANGUAGES), DEFAULT)


def _query(language: str) -> str:
    from urllib.parse import urlencode

    kept = [(name, value) for name, value in request.args.items(multi=True) if name != "lang"]
    return urlencode([*kept, ("lang", language)])


def _here() -> Here:
    here: Here = current_app.extensions["sado_here"]
    return here


def _formatted(ms: int, pattern: str) -> str:
    from babel.dates import format_datetime

    return str(format_datetime(datetime.fromtimestamp(ms / 1000, _here().zone), pattern, locale=current()))
