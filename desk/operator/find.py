"""The operator's page that finds a case by its reference, or the cases that were filed from a telephone number.

What is typed is posted: an address stays in logs and in the browser's history. The list of a number is a page of its
own, so that going back to it, reloading it and changing its language work; its address has the keyed hash by which the
store finds the number, which only this station can make.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from sado.cases import msisdn, reference, views
from sado.cases.audit import Action
from sado.desk import recording
from sado.desk.case_view import case_view
from sado.desk.language import _
from sado.menus.pack import Pack
from sado.store import Store, Transaction
from sado.store.tables import cases as rows

TYPING = re.compile(r"[\s\-().№]+")


def create(store: Store, pack: Pack) -> Blueprint:
    """The blueprint of the page."""
    blueprint = Blueprint("find", __name__, url_prefix="/operator/find")
    pages = _Views(store, pack)
    blueprint.add_url_rule("", view_func=pages.form)
    blueprint.add_url_rule("", view_func=pages.search, methods=["POST"])
    blueprint.add_url_rule("/<subscriber>", view_func=pages.filed_from)
    return blueprint


@dataclass(frozen=True)
class _Views:
    """The views, and what they need."""

    store: Store
    pack: Pack

    @recording.shows_nothing
    def form(self) -> str:
        """The box to type in."""
        return _page(hint=_("Type a reference number or a telephone number."))

    @recording.recorded(Action.SEARCHED, is_late=True)
    def search(self) -> ResponseReturnValue:
        """Lead to what was typed, or say why nothing is found."""
        typed = request.form.get("q", "").strip()
        plain = TYPING.sub("", typed)
        if reference.is_reference(plain) and self.store.read(lambda tx: rows.find(tx, plain)):
            recording.note(Action.SEARCHED, plain, "reference 1")
            return redirect(url_for("case.show", number=plain))
        number = msisdn.parse(plain, self.pack.country)
        subscriber, found = self.store.read(lambda tx: _filed_from(tx, number))
        recording.note(Action.SEARCHED, detail=f"{_kind(plain, number)} {found}")
        if found:
            return redirect(url_for("find.filed_from", subscriber=subscriber.hex()))
        return _page(typed, hint=_hint(plain, is_number=number is not None))

    @recording.recorded(Action.CASES_LISTED)
    def filed_from(self, subscriber: str) -> ResponseReturnValue:
        """The latest cases of one number; back to the box where there are none any more."""
        if not re.fullmatch("[0-9a-f]+", subscriber) or len(subscriber) % 2:
            abort(404)
        cases = self.store.read(lambda tx: views.filed_from(tx, bytes.fromhex(subscriber)))
        if not cases:
            return redirect(url_for("find.form"))
        return _page(listed=[case_view(self.pack, case) for case in cases])


def _page(typed: str = "", **shown: object) -> str:
    return render_template("desk/find.html", typed=typed, **shown)


def _filed_from(tx: Transaction, number: str | None) -> tuple[bytes, int]:
    """The hash of a number, and how many cases were filed from it of late."""
    return (tx.lookup(number), len(views.mine(tx, number))) if number else (b"", 0)


def _kind(plain: str, number: str | None) -> str:
    """By what somebody searched, for the audit log, which has nothing of what she typed."""
    if reference.is_reference(plain):
        return "reference"
    return "number" if number else "words"


def _hint(plain: str, is_number: bool) -> str:
    """What to do when nothing was found."""
    if not plain:
        return _("Type a reference number or a telephone number.")
    if reference.is_reference(plain):
        return _("The number is typed right, but this station has no such case.")
    if len(plain) == reference.LENGTH and plain.isdigit():
        return _("There is a slip in this reference number: one digit is wrong, or two changed places.")
    if is_number:
        return _("No case was filed from this telephone number.")
    return _("This is neither a reference number (10 digits) nor a telephone number.")
