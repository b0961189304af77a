"""What leaves by SMS: in whose words, and to whom it does not."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sado.cases.residents import replies, subscriptions
from sado.cases.residents.privacy import Privacy
from sado.store import Transaction
from sado.store.tables import outbox as entries
from sado.store.tables import subscribers
from sado.store.tables import subscriptions as rows
from sado.store.tables.outbox import Entry
from sado.sync import dispatch, outbox
from tests.support.sms import KeepingGateway, notices
from tests.support.station import shipped_pack
from tests.support.stations import APPEAL, Station, open_station

HERS, HIS = APPEAL.msisdn, "+992900000002"
TEXTS = {"tg": "Мактаб пагоҳ баста аст.", "ru": "Школа завтра закрыта.", "en": "School is closed tomorrow."}


@pytest.fixture
def village(tmp_path: Path) -> Iterator[Station]:
    with open_station(tmp_path, 7, has_upstream=False) as opened:
        yield opened


@pytest.fixture
def gateway() -> KeepingGateway:
    return KeepingGateway()


def send_all(station: Station, gateway: KeepingGateway) -> None:
    transport = notices(station.store, station.cases, gateway)
    while dispatch.step(station.store, outbox.SMS, transport):
        pass


def moved(station: Station) -> str:
    """A case that its agency has registered; its reference."""
    number = station.store.write(lambda tx: station.cases.open(tx, APPEAL)).reference
    station.store.write(lambda tx: station.cases.record(tx, APPEAL.agency, number, "registered", ""))
    return number


def subscribed(station: Station, msisdn: str, language: str) -> None:
    station.store.write(lambda tx: rows.add(tx, msisdn, "school", ""))
    if language:
        station.store.write(lambda tx: subscribers.remember_language(tx, msisdn, language))


def tell(station: Station, texts: dict[str, str] = TEXTS) -> int:
    return station.store.write(lambda tx: subscriptions.tell(tx, "school", "", texts))


def mute(station: Station, msisdn: str, is_muted: bool = True) -> None:
    station.store.write(lambda tx: subscribers.set_muted(tx, msisdn, is_muted))


def left(station: Station) -> list[Entry]:
    """Everything that is still in the outbox, whatever became of it."""
    states = (*outbox.WAITING, *outbox.GIVEN_UP, "acked")
    return station.store.read(lambda tx: entries.listed(tx, states, 999))


def kinds(station: Station, number: str) -> list[str]:
    return station.store.read(
        lambda tx: [row[0] for row in tx.all("SELECT kind FROM events WHERE reference = :r ORDER BY number", r=number)]
    )


def test_news_says_its_number_and_no_more_and_the_case_knows(village: Station, gateway: KeepingGateway) -> None:
    number = moved(village)
    send_all(village, gateway)
    assert gateway.given == [(HERS, shipped_pack().message("news", "tg", ref=number))]
    assert kinds(village, number) == ["received", "registered", "notified"]


STEPS = [
    (["registered"], 1),
    (["registered", "in_review"], 1),
    (["registered", "in_review", "documents_needed", "in_review", "answered", "closed"], 3),
    (["registered", "refused", "in_review", "answered"], 3),
    (["registered", "answered", "closed", "reopened", "registered"], 4),
]


@pytest.mark.parametrize(("steps", "count"), STEPS, ids=lambda value: str(value) if isinstance(value, int) else None)
def test_she_is_told_once_of_each_step_that_matters(
    village: Station, gateway: KeepingGateway, steps: list[str], count: int
) -> None:
    number = village.store.write(lambda tx: village.cases.open(tx, APPEAL)).reference
    for step in steps:
        village.store.write(lambda tx, step=step: village.cases.record(tx, APPEAL.agency, number, step, "Words"))
        send_all(village, gateway)
    assert len(gateway.given) == count


def test_steps_that_wait_together_are_told_once(village: Station, gateway: KeepingGateway) -> None:
    number = village.store.write(lambda tx: village.cases.open(tx, APPEAL)).reference
    for step in ("registered", "documents_needed", "answered"):
        village.store.write(lambda tx, step=step: village.cases.record(tx, APPEAL.agency, number, step, "Words"))
    send_all(village, gateway)
    assert len(gateway.given) == 1


def test_news_put_before_she_stopped_sms_is_not_sent(village: Station, gateway: KeepingGateway) -> None:
    number = moved(village)
    mute(village, HERS)
    send_all(village, gateway)
    assert gateway.given == []
    assert left(village) == []
    assert kinds(village, number) == ["received", "registered"]


def test_news_is_sent_to_who_started_sms_again(village: Station, gateway: KeepingGateway) -> None:
    moved(village)
    mute(village, HERS)
    mute(village, HERS, False)
    send_all(village, gateway)
    assert [msisdn for msisdn, _ in gateway.given] == [HERS]


@pytest.mark.parametrize(
    ("language", "words"),
    [("tg", TEXTS["tg"]), ("ru", TEXTS["ru"]), ("en", TEXTS["en"]), ("", TEXTS["tg"]), ("xx", TEXTS["tg"])],
)
def test_an_alert_is_in_her_language_or_the_pack_s(
    village: Station, gateway: KeepingGateway, language: str, words: str
) -> None:
    subscribed(village, HERS, language)
    tell(village)
    send_all(village, gateway)
    assert gateway.given == [(HERS, words)]


def test_an_alert_is_romanised_for_who_reads_latin(village: Station, gateway: KeepingGateway) -> None:
    subscribed(village, HERS, "tg-Latn")
    tell(village)
    send_all(village, gateway)
    assert gateway.given == [(HERS, shipped_pack().languages.romanised(TEXTS["tg"], "tg-Latn"))]
    assert gateway.given[0][1].isprintable() and TEXTS["tg"] != gateway.given[0][1]


def test_an_alert_without_her_language_and_the_pack_s_is_sent_in_what_there_is(
    village: Station, gateway: KeepingGateway
) -> None:
    subscribed(village, HERS, "ru")
    tell(village, {"en": TEXTS["en"]})
    send_all(village, gateway)
    assert gateway.given == [(HERS, TEXTS["en"])]


def test_a_language_chosen_after_the_telling_is_used(village: Station, gateway: KeepingGateway) -> None:
    subscribed(village, HERS, "tg")
    tell(village)
    village.store.write(lambda tx: subscribers.remember_language(tx, HERS, "en"))
    send_all(village, gateway)
    assert gateway.given == [(HERS, TEXTS["en"])]


def test_alerts_put_before_she_stopped_sms_are_not_sent_and_leave_nothing(
    village: Station, gateway: KeepingGateway
) -> None:
    for msisdn in (HERS, HIS):
        subscribed(village, msisdn, "tg")
    gateway.is_down = True
    tell(village)
    send_all(village, gateway)
    assert len(left(village)) == 2, "the announcement is taken apart although the gateway is down"
    mute(village, HERS)
    gateway.is_down = False
    village.store.write(outbox.retry_all_now)
    send_all(village, gateway)
    assert [msisdn for msisdn, _ in gateway.given] == [HIS]
    assert [entry.state for entry in left(village)] == ["acked"]


def test_taking_an_announcement_apart_says_nothing_of_the_gateway(village: Station, gateway: KeepingGateway) -> None:
    subscribed(village, HERS, "tg")
    tell(village)
    transport = notices(village.store, village.cases, gateway)
    assert dispatch.step(village.store, outbox.SMS, transport)
    assert village.store.read(lambda tx: entries.destination(tx, outbox.SMS)).ok_at is None
    assert gateway.given == []


def test_a_sender_that_lost_its_lease_puts_no_alerts(village: Station, gateway: KeepingGateway) -> None:
    subscribed(village, HERS, "tg")
    tell(village)
    late = village.store.write(lambda tx: outbox.claim(tx, outbox.SMS))
    assert late is not None
    village.store.write(entries.release_all)
    send_all(village, gateway)
    transport = notices(village.store, village.cases, gateway)
    with pytest.raises(outbox.NothingToSendError):
        transport.send(late)
    send_all(village, gateway)
    assert len(gateway.given) == 1


def test_an_alert_tells_no_case(village: Station, gateway: KeepingGateway) -> None:
    subscribed(village, HERS, "tg")
    tell(village)
    send_all(village, gateway)

    def events(tx: Transaction) -> int:
        return int(tx.value("SELECT COUNT(*) FROM events"))

    assert village.store.read(events) == 0


def ask(station: Station, text: str) -> bool:
    return station.store.write(lambda tx: replies.send(tx, HERS, text)) == "sent"


def test_what_she_asked_for_is_sent_as_it_was_shown_and_tells_no_case(
    village: Station, gateway: KeepingGateway
) -> None:
    assert ask(village, "Шиноснома: 109 сомонӣ.")
    send_all(village, gateway)
    assert gateway.given == [(HERS, "Шиноснома: 109 сомонӣ.")]
    assert [entry.state for entry in left(village)] == ["acked"]


def test_what_she_asked_for_is_not_sent_once_she_stopped_sms(village: Station, gateway: KeepingGateway) -> None:
    ask(village, "Шиноснома: 109 сомонӣ.")
    mute(village, HERS)
    send_all(village, gateway)
    assert (gateway.given, left(village)) == ([], [])
    assert not ask(village, "Шиноснома: 109 сомонӣ.")


def test_what_waits_for_a_number_that_was_deleted_is_not_sent(village: Station, gateway: KeepingGateway) -> None:
    moved(village)
    subscribed(village, HERS, "tg")
    tell(village)
    ask(village, "Шиноснома: 109 сомонӣ.")
    village.store.write(lambda tx: Privacy(False).forget(tx, HERS))
    send_all(village, gateway)
    assert (gateway.given, left(village)) == ([], [])
