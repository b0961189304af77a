"""After "delete my data" nothing of a resident is in any file of the stations that had it."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from sado.cases import pins
from sado.cases.payloads import OPENED, Opened
from sado.cases.residents import replies, subscriptions
from sado.cases.residents.privacy import FORGOTTEN
from sado.channel.effects.registry import all_effects
from sado.channel.versions import Versions
from sado.store import DiskError, Store, Transaction
from sado.store.tables import deletions, quarantine, received_events, sessions, subscribers
from sado.store.tables import outbox as entries
from sado.store.tables import subscriptions as wishes
from sado.store.tables.events import Event
from sado.store.tables.outbox import State
from sado.sync import outbox, schedule
from sado.sync.codes import Cause, EntryKind, Reason
from tests.support import backups, sealed
from tests.support.pairs import Pair, Side, open_pair
from tests.support.phone import Phone
from tests.support.row import open_row
from tests.support.station import TOKEN, shipped_pack, webhook
from tests.support.stations import APPEAL, START_S

HERS, HIS = "+992900000001", "+992900000002"


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    with open_pair(tmp_path) as opened:
        yield opened


def phone(side: Side, msisdn: str) -> Phone:
    versions = Versions(shipped_pack(), lambda pack: all_effects(side.cases, pack), "*1339#")
    return Phone(webhook(side.store, side.cases, versions), msisdn)


def delete(calls: Phone) -> str:
    """Dial "delete my data" and confirm it twice; the last screen."""
    calls.dial("*1339*6*4*3#")
    calls.reply("1")
    return calls.reply("2")


def sms(calls: Phone, text: str, number: str) -> None:
    form = {"id": number, "from": calls.msisdn, "to": "1339", "text": text, "date": "2026-11-23 06:04:45"}
    calls._client.post(f"/gateway/africastalking/{TOKEN}/sms", data=form)


def put(tx: Transaction, destination: str, reference: str, msisdn: str, state: State) -> None:
    """An entry for an agency or a phone that ended so."""
    body = json.dumps({"msisdn": msisdn, "reference": reference})
    outbox.put(tx, destination, EntryKind.NOTICE, reference, body)
    entry = outbox.claim(tx, destination)
    assert entry is not None
    if state != "queued":
        entries.finish(tx, entry, state, Reason(Cause.OWN_ERROR).stored)


def live(pair: Pair, msisdn: str) -> str:
    """Use the service in every way; the reference of a case that went to the hub and was answered there."""
    village = pair.village
    calls = phone(village, msisdn)
    calls.walk("3", "2", "1", "1", "Yovon", "1", "No water", "Rahimova Gulnora", "1")
    calls.walk("2", "1", "1", "Yovon", "1", "Half a word")
    sms(calls, "HELP", f"1 {msisdn}")
    sms(calls, "JOBS", f"2 {msisdn}")
    appeal = msgspec.structs.replace(APPEAL, msisdn=msisdn)
    reference = village.store.write(lambda tx: village.cases.open(tx, appeal)).reference
    pair.settle()
    pair.hub.store.write(lambda tx: pair.hub.cases.record(tx, APPEAL.agency, reference, "registered", ""))
    pair.settle()

    def leave(tx: Transaction) -> None:
        subscribers.remember_language(tx, msisdn, "tg")
        wishes.add(tx, msisdn, "jobs", "")
        subscriptions.spread(tx, subscriptions.Announcement("jobs", "", {"tg": "Ҷойи кор"}))
        replies.send(tx, msisdn, "What she asked for")
        pins.note_miss(tx, reference, msisdn, is_proven=True)
        for state in ("queued", "awaiting", "rejected", "dead", "unknown"):
            put(tx, "agency:water", reference, msisdn, state)
        other = Opened(
            **msgspec.structs.asdict(appeal), event=f"x{msisdn}", reference="0110000000", station=11, received_at=1
        )
        quarantine.keep(tx, outbox.station(11), Event(OPENED, "0110000000", msgspec.json.encode(other).decode()), "X")

    village.store.write(leave)
    return reference


def spellings(msisdn: str) -> list[bytes]:
    """A number in the ways in which it might lie in a file."""
    plain = [msisdn, msisdn[1:], msisdn[4:], json.dumps(msisdn), msisdn.replace("+", "\\u002b")]
    written = [text.encode(code) for text in plain for code in ("utf-8", "utf-16-le", "utf-16-be")]
    return written + [base64.b64encode(text.encode()).rstrip(b"=")[:-1] for text in (msisdn, msisdn[1:])]


def sealed_of(store: Store, msisdn: str) -> list[bytes]:
    """Every sealed value and every keyed hash that leads to a number."""
    hashes = {store.keys.lookup(words) for words in (msisdn, f"sms {msisdn}")}
    return [
        value
        for column, value, text in sealed.values(store)
        if isinstance(value, bytes) and (value in hashes or msisdn in (text or ""))
    ]


def found(folder: Path, wanted: list[bytes]) -> int:
    """How many of these are in some file of the folder."""
    content = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    return sum(any(value in one for one in content) for value in wanted)


def test_nothing_of_her_is_in_any_file_of_both_stations(pair: Pair, tmp_path: Path) -> None:
    for msisdn in (HERS, HIS):
        live(pair, msisdn)
    before = {side: (sealed_of(side.store, HERS), sealed_of(side.store, HIS)) for side in (pair.village, pair.hub)}
    hers = [value for own, _ in before.values() for value in own]
    his = [value for _, own in before.values() for value in own]
    assert len(hers) > 20
    assert found(tmp_path, hers) == len(hers)
    assert "нест карда шуд" in delete(phone(pair.village, HERS))
    pair.settle()
    for side in before:
        side.store.rewrite()
        assert sealed_of(side.store, HERS) == []
    assert found(tmp_path, hers + spellings(HERS)) == 0
    # Another resident's are found by the same search.
    assert found(tmp_path, his) > len(his) // 2
    (tmp_path / "note").write_text(f"{HIS} called")
    assert found(tmp_path, spellings(HIS)) > 0


def test_before_the_journal_is_emptied_the_search_finds_her(
    pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live(pair, HERS)
    hers = sealed_of(pair.village.store, HERS)
    monkeypatch.setattr(type(pair.village.store._connection), "empty_journal", lambda connection: False)
    pair.village.store.write(lambda tx: pair.village.privacy.forget(tx, HERS))
    assert found(tmp_path / "village", hers) > 0


def test_a_reader_delays_the_journal_and_the_next_transaction_empties_it(pair: Pair, tmp_path: Path) -> None:
    store, wal = pair.village.store, tmp_path / "village" / "station.db-wal"
    live(pair, HERS)

    def read(tx: Transaction) -> int:
        tx.value("SELECT COUNT(*) FROM cases")
        store.write(lambda tx: pair.village.privacy.forget(tx, HERS))
        store.write(lambda tx: None)
        return wal.stat().st_size

    assert store.read(read) > 0
    for _ in range(2):
        store.write(lambda tx: None)
    assert wal.stat().st_size == 0


def test_a_kill_before_the_journal_was_emptied_is_made_up_for_at_the_start(tmp_path: Path) -> None:
    with open_pair(tmp_path) as pair:
        live(pair, HERS)
    with open_pair(tmp_path) as pair:
        assert (tmp_path / "village" / "station.db-wal").stat().st_size < 100_000


def test_her_session_ends_with_its_last_screen_alone(pair: Pair) -> None:
    calls = phone(pair.village, HERS)
    calls.walk("3", "2", "1", "1", "Yovon", "1", "No water", "Rahimova Gulnora", "1")
    said = delete(calls)
    again = calls.post(calls.history)
    assert again.text == f"END {said}"
    kept = pair.village.store.read(lambda tx: tx.all("SELECT id, subscriber FROM sessions"))
    assert [row[1] for row in kept] == [None]
    state = pair.village.store.read(lambda tx: sessions.load(tx, kept[0][0]))
    assert state is not None
    assert "No water" not in state[0]
    assert "6*4" not in state[0]


def test_an_sms_that_has_left_leaves_no_words(pair: Pair) -> None:
    def send(tx: Transaction) -> str:
        replies.answer(tx, HERS, "Deleted.")
        entry = outbox.claim(tx, outbox.SMS)
        assert entry is not None
        assert HERS in entry.body
        outbox.ack(tx, entry)
        return str(tx.unseal(tx.value("SELECT body FROM outbox"), entries.BODY, entry.id))

    assert pair.village.store.write(send) == entries.EMPTY
    assert sealed_of(pair.village.store, HERS) == []


def test_an_answer_to_a_number_that_is_not_kept_goes_after_two_days(pair: Pair) -> None:
    store = pair.village.store
    store.write(lambda tx: replies.answer(tx, HERS, "Deleted."))
    store.write(lambda tx: entries.forget_strangers(tx, int(START_S * 1000)))
    assert sealed_of(store, HERS) != []
    store.write(lambda tx: entries.forget_strangers(tx, int(START_S * 1000) + 1))
    assert sealed_of(store, HERS) == []


def test_a_deletion_at_the_hub_reaches_the_station_that_filed(pair: Pair) -> None:
    live(pair, HERS)
    live(pair, HIS)
    pair.hub.store.write(lambda tx: pair.hub.privacy.forget(tx, HERS))
    assert sealed_of(pair.village.store, HERS) != []
    pair.settle()
    for side in (pair.village, pair.hub):
        side.store.write(received_events.forget_all)
        assert sealed_of(side.store, HERS) == []
        assert sealed_of(side.store, HIS) != []


@pytest.mark.parametrize("is_whole", [True, False])
def test_a_station_whose_disk_is_lost_is_told_again_by_the_hub(tmp_path: Path, is_whole: bool) -> None:
    with open_pair(tmp_path) as pair:
        reference = live(pair, HERS)
        his = live(pair, HIS)
        backups.make(pair.village.store, tmp_path / "copy")
        if is_whole:
            pair.village.store.write(lambda tx: pair.village.privacy.forget(tx, HERS))
        else:
            pair.village.store.write(lambda tx: pair.village.privacy.forget_case(tx, reference))
        pair.settle()
    for path in (tmp_path / "village").glob("station.db*"):
        path.unlink()
    backups.restore(tmp_path / "copy", tmp_path / "village")
    with open_pair(tmp_path) as pair:
        assert pair.village.store.read(lambda tx: pair.village.cases.get(tx, reference)).msisdn == HERS
        pair.settle()
        for side in (pair.village, pair.hub):
            assert side.store.read(lambda tx, side=side: side.cases.get(tx, reference)).msisdn == ""
            assert side.store.read(lambda tx, side=side: side.cases.get(tx, his)).msisdn == HIS
            left = {column for column, _, text in sealed.values(side.store) if HERS in (text or "")}
            # Her other case keeps its number where one alone was meant.
            assert left == set() if is_whole else left >= {"cases.msisdn"}
        stored = pair.village.store.read(lambda tx: subscribers.language_of(tx, HERS))
        assert (stored is None) == is_whole


@pytest.mark.parametrize("asked_at", ["village", "district", "hub"])
def test_every_station_on_the_way_forgets_wherever_it_was_asked(tmp_path: Path, asked_at: str) -> None:
    with open_row(tmp_path) as row:
        stops = (row.village, row.district, row.hub)
        for msisdn in (HERS, HIS):
            appeal = msgspec.structs.replace(APPEAL, msisdn=msisdn)
            row.village.store.write(lambda tx, appeal=appeal: row.village.cases.open(tx, appeal))
        row.settle()
        assert all(sealed_of(stop.store, HERS) for stop in stops)
        stop = getattr(row, asked_at)
        stop.store.write(lambda tx: stop.privacy.forget(tx, HERS))
        row.settle()
        assert [sealed_of(stop.store, HERS) for stop in stops] == [[], [], []]
        assert all(sealed_of(stop.store, HIS) for stop in stops)
        assert [stop.aside() for stop in stops] == [[], [], []]


def test_a_stolen_box_deletes_no_more_than_its_own_case(pair: Pair) -> None:
    reference = live(pair, HERS)
    pair.hub.store.write(lambda tx: subscribers.remember_language(tx, HERS, "tg"))
    event = Event(FORGOTTEN, reference, json.dumps({"reference": reference, "is_whole": True}))
    pair.hub.store.write(lambda tx: pair.hub.events.apply(tx, outbox.station(7), event))
    assert pair.hub.store.read(lambda tx: subscribers.language_of(tx, HERS)) == "tg"


def test_a_disk_without_room_for_it_keeps_nobody_from_serving_and_it_is_tried_again(
    pair: Pair, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(connection: object) -> None:
        raise DiskError("database or disk is full")

    store = pair.village.store
    store.write(lambda tx: pair.village.privacy.forget(tx, HERS))
    with monkeypatch.context() as patch:
        patch.setattr(type(store._connection), "rewrite", fail)
        schedule.rewrite_now(store)
    assert "make room on the disk" in caplog.text
    assert store.read(deletions.count) > 0
    schedule.rewrite_now(store)
    assert store.read(deletions.count) == 0


def test_the_file_is_written_anew_once(pair: Pair) -> None:
    live(pair, HERS)
    store = pair.village.store
    assert store.read(deletions.count) == 0
    store.write(lambda tx: pair.village.privacy.forget(tx, HERS))
    assert store.read(deletions.count) > 0
    store.rewrite()
    assert store.read(deletions.count) == 0
