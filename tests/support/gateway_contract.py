"""What every gateway has to be told to be held to the same contract: valid requests, and how its server answers.

A new gateway is a new row of WEB or USSD here, or a contract of its own in SMS; the tests are in test_contract.py.
"""

import hashlib
import hmac
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Protocol
from urllib.parse import parse_qsl, urlencode

from sado.channel.contract import Hop, Message, Report, SessionEnd, SmsGateway, State, UssdGateway
from sado.channel.front import LARGEST_SMS
from sado.channel.gateways import africastalking, android, fieldmap
from sado.channel.gateways.africastalking import AfricasTalkingSms, AfricasTalkingUssd
from sado.channel.gateways.android import AndroidSms
from sado.channel.gateways.fieldmap import FieldMapUssd
from sado.channel.gateways.gammu import GammuSms
from sado.channel.gateways.kannel import KannelHop, KannelSms, KannelUssd, Smsbox
from sado.channel.request import Request
from sado.sync.outbox import DeferredError, DestinationDownError, OutcomeUnknownError, RejectedError, SendError
from tests.support.gammu import Database, locked
from tests.support.provider import Behaviour, Handler, answer, hung_up, nobody, provider

MSISDN = "+992900000001"
TEXT = "№0074424284: хабар ҳаст."
KEY = "007-00000012-1"
PASSWORD = "a-pass-word-of-ours"
SECRETS = (MSISDN, MSISDN[1:], "0074424284", "хабар", PASSWORD)
NOW = 1_800_000_000
COUNTRY = "TJ"
CODE = "*1339#"

Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Format:
    """How a gateway writes one kind of request. `fields` are those of a valid one; without one of `needed` it is none.
    `carry` makes a request of any bytes, `write` one of fields, of which one may stand there twice."""

    fields: Mapping[str, str]
    needed: Sequence[str]
    carry: Callable[[bytes], Request]
    write: Callable[[Pairs], bytes] = lambda pairs: urlencode(pairs).encode()
    garbled: bytes = b"%FF"

    def request(self, **changed: str) -> Request:
        """A valid request, but for these fields."""
        return self.carry(self.write(list({**self.fields, **changed}.items())))

    def without(self, name: str) -> Request:
        """A request that lacks a field."""
        return self.carry(self.write([pair for pair in self.fields.items() if pair[0] != name]))

    def doubled(self, name: str, value: str) -> Request:
        """A request that says a field twice, the second time so."""
        return self.carry(self.write([*self.fields.items(), (name, value)]))

    def wrongly_encoded(self, name: str) -> Request:
        """A request of which a field is not UTF-8."""
        return self.carry(self.write(list({**self.fields, name: "QQQQ"}.items())).replace(b"QQQQ", self.garbled))


class Sender(Protocol):
    """As much of an SMS gateway as sends."""

    def send(self, msisdn: str, text: str, key: str) -> str: ...


# Something that goes wrong, for as long as it lasts: a folder to make it in → a gateway that meets it.
Fault = Callable[[Path], AbstractContextManager[Sender]]


class SmsContract(Protocol):
    """An SMS gateway, however it is reached. `expected` is the message of a person, `states` is what the words of
    reports mean, `reported` is what reports name our message by."""

    @property
    def name(self) -> str: ...
    @property
    def expected(self) -> tuple[str, str]: ...
    @property
    def states(self) -> Mapping[str, State]: ...
    @property
    def reported(self) -> str: ...

    def read(self, folder: Path, sender: str) -> Message | None:
        """The expected message, as it comes from this sender."""

    def told(self, folder: Path, word: str) -> Report | None:
        """What is reported of our message."""

    def sound(self, folder: Path) -> AbstractContextManager[tuple[Sender, Callable[[], int]]]:
        """A gateway that takes messages, and how many it took."""

    def broken(self) -> Mapping[str, tuple[Fault, type[SendError]]]:
        """What goes wrong, and what it is called."""


