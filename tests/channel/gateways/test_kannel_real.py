"""Kannel itself between us and a network: its own fake SMSC, and one that speaks SMPP. SMS both ways, reports, USSD."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote_from_bytes, unquote_to_bytes

import pytest

from sado.channel.contract import Message, Report, SessionEnd, UssdGateway
from sado.channel.endpoints import UssdEndpoints
from sado.channel.front import Endpoint, Webhook, Webhooks
from sado.channel.gateways.kannel import KannelHop, KannelSms, KannelUssd, Smsbox
from sado.channel.request import BadRequestError, Request
from sado.channel.ussd.conversation import Conversation
from sado.channel.versions import Versions
from sado.menus.engine import USSD
from sado.menus.gsm import segments, units
from sado.store import Transaction
from sado.sync.outbox import DestinationDownError
from tests.support.kannel import PASSWORD, TOKEN, USERNAME, Kannel, ToySmsc, operator_port, served, toy_port, wait
from tests.support.processes import free_port, until
from tests.support.servers import needed
from tests.support.smsc import GSM, UCS2, UDH, Smsc
from tests.support.station import Station, open_station

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

pytestmark = pytest.mark.needs_kannel

HERS, OURS, CODE = "+992900000001", "1339", "*1339#"
TAJIK = "Ҳолати ариза: қабул шуд, ӯ ғайриоддӣ аст Ҷ"
LATIN = "Holati ariza: {qabul} [shud] 5 €"
LONG_TAJIK = " ".join(["Муроҷиати шумо қабул шуд; ҷавоб баъд аз муҳлат мерасад."] * 4)
LONG_LATIN = "a" * 152 + "€" + "Your application has been registered. " * 4
TORN = "Ҷ" * 66 + "😀" + "ж" * 80
DIAL, INPUT, HUNG_UP, ASK, CLOSE = 1, 18, 129, 2, 17
DIALOGUE = b"\x20\x2b"


class Phones:
    """Our endpoints for SMS: what came through them; while `refusals` last, messages are refused."""

    def __init__(self, gateway: KannelSms) -> None:
        self.messages: list[Message | None] = []
        self.refused: list[Message | None] = []
        self.reports: list[Report] = []
        self.refusals = 0
        self.endpoints: dict[str, Endpoint] = {"sms": self._message, "report": self._report}
        self._gateway = gateway

    def _message(self, request: Request) -> str:
        message = self._gateway.parse_message(request)
        if len(self.refused) < self.refusals:
            self.refused.append(message)
            raise BadRequestError("Not now.")
        self.messages.append(message)
        return self._gateway.acknowledgement

    def _report(self, request: Request) -> str:
        self.reports.append(self._gateway.parse_report(request))
        return self._gateway.acknowledgement


class Line:
    """Kannel on these blocks of the docs, and our side of it."""

    def __init__(self, folder: Path, block: str, changes: dict[str, object]) -> None:
        needed("bearerbox", "kannel")
        self.port = free_port()
        self.kannel = Kannel(folder, self.port, block, changes=changes)
        self.box = Smsbox(self.kannel.url, USERNAME, PASSWORD)
        reports = f"http://sado:{TOKEN}@127.0.0.1:{self.port}/gateway/kannel/report"
        self.sms = KannelSms(self.box, OURS, reports, "TJ")
        self.phones = Phones(self.sms)

    def heard(self, count: int) -> list[Message | None]:
        """The messages that came in, once they are so many."""
        self.wait_for(self.phones.messages, count)
        return self.phones.messages

    def told(self, count: int) -> list[Report]:
        """The reports that came in, once they are so many."""
        self.wait_for(self.phones.reports, count)
        return self.phones.reports

    def wait_for(self, found: Sequence[object], count: int) -> None:
        wait(lambda: len(found) >= count, self.kannel)
        assert len(found) == count

    @contextmanager
    def up(self, endpoints: dict[str, Endpoint]) -> Iterator[None]:
        """Kannel and our endpoints run; at the end nothing that Kannel logged has a number, a text or the token."""
        app = Webhooks(_no_page, [Webhook("kannel", name, TOKEN, endpoint) for name, endpoint in endpoints.items()])
        with served(app, self.port):
            try:
                self.kannel.start()
                yield
                secrets = (HERS[1:], TAJIK, LATIN, LONG_LATIN[:50], TOKEN, PASSWORD)
                assert [secret for secret in secrets if secret in self.kannel.said] == []
            finally:
                self.kannel.kill()


def _no_page(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("404 Not Found", [])
    return []


@pytest.fixture
def toy(tmp_path: Path) -> Iterator[tuple[Line, int]]:
    """Kannel with its fake SMSC on a port; nobody is connected to it."""
    port = free_port()
    line = Line(tmp_path, "kannel-fake", toy_port(port))
    with line.up(line.phones.endpoints):
        yield line, port


@pytest.fixture
def fake(toy: tuple[Line, int]) -> Iterator[tuple[Line, ToySmsc]]:
    """The same with a network."""
    line, port = toy
    smsc = ToySmsc(port)
    yield line, smsc
    smsc.close()


@pytest.fixture
def smsc() -> Iterator[Smsc]:
    server = Smsc()
    yield server
    server.close()


@pytest.fixture
def operator(tmp_path: Path, smsc: Smsc) -> Iterator[Line]:
    """Kannel bound to an SMSC for SMS."""
    line = Line(tmp_path, "kannel-smpp", operator_port(smsc.port))
    with line.up(line.phones.endpoints):
        wait(lambda: smsc.is_bound, line.kannel)
        yield line


def words(line: str) -> str:
    """The text of a line of the toy; parts of a joined message do not say their coding."""
    _, _, kind, text = line.split(" ", 3)
    if kind == "text":
        return text
    octets = unquote_to_bytes(text.rpartition(" ")[2].replace("+", " "))
    return octets.decode("utf-16-be" if kind == "ucs-2" or b"\x04" in octets else "utf-8")


def test_short_messages_come_in_whole(fake: tuple[Line, ToySmsc]) -> None:
    line, smsc = fake
    smsc.say(f"{HERS} {OURS} ucs2 {quote_from_bytes(TAJIK.encode('utf-16-be'))}")
    smsc.say(f"{HERS[1:]} {OURS} text 0074424284  from=1320&id=x %41+")
    found = {one.text: one for one in line.heard(2) if one}
    assert set(found) == {TAJIK, "0074424284  from=1320&id=x %41+"}
    assert {one.msisdn for one in found.values()} == {HERS}
    assert len({one.id for one in found.values()}) == 2


def test_what_no_person_wrote_is_nothing(fake: tuple[Line, ToySmsc]) -> None:
    line, smsc = fake
    smsc.say(f"Tcell {OURS} text Your balance is low")
    smsc.say(f"1320 {OURS} text Your balance is low")
    smsc.say(f"{HERS} {OURS} data %06%05%04%FF")
    assert line.heard(3) == [None, None, None]


def test_a_message_that_was_refused_comes_again_under_its_id(fake: tuple[Line, ToySmsc]) -> None:
    line, smsc = fake
    line.phones.refusals = 2
    smsc.say(f"{HERS} {OURS} text status 0074424284")
    (message,) = line.heard(1)
    assert message is not None
    assert line.phones.refused == [message, message]


@pytest.mark.parametrize("text", [TAJIK, LATIN, LONG_TAJIK, LONG_LATIN], ids=["tg", "en", "long-tg", "long-en"])
def test_a_message_leaves_in_the_parts_that_we_count(fake: tuple[Line, ToySmsc], text: str) -> None:
    line, smsc = fake
    assert line.sms.send(HERS, text, "007-1-1") == "007-1-1"
    line.wait_for(smsc.lines, len(segments(text)))
    assert [words(one) for one in smsc.lines] == segments(text)


def test_no_letter_is_torn_between_two_parts(fake: tuple[Line, ToySmsc]) -> None:
    line, smsc = fake
    line.sms.send(HERS, TORN, "007-1-1")
    line.wait_for(smsc.lines, 3)
    assert [words(one).rstrip() for one in smsc.lines] == segments(TORN)


def test_kannel_tears_a_letter_that_we_do_not_save(fake: tuple[Line, ToySmsc]) -> None:
    line, smsc = fake
    line.box.send(OURS, HERS, TORN, {})
    line.wait_for(smsc.lines, 3)
    with pytest.raises(UnicodeDecodeError):
        words(smsc.lines[0])


def test_a_joined_message_is_told_of_as_one(fake: tuple[Line, ToySmsc]) -> None:
    line, smsc = fake
    line.sms.send(HERS, LONG_TAJIK, "007-1-1")
    assert set(line.told(2)) == {Report("007-1-1", "sent", "accepted"), Report("007-1-1", "delivered", "delivered")}


def test_a_message_that_smsbox_had_not_yet_comes_after_a_power_cut(fake: tuple[Line, ToySmsc]) -> None:
    line, smsc = fake
    line.kannel.kill("smsbox")
    smsc.say(f"{HERS} {OURS} text status 0074424284")
    wait(lambda: line.kannel.spooled > 0, line.kannel)
    line.kannel.kill()
    line.kannel.start()
    assert [one and one.text for one in line.heard(1)] == ["status 0074424284"]


def test_what_was_accepted_leaves_after_a_power_cut(toy: tuple[Line, int]) -> None:
    line, port = toy
    line.sms.send(HERS, TAJIK, "007-1-1")
    line.kannel.kill()
    with pytest.raises(DestinationDownError):
        line.sms.send(HERS, TAJIK, "007-1-2")
    line.kannel.start()
    smsc = ToySmsc(port)
    try:
        line.wait_for(smsc.lines, 1)
        assert words(smsc.lines[0]) == TAJIK
    finally:
        smsc.close()


def test_a_wrong_password_is_the_gateways_fault(toy: tuple[Line, int]) -> None:
    line, _ = toy
    with pytest.raises(DestinationDownError, match="password"):
        Smsbox(line.kannel.url, USERNAME, "wrong").send(OURS, HERS, TAJIK, {})


def test_the_parts_of_a_long_message_come_in_as_one(operator: Line, smsc: Smsc) -> None:
    parts = segments(LONG_TAJIK)
    for number in reversed(range(len(parts))):
        header = bytes([5, 0, 3, 77, len(parts), number + 1])
        smsc.deliver(HERS[1:], OURS, header + parts[number].encode("utf-16-be"), UCS2, esm_class=UDH)
    (message,) = operator.heard(1)
    assert message is not None
    assert (message.msisdn, message.text) == (HERS, LONG_TAJIK)


def test_seven_bit_letters_come_in_as_they_are(operator: Line, smsc: Smsc) -> None:
    smsc.deliver(HERS[1:], OURS, b"holat \x00 \x1b\x65", GSM)
    (message,) = operator.heard(1)
    assert message is not None and message.text == "holat @ €"


def test_a_report_finds_its_message_after_a_power_cut(operator: Line, smsc: Smsc) -> None:
    for count, text in enumerate((TAJIK, LATIN), 1):
        operator.sms.send(HERS, text, f"007-{count}-1")
        operator.wait_for(smsc.submitted, count)
    assert set(operator.told(2)) == {Report(f"007-{count}-1", "sent", "accepted") for count in (1, 2)}
    operator.kannel.kill()
    assert until(lambda: not smsc.is_bound, 60)
    operator.kannel.start()
    wait(lambda: smsc.is_bound, operator.kannel)
    smsc.receipt(smsc.submitted[1], "UNDELIV")
    smsc.receipt(smsc.submitted[0], "DELIVRD")
    finals = {Report("007-1-1", "delivered", "delivered"), Report("007-2-1", "failed", "failed")}
    # Those that Kannel was telling when the power went are told again.
    wait(lambda: finals <= set(operator.phones.reports), operator.kannel)


def test_both_alphabets_are_right_on_the_wire(operator: Line, smsc: Smsc) -> None:
    operator.sms.send(HERS, TAJIK, "007-1-1")
    operator.sms.send(HERS, "Holat: qabul", "007-2-1")
    operator.wait_for(smsc.submitted, 2)
    assert [(one.coding, one.text) for one in smsc.submitted] == [(UCS2, TAJIK), (GSM, "Holat: qabul")]
    assert {(one.source, one.destination) for one in smsc.submitted} == {(OURS, HERS[1:])}


class WatchedUssd(KannelUssd):
    """Keeps the screens that it was to show; the first ones, as many as `refusals`, do not leave."""

    refusals = 0

    def __init__(self, box: Smsbox, service_code: str, country: str) -> None:
        super().__init__(box, service_code, country)
        self.shown: list[tuple[str, bool]] = []

    def answer(self, hop: KannelHop, text: str, is_last: bool) -> str:
        self.shown.append((text, is_last))
        if len(self.shown) <= self.refusals:
            raise DestinationDownError("The answer could not be sent.")
        return super().answer(hop, text, is_last)


class WatchedConversation(Conversation):
    """Keeps whether each end was that of a session that is known."""

    def __init__(self, gateway: UssdGateway, versions: Versions) -> None:
        super().__init__(gateway, versions)
        self.ends: list[bool] = []

    def end(self, tx: Transaction, end: SessionEnd) -> bool:
        self.ends.append(super().end(tx, end))
        return self.ends[-1]


class Dialogue:
    """One phone's USSD through the SMSC, and the station that answers."""

    def __init__(self, line: Line, smsc: Smsc, station: Station) -> None:
        self.gateway = WatchedUssd(line.box, CODE, "TJ")
        self.conversation = WatchedConversation(
            self.gateway, Versions(station.pack, lambda pack: station.effects, "*1339#")
        )
        self.endpoints = dict(UssdEndpoints(station.store, self.gateway, self.conversation).endpoints())
        self._line = line
        self._smsc = smsc

    def type(self, operation: int, text: str, dialogue: bytes = DIALOGUE) -> str:
        """Send a hop; the screen that comes back."""
        count = len(self._smsc.submitted) + 1
        self._smsc.deliver_ussd(HERS[1:], "1339", text, operation, dialogue)
        self._line.wait_for(self._smsc.submitted, count)
        return self._smsc.submitted[-1].text


