"""Signing in: who may see which pages, and what a wrong password costs.

A wrong password delays the next try for that account, at most by 42 seconds: guessing becomes hopeless, and nobody
can lock another person out for good. An unknown name gets the same words after the same work.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import cast

from flask import Blueprint, Flask, abort, current_app, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from sado.cases import audit
from sado.cases.audit import Action
from sado.desk import passwords, recording
from sado.desk.language import N_, _
from sado.desk.roles import Permission, may
from sado.store import Store, Transaction
from sado.store.tables import accounts, attempts
from sado.store.tables.accounts import Account

LONGEST_DELAY_S = 42
LIFETIME = timedelta(hours=12)
REFUSED = N_(
    "The name or the password is wrong, or this was too soon after a wrong try. Wait a little, at most 42 seconds, and"
    " try again."
)
BUSY = N_("Too many people are signing in at this moment. Wait a few seconds, and try again.")
_UNKNOWN = "sign-in with an unknown name"


@dataclass(frozen=True)
class Person:
    """Who is signed in; `full_name` is what others read of her. `stamp` follows the password and the station's key: a
    new one ends the sessions begun with the old."""

    name: str
    full_name: str
    role: str
    agency: str
    stamp: str


def open_to(permission: Permission) -> Callable[[], ResponseReturnValue | None]:
    """What stands before pages for people who have this permission: everybody else signs in first or is refused."""

    def check() -> ResponseReturnValue | None:
        visitor = signed_in()
        if visitor is None:
            return redirect(url_for("desk.sign_in", next=_here()))
        return None if may(visitor.role, permission) else abort(403)

    return check


def install(app: Flask, store: Store, secure_cookies: bool) -> None:
    """Set up the sign-in cookie, and where the accounts behind it are; templates get `signed_in`."""
    app.secret_key = store.keys.derive("cookies")
    app.config.update(
        SESSION_COOKIE_NAME="sado",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Strict",
        SESSION_COOKIE_SECURE=secure_cookies,
        SESSION_REFRESH_EACH_REQUEST=False,
        PERMANENT_SESSION_LIFETIME=LIFETIME,
    )
    app.extensions["sado_accounts"] = store
    app.jinja_env.globals["signed_in"] = signed_in


def signed_in() -> Person | None:
    """Who is signed in. None for a visitor, and for a cookie that is over twelve hours old, or whose account is gone
    or disabled or has another password since."""
    if "person" not in g:
        g.person = _of_cookie(current_app.extensions["sado_accounts"])
    return cast(Person | None, g.person)


def person() -> Person:
    """Who is signed in, on a page that is open to some roles; a visitor is refused."""
    return signed_in() or abort(403)


def create(store: Store, homes: Mapping[str, str]) -> Blueprint:
    """The first page, sign-in, sign-out and the desk's style sheet. `homes` gives each role's own page."""
    blueprint = Blueprint(
        "desk", __name__, template_folder="templates", static_folder="static", static_url_path="/desk/static"
    )

    views = _Views(store, homes)
    blueprint.add_url_rule("/", view_func=views.home)
    blueprint.add_url_rule("/signin", view_func=views.sign_in)
    blueprint.add_url_rule("/signin", view_func=views.enter, methods=["POST"])
    blueprint.add_url_rule("/signout", view_func=views.leave, methods=["POST"])
    return blueprint


@dataclass(frozen=True)
class _Views:
    """The views, and what they need."""

    store: Store
    homes: Mapping[str, str]

    @recording.shows_nothing
    def home(self) -> ResponseReturnValue:
        """On to the first page of whoever is signed in."""
        visitor = signed_in()
        if visitor is None:
            return redirect(url_for("desk.sign_in"))
        return redirect(self.homes[visitor.role]) if visitor.role in self.homes else abort(403)

    @recording.shows_nothing
    def sign_in(self) -> ResponseReturnValue:
        """The form."""
        return _form("")

    @recording.recorded(Action.SIGNED_IN, is_late=True)
    def enter(self) -> ResponseReturnValue:
        """Sign in, and go on to the page that asked for it."""
        try:
            visitor = authenticate(self.store, request.form.get("name", "").strip(), request.form.get("password", ""))
        except passwords.BusyError:
            return _form(_(BUSY)), 503
        if visitor is None:
            self._refused(request.form.get("name", "").strip())
            return _form(_(REFUSED)), 403
        recording.note(Action.SIGNED_IN, who=audit.person(visitor.name))
        # Nothing of the visitor's session goes on, the forms' token included: what somebody planted there is gone.
        session.clear()
        session.permanent = True
        session.update(name=visitor.name, stamp=visitor.stamp, since=self.store.now())
        return redirect(local_path(request.form.get("next", "")))

    @recording.recorded(Action.SIGNED_OUT)
    def leave(self) -> ResponseReturnValue:
        """Sign out."""
        session.clear()
        return redirect(url_for("desk.sign_in"))

    def _refused(self, name: str) -> None:
        """A name that no account has is not written down: people type other things there by mistake."""
        account = self.store.read(lambda tx: accounts.find(tx, name))
        recording.refused(Action.SIGN_IN_REFUSED, account.name if account else "", "" if account else "unknown name")


def authenticate(store: Store, name: str, password: str) -> Person | None:
    """The person, or None: a wrong name, a wrong password, or too soon after a wrong one.

    The try is counted before the password is looked at, so many tries at one moment gain nothing. Raises
    passwords.BusyError, and then has counted nothing: a crowd at the sign-in does not lock anybody out."""
    with passwords.turn():
        account = store.write(lambda tx: _count_try(tx, name))
        if not passwords.matches(account.password if account else passwords.DECOY, password) or account is None:
            return None
    store.write(lambda tx: accounts.set_failures(tx, name, 0, 0))
    return _person(store, account)


def local_path(target: str) -> str:
    """`target` if it is a path on this station, else the first page: a link must not lead people elsewhere."""
    is_path = target.startswith("/") and not target.startswith("//")
    return target if is_path and "\\" not in target and target.isprintable() else "/"


def _form(fault: str) -> str:
    return render_template("desk/signin.html", fault=fault, next=local_path(request.values.get("next", "")))


def _here() -> str | None:
    """The page to come back to: after a form there is none."""
    if request.method != "GET":
        return None
    return request.full_path if request.query_string else request.path


def _count_try(tx: Transaction, name: str) -> Account | None:
    """The account if it may be tried now. A name without one costs a write too."""
    account = accounts.find(tx, name)
    if account is None or account.is_disabled or account.blocked_until > tx.now:
        attempts.add(tx, _UNKNOWN, tx.now - LONGEST_DELAY_S * 1000)
        return None
    delay_s = min(2 ** min(account.failures, 10), LONGEST_DELAY_S)
    accounts.set_failures(tx, name, account.failures + 1, tx.now + delay_s * 1000)
    return account


def _of_cookie(store: Store) -> Person | None:
    if session.get("since", 0) < store.now() - LIFETIME.total_seconds() * 1000:
        return None
    account = store.read(lambda tx: accounts.find(tx, session["name"]))
    owner = _person(store, account) if account and not account.is_disabled else None
    return owner if owner and owner.stamp == session["stamp"] else None


def _person(store: Store, account: Account) -> Person:
    known = f"{account.name} {account.password}".encode()
    stamp = hmac.digest(store.keys.derive("signed in"), known, "sha256")[:8].hex()
    return Person(account.name, account.full_name, account.role, account.agency, stamp)
