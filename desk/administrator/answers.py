"""What the administrator's pages answer alike: a refusal in words, a missing tick, a secret that is shown once."""

from __future__ import annotations

from flask import render_template, request

from sado.desk.administration.errors import RefusedError
from sado.desk.language import N_, _

TICK = N_("Tick that you are sure: it cannot be taken back.")


def in_words(refused: RefusedError) -> str:
    """Why it was refused, in the page's language."""
    return _(refused.sentence, **refused.values)


def is_confirmed() -> bool:
    """Whether the form says that it is meant."""
    return request.form.get("confirmed") == "yes"


def shown_once(said: str, secret: str, back: str) -> str:
    """The page of a secret. It answers the form itself: where a redirect would lead, anybody with the page's address
    could read it again."""
    return render_template("desk/secret.html", said=said, secret=secret, back=back)
