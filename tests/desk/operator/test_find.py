"""A case is found by its reference and cases by a telephone number, which stands in no address."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from sado.cases import reference
from sado.store import Keyring
from tests.support.browser import Desk, post

MSISDN = "+992900000101"
FIND = "/operator/find"


@pytest.fixture
def operator(desk: Desk) -> FlaskClient:
    return desk.signed_in("operator")


def sought(operator: FlaskClient, typed: str) -> TestResponse:
    return post(operator, FIND, FIND, q=typed)


@pytest.mark.parametrize("typed", ["{}", " {} ", "№{}"])
def test_a_case_is_found_by_its_reference(desk: Desk, operator: FlaskClient, typed: str) -> None:
    number = desk.file().reference
    assert sought(operator, typed.format(number)).location == f"/operator/case/{number}"


@pytest.mark.parametrize("typed", [MSISDN, "900000101", "00992900000101", "+992 90 000-01-01"])
def test_cases_are_found_by_telephone_number(desk: Desk, operator: FlaskClient, typed: str) -> None:
    first, second = desk.file(MSISDN).reference, desk.file(MSISDN).reference
    other = desk.file("+992900000102").reference
    found = operator.get(sought(operator, typed).location).text
    assert first in found and second in found and other not in found
    assert "… 101" in found and "90000" not in found.replace(first, "").replace(second, "")


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("007" + "000001" + reference.check_digit("007000001"), "this station has no such case"),
        ("0071234560", "There is a slip in this reference number"),
        ("+992900000199", "No case was filed from this telephone number"),
        ("salom", "neither a reference number"),
        ("", "Type a reference number or a telephone number"),
    ],
)
def test_nothing_found_says_what_to_do(operator: FlaskClient, typed: str, hint: str) -> None:
    answer = sought(operator, typed)
    assert answer.status_code == 200 and hint in answer.text
    assert f'value="{typed}"' in answer.text


def test_a_list_of_cases_stays_when_its_language_changes_and_when_somebody_comes_back(
    desk: Desk, operator: FlaskClient
) -> None:
    number = desk.file(MSISDN).reference
    found = sought(operator, MSISDN).location
    (tajik,) = re.findall(r'href="([^"]+lang=tg)"', operator.get(found).text)
    assert tajik == f"{found}?lang=tg"
    shown = operator.get(tajik).text
    assert '<html lang="tg">' in shown and number in shown
    assert operator.get(f"/operator/case/{number}").status_code == 200
    assert number in operator.get(found).text


def test_a_search_that_found_nothing_leads_back_to_the_box_in_another_language(operator: FlaskClient) -> None:
    assert f'href="{FIND}?lang=tg"' in sought(operator, "salom").text
    assert 'name="q"' in operator.get(f"{FIND}?lang=tg").text


def test_a_search_from_elsewhere_is_refused(desk: Desk, operator: FlaskClient) -> None:
    desk.file(MSISDN)
    assert operator.post(FIND, data={"q": MSISDN}).status_code == 400
    assert sought(operator, MSISDN).status_code == 302


def test_what_stands_in_the_address_is_not_sought(desk: Desk, operator: FlaskClient) -> None:
    number = desk.file(MSISDN).reference
    shown = operator.get(FIND, query_string={"q": MSISDN})
    assert shown.status_code == 200 and number not in shown.text


def test_nobody_makes_the_address_of_a_number_without_the_stations_key(
    desk: Desk, operator: FlaskClient, tmp_path: Path
) -> None:
    number = desk.file(MSISDN).reference
    stranger = Keyring.create(tmp_path / "other.json").lookup(MSISDN)
    assert operator.get(f"{FIND}/{stranger.hex()}").location == FIND
    own = desk.store.read(lambda tx: tx.lookup(MSISDN))
    assert number in operator.get(f"{FIND}/{own.hex()}").text


@pytest.mark.parametrize("key", ["x", "abc", "ABCD", "00+00", MSISDN, "%20ab"])
def test_what_is_no_hash_is_no_page(operator: FlaskClient, key: str) -> None:
    assert operator.get(f"{FIND}/{key}").status_code == 404
