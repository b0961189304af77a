"""A modem is polled: each message has its effect once, whatever stops between us and the daemon."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from sado.channel.contract import Message
from sado.channel.effects.registry import all_effects
from sado.channel.gateways.gammu import GammuSms, Received
from sado.channel.sms.inbox import Inbox
from sado.channel.sms.poller import BATCH, PAUSE_MS, Poller
from sado.channel.sms.reports import Reports
from sado.channel.versions import Versions
from sado.store import Transaction
from sado.store.tables import deliveries
from sado.store.tables import outbox as entries
from sado.sync import dispatch, outbox
from sado.sync.codes import Cause
from sado.sync.outbox import DestinationDownError
from tests.support.gammu import Database
from tests.support.sms import notices
from tests.support.station import Station, open_station

HER = "+992900000001"
UNCLEAR = "??? ???"


class Failing(Inbox):
    """An inbox of ours with an error in it: it cannot take one text."""

    text = "хато"

    def take(self, tx: Transaction, gateway: str, message: Message) -> None:
        super().take(tx, gateway, message)
        if message.text == self.text:
            raise RuntimeError("an error of our own")


class Forgetful(GammuSms):
    """A gateway that stops before it marks what was collected; the power comes back when `is_on`."""

    is_on = False

    def collected(self, messages: Sequence[Received]) -> None:
        if not self.is_on:
            raise DestinationDownError(Cause.GATEWAY_UNREACHABLE)
        super().collected(messages)


@pytest.fixture
def station(tmp_path: Path) -> Iterator[Station]:
    with open_station(tmp_path) as opened:
        yield opened


@pytest.fixture
def database(tmp_path: Path) -> Database:
    made = Database(tmp_path)
    made.live()
    return made


@pytest.fixture
def gateway(database: Database) -> GammuSms:
    return GammuSms(database.path, "TJ")


def poller_of(station: Station, gateway: GammuSms, kind: type[Inbox] = Inbox) -> Poller:
    versions = Versions(station.pack, lambda one: all_effects(station.cases, one), "*1339#")
    return Poller(station.store, gateway, kind(versions), Reports(station.cases))


def replies(station: Station) -> int:
    """How many answers wait to be sent."""
    return sum(count for (_, state), (count, _) in station.store.read(entries.counts).items() if state == "queued")


def taken(station: Station) -> int:
    """How many messages had an effect."""
    return int(station.store.read(lambda tx: tx.value("SELECT COUNT(*) FROM received_messages")))


def unprocessed(database: Database) -> int:
    return int(database.run("SELECT COUNT(*) FROM inbox WHERE Processed = 'false'")[0][0])


def test_a_message_has_its_effect_and_is_marked(station: Station, database: Database, gateway: GammuSms) -> None:
    database.receive(HER, UNCLEAR)
    poller = poller_of(station, gateway)
    for _ in range(3):
        poller.step()
    assert (replies(station), unprocessed(database)) == (1, 0)


def test_a_message_collected_twice_has_its_effect_once(station: Station, database: Database) -> None:
    gateway = Forgetful(database.path, "TJ")
    poller = poller_of(station, gateway)
    database.receive(HER, UNCLEAR)
    poller.step()
    assert (replies(station), unprocessed(database)) == (1, 1)
    gateway.is_on = True
    poller_of(station, gateway).step()
    assert (replies(station), unprocessed(database)) == (1, 0)
    assert taken(station) == 1


def test_a_message_that_the_daemon_keeps_twice_has_its_effect_once(
    station: Station, database: Database, gateway: GammuSms
) -> None:
    for _ in range(2):
        database.receive(HER, UNCLEAR)
    poller_of(station, gateway).step()
    assert (replies(station), unprocessed(database)) == (1, 0)
    assert taken(station) == 1


def test_more_than_a_step_takes_is_taken_by_the_next(station: Station, database: Database, gateway: GammuSms) -> None:
    for number in range(2 * BATCH + 1):
        database.receive(f"+9929000001{number:02}", UNCLEAR)
    poller = poller_of(station, gateway)
    left = []
    for _ in range(3):
        poller.step()
        left.append(unprocessed(database))
    assert left == [BATCH + 1, 1, 0]
    assert replies(station) == 2 * BATCH + 1


def test_a_message_that_we_cannot_take_stays_and_stands_in_nobodys_way(
    station: Station, database: Database, gateway: GammuSms, caplog: pytest.LogCaptureFixture
) -> None:
    database.receive("+992900000002", Failing.text)
    database.receive(HER, UNCLEAR)
    poller = poller_of(station, gateway, Failing)
    poller.step()
    poller.step()
    assert (replies(station), unprocessed(database)) == (1, 1)
    assert len(caplog.records) == 1
    station.clock.move(PAUSE_MS / 1000)
    poller.step()
    assert len(caplog.records) == 2
    poller_of(station, gateway).step()
    assert (replies(station), unprocessed(database)) == (2, 0)


def test_what_became_of_a_message_is_kept(station: Station, database: Database, gateway: GammuSms) -> None:
    database.receive(HER, UNCLEAR)
    poller, transport = poller_of(station, gateway), notices(station.store, station.cases, gateway)
    poller.step()
    while dispatch.step(station.store, outbox.SMS, transport):
        pass
    database.send()
    states = []
    for word in ("SendingOK", "DeliveryPending", "DeliveryUnknown", "DeliveryOK"):
        database.network_says(1, word)
        poller.step()
        states += [one.state for one in station.store.read(lambda tx: deliveries.of_case(tx, ""))]
    assert states == ["sent", "buffered", "buffered", "delivered"]
    assert gateway.reports() == []


def test_a_database_that_is_gone_is_told_of_once_and_when_it_is_back(
    station: Station, database: Database, gateway: GammuSms, caplog: pytest.LogCaptureFixture
) -> None:
    poller, elsewhere = poller_of(station, gateway), database.path.with_suffix(".away")
    database.path.rename(elsewhere)
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            poller.step()
        elsewhere.rename(database.path)
        for _ in range(3):
            poller.step()
    assert caplog.messages == [
        "gammu: the database of Gammu SMSD is not there, or its folder is closed to us",
        "gammu: it is read again",
    ]


def test_what_is_done_with_is_deleted(
    station: Station, database: Database, gateway: GammuSms, caplog: pytest.LogCaptureFixture
) -> None:
    database.receive(HER, UNCLEAR)
    poller = poller_of(station, gateway)
    poller.step()
    database.age("inbox", 8 * 24 * 60)
    poller.forget()
    assert database.run("SELECT COUNT(*) FROM inbox") == [(0,)]
    database.path.unlink()
    poller.forget()
    assert caplog.messages == [
        "gammu: nothing was deleted: the database of Gammu SMSD is not there, or its folder is closed to us"
    ]


def test_the_log_has_neither_numbers_nor_texts(
    station: Station, database: Database, gateway: GammuSms, caplog: pytest.LogCaptureFixture
) -> None:
    database.receive(HER, UNCLEAR)
    database.receive("+992900000002", Failing.text)
    with caplog.at_level(logging.DEBUG):
        poller_of(station, gateway, Failing).step()
    assert "an error of our own" in caplog.text
    assert not [word for word in (HER[1:], "992900000002", UNCLEAR, Failing.text) if word in caplog.text]
