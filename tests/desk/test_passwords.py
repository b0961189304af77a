"""Which passwords may be chosen."""

from __future__ import annotations

import pytest

from sado.desk.passwords import COMMON, COMMON_PASSWORDS, PERSONAL, SHORTEST, TOO_SHORT, hash_password, matches


def refusal(password: str, *personal: str) -> str:
    with pytest.raises(ValueError) as refused:  # noqa: PT011 - which sentence is what the test asks
        hash_password(password, *personal)
    return str(refused.value)


def test_a_short_password_is_refused_with_a_sentence() -> None:
    assert refusal("elevenchars") == TOO_SHORT


@pytest.mark.parametrize(
    "password",
    ["1qaz2wsx3edc", "Finalfantasy", "password1234", "!!Password2026!!", "12345Dragon12345", "dragondragon"]
    + [
        "passwordpassword1",
        "aaaaaaaaaaaa",
        "123123123123",
        "123456789012",
        "qwertyuiopas",
        "йцукенгшщзхъ",
        "мамамамамама",
    ],
)
def test_a_password_that_is_tried_first_is_refused(password: str) -> None:
    assert refusal(password) == COMMON


@pytest.mark.parametrize(
    "password",
    ["correct horse battery", "кӯҳ дарё чароғ нон", "731905582634", "password of the dragon", "q" * 11 + "w"],
)
def test_any_other_one_may_be_chosen(password: str) -> None:
    assert matches(hash_password(password, "zarina", "Зарина Раҳимова"), password)


@pytest.mark.parametrize("password", ["green hills zarina", "РАҲИМОВА кӯҳ дарё", "my sado of today"])
def test_a_password_with_ones_own_name_or_the_services_is_refused(password: str) -> None:
    assert refusal(password, "zarina", "Зарина Раҳимова") == PERSONAL


def test_every_letter_of_a_long_password_counts() -> None:
    long = "green hills " * 10 + "and a river"
    hashed = hash_password(long)
    assert matches(hashed, long) and not matches(hashed, long[:-1])


def test_the_list_has_its_licence_and_many_more_than_three_thousand() -> None:
    lines = COMMON_PASSWORDS.read_text("utf-8").splitlines()
    assert "MIT License" in " ".join(lines[:3])
    assert len([line for line in lines if not line.startswith("#")]) > 25_000
    assert len([line for line in lines if len(line) >= SHORTEST]) > 200
