"""The texts that the dictionary is trained on look like appeals, and are nobody's."""

import re

import pytest

from bench.training import texts as training

MANY = training.texts(seed=1, count=2000)
TAJIK_LETTERS = set("ғӣқӯҳҷ")
LONGEST_NUMBER = 4


def share(pattern: str) -> float:
    """How many of the texts have it, as a share of all."""
    return sum(bool(re.search(pattern, text, re.IGNORECASE)) for text in MANY) / len(MANY)


def test_the_same_seed_makes_the_same_texts() -> None:
    assert training.texts(seed=7, count=50) == training.texts(seed=7, count=50)
    assert training.texts(seed=7, count=50) != training.texts(seed=8, count=50)


def test_there_are_as_many_as_asked_for() -> None:
    assert training.texts(seed=1, count=0) == []
    assert len(MANY) == 2000


def test_each_is_as_long_as_an_appeal() -> None:
    lengths = [len(text) for text in MANY]
    assert min(lengths) >= 60
    assert max(lengths) <= 300
    assert 115 <= sum(lengths) / len(lengths) <= 145


def test_every_language_and_spelling_is_there() -> None:
    assert 0.24 <= share(r"[ғӣқӯҳҷ]") <= 0.34
    assert 0.07 <= share(r"^[^а-яё]+$") <= 0.15
    assert share("[ыщь]") >= 0.2
    assert share(r"\b(please|pls|plz|the|we)\b") >= 0.01


def test_hardly_any_is_there_twice() -> None:
    assert len(set(MANY)) >= 0.99 * len(MANY)


def test_hardly_any_begins_as_another_does() -> None:
    assert len({text[:60] for text in MANY}) >= 0.95 * len(MANY)


def test_no_number_could_be_anybodys_telephone() -> None:
    assert not any("992" in re.sub(r"\D", "", run) for text in MANY for run in re.findall(r"[+\d][\d ()-]{6,}", text))
    assert max(len(run) for text in MANY for run in re.findall(r"\d+", text)) <= LONGEST_NUMBER


def test_nothing_of_the_grammar_is_left_in_a_text() -> None:
    assert not any(re.search(r"[{}|\[\]=]", text) for text in MANY)


@pytest.mark.parametrize("language", ["tajik", "russian", "english"])
def test_every_slot_names_a_list(language: str) -> None:
    lists = training.languages()[language]
    slots = {slot for lines in lists.values() for line in lines for slot in training.SLOT.findall(line)}
    topics = {f"{topic}{ask}" for topic in lists["topic"] for ask in ("", " ask")}
    asked = topics if "{topic ask}" in " ".join(lists["message"]) else set(lists["topic"])
    named = {slot for slot in slots if not slot.startswith("topic") and not training.NUMBER.fullmatch(slot)} | asked
    assert named <= lists.keys()
