"""Menus and registers come down whole, or as a difference, wherever the line is cut, and nobody else can read them."""

import datetime
import hashlib
import random
import tracemalloc
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import msgspec
import pytest
from flask import Flask

from sado.menus.reading import pack
from sado.publishing import bundle
from sado.store.tables import blobs, line_usage, published_blobs, stations, wanted_blobs
from sado.store.tables import outbox as entries
from sado.store.tables.events import Event
from sado.sync import endpoint, outbox, schedule
from sado.sync.blobs import delta, protocol
from sado.sync.blobs.fetch import NOT_ITSELF, Fetcher, RefusedError
from sado.sync.blobs.protocol import DELTA, NOT_OFFERED, PLAIN, REPEATED, Answer, Request
from sado.sync.blobs.publish import MOST_BYTES, BlobEvents, BlobTooLargeError, Offer, Outcome, offer_all, wanted_by
from sado.sync.codes import Cause, CausedError
from sado.sync.errors import LineDownError, UnknownStationError
from sado.sync.link.accounting import Accounting
from sado.sync.link.budget import Budget, windows_from
from sado.sync.link.connection import Line
from sado.sync.link.tcp_counters import ByteCount
from sado.sync.wire.frame import FrameError
from tests.support.blobs import NAME, VILLAGE, Link, Steady, only_blobs, open_link
from tests.support.down import served
from tests.support.one_by_one import post
from tests.support.shaper import Shaper
from tests.support.stations import open_store

CHUNK = 700
STRANGER = 8
HOUR_S = 3600
# What a range costs beside its bytes: nonce, head and tag.
OVERHEAD = protocol.NONCE_BYTES + protocol.HEAD.size + 16


@pytest.fixture
def link(tmp_path: Path) -> Iterator[Link]:
    with open_link(tmp_path, limit=CHUNK) as link:
        yield link


def shipped() -> dict[str, bytes]:
    return pack.files_of("tajikistan")


def one_word_changed() -> dict[str, bytes]:
    """The shipped pack with one word of one screen changed."""
    files = shipped()
    old = files["trees/appeal.yaml"]
    files["trees/appeal.yaml"] = old.replace("Вода".encode(), "Водичка".encode(), 1)
    assert files["trees/appeal.yaml"] != old
    return files


def content(seed: int, size: int = 6000) -> bytes:
    """Bytes that do not get smaller."""
    return random.Random(seed).randbytes(size)


def plain_size(of: bytes) -> int:
    return len(delta.pack(of))


# Whole


def test_what_is_published_is_fetched_taken_in_and_told(link: Link) -> None:
    assert link.publish(content(1))

    link.fetch()

    assert link.taken == [(NAME, content(1))]
    assert (link.wanted().state, link.told()) == (wanted_blobs.TAKEN, (wanted_blobs.TAKEN, ""))
    assert max(link.ranges) <= CHUNK + 100


def test_the_same_again_is_not_fetched_again(link: Link) -> None:
    link.publish(content(1))
    link.fetch()

    assert not link.publish(content(1))
    assert link.fetch() == 0
    assert len(link.taken) == 1


def test_a_station_that_is_admitted_later_is_offered_what_is_published(link: Link) -> None:
    link.publish(content(1))
    key = link.hub.write(lambda tx: stations.add(tx, STRANGER))
    link.hub.write(lambda tx: offer_all(tx, STRANGER))
    link.publish(content(2), "register/taxes")

    offers = link.hub.read(published_blobs.offers)
    assert key and [(one.station, one.name) for one in offers if one.station == STRANGER] == [
        (STRANGER, NAME),
        (STRANGER, "register/taxes"),
    ]


def test_a_station_behind_another_is_offered_nothing_directly(link: Link) -> None:
    link.hub.write(lambda tx: stations.set_through(tx, STRANGER, VILLAGE))
    link.publish(content(1))

    assert {one.station for one in link.hub.read(published_blobs.offers)} == {VILLAGE}


def test_a_blob_of_many_pieces_comes_as_it_was(tmp_path: Path) -> None:
    large = content(3, 900_000)
    with open_link(tmp_path, limit=200_000) as link:
        link.publish(large)
        link.fetch()
        assert link.taken == [(NAME, large)]
        assert link.hub.read(lambda tx: tx.value("SELECT COUNT(*) FROM blob_pieces")) > 10


