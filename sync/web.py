"""The upstream's door: POST /x/1/exchange."""

from __future__ import annotations

import json
import logging

from flask import Blueprint, Response, request

from store import DiskError, Store, StoreError
from sync import exchange, line
from sync.wire import LARGEST, FrameError

log = logging.getLogger(__name__)


def create(store: Store, apply: exchange.Apply) -> Blueprint:
    """The blueprint that answers the stations of this upstream."""
    blueprint = Blueprint("exchange", __name__)

    @blueprint.post(line.PATH)
    def take() -> Response:
        if (request.content_length or 0) > LARGEST:
            return problem(413, "The frame is too large", "Send fewer events at once.")
        try:
            answer = exchange.answer(store, request.get_data(), apply)
        except exchange.UnknownStationError as error:
            return problem(403, "Unknown station", str(error))
        except exchange.RepeatedExchangeError as error:
            return problem(409, "Repeated exchange", str(error))
        except FrameError as error:
            return problem(400, "Not a whole frame", str(error))
        except (DiskError, StoreError):
            log.exception("exchange: the store failed")
            return problem(503, "The store failed", "Nothing was taken; send it again later.")
        return Response(answer, content_type=line.CONTENT_TYPE)

    return blueprint


def problem(status: int, title: str, detail: str) -> Response:
    """Problem details for a machine (RFC 9457), without anything personal."""
    body = json.dumps({"type": "about:blank", "title": title, "status": status, "detail": detail})
    return Response(body, status, content_type="application/problem+json")
