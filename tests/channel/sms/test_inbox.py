"""SMS from residents: they go on with a form that was left half-way, and nothing that somebody wrote is lost."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from sado.cases.residents.replies import MOST_ANSWERS, Reply
from sado.channel.contract import Message
from sado.channel.sms.inbox import Inbox
from sado.channel.versions import Versions
from sado.store import Transaction
from sado.store.tables import subscribers
from sado.sync import outbox
from tests.support.phone import Phone
from tests.support.station import TOKEN, Station, open_station
from tests.support.writer import Writer

ZARINA = "+992900000001"
MATTER = "Дар деҳаи мо се рӯз боз об нест."
REST = "Ҳавзи деҳа ҳам холӣ шуд, мардум аз ҷӯй об мегиранд."
AT_THE_TEXT = ("1", "2", "1", "1", "Ёвон", "1")


@pytest.fixture
def station(tmp_path: Path) -> Iterator[Station]:
    with open_station(tmp_path) as opened:
        yield opened


@pytest.fixture
def phone(station: Station) -> Phone:
    return Phone(station.client, ZARINA)


def sms(station: Station, text: str, number: str = "1", msisdn: str = ZARINA) -> TestResponse:
    """One SMS, as the gateway delivers it."""
    form = {"id": number, "from": msisdn, "to": "1339", "text": text, "date": "2026-11-23 06:04:45"}
    return station.client.post(f"/gateway/africastalking/{TOKEN}/sms", data=form)


def replies(station: Station) -> list[str]:
    """What waits to be sent, in order."""

    def texts(tx: Transaction) -> Iterator[str]:
        while entry := outbox.claim(tx, outbox.SMS):
            yield msgspec.json.decode(entry.body, type=Reply).text

    return station.store.write(lambda tx: list(texts(tx)))


def test_an_appeal_lost_half_way_is_finished_by_sms(station: Station, phone: Phone) -> None:
    phone.walk(*AT_THE_TEXT)
    for number, text in enumerate((MATTER, "Раҳимова Гулнора", "1")):
        assert sms(station, text, str(number)).status_code == 200
    (case,) = station.filed(ZARINA)
    assert (case.text, case.name, case.topic) == (MATTER, "Раҳимова Гулнора", "water")
    assert case.reference in replies(station)[-1]


def test_what_is_no_answer_to_the_question_is_added_to_the_matter(station: Station, phone: Phone) -> None:
    phone.walk(*AT_THE_TEXT, MATTER)
    sms(station, f"{REST} {REST}", "1")
    sms(station, "Раҳимова Гулнора", "2")
    sms(station, "1", "3")
    assert station.filed(ZARINA)[0].text == f"{MATTER}\n{REST} {REST}"


def test_a_matter_sent_where_a_place_is_asked_for_is_kept(station: Station, phone: Phone) -> None:
    phone.walk("1", "2", "1", "1")
    for number, text in enumerate((MATTER + REST, "Ёвон", "1", REST, "Раҳимова Гулнора", "1")):
        sms(station, text, str(number))
    assert station.filed(ZARINA)[0].text == f"{MATTER}{REST}\n{REST}"


def test_a_short_slip_is_asked_again_and_not_added(station: Station, phone: Phone) -> None:
    phone.walk(*AT_THE_TEXT, MATTER)
    for number, text in enumerate(("7", "1", "Раҳимова Гулнора", "1")):
        sms(station, text, str(number))
    assert station.filed(ZARINA)[0].text == MATTER


def test_a_message_delivered_again_has_no_second_effect(station: Station, phone: Phone) -> None:
    phone.walk(*AT_THE_TEXT)
    for _ in range(3):
        sms(station, MATTER, "the same")
    assert len(replies(station)) == 1
    sms(station, "Раҳимова Гулнора", "2")
    sms(station, "1", "3")
    assert station.filed(ZARINA)[0].text == MATTER


def test_two_messages_with_the_same_words_are_two(station: Station, phone: Phone) -> None:
    phone.walk(*AT_THE_TEXT)
    sms(station, MATTER, "one")
    sms(station, MATTER, "another")
    assert len(replies(station)) == 2


def test_somebody_elses_message_does_not_go_on_with_my_form(station: Station, phone: Phone) -> None:
    phone.walk(*AT_THE_TEXT)
    sms(station, REST, "1", "+992900000002")
    for text in (MATTER, "Раҳимова Гулнора", "1"):
        phone.reply(text)
    assert station.filed(ZARINA)[0].text == MATTER


def test_without_a_form_one_help_a_day_is_sent(station: Station) -> None:
    for number in range(5):
        sms(station, "Салом", str(number))
    assert replies(station) == ["Фаҳмида нашуд. КУМАК нависед ё *1339# занед."]
    station.clock.move(25 * 3600)
    sms(station, "Салом", "tomorrow")
    sms(station, "Салом", "and again")
    assert len(replies(station)) == 2, "yesterday's, whose lease has ended, and today's"


@pytest.mark.parametrize("broken", [{"id": ""}, {"from": ""}, {"text": "x" * 20_001}])
def test_a_message_that_cannot_be_one_is_refused_and_leaves_nothing(station: Station, broken: dict[str, str]) -> None:
    form = {"id": "1", "from": ZARINA, "to": "1339", "text": "Салом", **broken}
    answer = station.client.post(f"/gateway/africastalking/{TOKEN}/sms", data=form)
    assert answer.status_code == 400
    assert replies(station) == []


def test_a_message_without_a_name_is_named_by_its_number_text_and_minute(station: Station) -> None:
    inbox = Inbox(Versions(station.pack, lambda pack: station.effects, "*1339#"))

    def take(text: str, gateway: str = "one", msisdn: str = ZARINA) -> int:
        station.store.write(lambda tx: inbox.take(tx, gateway, Message("", msisdn, text)))
        return len(replies(station))

    assert [take("КУМАК"), take("КУМАК"), take("help"), take("help", msisdn="+992900000002")] == [1, 0, 1, 1]
    assert take("КУМАК", "another") == 1, "each gateway names its own"
    station.clock.move(60)
    assert take("КУМАК") > 0


def test_twenty_deliveries_at_once_are_one_message(station: Station, phone: Phone) -> None:
    phone.walk(*AT_THE_TEXT, MATTER, "Раҳимова Гулнора")
    form = {"id": "same", "from": ZARINA, "to": "1339", "text": "1", "date": ""}

    def deliver(_: int) -> int:
        client = station.client.application.test_client()
        return client.post(f"/gateway/africastalking/{TOKEN}/sms", data=form).status_code

    with ThreadPoolExecutor(20) as pool:
        assert set(pool.map(deliver, range(20))) == {200}
    assert len(station.filed(ZARINA)) == 1
    assert len(replies(station)) == 1
    assert station.store.read(lambda tx: tx.value("SELECT COUNT(*) FROM received_messages")) == 1


def test_twenty_messages_at_once_are_twenty(station: Station) -> None:
    def deliver(number: int) -> int:
        client = station.client.application.test_client()
        form = {"id": f"m{number}", "from": ZARINA, "to": "1339", "text": f"ШИКОЯТ {MATTER}", "date": ""}
        return client.post(f"/gateway/africastalking/{TOKEN}/sms", data=form).status_code

    with ThreadPoolExecutor(20) as pool:
        assert set(pool.map(deliver, range(20))) == {200}
    assert len(replies(station)) == 20


def test_a_number_that_had_its_share_of_answers_still_files(station: Station) -> None:
    writer = Writer(station, ZARINA)
    answered = sum(bool(writer.say("КУМАК")) for _ in range(MOST_ANSWERS + 5))
    assert answered == MOST_ANSWERS
    assert writer.say(f"ШИКОЯТ {MATTER}", "1", "Ёвон", "1", "Раҳимова Гулнора", "1") == ""
    assert station.filed(ZARINA)[0].text == MATTER


def test_more_of_the_matter_is_added_before_it_is_asked_for(station: Station) -> None:
    writer = Writer(station, ZARINA)
    writer.say(f"ШИКОЯТ {MATTER}", REST, "1", "Ёвон", REST, "1", "Раҳимова Гулнора", "1")
    assert station.filed(ZARINA)[0].text == f"{MATTER}\n{REST}\n{REST}"


def test_a_long_text_is_more_of_the_form_also_while_something_else_is_asked(station: Station) -> None:
    writer = Writer(station, ZARINA)
    writer.say(f"ШИКОЯТ {MATTER}", "1", "КОР")
    writer.say(REST)
    writer.say("Ёвон", "1", "Раҳимова Гулнора", "1")
    assert station.filed(ZARINA)[0].text == f"{MATTER}\n{REST}"


_numbers = count(1)
_WORDS = ["ШИКОЯТ", "ҲОЛАТ", "КОР", "БОЗ", "НЕСТ", "БАС", "ҲА", "НЕ", "ИДОРА", "lang", "ИЛОВА", "БАҲО", "РАМЗ", "НАЗАР"]
_REST = [
    "",
    "1",
    "2",
    "0",
    "00",
    "99",
    "0070000017",
    "0070000017 4821",
    "Ёвон",
    MATTER,
    REST,
    "Раҳимова Гулнора",
    "{pin}",
]
_texts = st.one_of(
    st.text(max_size=40),
    st.sampled_from(_REST),
    st.builds(lambda word, rest: f"{word} {rest}", st.sampled_from(_WORDS), st.sampled_from(_REST)),
)


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    with open_station(tmp_path_factory.mktemp("fuzz")) as opened:
        opened.load_samples("vacancies", "offices")
        yield opened


@settings(max_examples=150)
@given(texts=st.lists(_texts, max_size=8))
def test_whatever_is_written_is_answered_by_one_message_at_most(lasting: Station, texts: list[str]) -> None:
    writer = Writer(lasting, f"+9929{next(_numbers):08}")
    for text in texts:
        assert len(writer.write(text)) <= 1


def test_without_the_token_there_is_no_such_address(station: Station) -> None:
    assert station.client.post("/gateway/africastalking/wrong/sms", data={"id": "1"}).status_code == 404


def test_an_opt_out_at_the_provider_stops_sms_and_a_command_starts_them_again(station: Station) -> None:
    answer = station.client.post(
        f"/gateway/africastalking/{TOKEN}/sms", data={"senderId": "1339", "phoneNumber": ZARINA}
    )
    assert answer.status_code == 200
    assert station.store.read(lambda tx: subscribers.is_muted(tx, ZARINA))
    sms(station, "СМС", "start")
    assert not station.store.read(lambda tx: subscribers.is_muted(tx, ZARINA))


@pytest.mark.parametrize("sender", ["TCELL", "1339", "AB901234567"])
def test_nobody_answers_a_short_code_or_a_name(station: Station, sender: str) -> None:
    assert sms(station, "Салом", msisdn=sender).status_code == 200
    assert replies(station) == []
