"""One's own account: language, password, second factor, sign-ins. What opens or shuts it asks for the password."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from sado.cases.audit import Action
from sado.desk import authentication, language, passwords, recording, second_factor, signin, words
from sado.desk.language import N_, _
from sado.store import Store, Transaction
from sado.store.tables import accounts, sign_ins
from sado.store.tables.accounts import Account

WRONG_PASSWORD = N_("This is not your present password, or it was too soon after a wrong try. Nothing was changed.")
DIFFERENT = N_("The two new passwords are not the same. Nothing was changed.")
SAME = N_("The new password is the present one. Nothing was changed.")
NOT_SHOWN = N_("The code is wrong. Scan the picture, or type the key, and enter the six figures that are shown now.")


def create(store: Store) -> Blueprint:
    """The pages under /account."""
    blueprint, views = Blueprint("account", __name__, url_prefix="/account"), _Views(store)
    blueprint.add_url_rule("", "index", views.index)
    blueprint.add_url_rule("/language", "language", views.change_language, methods=["POST"])
    blueprint.add_url_rule("/password", "password", views.change_password, methods=["POST"])
    blueprint.add_url_rule("/sign-ins", "end", views.end_sign_ins, methods=["POST"])
    blueprint.add_url_rule("/codes", "codes", views.offer_codes)
    blueprint.add_url_rule("/codes", "turn_on", views.turn_on, methods=["POST"])
    blueprint.add_url_rule("/codes/off", "turn_off", views.turn_off, methods=["POST"])
    return blueprint


@dataclass(frozen=True)
class _Views:
    """The views, and what they need."""

    store: Store

    @recording.shows_nothing
    def index(self) -> ResponseReturnValue:
        """What the account is, and everything that its owner can do about it."""
        return self._page()

    @recording.recorded(Action.ACCOUNT_CHANGED, says="own language")
    def change_language(self) -> ResponseReturnValue:
        """The pages in another language, wherever she signs in."""
        chosen, name = request.form.get("language", ""), signin.person().name
        if chosen not in dict(language.choices()):
            return self._page(), 400
        self.store.write(lambda tx: accounts.set_language(tx, name, chosen))
        response = redirect(url_for("account.index"))
        language.keep(response, chosen)
        return response

    @recording.recorded(Action.ACCOUNT_CHANGED, says="own password")
    def change_password(self) -> ResponseReturnValue:
        """Another password: all sign-ins and trusted devices but this one end."""
        return self._confirmed(self._new_password)

    @recording.recorded(Action.ACCOUNT_CHANGED, says="own sign-ins")
    def end_sign_ins(self) -> ResponseReturnValue:
        """End one sign-in, or all but this one."""
        return self._confirmed(self._end)

    @recording.shows_nothing
    def offer_codes(self) -> ResponseReturnValue:
        """A new key to put into an authenticator."""
        return self._codes_page(second_factor.new_key())

    @recording.recorded(Action.ACCOUNT_CHANGED, says="own codes on")
    def turn_on(self) -> ResponseReturnValue:
        """Ask for codes from now on; the recovery codes, this once."""
        return self._confirmed(self._turn_on, self._offered)

    @recording.recorded(Action.ACCOUNT_CHANGED, says="own codes off")
    def turn_off(self) -> ResponseReturnValue:
        """Ask for no code any more."""
        return self._confirmed(self._turn_off)

    def _confirmed(
        self,
        act: Callable[[Account], ResponseReturnValue],
        again: Callable[[str], ResponseReturnValue] | None = None,
    ) -> ResponseReturnValue:
        """Do it for whoever gives her password again; else the page with why not, which is what `again` makes."""
        refuse, own = again or self._refused, signin.person()
        try:
            typed = request.form.get("present", "")
            account = authentication.with_password(self.store, own.name, typed, signin.claimant())
            return act(account) if account else refuse(_(WRONG_PASSWORD))
        except passwords.BusyError:
            return self._page(_(signin.BUSY)), 503

    def _new_password(self, account: Account) -> ResponseReturnValue:
        new = request.form.get("new", "")
        if new != request.form.get("again", ""):
            return self._refused(_(DIFFERENT))
        if new == request.form.get("present", ""):
            return self._refused(_(SAME))
        try:
            with passwords.turn():
                hashed = passwords.hash_password(new, account.name, account.full_name)
        except ValueError as error:
            return self._refused(_(str(error)))
        self.store.write(lambda tx: accounts.set_password(tx, account.name, hashed))
        return self._done(_("You have a new password. Everywhere else you are signed out."), account)

    def _end(self, account: Account) -> ResponseReturnValue:
        wish, own = request.form.get("end", ""), signin.person()

        def end(tx: Transaction) -> None:
            if wish == "others":
                sign_ins.end_others(tx, account.name, own.sign_in)
            else:
                sign_ins.end(tx, account.name, _hash_in(wish))

        self.store.write(end)
        return self._done(_("Ended."), account)

    def _turn_on(self, account: Account) -> ResponseReturnValue:
        key, code = request.form.get("key", ""), request.form.get("code", "")
        if account.has_totp or not second_factor.is_key(key):
            return self._refused("")
        codes = self.store.write(lambda tx: second_factor.turn_on(tx, account.name, key, code))
        if codes is None:
            return self._offered(_(NOT_SHOWN))
        response = make_response(render_template("desk/recovery_codes.html", codes=codes))
        signin.begin(self.store, account.name, response)
        return response

    def _turn_off(self, account: Account) -> ResponseReturnValue:
        code = request.form.get("code", "")
        if not authentication.with_code(self.store, account.name, code, signin.claimant()):
            return self._refused(_(signin.WRONG_CODE))
        self.store.write(lambda tx: accounts.clear_totp(tx, account.name))
        return self._done(_("No code is asked for any more."), account)

    def _done(self, says: str, account: Account) -> Response:
        """Back to the page. Whoever gave her password has signed in anew: the token before is of no use any more."""
        flash(says)
        response = make_response(redirect(url_for("account.index")))
        signin.begin(self.store, account.name, response)
        return response

    def _refused(self, fault: str) -> ResponseReturnValue:
        return self._page(fault), 400

    def _offered(self, fault: str) -> ResponseReturnValue:
        key = request.form.get("key", "")
        return (self._codes_page(key, fault), 400) if second_factor.is_key(key) else self._refused(fault)

    def _codes_page(self, key: str, fault: str = "") -> str:
        picture = second_factor.picture(signin.person().name, key)
        return render_template("desk/codes.html", key=key, picture=picture, fault=fault)

    def _page(self, fault: str = "") -> str:
        own = signin.person()

        def look(tx: Transaction) -> dict[str, object]:
            alive = [one for one in sign_ins.of(tx, own.name) if signin.is_alive(tx, one)]
            return {
                "account": accounts.find(tx, own.name),
                "sign_ins": alive,
                # What the clock on the wall said then, as far as it goes on from now.
                "ahead": tx.now - tx.steady,
                "codes_left": accounts.recovery_codes_left(tx, own.name),
            }

        choices = language.choices()
        return render_template(
            "desk/account.html", fault=fault, own=own, roles=words.ROLES, choices=choices, **self.store.read(look)
        )


def _hash_in(text: str) -> bytes:
    """The hash that a button of the list names; what is none belongs to no sign-in."""
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""
