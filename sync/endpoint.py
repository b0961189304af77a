"""The upstream's endpoint: POST /x, GET /x/2/blob/….

It stands in front of Flask as plain WSGI, so that the answer has no header that a thin line would pay for.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from sado.store import DiskError, Store, StoreError
from sado.store.tables.events import Apply
from sado.sync.blobs import protocol, publish
from sado.sync.codes import Cause
from sado.sync.errors import UnknownStationError
from sado.sync.exchange import server
from sado.sync.wire.frame import LARGEST, PATH, FrameError

log = logging.getLogger(__name__)

REASONS = {
    400: "Bad Request",
    403: "Forbidden",
    405: "Method Not Allowed",
    413: "Too Large",
    503: "Unavailable",
}


class RefusalError(Exception):
    """A request that gets problem details (RFC 9457) instead of a frame; nothing personal is in them. The station that
    asked knows the cause by its code."""

    def __init__(self, status: int, cause: Cause, detail: str) -> None:
        super().__init__(cause.value)
        self.status = f"{status} {REASONS[status]}"
        content = {"type": "about:blank", "title": cause.value, "status": status, "detail": detail, "code": cause.name}
        self.body = json.dumps(content).encode()


class Endpoint:
    """Answers the stations of this upstream, in front of `app`, which answers everything else."""

    def __init__(self, app: WSGIApplication, store: Store, apply: Apply) -> None:
        self._app = app
        self._store = store
        self._apply = apply
        self._blobs = publish.BlobServer(store)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a frame with a frame, a request for a blob with a range of it; hand on the rest."""
        path = environ["PATH_INFO"]
        if path != PATH and not path.startswith(protocol.PREFIX):
            return self._app(environ, start_response)
        try:
            body = self._answer(environ)
        except RefusalError as refusal:
            headers = [("Content-Type", "application/problem+json"), ("Content-Length", str(len(refusal.body)))]
            start_response(refusal.status, headers)
            return [refusal.body]
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body]

    def _answer(self, environ: WSGIEnvironment) -> bytes:
        is_blob = environ["PATH_INFO"].startswith(protocol.PREFIX)
        if environ["REQUEST_METHOD"] != ("GET" if is_blob else "POST"):
            raise RefusalError(405, Cause.UPSTREAM_REFUSES, "A station posts a frame, and gets a blob.")
        length = int(environ.get("CONTENT_LENGTH") or 0)
        if length > LARGEST:
            raise RefusalError(413, Cause.FRAME_TOO_LARGE, "Send fewer events at once.")
        try:
            if is_blob:
                headers = {
                    "Range": environ.get("HTTP_RANGE", ""),
                    "Authorization": environ.get("HTTP_AUTHORIZATION", ""),
                }
                return self._blobs.answer(environ["PATH_INFO"], environ.get("QUERY_STRING", ""), headers)
            return server.answer(self._store, environ["wsgi.input"].read(length), self._apply)
        except UnknownStationError as error:
            raise RefusalError(403, Cause.STATION_UNKNOWN, str(error)) from None
        except FrameError as error:
            raise RefusalError(400, error.reason.cause, str(error)) from None
        except (DiskError, StoreError):
            log.exception("exchange: the store failed")
            raise RefusalError(503, Cause.UPSTREAM_STORE_FAILED, "Nothing was taken; send it again later.") from None