@dataclass(frozen=True)
class WebSms:
    """A gateway that calls us and is called by HTTP: `make` has it talk to a server at this address. `sender` is a
    field of a message, `state` one of a report. `accepted` is how its server takes a message, `faults` how it does not.
    """

    name: str
    make: Callable[[str], SmsGateway]
    message: Format
    sender: str
    expected: tuple[str, str]
    report: Format
    state: str
    states: Mapping[str, State]
    reported: str
    accepted: Behaviour
    faults: Mapping[str, tuple[Behaviour, type[SendError]]]

    def idle(self) -> SmsGateway:
        """The gateway, for what comes in: its server is not asked."""
        return self.make("http://127.0.0.1:9")

    def read(self, folder: Path, sender: str) -> Message | None:
        return self.idle().parse_message(self.message.request(**{self.sender: sender}))

    def told(self, folder: Path, word: str) -> Report | None:
        return self.idle().parse_report(self.report.request(**{self.state: word}))

    @contextmanager
    def sound(self, folder: Path) -> Iterator[tuple[Sender, Callable[[], int]]]:
        with provider(self.accepted) as server:
            yield self.make(server.url), lambda: len(server.asked)

    def broken(self) -> Mapping[str, tuple[Fault, type[SendError]]]:
        found = {name: (self._answering(behaviour), error) for name, (behaviour, error) in self.faults.items()}
        return {**found, "nobody there": (self._unreachable, DestinationDownError)}

    def _answering(self, behaviour: Behaviour) -> Fault:
        @contextmanager
        def fault(folder: Path) -> Iterator[Sender]:
            with provider(behaviour) as server:
                yield self.make(server.url)
                assert len(server.asked) == 1

        return fault

    @contextmanager
    def _unreachable(self, folder: Path) -> Iterator[Sender]:
        with nobody() as url:
            yield self.make(url)


class GammuContract:
    """Gammu SMSD, which is met in its database."""

    name = "gammu"
    expected = (MSISDN, "1 об нест")
    states: Mapping[str, State] = {
        "SendingOK": "sent",
        "DeliveryPending": "buffered",
        "DeliveryOK": "delivered",
        "DeliveryFailed": "failed",
        "SendingError": "failed",
    }
    reported = KEY

    def read(self, folder: Path, sender: str) -> Message | None:
        database = self._database(folder)
        database.receive(sender, self.expected[1])
        return next(iter(self._gateway(database).collect()), None)

    def told(self, folder: Path, word: str) -> Report | None:
        database = self._database(folder)
        gateway = self._gateway(database)
        gateway.send(MSISDN, TEXT, KEY)
        database.send(word)
        return next(iter(gateway.reports()), None)

    @contextmanager
    def sound(self, folder: Path) -> Iterator[tuple[Sender, Callable[[], int]]]:
        database = self._database(folder)
        yield self._gateway(database), lambda: int(database.run("SELECT COUNT(*) FROM outbox")[0][0])

    def broken(self) -> Mapping[str, tuple[Fault, type[SendError]]]:
        return {
            "a locked database": (self._locked, DestinationDownError),
            "no database": (self._missing, DestinationDownError),
            "another database": (self._another, DestinationDownError),
            "a daemon that sleeps": (self._asleep, DestinationDownError),
        }

    def _database(self, folder: Path) -> Database:
        database = Database(Path(mkdtemp(dir=folder)))
        database.live()
        return database

    def _gateway(self, database: Database) -> GammuSms:
        return GammuSms(database.path, COUNTRY)

    @contextmanager
    def _locked(self, folder: Path) -> Iterator[Sender]:
        database = self._database(folder)
        with locked(database):
            yield self._gateway(database)

    @contextmanager
    def _missing(self, folder: Path) -> Iterator[Sender]:
        yield GammuSms(folder / "none.db", COUNTRY)

    @contextmanager
    def _another(self, folder: Path) -> Iterator[Sender]:
        yield self._gateway(Database(folder, "CREATE TABLE gammu (Version INTEGER); INSERT INTO gammu VALUES (16)"))

    @contextmanager
    def _asleep(self, folder: Path) -> Iterator[Sender]:
        yield self._gateway(Database(folder))


