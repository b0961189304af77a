"""The USSD webhook: one hop in, `CON` or `END` out."""

from __future__ import annotations

import hmac
import logging
import re
from collections.abc import Callable

from flask import Blueprint, Response, abort, request

from channel.gateways import BadRequestError, Gateway, Hop
from channel.hop import Conversation
from store import Store, subscribers

log = logging.getLogger(__name__)

LARGEST = 16 * 1024
_ESCAPES = re.compile(rb"(?:%[0-9A-Fa-f]{2})+")
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


def _form() -> dict[str, str]:
    """The form's fields; the last of a repeated one counts. Raises BadRequestError.

    Read by hand: this is the hot path, and a form parser that looks at every escape costs more than the whole
    conversation (bench/hops.py)."""
    if (request.content_length or 0) > LARGEST:
        raise BadRequestError(f"The request is larger than {LARGEST} bytes.")
    pairs = (pair.partition(b"=") for pair in request.get_data(cache=False).split(b"&"))
    try:
        return {_decoded(name): _decoded(value) for name, _, value in pairs if name}
    except ValueError:
        raise BadRequestError("The form is not UTF-8.") from None


def _decoded(part: bytes) -> str:
    """Undo application/x-www-form-urlencoded (WHATWG URL, section 5.1), a run of escapes at a time."""
    if b"+" in part:
        part = part.replace(b"+", b" ")
    if b"%" in part:
        part = _ESCAPES.sub(lambda run: bytes.fromhex(run[0].replace(b"%", b"").decode()), part)
    return part.decode()


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