@pytest.fixture
def dialogue(tmp_path: Path, smsc: Smsc) -> Iterator[Dialogue]:
    """Kannel bound to an SMSC for USSD, in front of a station."""
    (tmp_path / "kannel").mkdir()
    line = Line(tmp_path / "kannel", "kannel-ussd", operator_port(smsc.port))
    with open_station(tmp_path) as station:
        found = Dialogue(line, smsc, station)
        with line.up(found.endpoints):
            wait(lambda: smsc.is_bound, line.kannel)
            yield found


def test_a_session_goes_through_to_its_last_screen(dialogue: Dialogue, smsc: Smsc) -> None:
    screens = [dialogue.type(DIAL, CODE), *(dialogue.type(INPUT, typed) for typed in ("1", "1", "0074424284"))]
    assert screens == [text for text, _ in dialogue.gateway.shown]
    assert len(set(screens)) == 4
    assert {one.service_type for one in smsc.submitted} == {"USSD"}
    assert {(one.source, one.destination) for one in smsc.submitted} == {("1339", HERS[1:])}
    assert {one.tlvs["its_session_info"] for one in smsc.submitted} == {DIALOGUE}
    operations = [one.tlvs["ussd_service_op"][0] for one in smsc.submitted]
    assert operations == [CLOSE if is_last else ASK for _, is_last in dialogue.gateway.shown]


