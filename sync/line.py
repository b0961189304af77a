"""The line to the upstream: one kept HTTP connection."""

from __future__ import annotations

import requests

from sync.exchange import LineDownError

PATH = "/x/1/exchange"
CONNECT_S, READ_S = 10.0, 60.0
CONTENT_TYPE = "application/octet-stream"


class Line:
    """Posts frames to the upstream at `url`."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/") + PATH
        self._session = requests.Session()

    def post(self, frame: bytes) -> bytes:
        """The upstream's answer. Raises LineDownError with what an operator can understand."""
        try:
            response = self._session.post(
                self._url, data=frame, headers={"Content-Type": CONTENT_TYPE}, timeout=(CONNECT_S, READ_S)
            )
        except requests.Timeout:
            raise LineDownError("the upstream does not answer in time") from None
        except requests.RequestException:
            raise LineDownError("the upstream cannot be reached") from None
        if response.status_code != requests.codes.ok:
            raise LineDownError(_refusal(response))
        return response.content


def _refusal(response: requests.Response) -> str:
    """The upstream's own words, where they are problem details (RFC 9457)."""
    if response.headers.get("Content-Type", "").startswith("application/problem+json"):
        try:
            return f"the upstream refuses: {response.json()['title']}"
        except (ValueError, KeyError):
            pass
    return f"the upstream answers with HTTP status {response.status_code}"
