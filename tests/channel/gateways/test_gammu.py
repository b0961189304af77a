"""Gammu SMSD's database: messages collected and sent by SQL, and what is done when it is locked, gone or another."""

from __future__ import annotations

import logging
import threading
from itertools import pairwise, permutations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sado.channel.contract import Report
from sado.channel.gateways.concatenation import Part, concatenation, joined
from sado.channel.gateways.gammu import MOST_PARTS, MOST_WAITING, GammuSms, Received
from sado.menus.gsm import segments
from sado.sync.outbox import DestinationDownError, RejectedError
from tests.support.gammu import Database, coded, locked, uncoded

HER, OTHER = "+992900000001", "+992900000002"
TAJIK = "Ҳолати ариза: қабул шуд, ӯ ғайриоддӣ аст Ҷ"
LATIN = "Holati ariza: {qabul} [shud] 5 €"
LONG_TAJIK = " ".join(["Муроҷиати шумо қабул шуд; ҷавоб баъд аз муҳлат мерасад."] * 4)
LONG_LATIN = "Your application has been registered. " * 6 + "€"
THREE = ("050003A10301", "050003A10302", "050003A10303")


@pytest.fixture
def database(tmp_path: Path) -> Database:
    made = Database(tmp_path)
    made.live()
    return made


@pytest.fixture
def gateway(database: Database) -> GammuSms:
    return GammuSms(database.path, "TJ")


def texts(gateway: GammuSms) -> list[str]:
    return [message.text for message in gateway.collect()]


def unprocessed(database: Database) -> int:
    return int(database.run("SELECT COUNT(*) FROM inbox WHERE Processed = 'false'")[0][0])


def test_a_message_is_collected_until_it_is_marked(database: Database, gateway: GammuSms) -> None:
    database.receive(HER, TAJIK)
    (message,) = gateway.collect()
    assert (message.msisdn, message.text, message.rows) == (HER, TAJIK, (1,))
    assert gateway.collect() == [message]
    gateway.collected([message])
    assert gateway.collect() == []
    assert database.run("SELECT Processed FROM inbox") == [("true",)]


def test_messages_come_oldest_first(database: Database, gateway: GammuSms) -> None:
    for text in ("1", "2", "3"):
        database.receive(HER, text)
    assert texts(gateway) == ["1", "2", "3"]


def test_a_number_without_its_country_is_of_ours(database: Database, gateway: GammuSms) -> None:
    database.receive("900000001", "ҳолат")
    assert [message.msisdn for message in gateway.collect()] == [HER]


@pytest.mark.parametrize(
    ("sender", "header", "coding"),
    [
        ("1339", "", "Unicode_No_Compression"),
        ("Tcell", "", "Unicode_No_Compression"),
        ("", "", "Unicode_No_Compression"),
        (HER, "", "8bit"),
        (HER, "06050415811581", "Default_No_Compression"),
    ],
)
def test_what_no_person_wrote_is_marked_and_nobody_sees_it(
    database: Database, gateway: GammuSms, sender: str, header: str, coding: str
) -> None:
    database.receive(sender, "реклама", header, coding)
    database.receive(HER, "ҳолат")
    assert texts(gateway) == ["ҳолат"]
    assert unprocessed(database) == 1


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_long_message_is_joined_in_whatever_order_it_came(
    database: Database, gateway: GammuSms, order: tuple[int, ...]
) -> None:
    for place in order:
        database.receive(HER, "абв"[place] * 5, THREE[place])
    (message,) = gateway.collect()
    assert (message.text, sorted(message.rows)) == ("ааааабббббввввв", [1, 2, 3])
    gateway.collected([message])
    assert unprocessed(database) == 0


def test_a_pair_of_surrogates_cut_between_two_parts_is_whole_again(database: Database, gateway: GammuSms) -> None:
    database.receive(HER, "хуб \ud83d", "06080412340201")
    database.receive(HER, "\ude00!", "06080412340202")
    assert texts(gateway) == ["хуб 😀!"]


def test_the_text_that_the_daemon_could_not_write_in_utf_8_stops_nothing(database: Database, gateway: GammuSms) -> None:
    database.receive(HER, "хуб \ud83d", "06080412340201")
    database.run("UPDATE inbox SET TextDecoded = CAST(x'EDA0BD' AS TEXT)")
    database.age("inbox", 3)
    assert texts(gateway) == ["хуб \ufffd […]"]


