"""All pages of the desk on one app, each behind the same guards."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from flask import Blueprint, Flask, Response, render_template, request
from flask_wtf.csrf import CSRFError, CSRFProtect
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.routing import IntegerConverter, Map

from sado.cases.audit import Action
from sado.cases.errors import UnknownCaseError
from sado.cases.service import Cases
from sado.desk import account, first, language, recording, signin
from sado.desk.administrator import agencies, people, stations
from sado.desk.auditor import log as log_page
from sado.desk.language import N_, _
from sado.desk.operator import case, consultation, find, line, outbox, quarantine, retention, unfinished
from sado.desk.roles import ROLES_OF, Permission, may
from sado.menus.invisible import marked
from sado.menus.pack import Pack
from sado.store import LARGEST, DiskError, Store, Transaction
from sado.sync.status import Status

log = logging.getLogger(__name__)

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self';"
    " frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
# A year, as browsers' lists ask; said only where the pages are on HTTPS.
HSTS = {"Strict-Transport-Security": "max-age=31536000; includeSubDomains"}
SENTENCES = {
    400: N_("The form did not arrive whole. Go back and try again."),
    403: N_("This page is not for your account."),
    404: N_("There is nothing at this address."),
    405: N_("This address is not a page. Go back and use the buttons."),
    413: N_("This is too large to send."),
    500: N_("Something went wrong on our side. The log has the details."),
}
STALE = N_("This page was open too long, or the form did not come from it. Go back, reload the page and try again.")
DISK = N_("The station cannot write to its disk. Nothing was changed; tell whoever runs this station.")


@dataclass(frozen=True)
class Options:
    """What the pages need to know of the settings. `ussd_path` is empty when no gateway is set; `is_costly` says
    whether most of the day's money for SMS is spent, `spent_peers` which stations have caused as many notices today as
    they may, `sync_status` how the exchange stands; `release` tries an event again that is kept aside;
    `publisher` gives the public key that a station behind this one goes by."""

    phone_page: bool
    phone_sms_url: str
    service_code: str
    ussd_path: str
    secure_cookies: bool
    has_upstream: bool
    is_costly: Callable[[Transaction], bool]
    spent_peers: Callable[[Transaction], list[str]]
    sync_status: Callable[[Transaction], Status]
    release: Callable[[Transaction, int], bool]
    publisher: Callable[[], bytes | None]


@dataclass(frozen=True)
class Page:
    """A blueprint with what leads to it: its title in the bar of pages (empty: another page links to it) and the
    permission that it asks for. The first page that a role may open is where its people land."""

    title: str
    permission: Permission
    blueprint: Blueprint

    @property
    def address(self) -> str:
        """Where it begins."""
        return str(self.blueprint.url_prefix)


def create(app: Flask, store: Store, cases: Cases, pack: Pack, options: Options) -> None:
    """Register the desk and the API of agencies' systems on the app."""
    from sado.desk.officer import api

    install(app, store, pack, options.secure_cookies, _pages(store, cases, pack, options))
    app.register_blueprint(api.create(store, cases, pack))


def _pages(store: Store, cases: Cases, pack: Pack, options: Options) -> list[Page]:
    from sado.desk.officer import cases as officer

    work = outbox.create(
        store, pack, options.has_upstream, options.is_costly, options.spent_peers, options.sync_status, cases.law
    )
    pages = [
        Page(N_("Outbox"), Permission.CENTRE, work),
        Page("", Permission.CENTRE, find.create(store, pack)),
        Page("", Permission.CENTRE, case.create(store, cases, pack)),
        Page(N_("Unfinished"), Permission.CENTRE, unfinished.create(store, pack)),
        Page(N_("Consultation"), Permission.CENTRE, consultation.create(store, pack)),
        Page("", Permission.CENTRE, line.create(store, pack.languages, options.sync_status)),
        Page("", Permission.CENTRE, retention.create(store, cases.law)),
        Page("", Permission.QUARANTINE, quarantine.create(store, options.release)),
        Page(N_("Cases"), Permission.AGENCY, officer.create(store, cases, pack)),
        Page(N_("People"), Permission.ADMINISTRATION, people.create(store, pack)),
        Page(N_("Agencies"), Permission.ADMINISTRATION, agencies.create(store, pack)),
        Page(N_("Stations"), Permission.ADMINISTRATION, stations.create(store, pack, options.publisher)),
        Page(N_("Audit log"), Permission.AUDIT, log_page.create(store, pack)),
    ]
    if options.phone_page:
        from sado.desk.phone import page  # a station with real residents need not carry it

        phone = page.create(pack.country, options.service_code, options.ussd_path, options.phone_sms_url)
        pages.append(Page(N_("Phone"), Permission.PHONE, phone))
    # The last one: the home of roles that have no other page.
    return [*pages, Page("", Permission.ACCOUNT, account.create(store))]


