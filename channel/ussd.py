"""The gateway's webhook: a hop of a USSD session in, `CON` or `END` out; and SMS from residents.

It stands in front of Flask as plain WSGI. Flask's dispatch with the hooks of the pages costs a request as much again
as the whole hop: behind it a station answered 0.3 of a constant view's rate, and 0.5 is promised (bench/hops.py).
"""

from __future__ import annotations

import hmac
import logging
import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from channel.gateways import BadRequestError, Gateway, Hop
from channel.hop import Conversation
from channel.inbox import Inbox
from store import Store, subscribers

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger(__name__)

LARGEST = 16 * 1024
_ESCAPES = re.compile(rb"(?:%[0-9A-Fa-f]{2})+")
PLAIN = "text/plain; charset=utf-8"

Form = dict[str, str]


class Webhook:
    """One gateway's addresses, in front of `app`, which answers everything else.

    `token` is in the path: whoever can post here can be any phone. A wrong one is the app's to answer: 404."""

    def __init__(
        self,
        app: WSGIApplication,
        store: Store,
        gateway: Gateway,
        conversation: Conversation,
        inbox: Inbox,
        token: str,
    ) -> None:
        self._app = app
        self._store = store
        self._gateway = gateway
        self._conversation = conversation
        self._inbox = inbox
        self._prefix = f"/gateway/{gateway.name}/"
        path = f"{self._prefix}{token}"
        self._views = {f"{path}/ussd": self._hop, f"{path}/ussd-end": self._end, f"{path}/sms": self._message}

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a hop or an end of session; hand on what is neither."""
        view = self._view(environ["PATH_INFO"]) if environ["REQUEST_METHOD"] == "POST" else None
        if view is None:
            return self._app(environ, start_response)
        try:
            status, text = "200 OK", view(_form(environ))
        except BadRequestError as error:
            status, text = "400 Bad Request", str(error)
        body = text.encode()
        start_response(status, [("Content-Type", PLAIN), ("Content-Length", str(len(body)))])
        return [body]

    def _view(self, path: str) -> Callable[[Form], str] | None:
        if not path.startswith(self._prefix):
            return None
        given = path.encode("latin-1", "replace")
        return next((view for known, view in self._views.items() if hmac.compare_digest(given, known.encode())), None)

    def _hop(self, form: Form) -> str:
        """Our answer; if our own side fails, a polite last screen, for a gateway shows anything else as its error."""
        hop = self._gateway.parse_hop(form)
        try:
            return self._store.write(lambda tx: self._conversation.answer(tx, hop))
        except Exception:
            log.exception("a hop failed")
            return self._conversation.apology(self._language(hop))

    def _language(self, hop: Hop) -> str | None:
        try:
            return self._store.read(lambda tx: subscribers.language_of(tx, hop.msisdn))
        except Exception:
            return None

    def _end(self, form: Form) -> str:
        end = self._gateway.parse_end(form)
        try:
            self._store.write(lambda tx: self._conversation.end(tx, end.session_id, end.msisdn, end.outcome))
        except Exception:
            log.exception("the end of a session could not be noted")
        return "OK"

    def _message(self, form: Form) -> str:
        """An SMS is kept before it is acknowledged; if our own side fails, the gateway is told to come again."""
        message = self._gateway.parse_message(form)
        self._store.write(lambda tx: self._inbox.take(tx, message))
        return "OK"


def _form(environ: WSGIEnvironment) -> Form:
    """The form's fields; the last of a repeated one counts. Raises BadRequestError.

    Read by hand, a run of escapes at a time: a parser that looks at every escape costs more than the engine."""
    try:
        length = int(environ.get("CONTENT_LENGTH") or 0)
    except ValueError:
        raise BadRequestError("Content-Length is not a number.") from None
    if length > LARGEST:
        raise BadRequestError(f"The request is larger than {LARGEST} bytes.")
    pairs = (pair.partition(b"=") for pair in environ["wsgi.input"].read(max(length, 0)).split(b"&"))
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
