"""The administrator's page of people: who is let in, changed and turned away."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from sado.store.tables import accounts
from sado.store.tables.accounts import Account
from tests.support.browser import PASSWORD, Desk, enter, post

PEOPLE, NEW, PERSON = "/administrator/people", "/administrator/people/new", "/administrator/people/person"
NIGORA = {"name": "nigora", "full_name": "Nigora Sharipova", "role": "operator", "agency": "", "language": "tg"}


@pytest.fixture
def admin(desk: Desk) -> FlaskClient:
    return desk.signed_in("administrator")


def do(admin: FlaskClient, what: str, name: str, **fields: str) -> TestResponse:
    """A form of somebody's page."""
    return post(admin, NEW, f"{PEOPLE}/{what}", name=name, **fields)


def secret(page: TestResponse) -> str:
    found = re.search(r'<pre class="secret">([^<]+)</pre>', page.text)
    assert page.status_code == 200 and found, page.text
    return found[1]


def kept(desk: Desk, name: str) -> Account:
    account = desk.store.read(lambda tx: accounts.find(tx, name))
    assert account is not None
    return account


def test_everybody_is_listed(desk: Desk, admin: FlaskClient) -> None:
    page = admin.get(PEOPLE).text
    assert all(name in page for name in ("zarina", "bahrom", "dilbar", "officer of an agency", "auditor"))


def test_somebody_is_let_in_with_a_password_that_is_shown_once(desk: Desk, admin: FlaskClient) -> None:
    shown = post(admin, NEW, NEW, **NIGORA)
    password = secret(shown)

    assert shown.headers["Cache-Control"] == "no-store"
    assert len(password) >= 22 and password not in admin.get(f"{PERSON}?name=nigora").text
    assert enter(desk.visitor(), "nigora", password).status_code == 302
    assert (kept(desk, "nigora").full_name, kept(desk, "nigora").language) == ("Nigora Sharipova", "tg")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"name": " "}, "An account needs a name"),
        ({"name": "zarina"}, "There is an account zarina already"),
        ({"role": "officer"}, "An officer needs an agency"),
        ({"role": "officer", "agency": "XXX"}, "There is no agency XXX"),
        ({"role": "king"}, "There is no role king"),
        ({"language": "fr"}, "The pages do not speak fr"),
        ({"full_name": "N" * 65}, "at most 64 characters"),
    ],
)
def test_what_is_no_account_is_refused_and_what_was_typed_stays(
    admin: FlaskClient, changed: dict[str, str], words: str
) -> None:
    refused = post(admin, NEW, NEW, **{**NIGORA, **changed})
    assert refused.status_code == 400 and words in refused.text
    assert changed.get("full_name", "Nigora Sharipova") in refused.text


def test_a_new_role_counts_at_once(desk: Desk, admin: FlaskClient) -> None:
    hers = desk.signed_in("operator")
    kept_by = do(admin, "edit", "zarina", full_name="Zarina", role="auditor", agency="", language="ru")

    assert kept_by.location == f"{PERSON}?name=zarina"
    assert hers.get("/operator").status_code == 403
    assert "It is kept, and counts at once." in admin.get(kept_by.location).text


def test_a_new_password_ends_her_sign_ins_and_the_old_one(desk: Desk, admin: FlaskClient) -> None:
    hers = desk.signed_in("operator")
    password = secret(do(admin, "password", "zarina"))

    assert hers.get("/operator").status_code == 302
    assert enter(desk.visitor(), "zarina", PASSWORD).status_code == 403
    desk.clock.now += 1
    assert enter(desk.visitor(), "zarina", password).status_code == 302


@pytest.mark.parametrize("what", ["disable", "end-sessions"])
def test_her_sign_ins_end_at_once_and_no_other_s(desk: Desk, admin: FlaskClient, what: str) -> None:
    hers, another_s = desk.signed_in("operator"), desk.signed_in("officer")
    do(admin, what, "zarina")

    assert (hers.get("/operator").status_code, another_s.get("/agency").status_code) == (302, 200)
    assert enter(desk.visitor(), "zarina", PASSWORD).status_code == (403 if what == "disable" else 302)


