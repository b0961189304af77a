"""The administrator's page of agencies: tokens for their systems."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from tests.support.browser import Desk, post

AGENCIES, HCU = "/administrator/agencies", "/administrator/agencies/HCU"


@pytest.fixture
def admin(desk: Desk) -> FlaskClient:
    return desk.signed_in("administrator")


def token(admin: FlaskClient) -> str:
    shown = post(admin, HCU, f"{HCU}/token", confirmed="yes")
    found = re.search(r'<pre class="secret">([^<]+)</pre>', shown.text)
    assert shown.status_code == 200 and shown.headers["Cache-Control"] == "no-store" and found
    return found[1]


def status(desk: Desk, bearer: str) -> int:
    return desk.visitor().get("/agency/v1/cases", headers={"Authorization": f"Bearer {bearer}"}).status_code


def test_a_token_is_shown_once_and_takes_the_place_of_an_earlier_one(desk: Desk, admin: FlaskClient) -> None:
    first, second = token(admin), token(admin)

    assert [status(desk, one) for one in (first, second)] == [401, 200]
    assert second not in admin.get(HCU).text
    assert "since 13.07.2026" in admin.get(AGENCIES).text


def test_a_token_is_revoked(desk: Desk, admin: FlaskClient) -> None:
    given = token(admin)
    post(admin, HCU, f"{HCU}/revoke", confirmed="yes")
    assert status(desk, given) == 401
    assert "Its system has no token." in admin.get(HCU).text
    assert "Agency HCU has no token." in post(admin, HCU, f"{HCU}/revoke", confirmed="yes").text


@pytest.mark.parametrize("what", ["token", "revoke"])
def test_nothing_happens_without_the_tick(desk: Desk, admin: FlaskClient, what: str) -> None:
    given = token(admin)
    assert post(admin, HCU, f"{HCU}/{what}").location == HCU
    assert "Tick that you are sure" in admin.get(HCU).text
    assert status(desk, given) == 200


def test_an_agency_that_the_pack_does_not_have_has_no_page(admin: FlaskClient) -> None:
    assert admin.get(f"{AGENCIES}/XXX").status_code == 404
    assert post(admin, HCU, f"{AGENCIES}/XXX/token", confirmed="yes").status_code == 404
