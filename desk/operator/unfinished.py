"""Forms that residents left half-way, for operators: that somebody began is not lost when her session is."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from sado.cases.audit import Action
from sado.desk import language, recording
from sado.menus import engine
from sado.menus.pack import Pack
from sado.menus.session import Session
from sado.store import Store
from sado.store.tables import drafts
from sado.store.tables.drafts import Draft

LISTED = 200


@dataclass(frozen=True)
class Unfinished:
    """One form in words: what it is, the place if it is known, whether the matter was written already."""

    draft: Draft
    title: str
    place: str
    has_text: bool


def create(store: Store, pack: Pack) -> Blueprint:
    """The blueprint of the page."""
    blueprint = Blueprint("unfinished", __name__, url_prefix="/unfinished")

    @blueprint.get("", strict_slashes=False)
    @recording.recorded(Action.UNFINISHED_READ)
    def index() -> ResponseReturnValue:
        count, kept = store.read(lambda tx: (drafts.count(tx), drafts.listed(tx, LISTED)))
        forms = [described(pack, draft) for draft in kept]
        return render_template("desk/unfinished.html", forms=forms, count=count, listed=LISTED)

    return blueprint


def described(pack: Pack, draft: Draft) -> Unfinished:
    """The form in the page's language. It shows neither name nor text: they are the agency's to read, once filed. A
    form that this version of the pack does not have shows as its code."""
    session = msgspec.json.decode(draft.state, type=Session)
    is_known = session.form in pack.tree.screens
    title = engine.title(pack.tree, session, language.current()) if is_known else session.form
    place = pack.gazetteer.name(session.answers.get("place", ""), language.current())
    return Unfinished(draft, title, place, bool(session.answers.get("text")))