def test_two_long_messages_that_come_at_once_are_told_apart(database: Database, gateway: GammuSms) -> None:
    for text, sender, header in (
        ("а1", HER, "050003A10201"),
        ("б1", OTHER, "050003A10201"),
        ("в1", HER, "050003A20201"),
        ("в2", HER, "050003A20202"),
        ("б2", OTHER, "050003A10202"),
        ("а2", HER, "050003A10202"),
    ):
        database.receive(sender, text, header)
    assert texts(gateway) == ["а1а2", "б1б2", "в1в2"]


def test_a_reference_that_is_used_again_begins_another_message(database: Database, gateway: GammuSms) -> None:
    for text, header in (("а", THREE[0]), ("б", THREE[1]), ("в", THREE[2]), ("г", THREE[0]), ("д", THREE[1])):
        database.receive(HER, text, header)
    assert texts(gateway) == ["абв"]
    database.receive(HER, "е", THREE[2])
    assert texts(gateway) == ["абв", "где"]


def test_a_long_message_waits_two_minutes_for_its_parts(database: Database, gateway: GammuSms) -> None:
    database.receive(HER, "аввал", THREE[0])
    database.age("inbox", 3)
    database.receive(HER, "охир", THREE[2])
    assert gateway.collect() == []
    database.age("inbox", 3)
    (message,) = gateway.collect()
    assert (message.text, message.rows) == ("аввал […] охир", (1, 2))


@pytest.mark.parametrize(
    ("came", "text"),
    [({1}, "а […]"), ({2}, "[…] б […]"), ({3}, "[…] в"), ({1, 2}, "аб […]"), ({2, 3}, "[…] бв"), ({1, 3}, "а […] в")],
)
def test_what_never_came_leaves_a_gap(database: Database, gateway: GammuSms, came: set[int], text: str) -> None:
    for place in came:
        database.receive(HER, "абв"[place - 1], THREE[place - 1])
    database.age("inbox", 3)
    assert texts(gateway) == [text]


def test_a_clock_that_was_set_back_keeps_no_message_waiting(database: Database, gateway: GammuSms) -> None:
    database.receive(HER, "аввал", THREE[0])
    database.age("inbox", -600)
    assert texts(gateway) == ["аввал […]"]


def test_a_message_kept_twice_by_the_daemon_has_one_name(database: Database, gateway: GammuSms) -> None:
    first, again = database.receive(HER, "1"), database.receive(HER, "1")
    one, two = gateway.collect()
    assert (one.id, one.rows, two.rows) == (two.id, (first,), (again,))


def test_a_long_message_kept_twice_is_one(database: Database, gateway: GammuSms) -> None:
    for text, header in zip("абвабв", THREE * 2, strict=True):
        database.receive(HER, text, header)
    (message,) = gateway.collect()
    assert (message.text, len(message.rows)) == ("абв", 6)


@pytest.mark.parametrize("change", ["SenderNumber = '+992900000002'", "ReceivingDateTime = '2026-11-23 11:04:46'"])
def test_the_same_words_of_another_or_at_another_time_are_another_message(
    database: Database, gateway: GammuSms, change: str
) -> None:
    database.receive(HER, "1")
    database.run(f"UPDATE inbox SET {change} WHERE ID = {database.receive(HER, '1')}")
    assert len({message.id for message in gateway.collect()}) == 2


def test_a_name_says_nothing_of_the_number_and_the_text(database: Database, gateway: GammuSms) -> None:
    database.receive(HER, "9998887")
    (message,) = gateway.collect()
    assert len(message.id) == 32
    assert HER not in message.id
    assert "9998887" not in message.id


@pytest.mark.parametrize(
    "header",
    [
        "",
        "00",
        "05",
        "0500",
        "050003A103",
        "050003A10304",
        "050003A10300",
        "0500FFA10301",
        "03240101",
        "zz",
        "0",
        "0003A10301",
    ],
)
def test_a_header_that_joins_nothing_leaves_a_message_of_its_own(
    database: Database, gateway: GammuSms, header: str
) -> None:
    database.receive(HER, "салом", header)
    assert texts(gateway) == ["салом"]