@dataclass(frozen=True)
class UssdContract:
    """A USSD gateway, its hops and its ends, which come to the hops' address if `has_one_address`."""

    name: str
    gateway: UssdGateway
    hop: Format
    expected: Hop
    end: Format
    has_one_address: bool = False

    def parse_end(self, request: Request) -> Hop | SessionEnd:
        """What reads an end."""
        return self.gateway.parse_hop(request) if self.has_one_address else self.gateway.parse_end(request)


def in_body(body: bytes) -> Request:
    """A form that is posted."""
    return request(body=body)


def by_kannel(fields: bytes, body: bytes = b"", **headers: str) -> Request:
    """A message as smsbox posts it: its id in the address, its text in the body, the rest in headers, of which a server
    reads the octets as Latin-1."""
    given = dict(parse_qsl(fields.decode("latin-1"), keep_blank_values=True, encoding="latin-1"))
    query = {name: given.pop(name) for name in ("id", "status") if name in given}
    text = given.pop("text", "").encode("latin-1")
    said = {f"HTTP_X_KANNEL_{name.upper().replace('-', '_')}": value for name, value in given.items()}
    return request(urlencode(query, encoding="latin-1").encode(), body or text, **said, **headers)


def in_address(query: bytes) -> Request:
    """Fields in the address."""
    return request(query=query)


def request(query: bytes = b"", body: bytes = b"", **headers: str) -> Request:
    """A request as a server reads it."""
    environ = {
        "QUERY_STRING": query.decode("latin-1"),
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        **headers,
    }
    return Request.read(environ, LARGEST_SMS)


def signed(body: bytes, at: int = NOW, key: str = PASSWORD) -> Request:
    """An event as the Android app signs it."""
    signature = hmac.new(key.encode(), body + str(at).encode(), hashlib.sha256).hexdigest()
    return request(body=body, HTTP_X_SIGNATURE=signature, HTTP_X_TIMESTAMP=str(at))


def event(pairs: Pairs) -> bytes:
    """An event of the Android app, in which a field may stand twice; `payload.x` is inside the payload."""
    outer = [pair for pair in pairs if not pair[0].startswith("payload.")]
    inner = [(name.removeprefix("payload."), value) for name, value in pairs if name.startswith("payload.")]
    return _object([*_members(outer), f'"payload": {_object(_members(inner))}']).encode()


def _members(pairs: Pairs) -> list[str]:
    return [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in pairs]


def _object(members: list[str]) -> str:
    return f"{{{', '.join(members)}}}"


def taken_by_phone(handler: Handler) -> None:
    """The Android app takes a message under the name that we gave it."""
    given = json.loads(handler.server.asked[-1].body)
    answer(json.dumps({"id": given["id"], "state": "Pending", "recipients": []}), 202)(handler)


def recipients(status: str, code: int) -> str:
    """Africa's Talking about one recipient."""
    found = [{"statusCode": code, "number": MSISDN, "status": status, "cost": "0", "messageId": "ATXid_1"}]
    return json.dumps({"SMSMessageData": {"Message": "Sent to 1/1", "Recipients": found}})


# An answer may repeat what was sent: nothing of it is to be seen on our side.
ECHO = json.dumps({"message": f"{MSISDN}: {TEXT}"}, ensure_ascii=False)
PAGE = "<html>Sign in</html>"
ANY_SERVER: Mapping[str, tuple[Behaviour, type[SendError]]] = {
    "an error of theirs": (answer(ECHO, 500), DestinationDownError),
    "too much for them": (answer(ECHO, 503), DestinationDownError),
    "a page of a hotel": (answer(PAGE, 200, "text/html"), OutcomeUnknownError),
    "nothing": (answer("", 200), OutcomeUnknownError),
    "an answer to something else": (answer(ECHO, 200), OutcomeUnknownError),
    "the line cut before the answer": (hung_up, OutcomeUnknownError),
}

