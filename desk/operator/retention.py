"""Cases whose time is over: what becomes of them in the next days, before it does."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from sado.cases import retention
from sado.cases.audit import Action
from sado.cases.law import Law
from sado.desk import recording
from sado.store import Store

LISTED = 200


def create(store: Store, law: Callable[[], Law]) -> Blueprint:
    """The blueprint of the page."""
    blueprint = Blueprint("retention", __name__, url_prefix="/operator/retention")

    @blueprint.get("", strict_slashes=False)
    @recording.recorded(Action.CASES_LISTED)
    def index() -> ResponseReturnValue:
        coming = store.read(lambda tx: retention.coming(tx, law(), LISTED))
        return render_template("desk/retention.html", coming=coming)

    return blueprint
