"""What is not what was offered is refused, and nobody else can read it."""

import hashlib
import tracemalloc
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest
import zstandard

from sado.store.tables import blobs, published_blobs, stations, wanted_blobs
from sado.store.tables.events import Event
from sado.sync import outbox
from sado.sync.blobs import delta, protocol
from sado.sync.blobs.fetch import NOT_ITSELF, RefusedError
from sado.sync.blobs.protocol import DELTA, NOT_OFFERED, PLAIN, REPEATED, Answer, Request
from sado.sync.blobs.publish import MOST_BYTES, BlobEvents, BlobTooLargeError, Offer, Outcome
from sado.sync.codes import CausedError
from sado.sync.errors import UnknownStationError
from sado.sync.wire.frame import FrameError
from tests.support.blobs import NAME, VILLAGE, Link, open_link
from tests.support.published import STRANGER, asked, content, given_by_hub

# 128 MiB, the widest that the library takes unasked.
WIDE = 27

# What is not what was offered


def test_what_has_another_hash_is_fetched_again_whole_once_and_then_refused(link: Link) -> None:
    link.publish(content(1))
    link.exchange()
    asked: list[str] = []

    def other(target: str, headers: Mapping[str, str], timeout_s: float) -> bytes:
        asked.append(headers["Range"])
        return given_by_hub(link, target, headers, PLAIN, delta.pack(content(2)))

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
            return given_by_hub(link, target, headers, DELTA, delta.pack(content(3), content(1)))
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
    link.get = lambda target, headers, timeout_s: given_by_hub(link, target, headers, PLAIN, encoded)

    link.fetch()
    link.fetch()

    assert (link.taken, link.told()) == ([], (wanted_blobs.REFUSED, NOT_ITSELF))
    assert sum(link.ranges) < 10_000


@pytest.mark.parametrize(("window", "says"), [(24, "cannot be decompressed"), (10, "too large")])
def test_a_bomb_takes_no_more_memory_than_the_blob_it_claims_to_be(window: int, says: str) -> None:
    settings = zstandard.ZstdCompressionParameters(window_log=window, format=delta.FORMAT)
    bomb = zstandard.ZstdCompressor(compression_params=settings).compress(bytes(1 << 24))
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=says):
            delta.unpack(bomb, b"", 1000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (len(bomb) < 5000, peak < 1 << 20) == (True, True)


def test_a_frame_that_asks_for_a_wide_window_gets_none() -> None:
    # Zstandard's descriptor, the window's size as a power of two above ten, and a last raw block of three bytes.
    frame = bytes([0, (WIDE - 10) << 3]) + (1 | 3 << 3).to_bytes(3, "little") + b"abc"
    with pytest.raises(ValueError, match="cannot be decompressed"):
        delta.unpack(frame, b"", 3)
    assert delta.unpack(bytes([0, 0]) + frame[2:], b"", 3) == b"abc"


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
