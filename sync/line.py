"""The line to the upstream: one kept HTTP connection."""

from __future__ import annotations

import json

import urllib3
from urllib3.exceptions import HTTPError
from urllib3.exceptions import TimeoutError as LateError

from sync.exchange import LineDownError

PATH = "/x/1/exchange"
CONNECT_S, READ_S = 10.0, 60.0
CONTENT_TYPE = "application/octet-stream"


class Line:
    """Posts frames to the upstream at `url`."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/") + PATH
        self._pool = urllib3.PoolManager(
            num_pools=1, timeout=urllib3.Timeout(connect=CONNECT_S, read=READ_S), retries=False
        )

    def post(self, frame: bytes) -> bytes:
        """The upstream's answer. Raises LineDownError with what an operator can understand."""
        try:
            response = self._pool.request("POST", self._url, body=frame, headers={"Content-Type": CONTENT_TYPE})
        except LateError:
            raise LineDownError("the upstream does not answer in time") from None
        except HTTPError:
            raise LineDownError("the upstream cannot be reached") from None
        if response.status != 200:
            raise LineDownError(_refusal(response))
        return response.data


def _refusal(response: urllib3.BaseHTTPResponse) -> str:
    """The upstream's own words, where they are problem details (RFC 9457)."""
    if response.headers.get("Content-Type", "").startswith("application/problem+json"):
        try:
            return f"the upstream refuses: {json.loads(response.data)['title']}"
        except (ValueError, KeyError, TypeError):
            pass
    return f"the upstream answers with HTTP status {response.status}"
