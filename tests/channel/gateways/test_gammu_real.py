"""Gammu SMSD itself, with its dummy phone: SMS both ways, long ones, reports, and what happens when it or we stop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sado.channel.contract import Report
from sado.channel.effects.registry import all_effects
from sado.channel.gateways.gammu import GammuSms, Received
from sado.channel.sms.inbox import Inbox
from sado.channel.sms.poller import Poller
from sado.channel.sms.reports import Reports
from sado.channel.versions import Versions
from sado.menus.gsm import segments
from sado.store.tables import deliveries
from sado.sync import dispatch, outbox
from sado.sync.outbox import DestinationDownError
from tests.support.gammu import TABLES, Smsd, locked, uncoded
from tests.support.processes import until
from tests.support.servers import needed
from tests.support.sms import notices
from tests.support.station import open_station

pytestmark = pytest.mark.needs_gammu

HER = "+992900000001"
TAJIK = "Ҳолати ариза: қабул шуд, ӯ ғайриоддӣ аст Ҷ"
LATIN = "Holati ariza: {qabul} [shud] 5 €"
LONG_TAJIK = " ".join(["Муроҷиати шумо қабул шуд; ҷавоб баъд аз муҳлат мерасад."] * 3) + "😀"
LONG_LATIN = "Your application has been registered. " * 5 + "€"
WAIT_S = 60.0


@contextmanager
def running(folder: Path, tables: str = "") -> Iterator[Smsd]:
    """The daemon in this folder, until the end of the test."""
    needed("gammu-smsd", "gammu-smsd libdbd-sqlite3")
    daemon = Smsd(folder, tables)
    try:
        daemon.start()
        yield daemon
    finally:
        daemon.kill()


@pytest.fixture
def smsd(tmp_path: Path) -> Iterator[Smsd]:
    with running(tmp_path) as daemon:
        yield daemon


@pytest.fixture
def gateway(smsd: Smsd) -> GammuSms:
    return GammuSms(smsd.path, "TJ")


def wait(happened: Callable[[], bool], smsd: Smsd) -> None:
    assert until(happened, WAIT_S, 0.2), smsd.said()


def collected(gateway: GammuSms, smsd: Smsd, count: int) -> list[Received]:
    """The messages, when there are so many, marked as collected."""
    wait(lambda: len(gateway.collect()) >= count, smsd)
    messages = gateway.collect()
    gateway.collected(messages)
    return messages


def reported(gateway: GammuSms, smsd: Smsd, count: int) -> dict[str, Report]:
    """The reports that were not told, when there are so many, by our key."""
    wait(lambda: len(gateway.reports()) >= count, smsd)
    reports = gateway.reports()
    gateway.told(reports)
    return {report.id: report for report in reports}


def sent(smsd: Smsd, number: str = HER) -> list[str]:
    """The parts that left for a number."""
    rows = smsd.run("SELECT Text FROM sentitems WHERE DestinationNumber = ? ORDER BY ID, SequencePosition", number)
    return [uncoded(text) for (text,) in rows]


def test_messages_go_both_ways(smsd: Smsd, gateway: GammuSms) -> None:
    for sender, text in ((HER, TAJIK), ("Tcell", "реклама"), ("1339", "реклама"), (HER, LATIN)):
        smsd.deliver(sender, text)
    assert [(message.msisdn, message.text) for message in collected(gateway, smsd, 2)] == [(HER, TAJIK), (HER, LATIN)]
    gateway.send(HER, TAJIK, "007-1-1")
    gateway.send(HER, LATIN, "007-2-1")
    assert {report.state for report in reported(gateway, smsd, 2).values()} == {"sent"}
    assert smsd.run("SELECT Coding, TextDecoded FROM sentitems ORDER BY ID") == [
        ("Unicode_No_Compression", TAJIK),
        ("Default_No_Compression", LATIN),
    ]
    assert gateway.collect() == []


def test_a_long_message_leaves_in_our_parts(smsd: Smsd, gateway: GammuSms) -> None:
    gateway.send(HER, LONG_TAJIK, "007-1-1")
    gateway.send(HER, LONG_LATIN, "007-2-1")
    reported(gateway, smsd, 2)
    assert sent(smsd) == [*segments(LONG_TAJIK), *segments(LONG_LATIN)]
    assert [header for (header,) in smsd.run("SELECT UDH FROM sentitems ORDER BY ID, SequencePosition")] == [
        *(f"050003010{len(segments(LONG_TAJIK))}0{place}" for place in range(1, len(segments(LONG_TAJIK)) + 1)),
        *(f"050003020{len(segments(LONG_LATIN))}0{place}" for place in range(1, len(segments(LONG_LATIN)) + 1)),
    ]
    assert smsd.run("SELECT COUNT(*) FROM outbox_multipart") == [(0,)]


def test_a_long_message_comes_whole_from_parts_out_of_order(smsd: Smsd, gateway: GammuSms) -> None:
    parts = {"050003A10303": "охир", "050003A10301": "ҷ" * 66 + "\ud83d", "050003A10302": "\ude00" + "ӯ" * 66}
    for header, text in parts.items():
        smsd.deliver(HER, text, header)
    (message,) = collected(gateway, smsd, 1)
    assert message.text == "ҷ" * 66 + "😀" + "ӯ" * 66 + "охир"
    assert smsd.run("SELECT COUNT(*) FROM inbox WHERE Processed = 'false'") == [(0,)]


def test_a_part_that_never_comes_leaves_a_gap(smsd: Smsd, gateway: GammuSms) -> None:
    smsd.deliver(HER, "аввал", "050003A10301")
    smsd.deliver(HER, "охир", "050003A10303")
    wait(lambda: smsd.run("SELECT COUNT(*) FROM inbox") == [(2,)], smsd)
    assert gateway.collect() == []
    smsd.age("inbox", 3)
    (message,) = collected(gateway, smsd, 1)
    assert message.text == "аввал […] охир"


def test_what_the_network_reports_is_told(smsd: Smsd, gateway: GammuSms) -> None:
    words = {"Delivered": "delivered", "Failed": "failed", "Pending": "buffered", "Unknown": None}
    numbers = {word: f"+99290000001{place}" for place, word in enumerate(words)}
    for word, number in numbers.items():
        gateway.send(number, "1", word)
    assert {report.state for report in reported(gateway, smsd, 4).values()} == {"sent"}
    for word, number in numbers.items():
        smsd.report(number, word)
    assert {word: report.state for word, report in reported(gateway, smsd, 4).items()} == words
    smsd.report(numbers["Pending"], "Delivered")
    assert reported(gateway, smsd, 1)["Pending"].state == "delivered"


def test_nothing_is_lost_or_doubled_when_the_daemon_is_killed(smsd: Smsd, gateway: GammuSms) -> None:
    smsd.deliver(HER, "як")
    (first,) = collected(gateway, smsd, 1)
    smsd.kill()
    gateway.send(HER, TAJIK, "007-1-1")
    smsd.deliver(HER, "ду")
    smsd.start()
    (second,) = collected(gateway, smsd, 1)
    assert (first.text, second.text) == ("як", "ду")
    assert set(reported(gateway, smsd, 1)) == {"007-1-1"}
    gateway.send(HER, TAJIK, "007-1-1")
    gateway.send(HER, "сеюм", "007-2-1")
    assert set(reported(gateway, smsd, 1)) == {"007-2-1"}
    assert sent(smsd) == [TAJIK, "сеюм"]


def test_a_message_that_the_daemon_keeps_twice_has_one_name(smsd: Smsd, gateway: GammuSms) -> None:
    """It was kept, the power went, and it is still in the phone."""
    smsd.deliver(HER, "ҳолат")
    message = next((smsd.path.parent / "phone" / "sms" / "1").iterdir()).read_bytes()
    wait(lambda: smsd.waiting_in_the_phone() == 0, smsd)
    (smsd.path.parent / "phone" / "sms" / "1" / "1").write_bytes(message)
    one, two = collected(gateway, smsd, 2)
    assert (one.id, one.rows == two.rows) == (two.id, False)


def test_a_database_that_we_hold_locked_loses_and_doubles_nothing(smsd: Smsd, gateway: GammuSms) -> None:
    gateway.send(HER, TAJIK, "007-1-1")
    with locked(smsd):
        smsd.deliver(HER, "ҳолат")
        with pytest.raises(DestinationDownError, match="locked"):
            gateway.send(HER, "дуюм", "007-2-1")
    assert [message.text for message in collected(gateway, smsd, 1)] == ["ҳолат"]
    gateway.send(HER, "дуюм", "007-2-1")
    wait(lambda: len(gateway.reports()) == 2, smsd)
    assert sent(smsd) == [TAJIK, "дуюм"]
    assert gateway.collect() == []


def test_the_daemon_is_at_home_in_the_tables_of_the_tests(tmp_path: Path) -> None:
    with running(tmp_path, TABLES) as smsd:
        gateway = GammuSms(smsd.path, "TJ")
        smsd.deliver(HER, "а" * 67, "050003A10201")
        smsd.deliver(HER, "б", "050003A10202")
        gateway.send(HER, LONG_TAJIK, "007-1-1")
        assert [message.text for message in collected(gateway, smsd, 1)] == ["а" * 67 + "б"]
        reported(gateway, smsd, 1)
        assert sent(smsd) == segments(LONG_TAJIK)
        smsd.report(HER, "Delivered")
        assert reported(gateway, smsd, 1)["007-1-1"].state == "delivered"


def test_a_resident_writes_and_is_answered_through_the_modem(smsd: Smsd, gateway: GammuSms, tmp_path: Path) -> None:
    (tmp_path / "station").mkdir()
    with open_station(tmp_path / "station") as station:
        versions = Versions(station.pack, lambda one: all_effects(station.cases, one), "*1339#")
        poller = Poller(station.store, gateway, Inbox(versions), Reports(station.cases))
        transport = notices(station.store, station.cases, gateway)
        smsd.deliver(HER, "??? ???")

        def is_answered() -> bool:
            poller.step()
            while dispatch.step(station.store, outbox.SMS, transport):
                pass
            return bool(sent(smsd)) and not smsd.run("SELECT 1 FROM outbox")

        def is_known_to_have_arrived() -> bool:
            poller.step()
            (message,) = station.store.read(lambda tx: deliveries.of_case(tx, ""))
            return message.state == "delivered"

        wait(is_answered, smsd)
        assert "*1339#" in "".join(sent(smsd))
        smsd.report(HER, "Delivered")
        wait(is_known_to_have_arrived, smsd)
        assert segments("".join(sent(smsd))) == sent(smsd)
