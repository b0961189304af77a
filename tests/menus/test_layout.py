"""Pages of a screen: each fits, none is empty, nothing of the text or the options is lost."""

import string
import unicodedata
from collections.abc import Sequence

import pytest
import smsutil
from hypothesis import assume, given
from hypothesis import strategies as st

from sado.menus.gsm import Budget, encoding
from sado.menus.invisible import clean, marked
from sado.menus.layout import pages

USSD = Budget()
NAV = ("0 Қафо",)
MORE = "99 Боз"
BUDGETS = st.builds(Budget, septets=st.integers(45, 182), ucs2=st.integers(30, 90))
WORDS = st.text("abcйҷӯқ€[😀", min_size=1, max_size=12)
TEXTS = st.lists(WORDS, max_size=60).map(" ".join) | st.text("abй \n\u00a0😀и\u0304", max_size=200)
LABELS = st.lists(st.text(string.ascii_letters + "ҷӯқ ", min_size=1, max_size=12), max_size=12)
OPTIONS = LABELS.map(lambda labels: [f"{number} {label}" for number, label in enumerate(labels, 1)])
NAVS = st.sampled_from([(), ("0 Қафо",), ("0 Back",), ("0 Қафо", "00 Аввал")])


def split(text: str = "", options: Sequence[str] = (), budget: Budget = USSD) -> tuple[str, ...]:
    return pages(text, options, NAV, MORE, budget)


def body(page: str, nav: Sequence[str]) -> list[str]:
    """The lines of a page above its navigation; no text or option of these tests is a `more` line."""
    lines = page.split("\n")
    lines = lines[: len(lines) - len(nav)]
    return lines[:-1] if lines[-1:] == [MORE] else lines


def squeezed(text: str) -> str:
    return "".join(text.split())


def test_a_screen_that_fits_is_one_page_without_a_more_line() -> None:
    assert split("Ному насаб?", ["1 Об", "2 Барқ"]) == ("Ному насаб?\n1 Об\n2 Барқ\n0 Қафо",)


@pytest.mark.parametrize(("letters", "count"), [(73, 1), (74, 2)])
def test_a_page_is_full_at_eighty_letters_with_its_navigation(letters: int, count: int) -> None:
    assert len(split("ҷ " * 36 + "ҷ" * (letters - 72))) == count


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("a" * 175, 1),
        ("a" * 176, 2),
        ("a" * 173 + "€", 1),
        ("a" * 174 + "€", 2),
        ("a" * 70 + "ҷ 😀", 2),
        ("a" * 69 + "ҷ 😀", 1),
        ("a" * 72 + "ҷ", 1),
        ("a" * 73 + "ҷ", 2),
    ],
)
def test_a_page_is_full_where_the_network_says(text: str, count: int) -> None:
    """182 septets, an escaped letter two of them; or 80 UCS-2 units, an emoji two of them; navigation takes seven."""
    assert len(pages(text, (), ("0 Back",), "99 More", USSD)) == count


def test_every_page_but_the_last_offers_more() -> None:
    first, second = split("Ариза " * 18)
    assert first.endswith("\n99 Боз\n0 Қафо")
    assert second.endswith("Ариза\n0 Қафо")


def test_options_follow_the_end_of_the_text_on_the_same_page() -> None:
    options = [f"{number} Хадамот" for number in range(1, 7)]
    first, second = split("Интихоб кунед:", options)
    assert first.split("\n")[:2] == ["Интихоб кунед:", "1 Хадамот"]
    assert second.split("\n")[-2:] == ["6 Хадамот", "0 Қафо"]


def test_a_text_breaks_at_a_space_and_the_space_goes() -> None:
    first, second = pages("Ариза қабул шуд", (), ("0",), "9", Budget(20, 14))
    assert (first, second) == ("Ариза\n9\n0", "қабул шуд\n0")


def test_blank_lines_inside_a_page_stay() -> None:
    assert split("Як\n\nду  се") == ("Як\n\nду  се\n0 Қафо",)


@pytest.mark.parametrize("blank", ["", " ", "\n\n"])
def test_a_blank_text_leaves_no_empty_line(blank: str) -> None:
    assert split(blank, ["1 Об"]) == ("1 Об\n0 Қафо",)


def test_a_word_longer_than_a_page_is_cut_and_stays_in_order() -> None:
    result = split("ҷавоб" * 40)
    assert all(USSD.fits(page) for page in result)
    assert "".join(line for page in result for line in body(page, NAV)) == "ҷавоб" * 40


def test_a_letter_is_not_cut_from_its_mark() -> None:
    result = pages("и\u0304" * 30, (), ("0",), "9", Budget(20, 15))
    assert len(result) > 2
    assert not any(unicodedata.combining(page[0]) for page in result)


def test_an_emoji_is_not_cut_in_two() -> None:
    result = pages("a" + "😀" * 30, (), ("0",), "9", Budget(20, 20))
    assert all(page.encode("utf-16-le").decode("utf-16-le") == page for page in result)
    assert sum(page.count("😀") for page in result) == 30


@pytest.mark.parametrize(
    ("option", "nav", "shown"),
    [
        ("12 Раёсати рушди деҳот", "0 Қафо", "12 Раёсати р…\n0 Қафо"),
        ("12 Department of rural growth", "0 Back", "12 Department.\n0 Back"),
        ("12 Department of rural growth", "0 Қафо", "12 Departmen…\n0 Қафо"),
        ("12 Депutation of the people", "0 Back", "12 Депutatio…\n0 Back"),
    ],
)
def test_an_option_too_long_alone_is_shortened_after_its_number(option: str, nav: str, shown: str) -> None:
    assert pages("", [option], [nav], "99", Budget(21, 20)) == (shown,)


