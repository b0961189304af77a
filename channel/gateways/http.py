"""One HTTP request to a gateway, and what its failures mean for the message that it carried."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from sado.sync.codes import Cause
from sado.sync.outbox import DestinationDownError, OutcomeUnknownError, SendError

CONNECT_S, ANSWER_S = 3.0, 10.0
LONGEST_ANSWER = 10_000


@dataclass(frozen=True)
class Answer:
    """What a gateway answered."""

    status: int
    text: str


def post(url: str, body: bytes, headers: Mapping[str, str], answer_s: float = ANSWER_S) -> Answer:
    """Post a message and have the gateway's answer, whatever its status; it is waited for `answer_s` seconds. Raises
    DestinationDownError when the message cannot have left, and OutcomeUnknownError when it may have: the request went
    out and no whole answer came.

    Each request has a connection of its own: one kept open may be closed by the gateway just as the next message goes,
    and nobody could tell whether it was read. A redirect is an answer: following one would post the message twice.
    """
    import requests

    with failures():
        answer = requests.post(
            url, data=body, headers=dict(headers), timeout=(CONNECT_S, answer_s), allow_redirects=False
        )
    return Answer(answer.status_code, answer.content[:LONGEST_ANSWER].decode("utf-8", "replace"))


@contextmanager
def failures() -> Iterator[None]:
    """What a request raises becomes what it means for the message: DestinationDownError where it cannot have left,
    OutcomeUnknownError where it may have."""
    import requests

    try:
        yield
    except requests.ConnectTimeout:
        raise DestinationDownError(Cause.GATEWAY_SILENT) from None
    except requests.Timeout:
        raise OutcomeUnknownError(Cause.GATEWAY_SAID_NOTHING) from None
    except requests.ConnectionError as error:
        raise _broken(error) from None
    except requests.exceptions.InvalidHeader:
        # An answer's header, though requests calls it a ValueError as it does an address that is none.
        raise OutcomeUnknownError(Cause.GATEWAY_UNREADABLE) from None
    except ValueError:
        # Found before anything leaves: an address that is none, a letter in a header that HTTP does not have.
        raise DestinationDownError(Cause.GATEWAY_SETTINGS) from None
    except requests.RequestException:
        raise OutcomeUnknownError(Cause.GATEWAY_UNREADABLE) from None


def _broken(error: Exception) -> SendError:
    """A connection that was never made carried nothing; one that broke later may have."""
    from urllib3.exceptions import NewConnectionError, ProxyError, SSLError

    cause = getattr(error.args[0] if error.args else None, "reason", None)
    if isinstance(cause, NewConnectionError | ProxyError | SSLError):
        return DestinationDownError(Cause.GATEWAY_UNREACHABLE)
    return OutcomeUnknownError(Cause.GATEWAY_LINE_BROKE)