WEB = [
    WebSms(
        name="africastalking",
        make=lambda url: AfricasTalkingSms(
            africastalking.Settings(username="sado", key=PASSWORD, sender="SADO", url=url), COUNTRY
        ),
        message=Format(
            {"from": MSISDN, "id": "m1", "text": "1 об нест", "to": "1339", "date": "2027-01-15 08:00:00"},
            ("from", "id", "text"),
            in_body,
        ),
        sender="from",
        expected=(MSISDN, "1 об нест"),
        report=Format(
            {"id": "ATXid_1", "status": "Success", "phoneNumber": MSISDN, "networkCode": "43601"},
            ("id", "status"),
            in_body,
        ),
        state="status",
        states={"Sent": "sent", "Buffered": "buffered", "Success": "delivered", "Rejected": "failed"},
        reported="ATXid_1",
        accepted=answer(recipients("Success", 101), 201),
        faults={
            **ANY_SERVER,
            "a wrong key": (answer("The supplied authentication is invalid", 401), DestinationDownError),
            "no money": (answer(recipients("InsufficientBalance", 405), 201), DestinationDownError),
            "no number": (answer(recipients("InvalidPhoneNumber", 403), 201), RejectedError),
            "no route": (answer(recipients("CouldNotRoute", 407), 201), DeferredError),
            "the line cut in the answer": (answer('{"SMSMess', 201, length=500), OutcomeUnknownError),
        },
    ),
    WebSms(
        name="android",
        make=lambda url: AndroidSms(
            android.Settings(url=f"{url}/message", username="sms", password=PASSWORD, signing_key=PASSWORD),
            COUNTRY,
            lambda: NOW,
        ),
        message=Format(
            {
                "event": "sms:received",
                "id": "Ey6ECgOkVVFjz3CL48B8C",
                "deviceId": "ffffffffceb0b1db0000018e937c815b",
                "webhookId": "LreFUt-Z3sSq0JufY9uWB",
                "payload.messageId": "abc123",
                "payload.message": "1 об нест",
                "payload.sender": MSISDN,
                "payload.receivedAt": "2027-01-15T13:00:00.000+05:00",
            },
            ("event", "id", "payload.message", "payload.sender"),
            signed,
            event,
            b"\xff",
        ),
        sender="payload.sender",
        expected=(MSISDN, "1 об нест"),
        report=Format(
            {
                "event": "sms:delivered",
                "id": "Zy6ECgOkVVFjz3CL48B8D",
                "deviceId": "ffffffffceb0b1db0000018e937c815b",
                "webhookId": "LreFUt-Z3sSq0JufY9uWB",
                "payload.messageId": KEY,
                "payload.phoneNumber": MSISDN,
                "payload.deliveredAt": "2027-01-15T13:00:05.000+05:00",
            },
            ("event", "payload.messageId"),
            signed,
            event,
            b"\xff",
        ),
        state="event",
        states={
            "sms:sent": "sent",
            "sms:delivered": "delivered",
            "sms:failed": "failed",
            "sms:cancelled": "failed",
        },
        reported=KEY,
        accepted=taken_by_phone,
        faults={
            **ANY_SERVER,
            "a wrong password": (answer("", 401), DestinationDownError),
            "a wrong address": (answer(PAGE, 404, "text/html"), DestinationDownError),
            "another address": (answer("", 302, Location="http://192.0.2.1/"), DestinationDownError),
            "too many": (answer(ECHO, 429), DestinationDownError),
            "no phone": (answer('{"message": "No devices registered"}', 400), DestinationDownError),
            "no number": (answer(ECHO, 400), RejectedError),
            "too large": (answer(ECHO, 413), DeferredError),
            "another message": (answer('{"id": "another"}', 202), OutcomeUnknownError),
            "the line cut in the answer": (answer('{"id": "007', 202, length=500), OutcomeUnknownError),
        },
    ),
    WebSms(
        name="kannel",
        make=lambda url: KannelSms(Smsbox(f"{url}/sendsms", "sado", PASSWORD), "1339", "http://sado/report", COUNTRY),
        message=Format(
            {"id": "0a1b2c3d", "from": MSISDN, "to": "1339", "coding": "0", "text": "1 об нест"},
            ("id", "from"),
            by_kannel,
        ),
        sender="from",
        expected=(MSISDN, "1 об нест"),
        report=Format({"id": KEY, "status": "1"}, ("id", "status"), in_address),
        state="status",
        states={"1": "delivered", "2": "failed", "4": "buffered", "8": "sent", "16": "failed"},
        reported=KEY,
        accepted=answer("0: Accepted for delivery", 202, "text/html"),
        faults={
            **ANY_SERVER,
            "a wrong password": (answer("Authorization failed for sendsms", 403, "text/html"), DestinationDownError),
            "no number": (answer("Missing receiver number, rejected", 400, "text/html"), RejectedError),
            "another address": (answer("", 302, Location="http://192.0.2.1/"), DestinationDownError),
        },
    ),
]