def test_who_is_enabled_again_signs_in_anew(desk: Desk, admin: FlaskClient) -> None:
    hers = desk.signed_in("operator")
    do(admin, "disable", "zarina")
    do(admin, "enable", "zarina")

    assert hers.get("/operator").status_code == 302
    assert enter(desk.visitor(), "zarina", PASSWORD).status_code == 302


def test_an_account_is_removed_once_that_was_ticked(desk: Desk, admin: FlaskClient) -> None:
    hers = desk.signed_in("operator")
    assert do(admin, "remove", "zarina").location == f"{PERSON}?name=zarina"
    assert hers.get("/operator").status_code == 200

    do(admin, "remove", "zarina", confirmed="yes")
    assert hers.get("/operator").status_code == 302
    assert "zarina" not in admin.get(PEOPLE).text.replace("zarina has no account any more", "")
    assert kept(desk, "zarina").password == ""


def test_the_name_of_somebody_who_was_removed_is_never_another_s(admin: FlaskClient) -> None:
    do(admin, "remove", "zarina", confirmed="yes")
    refused = post(admin, NEW, NEW, **{**NIGORA, "name": "zarina"})
    assert refused.status_code == 400 and "is here no more" in refused.text


@pytest.mark.parametrize(
    ("what", "fields"),
    [
        ("disable", {}),
        ("remove", {"confirmed": "yes"}),
        ("edit", {"full_name": "", "role": "operator", "agency": "", "language": ""}),
    ],
)
def test_the_last_administrator_stays(desk: Desk, admin: FlaskClient, what: str, fields: dict[str, str]) -> None:
    refused = do(admin, what, "dilbar", **fields)
    assert refused.status_code == 400 and "make another administrator first" in refused.text
    assert admin.get(PEOPLE).status_code == 200

    post(admin, NEW, NEW, **{**NIGORA, "role": "administrator"})
    assert do(admin, what, "dilbar", **fields).status_code == 302
    assert admin.get(PEOPLE).status_code in (302, 403)


def test_an_administrator_who_is_disabled_does_not_count(desk: Desk, admin: FlaskClient) -> None:
    post(admin, NEW, NEW, **{**NIGORA, "role": "administrator"})
    do(admin, "disable", "nigora")
    assert "make another administrator first" in do(admin, "disable", "dilbar").text


def test_who_has_no_account_has_no_page(admin: FlaskClient) -> None:
    assert admin.get(f"{PERSON}?name=nobody").status_code == 404
    assert do(admin, "disable", "nobody").status_code == 404


@pytest.mark.parametrize("name", ["a/b", "a b?c=d&e", "Ҷамшед", "<b>x</b>"])
def test_a_name_may_have_any_letters(desk: Desk, admin: FlaskClient, name: str) -> None:
    post(admin, NEW, NEW, **{**NIGORA, "name": name})
    address = do(admin, "disable", name).location
    assert "may sign in no more" in admin.get(address).text
    assert kept(desk, name).is_disabled and "<b>x</b>" not in admin.get(PEOPLE).text


def test_who_lost_her_phone_is_asked_for_no_code_any_more(desk: Desk, admin: FlaskClient) -> None:
    page = f"{PERSON}?name=zarina"
    assert "Codes off" not in admin.get(page).text
    desk.store.write(lambda tx: accounts.set_totp(tx, "zarina", "A" * 32, 0, ["code"]))
    assert "Codes off" in admin.get(page).text
    assert post(admin, page, f"{PEOPLE}/totp-off", name="zarina").status_code == 302
    assert desk.store.read(lambda tx: accounts.totp(tx, "zarina")) is None


def test_a_name_is_no_telephone_number(admin: FlaskClient) -> None:
    refused = post(admin, NEW, NEW, name="+992 900 00 01 01", role="operator")
    assert refused.status_code == 400 and "is no telephone number" in refused.text
