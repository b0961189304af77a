"""The webhooks of all gateways: each address has an endpoint, and what comes to it is answered in plain text.

They stand in front of Flask as plain WSGI. Flask's dispatch with the hooks of the pages costs a request as much again
as the whole hop: behind it a station answered 0.3 of a constant view's rate, and 0.5 is promised (bench/hops.py).
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from sado.channel.contract import PREFIX
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


class Webhooks:
    """Answers requests at these addresses (path → endpoint), in front of `app`, which answers everything else.

    A path holds its gateway's token: whoever can post there can be any phone. A wrong one is the app's to answer: 404.
    """

    def __init__(self, app: WSGIApplication, endpoints: Mapping[str, Endpoint]) -> None:
        self._app = app
        self._endpoints = [(path.encode(), endpoint) for path, endpoint in endpoints.items()]

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Have the endpoint of this address answer; hand on what has none."""
        endpoint = self._endpoint(environ["PATH_INFO"])
        if endpoint is None:
            return self._app(environ, start_response)
        try:
            status, text = "200 OK", endpoint(Request.read(environ, largest_body(environ["PATH_INFO"])))
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

    def _endpoint(self, path: str) -> Endpoint | None:
        if not path.startswith(PREFIX):
            return None
        given = path.encode("latin-1", "replace")
        return next((endpoint for own, endpoint in self._endpoints if hmac.compare_digest(given, own)), None)