@given(header=st.binary(max_size=12))
def test_no_header_breaks_the_reader(header: bytes) -> None:
    place = concatenation(header)
    assert place is None or 1 <= place.sequence <= place.total


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 3), st.text("абв", max_size=2)), max_size=12))
def test_every_part_is_in_exactly_one_message(came: list[tuple[int, int, str]]) -> None:
    parts = [
        Part(row, HER, "", bytes((5, 0, 3, reference, 3, position)), text.encode("utf-16-be"), False)
        for row, (reference, position, text) in enumerate(came)
    ]
    assert sorted(row for message in joined(parts) for row in message.rows) == list(range(len(parts)))


def outbox(database: Database) -> list[tuple[str, ...]]:
    """Number, coding, text and header of every part that waits to be sent."""
    return database.run(
        "SELECT DestinationNumber, Coding, Text, UDH FROM outbox UNION ALL"
        " SELECT DestinationNumber, m.Coding, m.Text, m.UDH FROM outbox_multipart AS m JOIN outbox USING (ID)"
        " ORDER BY UDH"
    )


@pytest.mark.parametrize(
    ("text", "coding"),
    [(TAJIK, "Unicode_No_Compression"), (LATIN, "Default_No_Compression"), ("😀", "Unicode_No_Compression")],
)
def test_a_short_message_is_put_in_the_outbox_in_the_coding_of_its_letters(
    database: Database, gateway: GammuSms, text: str, coding: str
) -> None:
    assert gateway.send(HER, text, "007-12-1") == "007-12-1"
    assert outbox(database) == [(HER, coding, coded(text), "")]
    assert database.run("SELECT MultiPart, DeliveryReport FROM outbox") == [("false", "yes")]


@pytest.mark.parametrize("text", [LONG_TAJIK, LONG_LATIN, "😀" * 80, "€" * 200])
def test_a_long_message_is_put_there_in_our_parts(database: Database, gateway: GammuSms, text: str) -> None:
    gateway.send(HER, text, "007-12-1")
    rows = outbox(database)
    assert [uncoded(row[2]) for row in rows] == segments(text)
    assert [row[3] for row in rows] == [f"05000301{len(rows):02X}{place:02X}" for place in range(1, len(rows) + 1)]
    assert len({row[1] for row in rows}) == 1
    assert database.run("SELECT MultiPart FROM outbox") == [("true",)]


def test_long_messages_that_follow_each_other_have_different_references(database: Database, gateway: GammuSms) -> None:
    for key in "abc":
        gateway.send(HER, LONG_TAJIK, key)
    references = [header[6:8] for (header,) in database.run("SELECT UDH FROM outbox ORDER BY ID")]
    assert all(one != next_one for one, next_one in pairwise(references))


def test_a_message_is_due_at_once_whatever_clock_the_daemon_goes_by(database: Database, gateway: GammuSms) -> None:
    gateway.send(HER, TAJIK, "1")
    west = "datetime('now', '-12 hours')"
    assert database.run(f"SELECT 1 FROM outbox WHERE SendingDateTime < {west} AND SendingTimeOut < {west}") == [(1,)]


@pytest.mark.parametrize("has_left", [False, True])
def test_the_same_key_again_sends_nothing_again(database: Database, gateway: GammuSms, has_left: bool) -> None:
    gateway.send(HER, TAJIK, "007-1-1")
    if has_left:
        database.send()
        gateway.told(gateway.reports())
    gateway.send(HER, TAJIK, "007-1-1")
    assert database.run("SELECT (SELECT COUNT(*) FROM outbox) + (SELECT COUNT(*) FROM sentitems)") == [(1,)]
    gateway.send(HER, TAJIK, "007-1-11")
    gateway.send(HER, TAJIK, "007-1-_")
    assert len(outbox(database)) == (2 if has_left else 3)


def test_a_text_of_too_many_parts_is_refused(database: Database, gateway: GammuSms) -> None:
    with pytest.raises(RejectedError):
        gateway.send(HER, "а" * (67 * MOST_PARTS + 1), "1")
    assert outbox(database) == []


