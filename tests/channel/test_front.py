"""Endpoints by their addresses: what one raises is told to the gateway in a status that it understands."""

from collections.abc import Callable

import pytest
from flask import Flask

from sado.channel.contract import address
from sado.channel.front import Webhooks
from sado.channel.request import BadRequestError, Request
from sado.sync.codes import Cause
from sado.sync.outbox import DestinationDownError

PATH = address("kannel", "a-token-for-the-tests-0000", "ussd")
SMS, REPORT = (address("kannel", "a-token-for-the-tests-0000", part) for part in ("sms", "report"))


def fails(error: Exception) -> Callable[[Request], str]:
    def endpoint(request: Request) -> str:
        raise error

    return endpoint


def answered(endpoint: Callable[[Request], str], path: str = PATH, body: bytes = b"text=1") -> tuple[int, str]:
    app = Flask("sado", static_folder=None)
    app.wsgi_app = Webhooks(app.wsgi_app, dict.fromkeys((PATH, SMS, REPORT), endpoint))  # type: ignore[method-assign]
    response = app.test_client().post(path, data=body)
    return response.status_code, response.text


@pytest.mark.parametrize(
    ("endpoint", "status"),
    [
        (lambda request: "OK", 200),
        (fails(BadRequestError("id is missing.")), 400),
        (fails(DestinationDownError(Cause.GATEWAY_UNREACHABLE)), 503),
    ],
)
def test_an_answer_has_a_status_that_the_gateway_understands(endpoint: Callable[[Request], str], status: int) -> None:
    assert answered(endpoint)[0] == status


@pytest.mark.parametrize("path", [PATH + "x", PATH[:-1], "/gateway/kannel//ussd", "/gateway/"])
def test_another_address_is_no_endpoint(path: str) -> None:
    assert answered(lambda request: "OK", path)[0] == 404


@pytest.mark.parametrize(("path", "largest"), [(PATH, 16 * 1024), (SMS, 64 * 1024), (REPORT, 64 * 1024)])
def test_what_is_too_large_for_its_address_is_not_read(path: str, largest: int) -> None:
    assert answered(lambda request: str(len(request.body)), path, bytes(largest)) == (200, str(largest))
    refused = answered(fails(AssertionError("It was read.")), path, bytes(largest + 1))
    assert refused == (413, f"The request is larger than {largest} bytes.")