SMS: list[SmsContract] = [*WEB, GammuContract()]

LOOKALIKE = fieldmap.Settings(session="session_id", msisdn="msisdn", text="ussd_string", service_code="service_code")
LAST_ONLY = fieldmap.Settings(
    session="SESSIONID",
    msisdn="MSISDN",
    text="INPUT",
    request_id="SEQ",
    is_cumulative=False,
    go_on="GO",
    end="STOP",
    septets=160,
    ucs2=70,
)
USSD = [
    UssdContract(
        name="africastalking",
        gateway=AfricasTalkingUssd(COUNTRY),
        hop=Format(
            {"sessionId": "ATUid_1", "serviceCode": CODE, "phoneNumber": MSISDN, "text": "1*2"},
            ("sessionId", "serviceCode", "phoneNumber", "text"),
            in_body,
        ),
        expected=Hop("ATUid_1", MSISDN, "1*2"),
        end=Format(
            {"sessionId": "ATUid_1", "phoneNumber": MSISDN, "status": "Incomplete"},
            ("sessionId", "phoneNumber", "status"),
            in_body,
        ),
    ),
    UssdContract(
        name="fieldmap, cumulative, by POST",
        gateway=FieldMapUssd(LOOKALIKE, CODE, COUNTRY),
        hop=Format(
            {"session_id": "s1", "msisdn": MSISDN, "ussd_string": "1*2", "service_code": CODE, "network_code": "1"},
            ("session_id", "msisdn", "ussd_string", "service_code"),
            in_body,
        ),
        expected=Hop("s1", MSISDN, "1*2"),
        end=Format({"session_id": "s1", "msisdn": MSISDN}, ("session_id", "msisdn"), in_body),
    ),
    UssdContract(
        name="fieldmap, last input only, by GET",
        gateway=FieldMapUssd(LAST_ONLY, CODE, COUNTRY),
        hop=Format(
            {"SESSIONID": "s1", "MSISDN": MSISDN, "INPUT": "2", "SEQ": "3"},
            ("SESSIONID", "MSISDN", "INPUT", "SEQ"),
            in_address,
        ),
        expected=Hop("s1", MSISDN, "2", "3", is_first=False),
        end=Format({"SESSIONID": "s1", "MSISDN": MSISDN}, ("SESSIONID", "MSISDN"), in_address),
    ),
    UssdContract(
        name="kannel",
        gateway=KannelUssd(Smsbox("http://127.0.0.1/sendsms", "sado", PASSWORD), CODE, COUNTRY),
        hop=Format(
            {
                "id": "0a1b2c3d",
                "from": MSISDN,
                "to": CODE,
                "smsc": "operator",
                "text": "2",
                "meta-data": "?smpp?ussd_service_op=%12&its_session_info=%124&",
            },
            ("id", "from", "to", "smsc", "meta-data"),
            by_kannel,
        ),
        expected=KannelHop("", MSISDN, "2", "0a1b2c3d", False, CODE, "operator", b"\x124"),
        end=Format({"from": MSISDN, "meta-data": "?smpp?ussd_service_op=%81&"}, ("from", "meta-data"), by_kannel),
        has_one_address=True,
    ),
]