def test_a_daemon_that_was_silent_too_long_is_given_nothing(database: Database, gateway: GammuSms) -> None:
    database.age("phones", 4)
    with pytest.raises(DestinationDownError, match="does not run"):
        gateway.send(HER, TAJIK, "1")
    assert outbox(database) == []


def test_a_daemon_that_sends_nothing_is_given_nothing(database: Database, gateway: GammuSms) -> None:
    database.run("UPDATE phones SET Send = 'no'")
    with pytest.raises(DestinationDownError, match="does not run"):
        gateway.send(HER, TAJIK, "1")


def test_a_daemon_with_enough_to_do_is_given_no_more(database: Database, gateway: GammuSms) -> None:
    for number in range(MOST_WAITING):
        gateway.send(HER, TAJIK, str(number))
    with pytest.raises(DestinationDownError, match="enough"):
        gateway.send(HER, TAJIK, "more")
    database.send()
    assert gateway.send(HER, TAJIK, "more") == "more"


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("SendingOK", "sent"),
        ("SendingOKNoReport", "sent"),
        ("SendingError", "failed"),
        ("Error", "failed"),
        ("DeliveryOK", "delivered"),
        ("DeliveryPending", "buffered"),
        ("DeliveryFailed", "failed"),
        ("DeliveryUnknown", None),
        ("DeliveryPostponed", None),
    ],
)
def test_each_state_of_the_daemon_is_told_once(
    database: Database, gateway: GammuSms, word: str, state: str | None
) -> None:
    gateway.send(HER, TAJIK, "007-12-1")
    assert gateway.reports() == []
    database.send(word)
    reports = gateway.reports()
    assert reports == [Report("007-12-1", state, word)]
    assert gateway.reports() == reports
    gateway.told(reports)
    assert gateway.reports() == []


def test_a_later_state_is_told_too(database: Database, gateway: GammuSms) -> None:
    gateway.send(HER, TAJIK, "1")
    database.send()
    heard = []
    for word in ("SendingOK", "DeliveryPending", "DeliveryPending", "DeliveryOK"):
        database.network_says(1, word)
        reports = gateway.reports()
        heard += [report.state for report in reports]
        gateway.told(reports)
    assert heard == ["sent", "buffered", "delivered"]


@pytest.mark.parametrize(
    ("words", "state"),
    [
        (("DeliveryOK", "DeliveryOK"), "delivered"),
        (("DeliveryOK", "SendingOK"), "sent"),
        (("DeliveryOK", "DeliveryPending"), "buffered"),
        (("DeliveryFailed", "DeliveryOK"), "failed"),
        (("SendingOK", "SendingError"), "failed"),
        (("DeliveryUnknown", "DeliveryOK"), None),
    ],
)
def test_a_long_message_is_as_well_as_its_worst_part(
    database: Database, gateway: GammuSms, words: tuple[str, str], state: str | None
) -> None:
    gateway.send(HER, "а" * 100, "1")
    database.send(words[0], is_last=False)
    assert gateway.reports() == []
    database.send(words[1])
    assert [report.state for report in gateway.reports()] == [state]


def test_messages_of_other_programs_are_not_told_of(database: Database, gateway: GammuSms) -> None:
    database.run("INSERT INTO sentitems (ID, CreatorID, SenderID) VALUES (1, 'Gammu 1.42.0', 'village')")
    assert gateway.reports() == []


def test_what_is_done_with_is_deleted_after_a_week(database: Database, gateway: GammuSms) -> None:
    database.receive(HER, "кӯҳна")
    gateway.collected(gateway.collect())
    database.receive(HER, "нахонда")
    gateway.send(HER, TAJIK, "1")
    database.send()
    database.run("INSERT INTO sentitems (ID, CreatorID, SenderID) VALUES (2, 'Gammu 1.42.0', 'village')")
    gateway.forget()
    assert database.run("SELECT COUNT(*) FROM inbox") == [(2,)]
    for table in ("inbox", "sentitems"):
        database.age(table, 8 * 24 * 60)
    gateway.forget()
    assert [uncoded(text) for (text,) in database.run("SELECT Text FROM inbox")] == ["нахонда"]
    assert database.run("SELECT CreatorID FROM sentitems") == [("Gammu 1.42.0",)]


