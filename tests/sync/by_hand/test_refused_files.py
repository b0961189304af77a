"""A file that is cut, changed, of another station or of another key is refused whole, and tells nobody anything."""

from pathlib import Path

import pytest

from sado.store import Store
from sado.store.tables import stations
from sado.sync.by_hand import file_format
from sado.sync.by_hand.file_format import LABEL, LENGTH, TransferError
from sado.sync.by_hand.transfer import FileTransfer
from sado.sync.exchange import server
from sado.sync.wire import frame
from sado.sync.wire.frame import Message
from tests.support.road import DAY, Road
from tests.support.stations import APPEAL, open_station
from tests.support.village_and_hub import VILLAGE, dump


def assert_refused(taker: FileTransfer, store: Store, path: Path, content: bytes, words: str = ".") -> None:
    """The file is refused with these words, and nothing changes."""
    path.write_bytes(content)
    before = dump(store)
    with pytest.raises(TransferError, match=words) as caught:
        taker.take_in(path)
    assert str(caught.value).endswith(".")
    assert dump(store) == before


def samples(size: int) -> list[int]:
    """The label and the first piece byte by byte, then some, and the end."""
    return [*range(120), *range(120, size - 40, 97), *range(size - 40, size)]


def test_a_file_that_is_whole_is_taken(busy: Road, long: bytes) -> None:
    (busy.stick / "whole").write_bytes(long)
    assert busy.hub.take_in(busy.stick / "whole").new == 152


def test_a_file_that_is_cut_anywhere_is_refused(busy: Road, long: bytes) -> None:
    for size in samples(len(long)):
        assert_refused(busy.hub, busy.pair.hub.store, busy.stick / "cut", long[:size])


def test_a_file_that_is_cut_between_two_pieces_is_refused(busy: Road, long: bytes) -> None:
    begins = [at for at, _ in pieces_of(long)]
    for at in begins:
        assert_refused(busy.hub, busy.pair.hub.store, busy.stick / "cut", long[:at], "cut or damaged")


def test_a_file_with_a_bit_turned_anywhere_is_refused(busy: Road, long: bytes) -> None:
    for at in samples(len(long)):
        changed = long[:at] + bytes([long[at] ^ 1 << at % 8]) + long[at + 1 :]
        assert_refused(busy.hub, busy.pair.hub.store, busy.stick / "changed", changed)


def pieces_of(content: bytes) -> list[tuple[int, bytes]]:
    """Where each piece begins, and its bytes."""
    at, found = LABEL.size, []
    while at < len(content):
        end = at + LENGTH.size + int.from_bytes(content[at : at + LENGTH.size])
        found.append((at, content[at:end]))
        at = end
    return found


def test_pieces_in_another_order_are_refused(busy: Road, long: bytes) -> None:
    label, pieces = long[: LABEL.size], [piece for _, piece in pieces_of(long)]
    assert label + b"".join(pieces) == long
    for order in (
        [pieces[1], pieces[0], *pieces[2:]],
        [*pieces[1:]],
        [pieces[0], pieces[0], *pieces[1:]],
        [pieces[0], *pieces[2:]],
        [*pieces, pieces[-1]],
        pieces[:-1],
    ):
        assert_refused(busy.hub, busy.pair.hub.store, busy.stick / "moved", label + b"".join(order), "cut or damaged")


def test_pieces_of_another_file_are_refused(busy: Road) -> None:
    one, other = busy.up().read_bytes(), busy.up().read_bytes()
    mixed = one[: LABEL.size] + other[LABEL.size :]
    assert_refused(busy.hub, busy.pair.hub.store, busy.stick / "mixed", mixed, "cut or damaged")


def test_something_behind_the_last_piece_is_refused(busy: Road) -> None:
    for tail in (b"\0", b"\0" * 9):
        assert_refused(
            busy.hub, busy.pair.hub.store, busy.stick / "tail", busy.up().read_bytes() + tail, "cut or damaged"
        )


@pytest.mark.parametrize("content", [b"", b"SadoHand", b"SadoBack" + bytes(99), b"\x89PNG" * 99])
def test_a_file_of_another_kind_is_refused(busy: Road, content: bytes) -> None:
    assert_refused(busy.hub, busy.pair.hub.store, busy.stick / "other", content, "is not an export of Sado")


def test_a_file_of_a_later_release_is_refused(busy: Road) -> None:
    content = busy.up().read_bytes()
    assert_refused(
        busy.hub, busy.pair.hub.store, busy.stick / "later", content[:8] + b"\2" + content[9:], "of version 2"
    )


def test_a_file_that_is_too_large_is_not_read(busy: Road) -> None:
    with (busy.stick / "large").open("wb") as file:
        file.truncate(file_format.MOST_BYTES + 1)
    with pytest.raises(TransferError, match="larger than any export"):
        busy.hub.take_in(busy.stick / "large")


def test_a_file_that_is_gone_is_told(busy: Road) -> None:
    with pytest.raises(TransferError, match="cannot be read.*No such file"):
        busy.hub.take_in(busy.stick / "gone")


def test_a_frame_of_the_line_does_not_pass_as_a_file_nor_a_frame_in_a_file_on_the_line(busy: Road) -> None:
    assert_refused(busy.hub, busy.pair.hub.store, busy.stick / "line", busy.pair.request(), "is not an export of Sado")
    before = dump(busy.pair.hub.store)
    for packed in file_format.frames_of(busy.up().read_bytes(), busy.pair.key):
        assert busy.pair.down(busy.pair.answer(packed)).fault == server.REPEATED
    assert dump(busy.pair.hub.store) == before


