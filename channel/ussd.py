"""The USSD webhook: one hop in, `CON` or `END` out."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl

from flask import Blueprint, Response, abort, request

from channel.gateways import BadRequestError, Gateway, Hop
from channel.hop import Conversation
from store import Store, subscribers

log = logging.getLogger(__name__)

LARGEST = 16 * 1024
PLAIN = "text/plain; charset=utf-8"


def create(store: Store, gateway: Gateway, conversation: Conversation, token: str) -> Blueprint:
    """The blueprint for one gateway. `token` is in its path: whoever can post here can be any phone."""
    blueprint = Blueprint(f"ussd-{gateway.name}", __name__, url_prefix=f"/gateway/{gateway.name}")

    @blueprint.post("/<given>/ussd")
    def hop(given: str) -> Response:
        _check_token(given, token)
        return _answered(lambda: _answer(store, conversation, gateway.parse_hop(_form())))

    @blueprint.post("/<given>/ussd-end")
    def end(given: str) -> Response:
        _check_token(given, token)
        return _answered(lambda: _note_end(store, conversation, gateway))

    return blueprint


def _check_token(given: str, token: str) -> None:
    if not hmac.compare_digest(given.encode(), token.encode()):
        abort(404)


def _answered(work: Callable[[], str]) -> Response:
    try:
        return Response(work(), content_type=PLAIN)
    except BadRequestError as error:
        return Response(str(error), 400, content_type=PLAIN)


def _form() -> Mapping[str, str]:
    """The form's fields. Parsed by hand: it is the hot path, and Werkzeug's parser costs more than the rest of
    the request (bench/hops.py)."""
    if (request.content_length or 0) > LARGEST:
        raise BadRequestError(f"The request is larger than {LARGEST} bytes.")
    try:
        return dict(parse_qsl(request.get_data().decode(), keep_blank_values=True, errors="strict"))
    except ValueError:
        raise BadRequestError("The form is not UTF-8.") from None


def _answer(store: Store, conversation: Conversation, hop: Hop) -> str:
    """Our answer; if our own side fails, a polite last screen, for a gateway shows anything else as its error."""
    try:
        return store.write(lambda tx: conversation.answer(tx, hop))
    except Exception:
        log.exception("a hop failed")
        return conversation.apology(_language(store, hop))


def _language(store: Store, hop: Hop) -> str | None:
    try:
        return store.read(lambda tx: subscribers.language_of(tx, hop.msisdn))
    except Exception:
        return None


def _note_end(store: Store, conversation: Conversation, gateway: Gateway) -> str:
    end = gateway.parse_end(_form())
    store.write(lambda tx: conversation.end(tx, end.session_id, end.msisdn, end.outcome))
    return "OK"
