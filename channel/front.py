"""The webhooks of all gateways: each address has an endpoint, and what comes to it is answered in plain text.

They stand in front of Flask as plain WSGI. Flask's dispatch with the hooks of the pages costs a request as much again
as the whole hop: behind it a station answered 0.3 of a constant view's rate, and 0.5 is promised (bench/hops.py).
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from werkzeug.datastructures import Authorization

from sado.channel.contract import PREFIX, Networks, address
from sado.channel.request import BadRequestError, Request, TooLargeError
from sado.sync.outbox import SendError

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger(__name__)

# A screen may be anybody's own data, and what somebody typed is never a page.
HEADERS = [
    ("Content-Type", "text/plain; charset=utf-8"),
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
]
LARGEST_HOP, LARGEST_SMS = 16 * 1024, 64 * 1024

Endpoint = Callable[[Request], str]


def largest_body(path: str) -> int:
    """How much may be posted to this address of a gateway: a hop, or an SMS or a report."""
    return LARGEST_HOP if path.endswith(("/ussd", "/ussd-end")) else LARGEST_SMS


@dataclass(frozen=True)
class Webhook:
    """What answers at an address of a gateway, `part` being the last of its path; who calls shows the token, and calls
    from where it is allowed."""

    gateway: str
    part: str
    token: str
    answer: Endpoint
    allowed: Networks = field(default_factory=Networks)

    @property
    def path(self) -> str:
        """The address, with its token."""
        return address(self.gateway, self.token, self.part)

    def is_open_to(self, token: str, caller: str) -> bool:
        """Whether somebody who calls from there may be any phone."""
        is_known = hmac.compare_digest(token.encode("utf-8", "replace"), self.token.encode())
        return is_known and caller in self.allowed


class Webhooks:
    """Answers requests to these webhooks, in front of `app`, which answers everything else.

    The token stands in the path, or in a header where the gateway can send one: then no log of addresses has it. Who
    shows a wrong one, or calls from elsewhere, is the app's to answer: 404.
    """

    def __init__(self, app: WSGIApplication, webhooks: Iterable[Webhook]) -> None:
        self._app = app
        self._webhooks = {(one.gateway, one.part): one for one in webhooks}

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Have the endpoint of this address answer; hand on what has none."""
        webhook = self._webhook(environ)
        if webhook is None:
            return self._app(environ, start_response)
        try:
            status, text = "200 OK", webhook.answer(Request.read(environ, largest_body(environ["PATH_INFO"])))
        except TooLargeError as error:
            status, text = "413 Content Too Large", str(error)
        except BadRequestError as error:
            status, text = "400 Bad Request", str(error)
        except SendError as error:
            # The gateway did not take our answer; it comes again, and gets the same one.
            log.warning("an answer did not leave: %s", error)
            status, text = "503 Service Unavailable", str(error)
        body = text.encode()
        start_response(status, [*HEADERS, ("Content-Length", str(len(body)))])
        return [body]

    def _webhook(self, environ: WSGIEnvironment) -> Webhook | None:
        """The webhook that is asked for by somebody who may."""
        path = environ["PATH_INFO"]
        if not path.startswith(PREFIX):
            return None
        gateway, *middle = path[len(PREFIX) :].split("/")
        *in_path, part = middle or [""]
        webhook = self._webhooks.get((gateway, part))
        if webhook is None or len(in_path) > 1:
            return None
        token = in_path[0] if in_path else _token_in_header(environ)
        return webhook if webhook.is_open_to(token, environ.get("REMOTE_ADDR", "")) else None


def _token_in_header(environ: WSGIEnvironment) -> str:
    """The token in `Authorization`: a Bearer's, or the password of Basic, which many gateways make of an address such
    as https://sado:TOKEN@station.example."""
    shown = Authorization.from_header(environ.get("HTTP_AUTHORIZATION"))
    if shown is None or shown.type not in ("bearer", "basic"):
        return ""
    return shown.token or shown.password or ""