def test_the_number_of_an_option_is_never_cut() -> None:
    with pytest.raises(ValueError, match="leave no room"):
        pages("", ["123456 Об"], ("0",), "9", Budget(8, 8))


@pytest.mark.parametrize(("text", "options"), [("Салом", []), ("", ["1 Об", "2 Барқ"]), ("", [])])
def test_navigation_that_leaves_no_room_is_refused(text: str, options: list[str]) -> None:
    with pytest.raises(ValueError, match="leave no room on a page"):
        pages(text, options, ["0 Ба аввали меню баргаштан"], "99 Боз", Budget(20, 20))


def test_a_screen_with_nothing_to_show_is_refused() -> None:
    with pytest.raises(ValueError, match="something to show"):
        pages(" ", (), (), MORE, USSD)


@given(TEXTS, OPTIONS, NAVS, BUDGETS)
def test_every_page_fits_and_shows_something(
    text: str, options: list[str], nav: tuple[str, ...], budget: Budget
) -> None:
    assume(text.strip() or options or nav)
    result = pages(text, options, nav, MORE, budget)
    assert all(budget.fits(page) for page in result)
    assert len(result) == 1 or all("".join(body(page, nav)).strip() for page in result)
    assert [MORE in page.split("\n") for page in result] == [True] * (len(result) - 1) + [False]


@given(TEXTS, OPTIONS, NAVS)
def test_every_page_fits_a_screen_by_the_oracle(text: str, options: list[str], nav: tuple[str, ...]) -> None:
    assume(text.strip() or options or nav)
    for page in pages(text, options, nav, MORE, USSD):
        in_gsm = smsutil.is_valid_gsm(page)
        assert smsutil.split(page).total_bytes <= (182 if in_gsm else 160)
        page.encode("utf-16-le")


@given(OPTIONS.filter(bool), TEXTS, BUDGETS)
def test_each_option_line_appears_once_whole_and_in_order(options: list[str], text: str, budget: Budget) -> None:
    result = pages(text, options, NAV, MORE, budget)
    lines = [line for page in result for line in body(page, NAV)]
    assert lines[-len(options) :] == options


@given(TEXTS.filter(str.strip), OPTIONS, NAVS, BUDGETS)
def test_no_letter_of_the_text_is_lost_or_moved(
    text: str, options: list[str], nav: tuple[str, ...], budget: Budget
) -> None:
    lines = [line for page in pages(text, options, nav, MORE, budget) for line in body(page, nav)]
    assert squeezed("".join(lines[: len(lines) - len(options)])) == squeezed(text)


@given(st.lists(WORDS, min_size=1, max_size=60), NAVS, BUDGETS)
def test_words_stay_whole_when_each_fits_a_page(words: list[str], nav: tuple[str, ...], budget: Budget) -> None:
    longest_fits = all(budget.fits("\n".join((word, MORE, *nav))) for word in words)
    assume(longest_fits)
    lines = [line for page in pages(" ".join(words), (), nav, MORE, budget) for line in body(page, nav)]
    assert " ".join(lines).split() == words


@given(st.text(), st.lists(st.text()), st.lists(st.text()), st.text(), st.integers(0, 30), st.integers(0, 30))
def test_any_input_ends_in_pages_that_fit_or_a_refusal(
    text: str, options: list[str], nav: list[str], more: str, septets: int, ucs2: int
) -> None:
    budget = Budget(septets, ucs2)
    try:
        result = pages(text, options, nav, more, budget)
    except ValueError:
        return
    assert result
    assert all(budget.fits(page) for page in result)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("и\u0304", "ӣ"),
        ("Салом\u200b, \u202eдунё\u2069\ufeff", "Салом, дунё"),
        ("a\x00\x07b\x1b", "ab"),
        ("a\r\nb\rc\u2028d", "a\nb\nc\nd"),
        ("a\tb   c", "a b c"),
        ("“It’s” – «ok»…", '"It\'s" - "ok"...'),
        ("No\u00a0\u00a0problem №5", "No problem No5"),
        ("«Ҷавоб» – №5…", "«Ҷавоб» – №5…"),
        ("Qal’a Ҷ", "Qal’a Ҷ"),
    ],
)
def test_written_text_is_made_safe_for_a_screen(written: str, shown: str) -> None:
    assert clean(written) == shown


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("Салом\u200b, \u202eдунё\u2069\ufeff", "Салом‹200B›, ‹202E›дунё‹2069›‹FEFF›"),
        ("a\x00\x1bb", "a‹0000›‹001B›b"),
        ("one\ntwo\r\nthree\tfour", "one\ntwo\r\nthree\tfour"),
        ("Ҷавоби ӯ: «хуб» – 5\u00a0см…", "Ҷавоби ӯ: «хуб» – 5\u00a0см…"),
    ],
)
def test_what_cannot_be_seen_is_marked_for_a_desk(written: str, shown: str) -> None:
    assert marked(written) == shown


@given(st.text())
def test_a_phone_is_shown_nothing_that_a_desk_sees_marked(text: str) -> None:
    assert marked(clean(text)) == clean(text)


@given(st.text())
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@given(st.text())
def test_cleaning_never_makes_a_gsm_text_ucs2(text: str) -> None:
    assert encoding(text) == "UCS-2" or encoding(clean(text)) == "GSM-7"
