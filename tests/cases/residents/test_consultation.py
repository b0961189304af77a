"""A phone counts once, its choice is kept nowhere beside it, and every vote reaches the hub once."""

from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import msgspec
import pytest

from sado.cases.errors import ForeignEventError, UnknownEventError
from sado.cases.residents import consultation
from sado.store import Transaction
from sado.store.tables import consultation as ballots
from sado.store.tables import outbox as entries
from sado.store.tables import quarantine, subscribers
from sado.store.tables.events import Event
from sado.sync import outbox
from sado.sync.codes import Cause
from sado.sync.errors import LineDownError
from tests.support.pairs import Pair, Side, open_pair

PHONES = [f"+99290000000{digit}" for digit in range(1, 6)]
POLL, RATING = "poll.certificate", "rating.passport"


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    with open_pair(tmp_path) as opened:
        yield opened


def vote(side: Side, msisdn: str, choice: str, subject: str = POLL) -> bool:
    return side.store.write(lambda tx: side.consultation.count(tx, subject, choice, msisdn))


def tallies(side: Side) -> dict[tuple[str, str], int]:
    return {(tally.subject, tally.choice): tally.votes for tally in side.store.read(ballots.tallies)}


def test_two_phones_count_twice_and_one_counts_once(pair: Pair) -> None:
    told = [
        vote(pair.village, PHONES[0], "yes"),
        vote(pair.village, PHONES[0], "no"),
        vote(pair.village, PHONES[1], "no"),
    ]
    assert told == [True, False, True]
    assert tallies(pair.village) == {(POLL, "yes"): 1, (POLL, "no"): 1}


def test_a_phone_has_a_vote_on_each_subject(pair: Pair) -> None:
    assert vote(pair.village, PHONES[0], "yes") and vote(pair.village, PHONES[0], "good", RATING)


def test_a_vote_that_is_undone_may_be_given_again(pair: Pair) -> None:
    def fail(tx: Transaction) -> None:
        pair.village.consultation.count(tx, POLL, "yes", PHONES[0])
        raise ValueError("the screen could not be made")

    with pytest.raises(ValueError, match="the screen"):
        pair.village.store.write(fail)
    assert vote(pair.village, PHONES[0], "yes")


def columns_of(side: Side, table: str) -> list[str]:
    found = side.store.read(lambda tx: tx.all("SELECT name FROM pragma_table_info(:table)", table=table))
    return [name for (name,) in found]


def test_a_ballot_has_neither_choice_nor_time(pair: Pair) -> None:
    assert columns_of(pair.village, "ballots") == ["place", "hash"]
    assert columns_of(pair.village, "tallies") == ["subject", "choice", "source", "votes"]


def test_rows_do_not_tell_who_voted_first(pair: Pair) -> None:
    """SQLite's own number of a row is the place drawn by lot; in a table without one it counts up."""
    for msisdn in PHONES:
        vote(pair.village, msisdn, "yes")
        pair.village.store.write(lambda tx, msisdn=msisdn: subscribers.meet(tx, msisdn))
    read = pair.village.store.read
    drawn = read(lambda tx: [place == rowid > 10_000 for place, rowid in tx.all("SELECT place, rowid FROM ballots")])
    assert drawn == [True] * len(PHONES)
    assert read(lambda tx: tx.value("SELECT MAX(rowid) FROM subscribers")) == len(PHONES)


def test_a_place_that_is_taken_is_drawn_again(pair: Pair) -> None:
    store = pair.village.store
    fill = "INSERT INTO ballots (place, hash) VALUES (:place, :hash)"
    places = iter([5, 5, 6])
    store.write(lambda tx: tx.run(fill, place=5, hash=b"another"))
    assert store.write(lambda tx: ballots.mark(tx, POLL, PHONES[0], lambda: next(places)))
    assert store.read(lambda tx: tx.value("SELECT MAX(place) FROM ballots")) == 6


def test_a_ballot_cannot_be_joined_to_a_subscriber(pair: Pair) -> None:
    vote(pair.village, PHONES[0], "yes")
    hashes = pair.village.store.read(lambda tx: [row[0] for row in tx.all("SELECT hash FROM ballots")])
    guesses = [pair.village.store.keys.lookup(text) for text in (PHONES[0], POLL, f"{PHONES[0]} {POLL}")]
    assert not {*hashes} & {*guesses}
    assert hashes == [pair.village.store.keys.lookup(f"ballot {PHONES[0]} {POLL}")]


