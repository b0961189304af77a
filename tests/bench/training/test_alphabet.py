"""The alphabet of the exchange is that of the texts, not of a country."""

from bench.training import alphabet, texts
from sado.sync.wire import text


def test_it_has_the_letters_of_the_texts_capital_and_small() -> None:
    assert alphabet.alphabet(["a stop.", "Об", "ўғ"]) == "".join(sorted("ОБобЎўҒғ"))


def test_where_there_are_more_letters_than_bytes_it_has_the_most_frequent() -> None:
    rare = "".join(chr(0x4E00 + number) for number in range(200))
    letters = alphabet.alphabet([rare, "об об"])
    assert len(letters) == text.MOST
    assert set("ОБоб") <= set(letters)


def test_what_is_shipped_writes_each_text_in_a_byte_a_letter() -> None:
    for written in texts.texts(seed=3, count=300):
        assert len(text.pack(written)) == len(written)
