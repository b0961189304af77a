"""SMS through Africa's Talking: whatever its API does ends as one of the outbox's words for it."""

import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest

from sado.channel.gateways.africastalking import AfricasTalkingSms, Settings
from sado.sync.outbox import DeferredError, DestinationDownError, OutcomeUnknownError, RejectedError, SendError

MSISDN = "+992900000001"
KEY = "atsk_a_secret_key"
TEXT = "№0074424284: хабар ҳаст."
Behaviour = Callable[[BaseHTTPRequestHandler], None]


def sms(url: str, sender: str = "", key: str = KEY) -> AfricasTalkingSms:
    return AfricasTalkingSms(Settings(username="sado", key=key, sender=sender, url=url), "TJ")


class Provider(ThreadingHTTPServer):
    """The provider's API on loopback; `behaviour` writes the answer, `messages` are the forms that came."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.behaviour: Behaviour = accepted
        self.messages: list[dict[str, list[str]]] = []
        self.keys: list[str | None] = []
        self.url = f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Provider

    def do_POST(self) -> None:  # noqa: N802
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.messages.append(parse_qs(body))
        self.server.keys.append(self.headers["apiKey"])
        self.server.behaviour(self)

    def log_message(self, *args: object) -> None:
        """Say nothing: the output is the tests'."""


def answer(content: str | bytes, status: int = 201, kind: str = "application/json", length: int = 0) -> Behaviour:
    """Answer with this body; a `length` of more than it has cuts the connection in the middle."""
    body = content.encode() if isinstance(content, str) else content

    def behave(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(length or len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return behave


def recipients(*found: dict[str, Any], message: str = "Sent to 1/1 Total Cost: TJS 0.1000") -> str:
    return json.dumps({"SMSMessageData": {"Message": message, "Recipients": list(found)}})


def recipient(status: str, code: int) -> str:
    return recipients({"statusCode": code, "number": MSISDN, "status": status, "cost": "0", "messageId": "ATXid_1"})


def hung_up(handler: BaseHTTPRequestHandler) -> None:
    """Take the message and cut the line without a word."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
    handler.wfile = handler.rfile = open("/dev/null", "r+b")  # noqa: SIM115, PTH123


def silent(handler: BaseHTTPRequestHandler) -> None:
    """Take the message and answer later than the SDK waits."""
    time.sleep(10)


accepted = answer(recipient("Success", 101))


@pytest.fixture
def provider() -> Iterator[Provider]:
    server = Provider()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def send(url: str) -> None:
    sms(url, sender="SADO").send(MSISDN, TEXT, "007-1-1")


def test_a_message_is_sent_once_with_its_account(provider: Provider) -> None:
    send(provider.url)
    (form,) = provider.messages
    assert (form["to"], form["message"], form["from"], form["username"]) == ([MSISDN], [TEXT], ["SADO"], ["sado"])
    assert provider.keys == [KEY]


def test_without_a_sender_the_provider_uses_its_own(provider: Provider) -> None:
    sms(provider.url).send(MSISDN, TEXT, "007-1-1")
    assert "from" not in provider.messages[0]


@pytest.mark.parametrize("code", [100, 101, 102])
@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8"])
def test_an_accepted_message_is_sent_however_its_answer_is_labelled(provider: Provider, kind: str, code: int) -> None:
    provider.behaviour = answer(recipient("Sent", code), kind=kind)
    send(provider.url)
    assert len(provider.messages) == 1


FAILURES = [
    ("a sender that is not ours", answer(recipients(message="InvalidSenderId")), DestinationDownError),
    ("the same, beside the number", answer(recipient("InvalidSenderId", 402)), DestinationDownError),
    ("no money", answer(recipient("InsufficientBalance", 405)), DestinationDownError),
    ("a number that wants none", answer(recipient("UserInBlacklist", 406)), RejectedError),
    ("a number that is none", answer(recipient("InvalidPhoneNumber", 403)), RejectedError),
    ("no route", answer(recipient("CouldNotRoute", 407)), DeferredError),
    ("a word of tomorrow", answer(recipient("Sleepy", 599)), DeferredError),
    ("a wrong key", answer("The supplied authentication is invalid", 401, "text/plain"), DestinationDownError),
    ("an error of theirs", answer("Internal Server Error", 500, "text/html"), DestinationDownError),
    ("a gateway before them", answer("<html>Bad Gateway</html>", 502, "text/html"), DestinationDownError),
    ("JSON cut off", answer('{"SMSMessageData": {"Mess'), OutcomeUnknownError),
    ("JSON cut off, as text", answer('{"SMSMessageData": {"Mess', kind="text/plain"), OutcomeUnknownError),
    ("nothing", answer("", 200), OutcomeUnknownError),
    ("a page of a hotel", answer("<html>Sign in</html>", 200, "text/html"), OutcomeUnknownError),
    ("JSON of something else", answer("[1, 2]"), OutcomeUnknownError),
    ("a list of words", answer('{"SMSMessageData": {"Message": "", "Recipients": ["a"]}}'), OutcomeUnknownError),
    ("the line cut in the answer", answer('{"SMSMess', length=500), OutcomeUnknownError),
    ("the line cut before it", hung_up, OutcomeUnknownError),
]


@pytest.mark.parametrize(("behaviour", "error"), [row[1:] for row in FAILURES], ids=[row[0] for row in FAILURES])
def test_what_goes_wrong_is_told_in_the_outboxs_words(
    provider: Provider, behaviour: Behaviour, error: type[SendError]
) -> None:
    provider.behaviour = behaviour
    with pytest.raises(error) as raised:
        send(provider.url)
    assert len(provider.messages) == 1
    assert_keeps_secrets(raised.value)


def test_a_server_that_is_not_there_has_taken_nothing() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        with pytest.raises(DestinationDownError) as raised:
            send(f"http://127.0.0.1:{held.getsockname()[1]}")
    assert_keeps_secrets(raised.value)


def test_a_key_that_no_request_can_carry_has_sent_nothing(provider: Provider) -> None:
    with pytest.raises(DestinationDownError, match="or key") as raised:
        sms(provider.url, key="ключ").send(MSISDN, TEXT, "007-1-1")
    assert provider.messages == []
    assert_keeps_secrets(raised.value)


@pytest.mark.long
def test_a_message_taken_without_a_word_may_have_gone(provider: Provider) -> None:
    provider.behaviour = silent
    with pytest.raises(OutcomeUnknownError) as raised:
        send(provider.url)
    assert_keeps_secrets(raised.value)


def assert_keeps_secrets(error: SendError) -> None:
    """The operator reads this: a cause, never a number, a text or a key."""
    assert not [secret for secret in (MSISDN, MSISDN[1:], KEY, "0074424284") if secret in str(error)]
    assert error.__cause__ is None
    assert error.__context__ is None or error.__suppress_context__