def every_call(gateway: GammuSms) -> list[tuple[str, str]]:
    """What each method says when the database cannot be used."""
    message, report = Received("1", HER, TAJIK, (1,)), Report("1", "sent", "SendingOK")
    calls = {
        "send": lambda: gateway.send(HER, TAJIK, "1"),
        "collect": gateway.collect,
        "collected": lambda: gateway.collected([message]),
        "reports": gateway.reports,
        "told": lambda: gateway.told([report]),
        "forget": gateway.forget,
    }
    said = []
    for name, call in calls.items():
        with pytest.raises(DestinationDownError) as error:
            call()
        said.append((name, str(error.value)))
    return said


def test_a_database_that_is_gone_is_not_made(tmp_path: Path) -> None:
    path = tmp_path / "smsd.db"
    says = "the database of Gammu SMSD is not there, or its folder is closed to us"
    assert {words for _, words in every_call(GammuSms(path, "TJ"))} == {says}
    assert not path.exists()


def test_a_file_that_is_no_database_is_said_to_be_none(tmp_path: Path) -> None:
    path = tmp_path / "smsd.db"
    path.write_text("no database at all " * 100)
    assert {words for _, words in every_call(GammuSms(path, "TJ"))} == {"the database of Gammu SMSD is no database"}


@pytest.mark.parametrize("change", ["UPDATE gammu SET Version = 16", "DROP TABLE gammu", "DELETE FROM gammu"])
def test_another_schema_is_told_with_what_to_do(database: Database, gateway: GammuSms, change: str) -> None:
    database.run(change)
    (words,) = {words for _, words in every_call(gateway)}
    assert words.endswith("has another schema: make it with the sqlite.sql of a Gammu with schema: 17")


def test_a_locked_database_is_waited_for_a_while_and_then_told_of(database: Database, gateway: GammuSms) -> None:
    with locked(database), pytest.raises(DestinationDownError, match="is locked by another program"):
        gateway.send(HER, TAJIK, "1")
    assert outbox(database) == []
    assert gateway.send(HER, TAJIK, "1") == "1"


def test_a_lock_held_for_a_moment_is_nobodys_business(database: Database, gateway: GammuSms) -> None:
    release = threading.Event()

    def hold() -> None:
        with locked(database):
            holds.set()
            release.wait(60)

    holds, holder = threading.Event(), threading.Thread(target=hold)
    holder.start()
    assert holds.wait(60)
    threading.Timer(0.3, release.set).start()
    assert gateway.send(HER, TAJIK, "1") == "1"
    holder.join()


def test_an_error_half_way_leaves_no_part_in_the_outbox(database: Database, gateway: GammuSms) -> None:
    database.run(
        "CREATE TRIGGER full BEFORE INSERT ON outbox_multipart BEGIN SELECT RAISE(ABORT, '+992900000001'); END"
    )
    with pytest.raises(DestinationDownError) as error:
        gateway.send(HER, LONG_TAJIK, "1")
    assert outbox(database) == []
    assert str(error.value) == "the database of Gammu SMSD fails: SQLITE_CONSTRAINT_TRIGGER"


def test_a_database_that_may_only_be_read_is_told_of(database: Database, gateway: GammuSms) -> None:
    database.receive(HER, TAJIK)
    with database.path.open("r+b") as file:
        # The version that a program must know to write (SQLite's file format, section 1.3.3): one of the future.
        file.seek(18)
        file.write(b"\x03")
    (message,) = gateway.collect()
    for call in (lambda: gateway.collected([message]), lambda: gateway.send(HER, TAJIK, "1")):
        with pytest.raises(DestinationDownError, match="may only be read by us"):
            call()


def test_twenty_threads_that_send_put_twenty_messages(database: Database, gateway: GammuSms) -> None:
    threads = [threading.Thread(target=gateway.send, args=(HER, LONG_TAJIK, str(key))) for key in range(MOST_WAITING)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outbox(database)) == MOST_WAITING * len(segments(LONG_TAJIK))


def test_the_log_says_nothing(database: Database, gateway: GammuSms, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        database.receive(HER, TAJIK)
        gateway.collected(gateway.collect())
        gateway.send(HER, TAJIK, "1")
        database.send()
        gateway.told(gateway.reports())
    assert caplog.text == ""
