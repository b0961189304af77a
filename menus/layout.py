"""Screens cut into pages that fit."""

import re
import unicodedata
from collections.abc import Iterator, Sequence

from sado.menus.gsm import Budget, encoding
from sado.menus.invisible import without

_WORD = re.compile(r"[^ \n]+")
_NUMBER = re.compile(r"\d+|.", re.DOTALL)


def pages(text: str, options: Sequence[str], nav: Sequence[str], more: str, budget: Budget) -> tuple[str, ...]:
    """Cut a screen into pages, each of them fitting the budget whole and none of them empty.

    The text comes first and loses no word; options follow as unbroken lines; `nav` closes every page
    and `more` stands before it on every page but the last. Characters that nobody sees go, whoever wrote them.
    Raises ValueError when nothing would fit.
    """
    text, options, nav, more = without(text), [*map(without, options)], [*map(without, nav)], without(more)
    whole = "\n".join((*_lines(text), *options, *nav))
    if not whole.strip():
        raise ValueError("This screen has no text, no options and no navigation: give it something to show.")
    if budget.fits(whole):
        return (whole,)
    return tuple(_flow(text.strip(), list(options), nav, more, budget))


def _flow(rest: str, left: list[str], nav: Sequence[str], more: str, budget: Budget) -> Iterator[str]:
    """Yield pages until the remainder fits one; the last item waits for the page without `more`."""
    tail = (more, *nav)
    while not budget.fits(last := "\n".join((*_lines(rest), *left, *nav))):
        if rest or len(left) > 1:
            lines, rest, left = _fill(rest, left, tail, budget)
            yield "\n".join((*lines, *tail))
        else:
            left = [_shorten("".join(left), nav, budget)]
    yield last


def _fill(rest: str, left: list[str], tail: Sequence[str], budget: Budget) -> tuple[list[str], str, list[str]]:
    """Put as much as fits above `tail`; return those lines, the text left over and the options left over."""
    head, rest = _take(rest, bool(left), tail, budget) if rest else ("", "")
    lines = list(_lines(head))
    while not rest and len(left) > 1 and _fits([*lines, left[0]], tail, budget):
        lines.append(left[0])
        left = left[1:]
    if not lines:
        lines, left = [_shorten(left[0], tail, budget)], left[1:]
    return lines, rest, left


def _take(rest: str, to_the_end: bool, tail: Sequence[str], budget: Budget) -> tuple[str, str]:
    """Split off the longest run of whole words that fits; cut a word only when not even one fits."""
    end = 0
    for word in _WORD.finditer(rest):
        ends_text = word.end() == len(rest) and not to_the_end
        if ends_text or not _fits([rest[: word.end()]], tail, budget):
            break
        end = word.end()
    end = end or _cut(rest.split(" ", 1)[0].split("\n", 1)[0], tail, budget)
    return rest[:end], rest[end:].lstrip()


def _cut(word: str, tail: Sequence[str], budget: Budget) -> int:
    """Find where to cut a word longer than a page: between letters, not between a letter and its mark."""
    longest = min(len(word), 1 + max(budget.septets, budget.ucs2))
    ends = [end for end in range(1, longest) if _fits([word[:end]], tail, budget)]
    if not ends:
        raise _no_room(tail)
    clean_ends = [end for end in ends if not unicodedata.category(word[end]).startswith("M")]
    return max(clean_ends or ends)


def _shorten(option: str, tail: Sequence[str], budget: Budget) -> str:
    """Cut an option that is too long even alone, keeping its number: people choose by it."""
    number = _NUMBER.match(option)
    for end in range(len(option) - 1, number.end() - 1 if number else 0, -1):
        base = option[:end].rstrip()
        # An ellipsis in a GSM-7 page would more than halve the room.
        mark = "…" if encoding("\n".join((base, *tail))) == "UCS-2" else "."
        joins_next = unicodedata.category(option[end]).startswith("M")
        if not joins_next and _fits([base + mark], tail, budget):
            return base + mark
    raise _no_room(tail)


def _lines(text: str) -> tuple[str, ...]:
    """Give the text as lines of a page: none when it is blank, so that no empty line opens the screen."""
    return (text,) if text and not text.isspace() else ()


def _fits(lines: Sequence[str], tail: Sequence[str], budget: Budget) -> bool:
    return budget.fits("\n".join((*lines, *tail)))


def _no_room(tail: Sequence[str]) -> ValueError:
    return ValueError(f"The lines {list(tail)} leave no room on a page: shorten them or raise the budget.")
