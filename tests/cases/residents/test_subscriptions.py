"""Who is told of what: each once, at the right place, and nobody who does not want it."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from sado.cases.residents import subscriptions
from sado.cases.residents.subscriptions import ALERT, ANNOUNCEMENT, STEP, Alert, Announcement
from sado.store import Store, Transaction
from sado.store.tables import outbox as entries
from sado.store.tables import subscribers
from sado.store.tables import subscriptions as rows
from sado.store.tables.outbox import Entry
from sado.store.tables.subscriptions import Subscription
from sado.sync import outbox
from tests.support.stations import open_store

GULNORA, BAHROM, MADINA = (f"+99290000000{digit}" for digit in (1, 2, 3))
YOVON, RASHT = "TJ-KT-07", "TJ-RR-11"
TEXTS = {"tg": "Ҷойи кор ҳаст.", "ru": "Есть работа.", "en": "There is work."}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path) as opened:
        yield opened


def subscribe(store: Store, msisdn: str, topic: str, place: str = YOVON) -> bool:
    return store.write(lambda tx: rows.add(tx, msisdn, topic, place))


def tell(store: Store, topic: str, place: str = YOVON) -> int:
    return store.write(lambda tx: subscriptions.tell(tx, topic, place, TEXTS))


def taken(tx: Transaction) -> Entry | None:
    """The next SMS that is due, taken out of the outbox; an announcement puts its alerts as it goes."""
    entry = outbox.claim(tx, outbox.SMS)
    if entry is not None and entries.remove(tx, entry) and entry.kind == ANNOUNCEMENT:
        subscriptions.spread(tx, msgspec.json.decode(entry.body, type=Announcement))
    return entry


def told(store: Store) -> list[str]:
    """Empty the outbox; the numbers that the alerts in it would be sent to."""
    numbers = []
    while entry := store.write(taken):
        if entry.kind == ALERT:
            alert = msgspec.json.decode(entry.body, type=Alert)
            to = store.read(lambda tx, alert=alert: subscriptions.recipient(tx, alert))
            numbers += [to.msisdn] if to else []
    return sorted(numbers)


def test_a_subscriber_is_told_and_others_are_not(store: Store) -> None:
    assert subscribe(store, GULNORA, "jobs")
    subscribe(store, BAHROM, "school")
    subscribe(store, MADINA, "jobs", RASHT)
    assert tell(store, "jobs") == 1
    assert told(store) == [GULNORA]


def test_nobody_to_tell_puts_nothing(store: Store) -> None:
    assert tell(store, "jobs") == 0
    assert store.write(lambda tx: outbox.claim(tx, outbox.SMS)) is None


def test_choosing_the_same_twice_is_choosing_it_once(store: Store) -> None:
    assert [subscribe(store, GULNORA, "jobs"), subscribe(store, GULNORA, "jobs")] == [True, False]
    assert store.read(lambda tx: rows.of(tx, GULNORA)) == [Subscription("jobs", YOVON)]


def test_a_wide_topic_hears_of_the_narrow_ones_and_not_the_other_way(store: Store) -> None:
    subscribe(store, GULNORA, "jobs")
    subscribe(store, BAHROM, "jobs.driver")
    subscribe(store, MADINA, "jobs.nurse")
    assert (tell(store, "jobs.driver"), told(store)) == (2, [GULNORA, BAHROM])
    assert (tell(store, "jobs"), told(store)) == (1, [GULNORA])


@pytest.mark.parametrize("topic", ["job", "jobs2", "jobs.driver", "Jobs", "%", "jobs%"])
def test_a_topic_that_only_looks_alike_is_another(store: Store, topic: str) -> None:
    subscribe(store, GULNORA, topic)
    assert tell(store, "jobs") == 0


def test_everywhere_is_every_place_for_her_and_for_what_is_told(store: Store) -> None:
    subscribe(store, GULNORA, "emergency", "")
    subscribe(store, BAHROM, "emergency", RASHT)
    assert (tell(store, "emergency", YOVON), told(store)) == (1, [GULNORA])
    assert (tell(store, "emergency", ""), told(store)) == (2, [GULNORA, BAHROM])


def test_who_matches_in_several_ways_is_told_once(store: Store) -> None:
    for topic in ("jobs", "jobs.driver"):
        for place in (YOVON, ""):
            subscribe(store, GULNORA, topic, place)
    assert (tell(store, "jobs.driver"), told(store)) == (1, [GULNORA])


def test_who_chooses_against_it_hears_no_more_of_what_already_waits(store: Store) -> None:
    for msisdn in (GULNORA, BAHROM):
        subscribe(store, msisdn, "jobs")
    tell(store, "jobs")
    store.write(taken)
    assert store.write(lambda tx: rows.remove(tx, GULNORA, "jobs", YOVON))
    assert told(store) == [BAHROM]
    assert not store.write(lambda tx: rows.remove(tx, GULNORA, "jobs", YOVON))


def test_a_number_that_wants_no_sms_is_told_nothing_until_it_does(store: Store) -> None:
    subscribe(store, GULNORA, "jobs")
    store.write(lambda tx: subscribers.set_muted(tx, GULNORA, True))
    assert (tell(store, "jobs"), told(store)) == (0, [])
    store.write(lambda tx: subscribers.set_muted(tx, GULNORA, False))
    assert (tell(store, "jobs"), told(store)) == (1, [GULNORA])


def test_the_language_is_that_of_the_moment_of_sending(store: Store) -> None:
    subscribe(store, GULNORA, "jobs")
    alert = Alert(store.keys.lookup(GULNORA).hex(), "jobs", YOVON, TEXTS)
    languages = []
    for language in ("tg", "en"):
        store.write(lambda tx, language=language: subscribers.remember_language(tx, GULNORA, language))
        to = store.read(lambda tx: subscriptions.recipient(tx, alert))
        languages.append(to.language if to else None)
    assert languages == ["tg", "en"]


@pytest.mark.parametrize("count", [1, STEP - 1, STEP, STEP + 1, 3 * STEP])
def test_many_are_told_in_small_steps_and_each_once(store: Store, count: int) -> None:
    numbers = [f"+99290{number:07}" for number in range(count)]
    store.write(lambda tx: [rows.add(tx, one, "jobs", YOVON) for one in numbers])
    assert tell(store, "jobs") == count
    assert store.read(lambda tx: tx.value("SELECT COUNT(*) FROM outbox")) == 1
    store.write(taken)
    assert store.read(lambda tx: tx.value("SELECT COUNT(*) FROM outbox")) <= STEP + 1
    assert told(store) == numbers


def test_other_sms_wait_for_one_step_and_not_for_all(store: Store) -> None:
    numbers = [f"+99290{number:07}" for number in range(3 * STEP)]
    store.write(lambda tx: [rows.add(tx, one, "jobs", YOVON) for one in numbers])
    tell(store, "jobs")
    store.write(lambda tx: outbox.put(tx, outbox.SMS, "notice", "", "{}"))
    kinds = [entry.kind for entry in iter(lambda: store.write(taken), None)]
    assert kinds.index("notice") == 1
    assert kinds.count(ALERT) == 3 * STEP


def test_no_row_beside_the_subscriber_s_own_leads_to_the_number(store: Store) -> None:
    subscribe(store, GULNORA, "jobs")
    tell(store, "jobs")
    store.write(taken)
    assert GULNORA.encode() not in store.path.read_bytes()
    entry = store.write(lambda tx: outbox.claim(tx, outbox.SMS))
    assert entry is not None and GULNORA not in entry.body


class Subscriptions(RuleBasedStateMachine):
    """Any order of choosing, leaving, stopping and telling, against sets in memory."""

    numbers = st.sampled_from((GULNORA, BAHROM, MADINA))
    topics = st.sampled_from(("jobs", "jobs.driver", "jobs.nurse", "school"))
    places = st.sampled_from((YOVON, RASHT, ""))

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        folder = self.stack.enter_context(tempfile.TemporaryDirectory())
        self.store = self.stack.enter_context(open_store(Path(folder)))
        self.chosen: set[tuple[str, str, str]] = set()
        self.muted: set[str] = set()

    def teardown(self) -> None:
        self.stack.close()

    @rule(msisdn=numbers, topic=topics, place=places)
    def choose(self, msisdn: str, topic: str, place: str) -> None:
        assert subscribe(self.store, msisdn, topic, place) == ((msisdn, topic, place) not in self.chosen)
        self.chosen.add((msisdn, topic, place))

    @rule(msisdn=numbers, topic=topics, place=places)
    def leave(self, msisdn: str, topic: str, place: str) -> None:
        was = self.store.write(lambda tx: rows.remove(tx, msisdn, topic, place))
        assert was == ((msisdn, topic, place) in self.chosen)
        self.chosen.discard((msisdn, topic, place))

    @rule(msisdn=numbers, is_muted=st.booleans())
    def stop_or_start(self, msisdn: str, is_muted: bool) -> None:
        self.store.write(lambda tx: subscribers.set_muted(tx, msisdn, is_muted))
        (self.muted.add if is_muted else self.muted.discard)(msisdn)

    @rule(msisdn=numbers)
    def forget(self, msisdn: str) -> None:
        self.store.write(lambda tx: subscribers.forget(tx, msisdn))
        self.chosen = {one for one in self.chosen if one[0] != msisdn}
        self.muted.discard(msisdn)

    @rule(topic=topics, place=places)
    def tell(self, topic: str, place: str) -> None:
        wanted = {
            msisdn
            for msisdn, chosen, at in self.chosen
            if (topic == chosen or topic.startswith(f"{chosen}.")) and (place in (at, "") or at == "")
        } - self.muted
        assert tell(self.store, topic, place) == len(wanted)
        assert told(self.store) == sorted(wanted)

    @invariant()
    def each_number_s_list_is_what_it_chose(self) -> None:
        for msisdn in (GULNORA, BAHROM, MADINA):
            listed = self.store.read(lambda tx, msisdn=msisdn: rows.of(tx, msisdn))
            assert {(msisdn, one.topic, one.place) for one in listed} == {c for c in self.chosen if c[0] == msisdn}


TestSubscriptions = Subscriptions.TestCase
TestSubscriptions.settings = settings(max_examples=20, stateful_step_count=25, deadline=None)
