"""What is kept aside: a list, a look at one event, and what to do with it. Numbers are shown masked, as everywhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec
from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from sado.cases.audit import Action
from sado.desk import recording, words
from sado.desk.case_view import masked
from sado.desk.language import _
from sado.store import Store, Transaction
from sado.store.tables import quarantine
from sado.store.tables.quarantine import Quarantined

LISTED = 200
# So much of a text is shown.
LONGEST = 2000


def create(store: Store, release: Callable[[Transaction, int], bool]) -> Blueprint:
    """The blueprint of the pages."""
    blueprint = Blueprint("quarantine", __name__, url_prefix="/operator/quarantine")
    views = _Views(store, release)
    blueprint.add_url_rule("", view_func=views.index, strict_slashes=False)
    blueprint.add_url_rule("/<int:number>", view_func=views.show)
    blueprint.add_url_rule("/<int:number>/release", view_func=views.try_again, methods=["POST"])
    blueprint.add_url_rule("/<int:number>/delete", view_func=views.delete, methods=["POST"])
    return blueprint


@dataclass(frozen=True)
class _Views:
    """The views, and what they need."""

    store: Store
    release: Callable[[Transaction, int], bool]

    @recording.recorded(Action.QUARANTINE_READ)
    def index(self) -> ResponseReturnValue:
        """What is kept aside, newest first."""
        kept, count = self.store.read(lambda tx: (quarantine.listed(tx, LISTED), quarantine.count(tx)))
        return render_template("desk/quarantine.html", kept=kept, count=count, listed=LISTED, words=words)

    @recording.recorded(Action.QUARANTINE_READ, "number")
    def show(self, number: int) -> ResponseReturnValue:
        """One event, field by field."""
        kept = self.store.read(lambda tx: quarantine.find(tx, number)) or abort(404)
        return render_template("desk/quarantined.html", event=kept, fields=_fields(kept), words=words)

    @recording.recorded(Action.QUARANTINE_RELEASED, "number")
    def try_again(self, number: int) -> ResponseReturnValue:
        """Apply it after all."""
        if self.store.write(lambda tx: self.release(tx, number)):
            flash(_("It was applied and is kept aside no longer."))
        else:
            flash(_("It cannot be applied and stays as it is."))
        return redirect(url_for("quarantine.index"))

    @recording.recorded(Action.QUARANTINE_DELETED, "number")
    def delete(self, number: int) -> ResponseReturnValue:
        """Delete it for good, once that was confirmed."""
        if request.form.get("confirmed") != "yes":
            flash(_("Tick that it is to be deleted for good."))
            return redirect(url_for("quarantine.show", number=number))
        self.store.write(lambda tx: quarantine.delete(tx, number))
        flash(_("It was deleted."))
        return redirect(url_for("quarantine.index"))


def _fields(kept: Quarantined) -> list[tuple[str, str]]:
    """What it says, by name; without names where it is nothing that this release would write."""
    try:
        said = msgspec.json.decode(kept.body, type=dict[str, str | int | float | bool | None])
    except (msgspec.DecodeError, RecursionError):
        return [("", kept.body[:LONGEST])]
    return [(name[:LONGEST], _shown(name, f"{value}")) for name, value in said.items()]


def _shown(name: str, value: str) -> str:
    return masked(value) if name == "msisdn" else value[:LONGEST]
