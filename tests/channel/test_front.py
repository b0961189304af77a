"""Endpoints by their addresses: what one raises is told to the gateway in a status that it understands."""

from base64 import b64encode
from collections.abc import Callable

import pytest
from flask import Flask

from sado.channel.contract import Networks, address
from sado.channel.front import Webhook, Webhooks
from sado.channel.request import BadRequestError, Request
from sado.sync.codes import Cause
from sado.sync.outbox import DestinationDownError

TOKEN = "a-token-for-the-tests-0000"
PATH = address("kannel", TOKEN, "ussd")
SMS, REPORT = (address("kannel", TOKEN, part) for part in ("sms", "report"))
BARE = "/gateway/kannel/ussd"


def fails(error: Exception) -> Callable[[Request], str]:
    def endpoint(request: Request) -> str:
        raise error

    return endpoint


def answered(
    endpoint: Callable[[Request], str],
    path: str = PATH,
    body: bytes = b"text=1",
    caller: str = "127.0.0.1",
    allowed: str = "",
    **headers: str,
) -> tuple[int, str]:
    app = Flask("sado", static_folder=None)
    webhooks = [Webhook("kannel", part, TOKEN, endpoint, Networks(allowed)) for part in ("ussd", "sms", "report")]
    app.wsgi_app = Webhooks(app.wsgi_app, webhooks)  # type: ignore[method-assign]
    response = app.test_client().post(path, data=body, headers=headers, environ_base={"REMOTE_ADDR": caller})
    return response.status_code, response.text


def says_ok(request: Request) -> str:
    return "OK"


def basic(password: str) -> str:
    return "Basic " + b64encode(f"sado:{password}".encode()).decode()


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


@pytest.mark.parametrize(
    "path",
    [
        PATH + "x",
        PATH[:-1],
        f"{PATH}/ussd",
        f"/gateway/kannel/{TOKEN}x/ussd",
        f"/gateway/android/{TOKEN}/ussd",
        "/gateway/kannel//ussd",
        "/gateway/kannel/%D0%B6/ussd",
        "/gateway/kannel",
        "/gateway/",
        BARE,
    ],
)
def test_another_address_is_no_endpoint(path: str) -> None:
    assert answered(lambda request: "OK", path)[0] == 404


@pytest.mark.parametrize(("path", "largest"), [(PATH, 16 * 1024), (SMS, 64 * 1024), (REPORT, 64 * 1024)])
def test_what_is_too_large_for_its_address_is_not_read(path: str, largest: int) -> None:
    assert answered(lambda request: str(len(request.body)), path, bytes(largest)) == (200, str(largest))
    refused = answered(fails(AssertionError("It was read.")), path, bytes(largest + 1))
    assert refused == (413, f"The request is larger than {largest} bytes.")


@pytest.mark.parametrize("shown", [f"Bearer {TOKEN}", f"bearer {TOKEN}", basic(TOKEN)])
def test_the_token_may_come_in_a_header(shown: str) -> None:
    assert answered(says_ok, BARE, Authorization=shown) == (200, "OK")


@pytest.mark.parametrize(
    "shown",
    [
        "",
        "Bearer",
        "Bearer ",
        f"Bearer {TOKEN}x",
        TOKEN,
        basic(""),
        basic("ж"),
        "Basic %%",
        f"Foo {TOKEN}",
        "Bearer ж",
    ],
)
def test_a_header_without_the_token_is_no_way_in(shown: str) -> None:
    assert answered(says_ok, BARE, Authorization=shown.encode().decode("latin-1"))[0] == 404


def test_a_token_in_the_header_does_not_make_good_a_wrong_one_in_the_path() -> None:
    assert answered(says_ok, f"/gateway/kannel/{TOKEN[:-1]}1/ussd", Authorization=f"Bearer {TOKEN}")[0] == 404


@pytest.mark.parametrize(
    ("allowed", "caller"),
    [
        ("", "192.0.2.1"),
        ("127.0.0.1", "127.0.0.1"),
        ("10.2.0.1, 10.1.0.0/16", "10.1.255.255"),
        ("2001:db8::/32", "2001:db8::1"),
        ("10.1.0.0/16", "::ffff:10.1.0.1"),
    ],
)
def test_a_gateway_calls_from_where_it_is_allowed(allowed: str, caller: str) -> None:
    assert answered(says_ok, caller=caller, allowed=allowed) == (200, "OK")


@pytest.mark.parametrize(
    ("allowed", "caller"),
    [("127.0.0.1", "127.0.0.2"), ("10.1.0.0/16", "10.2.0.1"), ("10.1.0.0/16", "::1"), ("127.0.0.1", ""), ("::1", "x")],
)
def test_a_right_token_from_elsewhere_is_answered_as_a_wrong_one_before_anything_is_read(
    allowed: str, caller: str
) -> None:
    wrong = answered(says_ok, f"{PATH}x")
    assert wrong[0] == 404
    unread = fails(AssertionError("It was read."))
    assert answered(unread, caller=caller, allowed=allowed) == wrong
    assert answered(unread, BARE, caller=caller, allowed=allowed, Authorization=f"Bearer {TOKEN}") == wrong
    assert answered(unread, body=bytes(1 << 20), caller=caller, allowed=allowed) == wrong
