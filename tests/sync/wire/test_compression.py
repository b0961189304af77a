"""What both sides have need not be said again, and nothing grows beyond what may come."""

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from sado.sync.wire import compression, text

TEXT = text.pack("Дар деҳаи мо се рӯз боз об нест, ҳавзи деҳа ҳам холӣ шуд. Лутфан ёрӣ диҳед. ")
MEMORY = text.pack("Ҷӯйбори Сангистон, кӯчаи Навобод, Шарифов Ҳикматулло. ") * 3
MOST = 10_000


def unpacked(packed: bytes, memory: bytes = b"", most: int = MOST) -> bytes | None:
    """The content, or None where it is refused; anything else fails the test."""
    try:
        return compression.unpack(packed, memory, most)
    except ValueError:
        return None


@pytest.mark.parametrize("memory", [b"", b"a", MEMORY, MEMORY * 500])
@pytest.mark.parametrize("content", [b"", b"a", TEXT, TEXT * 50, bytes(range(256)) * 30])
def test_what_was_packed_comes_back(content: bytes, memory: bytes) -> None:
    assert compression.unpack(compression.pack(content, memory), memory, MOST) == content


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_any_content_comes_back(content: bytes, memory: bytes) -> None:
    assert compression.unpack(compression.pack(content, memory), memory, MOST) == content


def test_the_shipped_dictionary_knows_how_people_write() -> None:
    alone = zstandard.ZstdCompressor(level=compression.LEVEL).compress(TEXT)
    assert len(compression.pack(TEXT)) < 0.6 * len(alone)


def test_what_was_said_before_costs_next_to_nothing() -> None:
    said = MEMORY[:54]
    assert len(compression.pack(said, MEMORY)) < 15 < len(compression.pack(said))


def test_another_memory_is_refused_or_gives_something_else() -> None:
    said, after = MEMORY[:54], TEXT
    packed = compression.pack(said, said + after)
    assert compression.unpack(packed, said + after, MOST) == said
    for other in (b"", after, said, said + after + b"!", said[::-1] + after, bytes(54) + after):
        assert unpacked(packed, other) != said


def test_a_bomb_is_refused_before_it_grows() -> None:
    bomb = compression.pack(bytes(50 << 20))
    assert len(bomb) < 5_000
    with pytest.raises(ValueError, match="too large"):
        compression.unpack(bomb, b"", MOST)


def sized(content: bytes, stated: int) -> bytes:
    """The content, packed with a size that is not its own."""
    packed = compression.pack(content)
    at = packed.index(len(content).to_bytes(4, "little"))
    return packed[:at] + stated.to_bytes(4, "little") + packed[at + 4 :]


def test_a_bomb_that_states_a_small_size_is_refused() -> None:
    content = bytes(1 << 20)
    assert compression.unpack(sized(content, len(content)), b"", len(content)) == content
    with pytest.raises(ValueError, match="cannot be decompressed"):
        compression.unpack(sized(content, MOST), b"", MOST)


def test_a_bomb_that_states_no_size_is_refused() -> None:
    settings = zstandard.ZstdCompressionParameters(format=compression.FORMAT, write_content_size=0)
    bomb = zstandard.ZstdCompressor(compression_params=settings).compress(bytes(10))
    with pytest.raises(ValueError, match="too large"):
        compression.unpack(bomb, b"", MOST)


@pytest.mark.parametrize(("size", "is_taken"), [(MOST - 1, True), (MOST, True), (MOST + 1, False)])
def test_as_much_as_may_come_is_taken(size: int, is_taken: bool) -> None:
    assert (unpacked(compression.pack(bytes(size))) is not None) == is_taken


def test_what_is_cut_anywhere_is_refused() -> None:
    packed = compression.pack(TEXT)
    assert [size for size in range(len(packed)) if unpacked(packed[:size]) is not None] == []


@pytest.mark.parametrize("tail", [b"\0", b"more", compression.pack(TEXT)])
def test_what_follows_is_refused(tail: bytes) -> None:
    assert unpacked(compression.pack(TEXT) + tail) is None


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_or_some_content(packed: bytes) -> None:
    found = unpacked(packed)
    assert found is None or len(found) <= MOST
