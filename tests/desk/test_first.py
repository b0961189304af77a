"""The first account: a code that is printed makes an administrator, once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from sado.desk.administration import first
from sado.desk.roles import Role
from sado.store.tables import accounts
from sado.store.tables.first_code import MOST_TRIES
from tests.support.browser import PASSWORD, Desk, build, enter, post

DILBAR = {"name": " dilbar ", "full_name": "Dilbar Karimova", "password": PASSWORD}
WRONG = "The code is wrong, older than 24 hours"


@pytest.fixture
def new(tmp_path: Path) -> Iterator[Desk]:
    """A desk where nobody has an account."""
    with build(tmp_path) as built:
        built.store.write(lambda tx: tx.run("DELETE FROM accounts"))
        yield built


def make(new: Desk, code: str, **changed: str) -> TestResponse:
    return post(new.visitor(), "/first", "/first", code=code, **{**DILBAR, **changed})


def has_account(new: Desk) -> bool:
    return not first.is_open(new.store)


def test_the_code_makes_an_administrator_who_signs_in(new: Desk) -> None:
    assert make(new, first.mint(new.store)).location == "/signin"

    account = new.store.read(lambda tx: accounts.find(tx, "dilbar"))
    assert account is not None and (account.role, account.full_name) == (Role.ADMINISTRATOR, "Dilbar Karimova")
    client = new.visitor()
    assert enter(client, "dilbar", PASSWORD).status_code == 302
    assert client.get("/").location == "/administrator/people"


def test_there_is_no_such_page_once_there_is_an_account(new: Desk) -> None:
    code = first.mint(new.store)
    client = new.visitor()
    client.get("/first")
    make(new, code)

    assert new.visitor().get("/first").status_code == 404
    assert first.mint(new.store) == ""
    assert post(client, "/signin", "/first", code=code, **DILBAR).status_code == 404


def test_a_code_is_of_no_use_where_a_command_made_an_account(new: Desk) -> None:
    code = first.mint(new.store)
    client = new.visitor()
    client.get("/first")
    new.store.write(lambda tx: accounts.save(tx, "zarina", "", "operator", ""))

    assert post(client, "/signin", "/first", code=code, **DILBAR).status_code == 404
    assert new.store.read(lambda tx: accounts.find(tx, "dilbar")) is None


@pytest.mark.parametrize("code", ["", "guessed"])
def test_a_wrong_code_makes_nothing(new: Desk, code: str) -> None:
    first.mint(new.store)
    refused = make(new, code)
    assert refused.status_code == 403 and WRONG in refused.text and not has_account(new)


def test_without_a_code_nothing_is_made(new: Desk) -> None:
    assert make(new, "").status_code == 403 and not has_account(new)


def test_a_code_holds_a_day(new: Desk) -> None:
    code = first.mint(new.store)
    new.clock.now += first.GOOD_FOR_H * 3600
    assert WRONG in make(new, code).text
    new.clock.now -= 1
    assert make(new, code).status_code == 302


def test_a_new_start_s_code_takes_the_place_of_the_one_before(new: Desk) -> None:
    old, code = first.mint(new.store), first.mint(new.store)
    assert (make(new, old).status_code, make(new, code).status_code) == (403, 302)


@pytest.mark.parametrize(("wrong", "status"), [(MOST_TRIES - 1, 302), (MOST_TRIES, 403)])
def test_guesses_are_bounded(new: Desk, wrong: int, status: int) -> None:
    code = first.mint(new.store)
    for _ in range(wrong):
        make(new, "guessed")
    assert make(new, code).status_code == status
    assert status == 302 or make(new, first.mint(new.store)).status_code == 302


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"password": "elevenchars"}, "at least 12 characters"),
        ({"password": "password1234"}, "among those that are tried first"),
        ({"password": "my sado station is here"}, "your name or that of this service"),
        ({"name": " "}, "needs a name"),
    ],
)
def test_what_is_mistyped_does_not_spend_the_code(new: Desk, changed: dict[str, str], words: str) -> None:
    code = first.mint(new.store)
    for _ in range(MOST_TRIES + 1):
        assert words in make(new, code, **changed).text
    assert make(new, code).status_code == 302


def test_a_form_without_its_token_is_refused(new: Desk) -> None:
    code = first.mint(new.store)
    assert new.visitor().post("/first", data={"code": code, **DILBAR}).status_code == 400 and not has_account(new)


def test_the_code_does_not_lie_open_in_the_files(new: Desk, tmp_path: Path) -> None:
    code = first.mint(new.store)
    make(new, "guessed")
    assert not [file for file in tmp_path.glob("sado.db*") if code.encode() in file.read_bytes()]