@pytest.mark.parametrize(
    ("districts", "expected"),
    [
        ((), ["pack/a", "register/jobs", "register/taxes", "register/odd/K-1"]),
        (("K-1",), ["pack/a", "register/jobs/K-1", "register/jobs/-", "register/taxes", "register/odd/K-1"]),
        (("K-3",), ["pack/a", "register/jobs/-", "register/taxes"]),
    ],
)
def test_a_station_is_offered_the_whole_or_the_parts_it_serves(districts: tuple[str, ...], expected: list[str]) -> None:
    names = ["pack/a", "register/jobs/K-1", "register/jobs/K-2", "register/jobs/-", "register/jobs", "register/taxes"]
    assert wanted_by([*names, "register/odd/K-1"], districts) == expected


# In ranges


def test_a_fetch_goes_on_after_a_restart_of_both_at_every_range(tmp_path: Path) -> None:
    ranges: list[int] = []
    with open_link(tmp_path, limit=CHUNK) as link:
        link.publish(content(1))
        link.exchange()
        key, clock = link.key, link.clock
    goes_on = True
    while goes_on:
        with open_store(tmp_path / "hub", clock) as hub, open_store(tmp_path / "village", clock) as village:
            link = Link(hub, village, clock, key, CHUNK)
            goes_on = link.fetcher.step()
            ranges += link.ranges
            link.arrivals.step()
    steps = -(-plain_size(content(1)) // CHUNK)
    assert len(ranges) == steps
    assert sum(ranges) == plain_size(content(1)) + steps * OVERHEAD
    assert link.taken == []
    with open_store(tmp_path / "village", clock) as village:
        assert village.read(lambda tx: blobs.content_of(tx, hashlib.sha256(content(1)).digest())) == content(1)


def test_a_line_that_is_cut_at_every_range_costs_that_range_alone(link: Link) -> None:
    link.publish(content(1))
    link.exchange()
    cuts = iter(range(1000))

    def flaky(target: str, headers: Mapping[str, str], timeout_s: float) -> bytes:
        answer = link.answered(target, headers)
        if next(cuts) % 2:
            return answer
        raise LineDownError(Cause.LINE_CUT)

    link.get = flaky
    for _ in range(200):
        if not link.fetcher.step():
            link.clock.move(2 * HOUR_S)
        if link.wanted().state == wanted_blobs.WHOLE:
            break

    link.arrivals.step()
    assert link.taken == [(NAME, content(1))]
    assert len(link.ranges) == 2 * -(-plain_size(content(1)) // CHUNK)


def test_while_the_line_is_down_nothing_is_asked(link: Link) -> None:
    link.publish(content(1))
    link.exchange()
    asked: list[str] = []

    def down(target: str, headers: Mapping[str, str], timeout_s: float) -> bytes:
        asked.append(target)
        raise LineDownError(Cause.UPSTREAM_UNREACHABLE)

    link.get = down
    assert [link.fetcher.step() for _ in range(5)] == [False] * 5
    assert len(asked) == 1
    assert link.village.read(lambda tx: entries.destination(tx, outbox.UPSTREAM)).down_since


def test_an_upstream_that_encodes_otherwise_makes_it_begin_anew(link: Link) -> None:
    link.publish(content(1))
    link.exchange()
    link.fetcher.step()
    assert link.wanted().got == CHUNK
    encoded = delta.pack(content(1)) + delta.pack(b"")

    def another(target: str, headers: Mapping[str, str], timeout_s: float) -> bytes:
        return _given(link, target, headers, PLAIN, encoded)

    link.get = another
    assert not link.fetcher.step()
    assert (link.wanted().got, link.wanted().total) == (0, 0)
    link.fetch()
    assert link.taken == [(NAME, content(1))]


def test_a_newer_offer_takes_the_place_of_one_that_is_half_here(link: Link) -> None:
    link.publish(content(1))
    link.exchange()
    link.fetcher.step()
    link.publish(content(2))

    link.fetch()

    assert link.taken == [(NAME, content(2))]
    assert link.village.read(lambda tx: tx.value("SELECT COUNT(*) FROM blob_ranges")) == 0


def test_a_newer_offer_takes_the_place_of_one_that_waits_to_be_taken_in(link: Link) -> None:
    link.publish(content(1))
    link.exchange()
    while link.fetcher.step():
        pass
    assert link.wanted().state == wanted_blobs.WHOLE
    link.publish(content(2))

    link.fetch()

    assert link.taken == [(NAME, content(2))]


def test_a_disk_that_went_back_in_time_is_told_its_number_and_goes_on(link: Link) -> None:
    link.publish(content(1))
    link.exchange()
    for _ in range(3):
        link.fetcher.step()
    link.village.write(lambda tx: tx.run("UPDATE counters SET value = 1 WHERE name = 'fetch'"))

    link.fetch()

    assert link.taken == [(NAME, content(1))]


def test_what_is_not_offered_any_more_is_left_alone_for_an_hour(link: Link) -> None:
    link.publish(content(1))
    link.exchange()
    link.hub.write(lambda tx: tx.run("DELETE FROM offered_blobs"))
    assert not link.fetcher.step()
    assert not link.fetcher.step()
    assert len(link.ranges) == 1

    link.publish(content(1))
    link.fetch()
    assert link.taken == [(NAME, content(1))]


@pytest.mark.parametrize(("moved_s", "asks"), [(60, 1), (HOUR_S + 1, 2), (-30 * 24 * HOUR_S, 2)])
def test_what_was_put_off_is_asked_for_after_an_hour_whatever_the_clock_does(
    link: Link, moved_s: float, asks: int
) -> None:
    link.publish(content(1))
    link.exchange()
    link.hub.write(lambda tx: tx.run("DELETE FROM offered_blobs"))
    link.fetcher.step()

    link.clock.move(moved_s)
    link.fetcher.step()
    assert len(link.ranges) == asks


def test_outside_the_cheap_hours_nothing_is_fetched(link: Link) -> None:
    link.publish(content(1))
    link.exchange()
    now = datetime.datetime.fromtimestamp(link.clock.now, datetime.UTC)
    night = f"{now + datetime.timedelta(hours=2):%H:%M}-{now + datetime.timedelta(hours=4):%H:%M}"
    accounting = Accounting(Budget(windows=windows_from(night)))
    fetcher = Fetcher(link.village, VILLAGE, link.key, link.answered, Steady(CHUNK), accounting)

    assert not fetcher.step()
    link.clock.move(3 * HOUR_S)
    assert fetcher.step()


def test_the_bytes_of_the_line_are_booked_as_blobs(link: Link) -> None:
    link.publish(content(1))
    link.exchange()
    accounting = Accounting(used=lambda: ByteCount(10 * len(link.ranges), sum(link.ranges)))
    fetcher = Fetcher(link.village, VILLAGE, link.key, link.answered, Steady(CHUNK), accounting)
    while fetcher.step():
        pass

    day = accounting.budget.day(link.village.now())
    (spent,) = link.village.read(lambda tx: line_usage.spent(tx, outbox.UPSTREAM, day, day))
    assert (spent.purpose, spent.up, spent.down) == (line_usage.BLOBS, 10 * len(link.ranges), sum(link.ranges))


# As a difference


def test_one_word_changed_in_the_menus_is_less_than_a_fiftieth_of_them(link: Link) -> None:
    link.publish(bundle.packed(shipped()))
    whole = link.fetch()
    link.publish(bundle.packed(one_word_changed()))
    difference = link.fetch()

    assert link.taken[-1] == (NAME, bundle.packed(one_word_changed()))
    assert difference < whole * 0.02
    assert len(link.ranges) == -(-plain_size(bundle.packed(shipped())) // CHUNK) + 1


def test_without_the_old_menus_the_whole_comes(link: Link) -> None:
    link.publish(bundle.packed(shipped()))
    link.publish(bundle.packed(one_word_changed()))

    assert link.fetch() > plain_size(bundle.packed(one_word_changed()))


def test_a_base_that_the_upstream_has_no_more_makes_the_whole_come(link: Link) -> None:
    link.publish(content(1))
    link.fetch()
    for seed in range(2, 2 + published_blobs.KEPT):
        link.publish(content(1) + content(seed, 10))

    assert link.fetch() > plain_size(content(1))
    assert link.taken[-1][1] == content(1) + content(1 + published_blobs.KEPT, 10)


def test_a_base_that_the_upstream_still_has_does_not(link: Link) -> None:
    link.publish(content(1))
    link.fetch()
    for seed in range(2, 1 + published_blobs.KEPT):
        link.publish(content(1) + content(seed, 10))

    assert link.fetch() < 200
    assert link.taken[-1][1] == content(1) + content(published_blobs.KEPT, 10)


def test_the_same_blobs_are_encoded_to_the_same_bytes_again() -> None:
    old, new = bundle.packed(shipped()), bundle.packed(one_word_changed())
    assert delta.pack(new, old) == delta.pack(new, old)
    assert delta.unpack(delta.pack(new, old), old, len(new)) == new
    assert bundle.packed(dict(reversed(shipped().items()))) == old


@pytest.mark.parametrize("size", [1, 1 << 19, (1 << 20) + 1, 3 << 20])
def test_a_difference_of_any_size_is_put_together_again(size: int) -> None:
    old = content(1, size)
    new = old[: size // 2] + b"one word" + old[size // 2 :]
    packed = delta.pack(new, old)
    assert delta.unpack(packed, old, len(new)) == new
    assert size == 1 or len(packed) < 500


def test_what_nobody_uses_any_more_is_deleted_on_both_sides(link: Link) -> None:
    for seed in range(1, 9):
        link.publish(content(seed))
        link.fetch()

    assert link.hub.read(lambda tx: tx.value("SELECT COUNT(*) FROM blobs")) == published_blobs.KEPT
    assert link.village.read(lambda tx: tx.value("SELECT COUNT(*) FROM blobs")) == 1
    assert link.village.read(lambda tx: tx.value("SELECT COUNT(DISTINCT hash) FROM blob_pieces")) == 1


def test_the_pieces_of_a_write_that_was_broken_off_are_deleted_at_the_start(link: Link) -> None:
    link.publish(content(1))
    link.hub.write(lambda tx: blobs.save_piece(tx, b"x" * 32, 0, b"half"))
    link.hub.write(blobs.recover)

    assert link.hub.read(lambda tx: tx.value("SELECT COUNT(*) FROM blob_pieces WHERE hash = :x", x=b"x" * 32)) == 0
    assert link.hub.read(lambda tx: blobs.content_of(tx, hashlib.sha256(content(1)).digest())) == content(1)


# What is not what was offered


def _given(link: Link, target: str, headers: Mapping[str, str], kind: int, encoded: bytes) -> bytes:
    """An answer of a hub that gives these bytes, whatever was asked for."""
    path, _, query = target.partition("?")
    request, _ = protocol.read(path, query, headers)
    link.hub.write(lambda tx: stations.accept_fetch(tx, VILLAGE, request.number))
    part = encoded[request.start : request.start + request.length]
    body = Answer(kind, len(encoded), protocol.name_of(encoded), part).sealed(link.key, request)
    link.ranges.append(len(body))
    return body


def test_what_has_another_hash_is_fetched_again_whole_once_and_then_refused(link: Link) -> None:
    link.publish(content(1))
    link.exchange()
    asked: list[str] = []

    def other(target: str, headers: Mapping[str, str], timeout_s: float) -> bytes:
        asked.append(headers["Range"])
        return _given(link, target, headers, PLAIN, delta.pack(content(2)))

    link.get = other
    link.fetch()

    assert [one.partition("-")[0] for one in asked].count("bytes=0") == 2
    assert link.taken == []
    assert link.told() == (wanted_blobs.REFUSED, NOT_ITSELF)


def test_a_difference_that_leads_elsewhere_is_replaced_by_the_whole(link: Link) -> None:
    link.publish(content(1))
    link.fetch()
    link.publish(content(2))

    def misled(target: str, headers: Mapping[str, str], timeout_s: float) -> bytes:
        if "base=" in target:
            return _given(link, target, headers, DELTA, delta.pack(content(3), content(1)))
        return link.answered(target, headers)

    link.get = misled
    link.fetch()

    assert [one[1] for one in link.taken] == [content(1), content(2)]


@pytest.mark.parametrize(
    "encoded",
    [delta.pack(bytes(1 << 24)), b"no frame at all", bytes(1 << 20), b""],
    ids=["a bomb", "nonsense", "more bytes than it can take", "nothing"],
)
def test_what_grows_beyond_its_size_or_is_no_encoding_is_refused(link: Link, encoded: bytes) -> None:
    link.publish(content(1))
    link.exchange()
    link.get = lambda target, headers, timeout_s: _given(link, target, headers, PLAIN, encoded)

    link.fetch()
    link.fetch()

    assert (link.taken, link.told()) == ([], (wanted_blobs.REFUSED, NOT_ITSELF))
    assert sum(link.ranges) < 10_000


def test_a_bomb_takes_no_more_memory_than_the_blob_it_claims_to_be() -> None:
    bomb = delta.pack(bytes(1 << 24))
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="too large"):
            delta.unpack(bomb, b"", 1000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (len(bomb) < 5000, peak < 1 << 20) == (True, True)


def test_an_offer_that_is_too_large_is_refused_at_once(link: Link) -> None:
    body = msgspec.json.encode(Offer("pack/x", "ab" * 32, MOST_BYTES + 1)).decode()
    link.hub.write(lambda tx: published_blobs.offer(tx, VILLAGE, "pack/x", bytes.fromhex("ab" * 32)))
    link.hub.write(lambda tx: outbox.put(tx, outbox.station(VILLAGE), "blob.offered", "", body, outbox.BULK))

    assert link.fetch() == 0
    assert link.told("pack/x")[0] == wanted_blobs.REFUSED


def test_too_large_a_blob_is_not_published(link: Link) -> None:
    with pytest.raises(BlobTooLargeError):
        link.publish(bytes(MOST_BYTES + 1))


def test_what_the_station_refuses_is_told_and_the_one_before_is_kept(link: Link) -> None:
    link.publish(content(1))
    link.fetch()
    link.refuses = RefusedError("trees/main.yaml:3: no text in tg")
    link.publish(content(2))
    link.fetch()

    wanted = link.wanted()
    assert link.told() == (wanted_blobs.REFUSED, "trees/main.yaml:3: no text in tg")
    assert wanted.held == hashlib.sha256(content(1)).digest()
    assert link.village.read(lambda tx: blobs.content_of(tx, wanted.hash)) == content(2)
    link.village.write(lambda tx: wanted_blobs.retry_refused(tx, "register/"))
    assert link.wanted().state == wanted_blobs.REFUSED
    link.refuses = None
    link.village.write(lambda tx: wanted_blobs.retry_refused(tx, "pack/"))
    link.fetch()
    assert (link.taken[-1], link.told()) == ((NAME, content(2)), (wanted_blobs.TAKEN, ""))


def test_an_error_of_our_own_in_taking_in_is_a_refusal_without_its_words(link: Link) -> None:
    link.publish(content(1))
    link.refuses = KeyError("+992900000001")
    link.fetch()

    assert link.told() == (wanted_blobs.REFUSED, "an error there (KeyError)")


@pytest.mark.parametrize("kind", ["blob.offered", "blob.taken", "blob.refused", "blob.other"])
def test_who_may_not_say_it_is_not_believed(link: Link, kind: str) -> None:
    peer = outbox.station(VILLAGE) if kind == "blob.offered" else outbox.UPSTREAM
    body = msgspec.json.encode(Outcome("pack/x", "ab" * 32, VILLAGE)).decode()
    with pytest.raises(CausedError, match="no say"):
        link.hub.write(lambda tx: BlobEvents(0).apply(tx, peer, _event(kind, body)))


def _event(kind: str, body: str) -> Event:
    return Event(kind, "", body)


def test_a_station_says_nothing_for_another(link: Link) -> None:
    link.publish(content(1))
    body = msgspec.json.encode(Outcome(NAME, hashlib.sha256(content(1)).hexdigest(), VILLAGE)).decode()

    link.hub.write(lambda tx: BlobEvents(0).apply(tx, outbox.station(STRANGER), _event("blob.taken", body)))
    assert link.told()[0] == published_blobs.OFFERED
    link.hub.write(lambda tx: BlobEvents(0).apply(tx, outbox.station(VILLAGE), _event("blob.taken", body)))
    assert link.told()[0] == wanted_blobs.TAKEN


# Who may have it


def asked(link: Link, **changes: object) -> Request:
    """A sound request of the village for the first bytes of what it is offered, with these changes."""
    values = {"station": VILLAGE, "number": 1, "hash": hashlib.sha256(content(1)).digest(), "base": b"", "start": 0}
    return Request(**{"length": CHUNK, **values, **changes})  # type: ignore[arg-type]


def answer(link: Link, request: Request, headers: Mapping[str, str] | None = None) -> Answer:
    sealed = link.answered(request.target, headers or request.headers(link.key))
    return protocol.opened(link.key, request, sealed)


def test_a_request_that_is_sent_again_gets_nothing_more(link: Link) -> None:
    link.publish(content(1))
    request = asked(link)

    assert answer(link, request).kind == PLAIN
    again = answer(link, request)
    assert (again.kind, again.number, again.content) == (REPEATED, 1, b"")
    assert answer(link, asked(link, number=2)).kind == PLAIN


@pytest.mark.parametrize(
    "change",
    [{"number": 2}, {"start": 1}, {"length": 9}, {"base": b"b" * 32}, {"hash": b"h" * 32}],
    ids=lambda change: next(iter(change)),
)
def test_a_request_that_was_changed_on_its_way_is_refused_and_uses_up_no_number(
    link: Link, change: dict[str, object]
) -> None:
    link.publish(content(1))
    proof = asked(link).headers(link.key)["Authorization"].split()[-1]
    changed = asked(link, **change)
    headers = {"Range": changed.range, "Authorization": f"Sado {VILLAGE} {changed.number} {proof}"}

    with pytest.raises(FrameError):
        link.answered(changed.target, headers)
    assert answer(link, asked(link)).kind == PLAIN


def test_another_station_cannot_ask_in_this_ones_name(link: Link) -> None:
    other = link.hub.write(lambda tx: stations.add(tx, STRANGER))
    link.publish(content(1))
    request = asked(link)

    with pytest.raises(FrameError):
        link.answered(request.target, request.headers(other))
    stranger = asked(link, station=STRANGER)
    with pytest.raises(FrameError):
        link.answered(stranger.target, stranger.headers(link.key))
    with pytest.raises(UnknownStationError):
        link.answered(asked(link, station=9).target, asked(link, station=9).headers(link.key))


def test_what_is_offered_to_another_station_is_not_given(link: Link) -> None:
    link.hub.write(lambda tx: stations.add(tx, STRANGER, {"K-2"}))
    link.hub.write(lambda tx: stations.add(tx, VILLAGE, {"K-1"}))
    link.key = link.hub.write(lambda tx: stations.add(tx, VILLAGE, {"K-1"}))
    link.publish(content(1), "register/jobs/K-2")
    link.publish(content(2), "register/jobs/K-1")

    assert answer(link, asked(link)).kind == NOT_OFFERED
    mine = asked(link, number=2, hash=hashlib.sha256(content(2)).digest())
    assert answer(link, mine).kind == PLAIN
    # Neither as what a difference is made to.
    based = asked(link, number=3, hash=mine.hash, base=hashlib.sha256(content(1)).digest())
    assert answer(link, based).kind == PLAIN


@pytest.mark.parametrize(
    ("path", "query", "range_", "authorization"),
    [
        ("/x/2/blob/xyz", "", "bytes=0-9", "Sado 7 1 " + "a" * 32),
        ("/x/2/blob/" + "a" * 64, "base=1", "bytes=0-9", "Sado 7 1 " + "a" * 32),
        ("/x/2/blob/" + "a" * 64, "", "bytes=9-0", "Sado 7 1 " + "a" * 32),
        ("/x/2/blob/" + "a" * 64, "", "", "Sado 7 1 " + "a" * 32),
        ("/x/2/blob/" + "a" * 64, "", "bytes=0-9", "Bearer " + "a" * 32),
    ],
)
def test_what_is_no_request_is_a_frame_error(path: str, query: str, range_: str, authorization: str) -> None:
    with pytest.raises(FrameError):
        protocol.read(path, query, {"Range": range_, "Authorization": authorization})


def test_an_answer_opens_for_its_request_and_no_other(link: Link) -> None:
    link.publish(content(1))
    sealed = link.answered(asked(link).target, asked(link).headers(link.key))

    assert protocol.opened(link.key, asked(link), sealed).content
    for other in (asked(link, number=2), asked(link, start=1), asked(link, hash=b"h" * 32)):
        with pytest.raises(FrameError):
            protocol.opened(link.key, other, sealed)
    for at in range(0, len(sealed), 50):
        with pytest.raises(FrameError):
            protocol.opened(link.key, asked(link), sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :])
    with pytest.raises(FrameError):
        protocol.opened(link.key, asked(link), sealed[:9])


def test_nothing_of_a_register_about_persons_is_on_the_line_or_in_the_files(tmp_path: Path) -> None:
    secret = "020025789,1985,Раҳимова Гулнора\n".encode()
    register = b"".join(b"%03d " % number + secret for number in range(50))
    with open_link(tmp_path, limit=64) as link:
        link.publish(register, "register/taxes")
        link.exchange()
        link.fetcher.step()
        found = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
        link.fetch()
        found += [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
        packed = delta.pack(register)
        for seen in [*found, *link.wire]:
            assert secret[:9] not in seen and secret[-14:] not in seen
            assert packed[8:24] not in seen
        # It is there, for whoever has the keys.
        assert link.taken == [("register/taxes", register)]
        assert secret in register and len(link.wire) > 9


# Beside the exchange


def test_what_is_urgent_goes_before_the_next_range(link: Link) -> None:
    link.publish(content(1))
    link.exchange()
    order: list[str] = []

    def get(target: str, headers: Mapping[str, str], timeout_s: float) -> bytes:
        order.append("range")
        if order.count("range") == 2:
            link.village.write(lambda tx: outbox.put(tx, outbox.UPSTREAM, "blob.urgent", "", "{}"))
        return link.answered(target, headers)

    def call() -> bool:
        waits = link.village.read(lambda tx: entries.counts(tx))
        order.append(f"exchange of {sum(count for count, _ in waits.values())}")
        return called()

    link.get = get
    called, link.client.call = link.client.call, call  # type: ignore[method-assign]
    upstream = schedule.Upstream(link.village, link.client, 3600, fetch=link.fetcher.step)
    while link.wanted().state == wanted_blobs.WANTED:
        upstream.step()

    ranges = [number for number, one in enumerate(order) if one == "range"]
    assert order[ranges[1] + 1] == "exchange of 1"
    assert order[ranges[1] + 2 :] == ["range"] * (len(order) - ranges[1] - 2)


def door(link: Link) -> Flask:
    """The hub's door, and nothing behind it."""
    app = Flask("hub")
    app.wsgi_app = endpoint.Endpoint(app.wsgi_app, link.hub, only_blobs(0))  # type: ignore[method-assign]
    return app


def test_ranges_come_over_the_one_kept_connection(link: Link) -> None:
    link.publish(content(1))
    with served(door(link)) as port, Shaper(("127.0.0.1", port)) as shaper:
        line = Line(f"http://127.0.0.1:{shaper.port}")
        link.post = partial(post, line)
        link.get = line.get
        link.fetch()
        line.close()
        assert shaper.opened == 1
    assert link.taken == [(NAME, content(1))]


@pytest.mark.parametrize("after", [*range(0, 1200, 149), 2400, 3600])
def test_a_connection_that_is_cut_at_any_byte_loses_no_range(link: Link, after: int) -> None:
    link.publish(content(1))
    link.exchange()
    with served(door(link)) as port, Shaper(("127.0.0.1", port), cut_down_after=after) as shaper:
        line = Line(f"http://127.0.0.1:{shaper.port}")
        link.get = line.get
        for _ in range(50):
            if not link.fetcher.step():
                link.clock.move(2 * HOUR_S)
        line.close()
        assert shaper.fired.is_set()
    link.arrivals.step()
    assert link.taken == [(NAME, content(1))]


def test_the_door_refuses_in_words(link: Link) -> None:
    client = door(link).test_client()
    link.publish(content(1))
    request = asked(link)

    assert client.post(request.target).status_code == 405
    assert client.get(request.target).status_code == 400
    assert client.get(request.target, headers=request.headers(b"k" * 32)).status_code == 400
    assert client.get(request.target, headers=asked(link, station=9).headers(link.key)).status_code == 403
    response = client.get(request.target, headers=request.headers(link.key))
    assert (response.status_code, protocol.opened(link.key, request, response.data).kind) == (200, PLAIN)