def test_what_travels_is_subject_and_choice_alone(pair: Pair) -> None:
    vote(pair.village, PHONES[0], "yes")
    (entry,) = pair.village.store.read(lambda tx: entries.waiting_of_case(tx, ""))
    assert (entry.kind, entry.reference) == (consultation.COUNTED, "")
    assert msgspec.json.decode(entry.body) == {"subject": POLL, "choice": "yes"}


def test_the_hub_adds_up_what_villages_and_its_own_phones_say(pair: Pair) -> None:
    for msisdn, choice in zip(PHONES, ("yes", "no", "yes", "yes", "no"), strict=True):
        vote(pair.village, msisdn, choice)
    vote(pair.hub, "+992900000009", "yes")
    pair.settle()
    assert tallies(pair.hub) == {(POLL, "yes"): 4, (POLL, "no"): 2}
    assert pair.hub.store.read(lambda tx: tx.value("SELECT COUNT(*) FROM outbox")) == 0


def test_an_exchange_whose_answer_is_lost_counts_once(pair: Pair) -> None:
    vote(pair.village, PHONES[0], "yes")

    def lose(frame: bytes, timeout_s: float) -> NoReturn:
        pair.answer(frame)
        raise LineDownError(Cause.LINE_CUT)

    for _ in range(3):
        with pytest.raises(LineDownError):
            pair.call(lose)
    pair.settle()
    assert tallies(pair.hub) == {(POLL, "yes"): 1}


def test_without_the_exchange_the_same_event_would_count_again(pair: Pair) -> None:
    event = Event(consultation.COUNTED, "", '{"subject":"poll.certificate","choice":"yes"}')
    for _ in range(2):
        pair.hub.store.write(lambda tx: pair.hub.events.apply(tx, outbox.station(7), event))
    assert tallies(pair.hub) == {(POLL, "yes"): 2}


@pytest.mark.parametrize(
    ("peer", "kind", "body", "error"),
    [
        (outbox.UPSTREAM, consultation.COUNTED, '{"subject":"a","choice":"b"}', ForeignEventError),
        (outbox.station(7), "tally.recounted", '{"subject":"a","choice":"b"}', UnknownEventError),
        (outbox.station(7), consultation.COUNTED, '{"subject":"","choice":"b"}', msgspec.ValidationError),
        (outbox.station(7), consultation.COUNTED, '{"subject":"a"}', msgspec.ValidationError),
        (outbox.station(7), consultation.COUNTED, f'{{"subject":"{"a" * 61}","choice":"b"}}', msgspec.ValidationError),
    ],
)
def test_an_event_that_cannot_be_a_vote_is_refused(
    pair: Pair, peer: str, kind: str, body: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        pair.hub.store.write(lambda tx: pair.hub.events.apply(tx, peer, Event(kind, "", body)))
    assert tallies(pair.hub) == {}


def test_a_vote_that_cannot_be_read_is_kept_aside_and_the_next_counts(pair: Pair) -> None:
    pair.village.store.write(lambda tx: outbox.put(tx, outbox.UPSTREAM, consultation.COUNTED, "", "{}", outbox.NORMAL))
    vote(pair.village, PHONES[0], "yes")
    pair.settle()
    assert tallies(pair.hub) == {(POLL, "yes"): 1}
    assert len(pair.hub.store.read(lambda tx: quarantine.listed(tx, 9))) == 1


def test_few_votes_are_not_told_apart(pair: Pair) -> None:
    for number in range(consultation.FEWEST - 1):
        vote(pair.hub, f"+99290000{number:04}", "yes" if number else "no")
    assert pair.hub.store.read(consultation.results) == {POLL: None}
    vote(pair.hub, "+992900009999", "yes")
    assert pair.hub.store.read(consultation.results) == {POLL: {"no": 1, "yes": 9}}


def test_the_votes_of_one_station_can_be_taken_out_again(pair: Pair) -> None:
    for msisdn in PHONES[:3]:
        vote(pair.village, msisdn, "yes")
    vote(pair.hub, PHONES[4], "yes")
    pair.settle()
    village = outbox.station(7)
    assert pair.hub.store.read(consultation.sources) == {POLL: {village: 3, "": 1}}

    assert pair.hub.store.write(lambda tx: consultation.withdraw(tx, outbox.station(8))) == 0
    assert tallies(pair.hub) == {(POLL, "yes"): 4}
    assert pair.hub.store.write(lambda tx: consultation.withdraw(tx, village)) == 3
    assert tallies(pair.hub) == {(POLL, "yes"): 1}
