"""What a resident has deleted is gone here and upstream; the appeal itself stays, as the law wants."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from sado.cases import access, views
from sado.cases.access import Refusal
from sado.cases.errors import ForeignEventError, UnknownCaseError, UnknownEventError
from sado.cases.payloads import Appeal, Filed
from sado.cases.residents import privacy, subscriptions
from sado.store import Transaction
from sado.store.tables import cases, drafts, registers, subscribers
from sado.store.tables import outbox as entries
from sado.store.tables import subscriptions as rows
from sado.store.tables.cases import CaseRow
from sado.store.tables.events import Event
from sado.sync import outbox
from tests.support import sealed
from tests.support.pairs import Pair, Side, open_pair
from tests.support.stations import APPEAL, START_S

HERS, HIS = APPEAL.msisdn, "+992900000002"
PEER = outbox.station(7)


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    with open_pair(tmp_path) as opened:
        yield opened


def file(side: Side, msisdn: str = HERS) -> Filed:
    appeal: Appeal = msgspec.structs.replace(APPEAL, msisdn=msisdn)
    return side.store.write(lambda tx: side.cases.open(tx, appeal))


def live(side: Side, msisdn: str) -> Filed:
    """Everything that a resident can leave behind at a station."""

    def leave(tx: Transaction) -> None:
        subscribers.remember_language(tx, msisdn, "tg")
        rows.add(tx, msisdn, "jobs", "TJ-KT-07")
        rows.add(tx, msisdn, "school", "")
        subscriptions.tell(tx, "jobs", "TJ-KT-07", {"tg": "Ҷойи кор ҳаст."})
        drafts.save(tx, 0, msisdn, "a form, half-way")

    side.store.write(leave)
    filed = file(side, msisdn)
    side.store.write(lambda tx: registers.remember_question(tx, f"{msisdn} licences AM 1", filed.reference))
    return filed


def forget(side: Side, msisdn: str = HERS) -> None:
    side.store.write(lambda tx: side.privacy.forget(tx, msisdn))


def case_of(side: Side, number: str) -> CaseRow:
    return side.store.read(lambda tx: side.cases.get(tx, number))


def answer(pair: Pair, number: str) -> None:
    """The agency, at the hub, registers the case, and the village hears of it."""
    pair.hub.store.write(lambda tx: pair.hub.cases.record(tx, APPEAL.agency, number, "registered", ""))
    pair.settle()


def sms(side: Side) -> list[str]:
    """The kinds of SMS that wait."""
    waiting = side.store.read(lambda tx: entries.listed(tx, outbox.WAITING, 99))
    return [entry.kind for entry in waiting if entry.destination == outbox.SMS]


# What is stored


def test_what_is_stored_is_counted(pair: Pair) -> None:
    live(pair.village, HERS)
    live(pair.village, HIS)
    file(pair.village)
    kept = pair.village.store.read(lambda tx: subscribers.stored(tx, HERS))
    assert kept == subscribers.Stored(2, 1, 2, "tg", int(START_S * 1000))


def test_of_a_number_that_never_called_nothing_is_stored(pair: Pair) -> None:
    live(pair.village, HIS)
    kept = pair.village.store.read(lambda tx: subscribers.stored(tx, HERS))
    assert kept == subscribers.Stored(0, 0, 0, None, None)


def test_a_number_that_only_stopped_sms_has_no_language_yet(pair: Pair) -> None:
    pair.village.store.write(lambda tx: subscribers.set_muted(tx, HERS, True))
    assert pair.village.store.read(lambda tx: subscribers.language_of(tx, HERS)) is None
    pair.village.store.write(lambda tx: subscribers.remember_language(tx, HERS, "ru"))
    assert pair.village.store.read(lambda tx: subscribers.is_muted(tx, HERS))


# No SMS


def test_a_muted_number_gets_no_notice_and_another_does(pair: Pair) -> None:
    hers, his = file(pair.village), file(pair.village, HIS)
    pair.village.store.write(lambda tx: subscribers.set_muted(tx, HERS, True))
    pair.settle()
    answer(pair, hers.reference)
    assert sms(pair.village) == []
    assert case_of(pair.village, hers.reference).status == "registered"
    answer(pair, his.reference)
    assert sms(pair.village) == ["notice"]


def test_a_number_that_starts_sms_again_gets_notices(pair: Pair) -> None:
    filed = file(pair.village)
    for is_muted in (True, False):
        pair.village.store.write(lambda tx, is_muted=is_muted: subscribers.set_muted(tx, HERS, is_muted))
    pair.settle()
    answer(pair, filed.reference)
    assert sms(pair.village) == ["notice"]


# Deletion


def test_after_it_nothing_is_stored_and_the_appeal_stays(pair: Pair) -> None:
    filed = live(pair.village, HERS)
    forget(pair.village)
    assert pair.village.store.read(lambda tx: subscribers.stored(tx, HERS)) == subscribers.Stored(0, 0, 0, None, None)
    assert pair.village.store.read(lambda tx: views.mine(tx, HERS)) == []
    case = case_of(pair.village, filed.reference)
    assert (case.msisdn, case.text, case.name) == ("", APPEAL.text, APPEAL.name)


def test_it_touches_nobody_else(pair: Pair) -> None:
    live(pair.village, HERS)
    live(pair.village, HIS)
    before = pair.village.store.read(lambda tx: (subscribers.stored(tx, HIS), views.mine(tx, HIS)))
    forget(pair.village)
    assert pair.village.store.read(lambda tx: (subscribers.stored(tx, HIS), views.mine(tx, HIS))) == before


def test_the_phone_opens_its_case_no_more_without_the_pin(pair: Pair) -> None:
    filed = file(pair.village)

    def look(pin: str) -> CaseRow | Refusal:
        return pair.village.store.write(lambda tx: access.open_for(tx, filed.reference, HERS, pin))

    assert isinstance(look(""), CaseRow)
    forget(pair.village)
    assert look("") is Refusal.ASK_PIN
    assert isinstance(look(filed.pin), CaseRow)
    assert pair.village.store.write(lambda tx: access.new_pin(tx, filed.reference, HERS)) is None


def test_sms_that_wait_are_deleted_and_none_comes_later(pair: Pair) -> None:
    filed = file(pair.village)
    pair.settle()
    answer(pair, filed.reference)
    assert sms(pair.village) == ["notice"]
    forget(pair.village)
    assert sms(pair.village) == []
    pair.settle()
    pair.hub.store.write(
        lambda tx: pair.hub.cases.record(tx, APPEAL.agency, filed.reference, "answered", "Water is back.")
    )
    pair.settle()
    assert case_of(pair.village, filed.reference).status == "answered"
    assert sms(pair.village) == []


def test_an_alert_that_waits_finds_nobody(pair: Pair) -> None:
    live(pair.village, HERS)
    alert = subscriptions.Alert(pair.village.store.keys.lookup(HERS).hex(), "jobs", "TJ-KT-07", {})
    assert pair.village.store.read(lambda tx: subscriptions.recipient(tx, alert)) is not None
    forget(pair.village)
    assert pair.village.store.read(lambda tx: subscriptions.recipient(tx, alert)) is None


def numbers_in(side: Side) -> list[str]:
    """Each table with a row that leads to her number: in its hash, in what it seals, or in plain words."""
    hashes = {side.store.keys.lookup(words) for words in (HERS, f"question {HERS} licences AM 1")}
    return sorted(
        {
            column.partition(".")[0]
            for column, value, text in sealed.values(side.store)
            if value in hashes or HERS in (text or str(value))
        }
    )


@pytest.mark.parametrize("is_sent", [False, True])
def test_no_row_leads_to_the_number_even_with_the_keys(pair: Pair, is_sent: bool) -> None:
    filed = live(pair.village, HERS)
    if is_sent:
        pair.settle()
        answer(pair, filed.reference)
    assert {"cases", "outbox", "subscribers", "subscriptions", "drafts", "questions"} <= set(numbers_in(pair.village))
    assert numbers_in(pair.hub) == (["cases", "received_events"] if is_sent else [])
    forget(pair.village)
    assert numbers_in(pair.village) == []
    pair.settle()
    assert numbers_in(pair.hub) == []


def test_the_file_itself_forgets(tmp_path: Path) -> None:
    with open_pair(tmp_path) as pair:
        live(pair.village, HERS)
        path, known = pair.village.store.path, pair.village.store.keys.lookup(HERS)
    assert known in path.read_bytes()
    with open_pair(tmp_path) as pair:
        forget(pair.village)
    assert known not in path.read_bytes()


def test_an_appeal_that_waits_for_the_line_travels_without_the_number(pair: Pair) -> None:
    filed = file(pair.village)
    forget(pair.village)
    pair.settle()
    case = case_of(pair.hub, filed.reference)
    assert (case.msisdn, case.text) == ("", APPEAL.text)


def test_the_hub_cuts_the_number_that_it_has(pair: Pair) -> None:
    filed = file(pair.village)
    pair.settle()
    assert case_of(pair.hub, filed.reference).msisdn == HERS
    forget(pair.village)
    pair.settle()
    assert case_of(pair.hub, filed.reference).msisdn == ""
    assert pair.hub.store.read(lambda tx: cases.of_subscriber(tx, tx.lookup(HERS), 9)) == []


def test_a_station_without_an_upstream_tells_nobody(pair: Pair) -> None:
    file(pair.hub)
    forget(pair.hub)
    assert pair.hub.store.read(entries.counts) == {}


def test_forgetting_twice_and_forgetting_a_stranger_change_nothing(pair: Pair) -> None:
    live(pair.village, HERS)
    forget(pair.village)
    count = pair.village.store.read(entries.counts)
    forget(pair.village)
    forget(pair.village, "+992900000099")
    assert pair.village.store.read(entries.counts) == count


def test_she_may_come_back_as_a_stranger(pair: Pair) -> None:
    live(pair.village, HERS)
    forget(pair.village)
    assert pair.village.store.read(lambda tx: subscribers.language_of(tx, HERS)) is None
    later = file(pair.village)
    assert [case.reference for case in pair.village.store.read(lambda tx: views.mine(tx, HERS))] == [later.reference]


@pytest.mark.parametrize(
    ("peer", "kind", "body", "error"),
    [
        (outbox.station(8), privacy.FORGOTTEN, '{"reference":"%s"}', ForeignEventError),
        (outbox.UPSTREAM, privacy.FORGOTTEN, '{"reference":"%s"}', ForeignEventError),
        (PEER, privacy.FORGOTTEN, '{"reference":"0070000000"}', UnknownCaseError),
        (PEER, "privacy.remembered", '{"reference":"%s"}', UnknownEventError),
        (PEER, privacy.FORGOTTEN, "{}", msgspec.ValidationError),
    ],
)
def test_no_other_station_can_cut_a_number(pair: Pair, peer: str, kind: str, body: str, error: type[Exception]) -> None:
    filed = file(pair.village)
    pair.settle()
    reference = filed.reference if "%s" in body else "0070000000"
    event = Event(kind, reference, body.replace("%s", reference))
    with pytest.raises(error):
        pair.hub.store.write(lambda tx: pair.hub.events.apply(tx, peer, event))
    assert case_of(pair.hub, filed.reference).msisdn == HERS
