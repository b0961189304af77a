"""Text is measured as 3GPP TS 23.038 and TS 23.040 say, and as an independent library does."""

import pytest
import smsutil
from hypothesis import given
from hypothesis import strategies as st

from sado.menus.gsm import Budget, encoding, segments, units

# The escape code is not a letter of its own: the oracle takes it for one (TS 23.038 section 6.2.1, note 1).
LETTERS = st.characters(exclude_characters="\x1b", exclude_categories=("Cs",))
GSM_LETTERS = st.sampled_from("abc 09@£Δèìü\n^{}\\[~]|€\f")
MIXED_LETTERS = st.sampled_from("ab ҷӯқ№{€😀")


@pytest.mark.parametrize("text", ["", "Hello", "Kulob, ü ì é", "@£$¥ΔΞ", "^{}\\[~]|€\f", "1\n2\r"])
def test_latin_letters_of_the_gsm_tables_travel_as_gsm_7(text: str) -> None:
    assert encoding(text) == "GSM-7"


@pytest.mark.parametrize("letter", ["Қ", "к", "№", "’", "…", "`", "\t", "ç", "\u00a0", "😀", "\x1b"])
def test_one_letter_outside_the_tables_makes_the_whole_screen_ucs2(letter: str) -> None:
    assert encoding("Hello " * 20 + letter) == "UCS-2"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", 0), ("a", 1), ("€", 2), ("[a]", 5), ("\f", 2), ("ҷ", 1), ("ҷ€", 2), ("😀", 2), ("и\u0304", 2)],
)
def test_units_are_what_the_network_counts(text: str, expected: int) -> None:
    assert units(text) == expected


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("", True),
        ("a" * 182, True),
        ("a" * 183, False),
        ("€" * 91, True),
        ("€" * 91 + "a", False),
        ("ҷ" * 80, True),
        ("ҷ" * 81, False),
        ("😀" * 40, True),
        ("😀" * 40 + "ҷ", False),
        ("a" * 80 + "ҷ", False),
    ],
)
def test_a_screen_holds_182_septets_or_80_ucs2_units(text: str, fits: bool) -> None:
    assert Budget().fits(text) is fits


def test_the_limit_depends_on_the_letters() -> None:
    strict = Budget(septets=160, ucs2=70)
    assert strict.of("Salom") == 160
    assert strict.of("Салом") == 70


@pytest.mark.parametrize(
    ("text", "lengths"),
    [
        ("", [0]),
        ("a" * 160, [160]),
        ("a" * 161, [153, 8]),
        ("a" * 306, [153, 153]),
        ("a" * 307, [153, 153, 1]),
        ("€" * 80, [80]),
        ("€" * 81, [76, 5]),
        ("ҷ" * 70, [70]),
        ("ҷ" * 71, [67, 4]),
        ("ҷ" * 135, [67, 67, 1]),
        ("😀" * 35, [35]),
        ("😀" * 36, [33, 3]),
        # A pair that would begin on the last place of a part goes whole into the next one.
        ("a" * 152 + "€" + "a" * 8, [152, 9]),
        ("a" * 151 + "€" + "a" * 8, [152, 8]),
        ("ҷ" * 66 + "😀" + "ҷ" * 4, [66, 5]),
        ("ҷ" * 65 + "😀" + "ҷ" * 4, [66, 4]),
        ("a" * 159 + "€", [153, 7]),
        ("a" * 158 + "€", [159]),
        ("ҷ" * 69 + "😀", [67, 3]),
        ("ҷ" * 68 + "😀", [69]),
    ],
)
def test_sms_parts_break_where_the_standard_says(text: str, lengths: list[int]) -> None:
    assert [len(part) for part in segments(text)] == lengths


@given(st.text(LETTERS, min_size=1))
def test_encoding_agrees_with_the_oracle(text: str) -> None:
    assert (encoding(text) == "GSM-7") is smsutil.is_valid_gsm(text)


@given(st.text(GSM_LETTERS, min_size=1, max_size=500) | st.text(MIXED_LETTERS, min_size=1, max_size=300))
def test_units_and_parts_agree_with_the_oracle(text: str) -> None:
    oracle = smsutil.split(text)
    width = 1 if encoding(text) == "GSM-7" else 2
    assert segments(text) == [part.content for part in oracle.parts]
    assert units(text) * width == oracle.total_bytes


@given(st.text(GSM_LETTERS, max_size=500) | st.text(MIXED_LETTERS, max_size=300))
def test_joined_parts_are_the_text(text: str) -> None:
    assert "".join(segments(text)) == text