def install(app: Flask, store: Store, pack: Pack, secure_cookies: bool, pages: Sequence[Page]) -> None:
    """Set up sign-in and languages on the app, and register these pages, each behind the same guards."""
    signin.install(app, store, secure_cookies)
    recording.install(app, store, _visitor)
    language.install(app, pack.time_zone, store.now, pack.languages.default)
    csrf = _csrf(app)
    app.url_map.converters["int"] = _Number
    homes = {role.value: page.address for page in reversed(pages) for role in ROLES_OF[page.permission]}
    # Wherever a text came from, a phone, an agency, another station, a register or a pack: here it is shown.
    app.jinja_env.finalize = _marked
    app.jinja_env.globals["places"] = lambda: _places(pages)
    _register(app, signin.create(store, homes), csrf.protect)
    _register(app, first.create(store), csrf.protect)
    for page in pages:
        _register(app, page.blueprint, csrf.protect, signin.open_to(page.permission))
    # What has no page at all is answered like a page of the desk.
    app.register_error_handler(HTTPException, _refuse)
    app.after_request(partial(_protect, HEADERS | HSTS if secure_cookies else HEADERS))


class _Number(IntegerConverter):
    """A whole number in an address: one that no column holds is no page. Elsewhere the database would fail at it."""

    def __init__(self, url_map: Map) -> None:
        super().__init__(url_map, max=LARGEST)


def _marked(value: object) -> object:
    """What a template shows, with its invisible characters marked; what is HTML already was made by us."""
    return marked(value) if type(value) is str else value


def _csrf(app: Flask) -> CSRFProtect:
    """The guard of the desk's forms. Webhooks, exchanges and agencies' systems carry secrets of their own, so it
    is not on by default; and our pages send no Referer, which its check on HTTPS would ask for."""
    app.config.update(WTF_CSRF_CHECK_DEFAULT=False, WTF_CSRF_SSL_STRICT=False, WTF_CSRF_TIME_LIMIT=None)
    # A stranger who posts without a token would write the log.
    logging.getLogger("flask_wtf.csrf").setLevel(logging.WARNING)
    return CSRFProtect(app)


def _register(app: Flask, blueprint: Blueprint, *checks: Callable[[], Any]) -> None:
    """Put a blueprint on the app: every request passes these checks in their order, and every fault is a plain
    sentence."""
    for check in (*checks, recording.begin):
        blueprint.before_request(check)
    blueprint.after_request(recording.finish(_disk))
    blueprint.after_request(language.remember)
    blueprint.register_error_handler(HTTPException, _refuse)
    blueprint.register_error_handler(UnknownCaseError, lambda _error: _refuse(NotFound()))
    blueprint.register_error_handler(DiskError, _disk)
    app.register_blueprint(blueprint)


def _protect(headers: Mapping[str, str], response: Response) -> Response:
    """Every answer of the app, also to an agency's system and to whatever watches the station."""
    response.headers.update(headers)
    if request.endpoint != "desk.static":
        response.headers["Cache-Control"] = "no-store"
    return response


def _refuse(error: HTTPException) -> tuple[str, int] | HTTPException:
    status = error.code or 500
    if status < 400:
        return error
    if status == 403:
        recording.refused(Action.REFUSED, request.endpoint or "")
    sentence = STALE if isinstance(error, CSRFError) else SENTENCES.get(status, SENTENCES[500 if status > 499 else 400])
    return render_template("desk/error.html", sentence=_(sentence)), status


def _disk(error: Exception) -> tuple[str, int]:
    log.error("the store cannot write: %s", error)
    return render_template("desk/error.html", sentence=_(DISK)), 503


def _visitor() -> str:
    visitor = signin.signed_in()
    return visitor.name if visitor else ""


def _places(pages: Sequence[Page]) -> list[tuple[str, str]]:
    """(address, title) of the pages that the person signed in may open."""
    visitor = signin.signed_in()
    if visitor is None:
        return []
    return [(page.address, _(page.title)) for page in pages if page.title and may(visitor.role, page.permission)]