# The wrong station


def test_a_file_made_with_an_older_key_is_refused(busy: Road) -> None:
    content = busy.up().read_bytes()
    busy.pair.hub.store.write(lambda tx: stations.add(tx, VILLAGE))
    assert_refused(busy.hub, busy.pair.hub.store, busy.stick / "old", content, "made with another key")


def test_a_station_that_is_not_admitted_is_refused(busy: Road, tmp_path: Path) -> None:
    with open_station(tmp_path / "stranger", 8) as stranger:
        file = busy.stick / "strange"
        FileTransfer(stranger.store, 8, busy.pair.key, stranger.cases.apply).export(file, None, DAY)
    assert_refused(busy.hub, busy.pair.hub.store, file, file.read_bytes(), "Station 008 is not admitted here")


def test_a_file_for_another_station_is_refused(busy: Road, tmp_path: Path) -> None:
    down = busy.down().read_bytes()
    with open_station(tmp_path / "other", 8) as other:
        taker = FileTransfer(other.store, 8, busy.pair.key, other.cases.apply)
        assert_refused(taker, other.store, busy.stick / "down", down, "is for station 007, from its upstream")
    assert_refused(busy.hub, busy.pair.hub.store, busy.stick / "down", down, "is for station 007, from its upstream")


def test_a_file_is_refused_by_the_station_that_wrote_it(busy: Road) -> None:
    content = busy.up().read_bytes()
    assert_refused(busy.village, busy.pair.village.store, busy.stick / "own", content, "wrote the file itself")


def test_a_station_behind_another_exchanges_with_that_one(busy: Road) -> None:
    content = busy.up().read_bytes()
    busy.pair.hub.store.write(lambda tx: stations.set_through(tx, VILLAGE, 3))
    assert_refused(
        busy.hub, busy.pair.hub.store, busy.stick / "behind", content, "exchanges with station 003, by hand too"
    )
    with pytest.raises(TransferError, match="exchanges with station 003"):
        busy.down()


def test_a_hub_is_asked_for_whom_it_exports(busy: Road) -> None:
    with pytest.raises(TransferError, match="--station NUMBER"):
        busy.hub.export(busy.stick / "whose", None, DAY)
    with pytest.raises(TransferError, match="sado station add 8"):
        busy.hub.export(busy.stick / "whose", 8, DAY)
    assert not [*busy.stick.iterdir()]


# What is on the stick


def test_nothing_in_a_file_can_be_read(road: Road) -> None:
    reference = road.pair.file()
    content = road.up().read_bytes()
    words = [*APPEAL.text.split(), *APPEAL.name.split(), APPEAL.msisdn, APPEAL.msisdn[1:], reference, "complaint"]
    for word in words:
        for encoding in ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"):
            assert word.encode(encoding) not in content
        if word.isdigit():
            assert int(word).to_bytes(8).lstrip(b"\0") not in content
    # A frame is compressed, and would not show them either: none of its bytes is there.
    for packed in file_format.frames_of(content, road.pair.key):
        parts = [packed[at : at + 6] for at in range(0, len(packed) - 6)]
        assert not [part for part in parts if part in content]
        assert [part for part in parts if part in b"clear" + packed]


def test_a_frame_in_a_file_is_signed_with_the_key_of_the_two(busy: Road) -> None:
    """A piece that opens is not enough: here it holds a frame that the sender did not sign."""
    strange = frame.pack(frame.UP, VILLAGE, bytes(32), Message(0, 1, incarnation=bytes(8)))
    label = file_format.label_of(busy.up().read_bytes())
    file_format.write(busy.stick / "unsigned", label, busy.pair.key, [strange])
    content = (busy.stick / "unsigned").read_bytes()
    assert_refused(busy.hub, busy.pair.hub.store, busy.stick / "unsigned", content, "MAC is wrong")


def test_nothing_of_a_file_is_taken_when_its_last_frame_cannot_be(busy: Road) -> None:
    content = busy.up().read_bytes()
    frames = file_format.frames_of(content, busy.pair.key)
    unsigned = frame.pack(frame.UP, VILLAGE, bytes(32), Message(0, 1, incarnation=bytes(8)))
    file_format.write(busy.stick / "whole", file_format.label_of(content), busy.pair.key, frames)
    file_format.write(busy.stick / "last", file_format.label_of(content), busy.pair.key, [*frames, unsigned])
    assert_refused(
        busy.hub, busy.pair.hub.store, busy.stick / "last", (busy.stick / "last").read_bytes(), "MAC is wrong"
    )
    assert busy.hub.take_in(busy.stick / "whole").new == 2


def test_a_frame_of_another_station_in_a_file_is_refused(busy: Road) -> None:
    other = frame.pack(frame.UP, 8, busy.pair.key, Message(0, 1, incarnation=bytes(8)))
    label = file_format.label_of(busy.up().read_bytes())
    file_format.write(busy.stick / "mixed", label, busy.pair.key, [other])
    content = (busy.stick / "mixed").read_bytes()
    assert_refused(busy.hub, busy.pair.hub.store, busy.stick / "mixed", content, "of another station")
