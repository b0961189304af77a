"""The language of a page and its words, and moments in the country's time.

English sentences are the names of messages, so English needs no catalogue; the desk speaks every other language that
has one. The `.po` files are read as they are, once and when first asked for: no compile step can be forgotten.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from flask import Flask, Response, current_app, g, request
from werkzeug import wrappers

from sado.desk import cookies
from sado.store.zone_time import DAY_MS, HOUR_MS, MINUTE_MS, local

SOURCE = "en"
COOKIE = "language"
COOKIE_S = 365 * 24 * 3600
LOCALES = Path(__file__).parent.parent / "locales"
OWN_NAME = re.compile(r'^"X-Native-Name: (.+)\\n"$', re.MULTILINE)
FULL, DATE, CLOCK = "dd.MM.yyyy HH:mm", "dd.MM.yyyy", "HH:mm"
KB, MB = 1000, 1_000_000


@dataclass(frozen=True)
class Localisation:
    """How the pages speak: the zone of their times, what the clock says (milliseconds since 1970 UTC), the languages
    with the first choice first, and the folder of their catalogues."""

    zone: ZoneInfo
    now: Callable[[], int]
    languages: tuple[str, ...]
    folder: Path


def install(app: Flask, time_zone: str, now: Callable[[], int], default: str, folder: Path = LOCALES) -> None:
    """Give every template `_`, `local_time`, `timesince` and the links to the other languages.

    `default` is the language of whoever asks for none; English where it has no catalogue in `folder`."""
    languages = available(default, folder)
    app.extensions["sado_localisation"] = Localisation(ZoneInfo(time_zone), now, languages, folder)
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
    """The language of this page: `?lang=`, else the cookie, else what the browser asks for, else the country's."""
    if "page_language" not in g:
        g.page_language = _chosen()
    return str(g.page_language)


def remember(response: Response) -> Response:
    """Keep a choice made with `?lang=` for the next pages."""
    if request.args.get("lang") in _localisation().languages:
        keep(response, request.args["lang"])
    return response


def keep(response: wrappers.Response, language: str) -> None:
    """Let this browser's next pages be in this language."""
    cookies.put(response, COOKIE, language, COOKIE_S, samesite="Lax")


def choices() -> list[tuple[str, str]]:
    """(language, its own name)."""
    return [(language, own_name(language, _localisation().folder)) for language in _localisation().languages]


def links() -> list[tuple[str, str, str]]:
    """(language, its own name, address of this page in it). After a form whose address shows no page there is none to
    come back to: the first page."""
    path = request.path if _is_page(request.path) else "/"
    return [(language, name, f"{path}?{_query(language)}") for language, name in choices()]


def _(message: str, **values: object) -> str:
    """The sentence in the page's language, filled with `values`; in English where it is not translated yet."""
    text = catalogue(current(), _localisation().folder).get(message, message)
    return text.format(**values) if values else text


def N_(message: str) -> str:  # noqa: N802 - gettext's own name
    """Mark a sentence that is translated later, where it is shown."""
    return message


def available(default: str, folder: Path = LOCALES) -> tuple[str, ...]:
    """English and every language with a catalogue in `folder`: `default` first, or English where it has none."""
    codes = {SOURCE, *(path.parts[-3] for path in folder.glob("*/LC_MESSAGES/desk.po"))}
    first = default if default in codes else SOURCE
    return (first, *sorted(codes - {first}))


@functools.cache
def own_name(language: str, folder: Path) -> str:
    """What a language calls itself, as the head of its catalogue says it; its code where that says nothing. Babel knows
    it too, and keeps 6 MB for three languages."""
    if language == SOURCE:
        return "English"
    name = OWN_NAME.search(_file(language, folder).read_text("utf-8"))
    return name[1] if name else language


@functools.cache
def catalogue(language: str, folder: Path = LOCALES) -> Mapping[str, str]:
    """English sentence → sentence. Empty for English."""
    if language == SOURCE:
        return {}
    from babel.messages.pofile import read_po

    with _file(language, folder).open("rb") as file:
        messages = read_po(file, locale=language)
    return {
        str(message.id): str(message.string)
        for message in messages
        if message.id and message.string and not message.fuzzy
    }


def _file(language: str, folder: Path) -> Path:
    return folder / language / "LC_MESSAGES" / "desk.po"


def local_time(ms: int) -> str:
    """A moment as a person reads it: day and time in the country's zone."""
    return _formatted(ms, FULL)


def local_date(ms: int) -> str:
    """The day of a moment as a person reads it, in the country's zone."""
    return _formatted(ms, DATE)


def days_between(start: int, end: int) -> int:
    """How many midnights of the country's zone lie between two moments; negative where `end` is earlier."""
    first, last = (local(ms, _localisation().zone).date() for ms in (start, end))
    return (last - first).days


def now() -> int:
    """What the pages' clock says, in milliseconds since 1970 UTC."""
    return _localisation().now()


def moment(ms: int) -> str:
    """A moment near now: the time alone when it is today, else with its day."""
    return _formatted(ms, FULL if days_between(ms, now()) else CLOCK)


def timesince(ms: int) -> str:
    """How long ago, roughly: in minutes, hours or days."""
    passed = max(0, now() - ms)
    if passed < MINUTE_MS:
        return _("under a minute")
    if passed < HOUR_MS:
        return _("{n} min", n=passed // MINUTE_MS)
    if passed < DAY_MS:
        return _("{n} h", n=passed // HOUR_MS)
    return _("{n} d", n=passed // DAY_MS)


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
    languages = _localisation().languages
    wished = (tag.partition("-")[0].lower() for tag in request.accept_languages.values())
    asked = (request.args.get("lang"), cookies.read(COOKIE), *wished)
    return next((language for language in asked if language in languages), languages[0])


def _is_page(path: str) -> bool:
    """Whether somebody who follows a link there meets more than a refusal. An address that is none stays what it is."""
    if request.method == "GET":
        return True
    adapter = current_app.create_url_adapter(request)
    return adapter is not None and adapter.test(path, "GET")


def _query(language: str) -> str:
    from urllib.parse import urlencode

    kept = [(name, value) for name, value in request.args.items(multi=True) if name != "lang"]
    return urlencode([*kept, ("lang", language)])


def _localisation() -> Localisation:
    localisation: Localisation = current_app.extensions["sado_localisation"]
    return localisation


def _formatted(ms: int, pattern: str) -> str:
    from babel.dates import format_datetime

    return str(format_datetime(local(ms, _localisation().zone), pattern, locale=current()))
