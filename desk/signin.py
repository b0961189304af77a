"""Signing in: who may see which pages, and for how long.

A sign-in lives on the server; the cookie has only a token that it is found by. So signing out, a new password and an
account that is disabled or gone end it there, whoever has a copy of the cookie."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

from flask import Blueprint, Flask, abort, current_app, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from sado.cases import audit
from sado.cases.audit import Action
from sado.desk import authentication, cookies, delays, devices, language, passwords, recording
from sado.desk.delays import Claimant
from sado.desk.language import N_, _
from sado.desk.roles import Permission, may
from sado.store import DiskError, Store, Transaction
from sado.store.tables import accounts, identity, sign_ins, trusted_devices
from sado.store.tables.accounts import Account
from sado.store.tables.sign_ins import SignIn
from sado.store.zone_time import HOUR_MS, MINUTE_MS

# A working day; and an hour in which no page was asked for, so that a desk that was left closes, but not on an officer
# who writes a long answer. Both are what NIST SP 800-63B asks for at AAL2.
LONGEST_MS = 12 * HOUR_MS
IDLE_MS = HOUR_MS
# That it is in use is written down no oftener: pages stay cheap.
SEEN_EVERY_MS = MINUTE_MS
# So long the page for the code waits.
CODE_MS = 5 * MINUTE_MS
SIGN_IN, DEVICE = "sign-in", "device"
REFUSED = N_(
    "The name or the password is wrong, or this was too soon after a wrong try. Wait a little and try again: each wrong"
    " try doubles the wait, up to 15 minutes."
)
WRONG_CODE = N_(
    "The code is wrong or was used before, or this was too soon after a wrong try. Wait for the next code and try"
    " again: each wrong try doubles the wait, up to 15 minutes."
)
BUSY = N_("Too many people are signing in at this moment. Wait a few seconds, and try again.")


@dataclass(frozen=True)
class Person:
    """Who is signed in; `full_name` is what others read of her. `sign_in` is the hash that her sign-in is found by; one
    who `must_change` her password gets no other page before."""

    name: str
    full_name: str
    role: str
    agency: str
    must_change: bool
    sign_in: bytes


def open_to(permission: Permission) -> Callable[[], ResponseReturnValue | None]:
    """What stands before pages for people who have this permission: everybody else signs in first or is refused."""

    def check() -> ResponseReturnValue | None:
        visitor = signed_in()
        if visitor is None:
            return redirect(url_for("desk.sign_in", next=_here()))
        if visitor.must_change and permission is not Permission.ACCOUNT:
            return redirect(url_for("account.index"))
        return None if may(visitor.role, permission) else abort(403)

    return check


def install(app: Flask, store: Store, secure_cookies: bool) -> None:
    """Set up the cookies, and where the sign-ins behind them are; templates get `signed_in`."""
    own = store.read(identity.find)
    cookies.install(app, own.number if own else 0, secure_cookies)
    app.secret_key = store.keys.derive("cookies")
    app.config["PERMANENT_SESSION_LIFETIME"] = LONGEST_MS // 1000
    app.extensions["sado_accounts"] = store
    app.jinja_env.globals["signed_in"] = signed_in


def signed_in() -> Person | None:
    """Who is signed in. None for a visitor, and for a sign-in that has ended, by itself or by somebody, or whose
    account is gone or disabled."""
    if "person" not in g:
        g.person = _of_cookie(current_app.extensions["sado_accounts"])
    return cast(Person | None, g.person)


def person() -> Person:
    """Who is signed in, on a page that is open to some roles; a visitor is refused."""
    return signed_in() or abort(403)


def claimant() -> Claimant:
    """Who asks for this page."""
    return Claimant(delays.source_of(request.remote_addr), cookies.read(DEVICE))


def begin(store: Store, name: str, response: Response, *, needs_code: bool = False) -> None:
    """Begin a sign-in of this account in the browser, in place of the one that it has. Unless its code is still to
    come, the browser is trusted from now on."""
    token, former, asks = secrets.token_urlsafe(32), cookies.read(SIGN_IN), claimant()
    is_known = store.read(lambda tx: trusted_devices.is_known(tx, asks.device))
    # People who share a desk share its token.
    device = asks.device if is_known else secrets.token_urlsafe(32)
    described = devices.described(request.user_agent.string)

    def enter(tx: Transaction) -> None:
        if replaced := sign_ins.find(tx, former):
            sign_ins.end(tx, replaced.account, replaced.hash)
        sign_ins.begin(tx, name, token, described, needs_code)
        if not needs_code:
            delays.welcome(tx, name, asks)
            trusted_devices.trust(tx, name, device)

    store.write(enter)
    cookies.put(response, SIGN_IN, token)
    if not needs_code:
        cookies.put(response, DEVICE, device, delays.TRUST_MS // 1000)


def create(store: Store, homes: Mapping[str, str]) -> Blueprint:
    """The first page, sign-in, sign-out and the desk's style sheet. `homes` gives each role's own page."""
    blueprint = Blueprint(
        "desk", __name__, template_folder="templates", static_folder="static", static_url_path="/desk/static"
    )

    views = _Views(store, homes)
    blueprint.add_url_rule("/", view_func=views.home)
    blueprint.add_url_rule("/signin", view_func=views.sign_in)
    blueprint.add_url_rule("/signin", view_func=views.enter, methods=["POST"])
    blueprint.add_url_rule("/signin/code", view_func=views.ask_code)
    blueprint.add_url_rule("/signin/code", view_func=views.enter_with_code, methods=["POST"])
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
        return _form("desk/signin.html")

    @recording.recorded(Action.SIGNED_IN, is_late=True)
    def enter(self) -> ResponseReturnValue:
        """Sign in, and go on to the page that asked for it, or to the form for the code."""
        name, password = request.form.get("name", "").strip(), request.form.get("password", "")
        try:
            account = authentication.with_password(self.store, name, password, claimant())
        except passwords.BusyError:
            return _form("desk/signin.html", _(BUSY)), 503
        if account is None:
            self._refused(name)
            return _form("desk/signin.html", _(REFUSED)), 403
        return self._enter(account, needs_code=account.has_totp)

    @recording.shows_nothing
    def ask_code(self) -> ResponseReturnValue:
        """The form for the code, for who knew a password a moment ago."""
        return _form("desk/code.html") if self._awaited() else redirect(url_for("desk.sign_in", next=_next()))

    @recording.recorded(Action.SIGNED_IN, is_late=True)
    def enter_with_code(self) -> ResponseReturnValue:
        """Sign in with the code, and go on."""
        account = self._awaited()
        if account is None:
            return redirect(url_for("desk.sign_in", next=_next()))
        if not authentication.with_code(self.store, account.name, request.form.get("code", ""), claimant()):
            self._refused(account.name)
            return _form("desk/code.html", _(WRONG_CODE)), 403
        return self._enter(account, needs_code=False)

    @recording.recorded(Action.SIGNED_OUT)
    def leave(self) -> ResponseReturnValue:
        """Sign out."""
        if visitor := signed_in():
            self.store.write(lambda tx: sign_ins.end(tx, visitor.name, visitor.sign_in))
        session.clear()
        response = redirect(url_for("desk.sign_in"))
        cookies.drop(response, SIGN_IN)
        return response

    def _enter(self, account: Account, needs_code: bool) -> ResponseReturnValue:
        if not needs_code:
            recording.note(Action.SIGNED_IN, who=audit.person(account.name))
        # Nothing of the visitor's session goes on, the forms' token included: what somebody planted there is gone.
        session.clear()
        session.permanent = True
        response = redirect(url_for("desk.ask_code", next=_next()) if needs_code else _next())
        begin(self.store, account.name, response, needs_code=needs_code)
        if account.language:
            language.keep(response, account.language)
        return response

    def _refused(self, name: str) -> None:
        """A name that no account has is not written down: people type other things there by mistake."""
        account = self.store.read(lambda tx: accounts.find(tx, name))
        recording.refused(Action.SIGN_IN_REFUSED, account.name if account else "", "" if account else "unknown name")

    def _awaited(self) -> Account | None:
        """Whose code is awaited from this browser."""

        def look(tx: Transaction) -> Account | None:
            sign_in = sign_ins.find(tx, cookies.read(SIGN_IN))
            is_awaited = sign_in is not None and sign_in.needs_code and sign_in.created_at > tx.steady - CODE_MS
            account = accounts.find(tx, sign_in.account) if sign_in and is_awaited else None
            return None if account is None or account.is_disabled else account

        return self.store.read(look)


def local_path(target: str) -> str:
    """`target` if it is a path on this station, else the first page: a link must not lead people elsewhere."""
    is_path = target.startswith("/") and not target.startswith("//")
    return target if is_path and "\\" not in target and target.isprintable() else "/"


def is_alive(tx: Transaction, sign_in: SignIn) -> bool:
    """Whether it counts: complete, not too old, and in use."""
    is_young = sign_in.created_at > tx.steady - LONGEST_MS and sign_in.seen_at > tx.steady - IDLE_MS
    return is_young and not sign_in.needs_code


def _form(template: str, fault: str = "") -> str:
    return render_template(template, fault=fault, next=_next())


def _next() -> str:
    """Where to go once signed in."""
    return local_path(request.values.get("next", ""))


def _here() -> str | None:
    """The page to come back to: after a form there is none."""
    if request.method != "GET":
        return None
    return request.full_path if request.query_string else request.path


def _of_cookie(store: Store) -> Person | None:
    token = cookies.read(SIGN_IN)
    if not token:
        return None

    def look(tx: Transaction) -> tuple[Account, SignIn, bool] | None:
        sign_in = sign_ins.find(tx, token)
        account = accounts.find(tx, sign_in.account) if sign_in and is_alive(tx, sign_in) else None
        if sign_in is None or account is None or account.is_disabled:
            return None
        return account, sign_in, sign_in.seen_at <= tx.steady - SEEN_EVERY_MS

    found = store.read(look)
    if found is None:
        return None
    account, sign_in, is_due = found
    if is_due:
        # A page that only shows something is shown on a full disk too.
        with contextlib.suppress(DiskError):
            store.write(lambda tx: sign_ins.see(tx, sign_in.hash))
    return Person(account.name, account.full_name, account.role, account.agency, account.must_change, sign_in.hash)
