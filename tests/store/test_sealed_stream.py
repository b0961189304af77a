"""Chunks open in their order, all of them, under their own header; or not at all."""

import pytest

from sado.store import sealed_stream
from sado.store.sealed_stream import DamagedChunkError

KEY, HEADER = bytes(32), b"header"
CHUNKS = [b"one", b"two", b"three"]


def sealed(header: bytes = HEADER) -> list[bytes]:
    return list(sealed_stream.seal(KEY, header, CHUNKS))


def unsealed(chunks: list[bytes], key: bytes = KEY) -> list[bytes]:
    return list(sealed_stream.unseal(key, HEADER, chunks))


def test_what_was_sealed_opens() -> None:
    assert unsealed(sealed()) == CHUNKS


@pytest.mark.parametrize("order", [[], [0, 1], [1, 2], [0, 2], [1, 0, 2], [0, 1, 1, 2], [0, 1, 2, 2]])
def test_chunks_that_are_missing_moved_or_repeated_do_not_open(order: list[int]) -> None:
    chunks = sealed()
    with pytest.raises(DamagedChunkError):
        unsealed([chunks[number] for number in order])


def test_the_first_that_is_damaged_is_named() -> None:
    first, second, third = sealed()
    with pytest.raises(DamagedChunkError) as raised:
        unsealed([first, second[:-1] + bytes([second[-1] ^ 1]), third])
    assert raised.value.number == 1


def test_chunks_of_another_file_or_key_do_not_open() -> None:
    with pytest.raises(DamagedChunkError):
        unsealed(sealed(b"another"))
    with pytest.raises(DamagedChunkError):
        unsealed(sealed(), b"k" * 32)
    assert sealed_stream.check(KEY) != sealed_stream.check(b"k" * 32)