def test_an_smsc_may_count_in_its_session_info(dialogue: Dialogue, smsc: Smsc) -> None:
    first = dialogue.type(DIAL, CODE, b"\x07\x00")
    second = dialogue.type(INPUT, "1", b"\x07\x02")
    assert first != second
    assert [one.tlvs["its_session_info"] for one in smsc.submitted] == [b"\x07\x00", b"\x07\x02"]


def test_a_hop_that_is_refused_comes_again_and_changes_nothing(dialogue: Dialogue, smsc: Smsc) -> None:
    dialogue.type(DIAL, CODE)
    dialogue.gateway.refusals = 2
    screen = dialogue.type(INPUT, "1")
    assert dialogue.gateway.shown[1:] == [(screen, False)] * 2
    assert len(smsc.submitted) == 2


def test_who_hangs_up_begins_anew(dialogue: Dialogue, smsc: Smsc) -> None:
    dialogue.type(DIAL, CODE)
    root, inside = dialogue.type(INPUT, "1"), dialogue.type(INPUT, "1")
    smsc.deliver_ussd(HERS[1:], "1339", "", HUNG_UP, DIALOGUE)
    assert until(lambda: dialogue.conversation.ends == [True], 60)
    # The root has one line more when it follows the choice of a language: the way back.
    anew = dialogue.type(DIAL, CODE)
    assert root.startswith(anew) and not inside.startswith(anew)


@pytest.mark.parametrize("text", ["a" * 182, "ҷ" * 80], ids=["en", "tg"])
def test_the_longest_screen_is_one_message(tmp_path: Path, smsc: Smsc, text: str) -> None:
    assert units(text) == USSD.of(text)
    line = Line(tmp_path, "kannel-ussd", operator_port(smsc.port))
    with line.up({}):
        wait(lambda: smsc.is_bound, line.kannel)
        line.box.send(OURS, HERS, text, {"X-Kannel-SMSC": "ussd", "X-Kannel-BInfo": "USSD"})
        line.wait_for(smsc.submitted, 1)
    assert smsc.submitted[0].text == text
