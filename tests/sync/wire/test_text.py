"""Text takes one byte a letter and comes back as it was."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sado.sync.wire import text as codec

RUSSIAN = "абвгдеёжзийклмнопрстуфхцчшщъыьэюя"
TAJIK = "ғӣқӯҳҷ"


@pytest.mark.parametrize("text", ["", "a water tap, No. 7", RUSSIAN, RUSSIAN.upper(), TAJIK, TAJIK.upper()])
def test_what_people_of_the_packs_write_takes_one_byte_a_letter(text: str) -> None:
    packed = codec.pack(text)
    assert len(packed) == len(text)
    assert codec.unpack(packed) == text


@pytest.mark.parametrize("text", ["o\N{COMBINING ACUTE ACCENT}", "ўзбек", "中", "\N{WATER WAVE}", "\U0010ffff"])
def test_another_sign_takes_more_and_comes_back(text: str) -> None:
    packed = codec.pack(text)
    assert len(packed) > len(text)
    assert codec.unpack(packed) == text


@pytest.mark.parametrize("text", ["\x1b", "\x1b41\x1b", "a\0b", "\0", "\x1b\x1b", "\x1b0\x1b1b\x1b"])
def test_what_looks_like_our_own_escapes_comes_back(text: str) -> None:
    assert codec.unpack(codec.pack(text)) == text


@given(st.text())
def test_any_text_comes_back_and_holds_no_end(text: str) -> None:
    packed = codec.pack(text)
    assert codec.END not in packed
    assert codec.unpack(packed) == text


@given(st.lists(st.sampled_from([b"\x1b", b"0", b"1", b"d800", b"10ffff", b"ffffffffffffffffffff", b"\xff", b"a"])))
def test_hostile_bytes_are_some_text_or_refused(pieces: list[bytes]) -> None:
    try:
        text = codec.unpack(b"".join(pieces))
    except ValueError:
        return
    assert codec.unpack(codec.pack(text)) == text


@pytest.mark.parametrize("packed", [b"\x1bd800\x1b", b"\x1bdfff\x1b", b"\x1b110000\x1b", b"a\xff"])
def test_what_is_no_text_is_refused(packed: bytes) -> None:
    with pytest.raises(ValueError, match="."):
        codec.unpack(packed)


def test_the_signs_beside_those_that_are_refused_are_read() -> None:
    assert codec.unpack(b"\x1bd7ff\x1b\x1be000\x1b\x1b10ffff\x1b") == "\ud7ff\ue000\U0010ffff"
