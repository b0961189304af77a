"""One's own account: what its owner sees, and what she can do about it."""

from __future__ import annotations

import re
import subprocess
import sys

import pyotp
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from sado.desk import second_factor
from sado.store.tables import accounts, sign_ins
from tests.support.browser import PASSWORD, PEOPLE, Desk, enter, post, token_on

NAME = PEOPLE["operator"]
NEW = "green hills and a river"


def send(client: FlaskClient, path: str, **fields: str) -> TestResponse:
    return post(client, "/account", f"/account{path}", **{"present": PASSWORD, **fields})


def change(client: FlaskClient, **fields: str) -> TestResponse:
    return send(client, "/password", **{"new": NEW, "again": NEW, **fields})


def key_on(page: str) -> str:
    found = re.search(r'name="key" value="([^"]+)"', page)
    assert found
    return found[1]


def code_of(desk: Desk, key: str, steps: int = 0) -> str:
    return pyotp.TOTP(key).at(int(desk.clock.now) + 30 * steps)


def turned_on(desk: Desk, client: FlaskClient) -> tuple[str, list[str]]:
    """Its key and recovery codes; the code of now was used."""
    key = key_on(client.get("/account/codes").text)
    page = send(client, "/codes", key=key, code=code_of(desk, key))
    assert page.status_code == 200
    return key, re.findall(r"<li><code>(.+?)</code>", page.text)


def enter_code(client: FlaskClient, code: str) -> TestResponse:
    """Name and password, and then this code."""
    assert enter(client, NAME, PASSWORD).location == "/signin/code?next=/"
    return post(client, "/signin/code", "/signin/code", code=code)


@pytest.mark.parametrize("role", [*PEOPLE])
def test_everybody_sees_her_own_account(desk: Desk, role: str) -> None:
    page = desk.signed_in(role).get("/account").text
    assert f"<dd>{PEOPLE[role]}</dd>" in page and "Firefox, Windows" in page


def test_a_visitor_sees_none(desk: Desk) -> None:
    assert desk.visitor().get("/account").location == "/signin?next=/account"


def test_a_language_is_kept_wherever_she_signs_in(desk: Desk) -> None:
    client = desk.signed_in("operator")
    assert send(client, "/language", language="tg").location == "/account"
    assert '<html lang="tg">' in client.get("/account").text
    assert '<html lang="tg">' in desk.signed_in("operator").get("/account").text


def test_a_language_that_there_is_not_is_refused(desk: Desk) -> None:
    assert send(desk.signed_in("operator"), "/language", language="xx").status_code == 400


def test_a_new_password_signs_in_and_the_old_one_does_not(desk: Desk) -> None:
    assert change(desk.signed_in("operator")).location == "/account"
    assert enter(desk.visitor(), NAME, PASSWORD).status_code == 403
    desk.clock.now += 1
    assert enter(desk.visitor(), NAME, NEW).status_code == 302


def test_a_new_password_ends_all_other_sign_ins(desk: Desk) -> None:
    client, other = desk.signed_in("operator"), desk.signed_in("operator")
    change(client)
    assert client.get("/operator").status_code == 200
    assert other.get("/operator").status_code == 302


def test_giving_the_password_again_gets_another_token(desk: Desk) -> None:
    client = desk.signed_in("operator")
    before = client.get_cookie("sado-007-sign-in")
    change(client)
    after = client.get_cookie("sado-007-sign-in")
    assert before is not None and after is not None and before.value != after.value


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"present": "not the password"}, "not your present password"),
        ({"again": "another"}, "are not the same"),
        ({"new": "short", "again": "short"}, "at least 12 characters"),
        ({"new": "password1234", "again": "password1234"}, "tried first"),
        ({"new": "zarina and a river", "again": "zarina and a river"}, "contain your name"),
        ({"new": PASSWORD, "again": PASSWORD}, "is the present one"),
    ],
)
def test_a_password_is_not_changed_without_a_reason(desk: Desk, fields: dict[str, str], says: str) -> None:
    client = desk.signed_in("operator")
    answer = change(client, **fields)
    assert answer.status_code == 400 and says in answer.text
    desk.clock.now += 1
    assert enter(desk.visitor(), NAME, PASSWORD).status_code == 302


def test_guessing_the_present_password_on_the_page_is_held_off_too(desk: Desk) -> None:
    client = desk.signed_in("operator")
    change(client, present="not the password")
    assert change(client).status_code == 400
    desk.clock.now += 1
    assert change(client).status_code == 302


def test_a_password_of_the_machine_is_changed_and_the_pages_open(desk: Desk) -> None:
    desk.store.write(lambda tx: tx.run("UPDATE accounts SET must_change = TRUE"))
    client = desk.signed_in("operator")
    assert client.get("/operator").location == "/account"
    change(client)
    assert client.get("/operator").status_code == 200


def test_she_ends_another_of_her_sign_ins(desk: Desk) -> None:
    client, other, third = (desk.signed_in("operator") for _ in range(3))
    listed = re.findall(r'name="end" value="([0-9a-f]{64})"', third.get("/account").text)
    assert len(listed) == 2
    assert send(third, "/sign-ins", end=listed[0]).location == "/account"
    assert sorted(one.get("/operator").status_code for one in (client, other)) == [200, 302]
    send(third, "/sign-ins", end="others")
    assert [one.get("/operator").status_code for one in (client, other, third)] == [302, 302, 200]


def test_nobody_ends_sign_ins_without_the_password_or_those_of_others(desk: Desk) -> None:
    client, officer = desk.signed_in("operator"), desk.signed_in("officer")
    assert send(client, "/sign-ins", end="others", present="not the password").status_code == 400
    (theirs,) = desk.store.read(lambda tx: sign_ins.of(tx, PEOPLE["officer"]))
    desk.clock.now += 1
    for end in (theirs.hash.hex(), "no hash"):
        assert send(client, "/sign-ins", end=end).status_code == 302
    assert officer.get("/agency").status_code == 200


def test_with_codes_the_password_alone_opens_nothing(desk: Desk) -> None:
    key, _ = turned_on(desk, desk.signed_in("operator"))
    client = desk.visitor()
    assert enter(client, NAME, PASSWORD).location == "/signin/code?next=/"
    assert client.get("/operator").location == "/signin?next=/operator"
    desk.clock.now += 30
    assert post(client, "/signin/code", "/signin/code", code=code_of(desk, key)).location == "/"
    assert client.get("/operator").status_code == 200


def test_the_page_that_was_asked_for_comes_after_the_code(desk: Desk) -> None:
    key, _ = turned_on(desk, desk.signed_in("operator"))
    desk.clock.now += 30
    client = desk.visitor()
    page = enter(client, NAME, PASSWORD, next="/operator/line").location
    assert page == "/signin/code?next=/operator/line"
    token = token_on(client, page)
    answer = client.post(
        "/signin/code", data={"csrf_token": token, "code": code_of(desk, key), "next": "/operator/line"}
    )
    assert answer.location == "/operator/line"


def test_a_code_is_good_once(desk: Desk) -> None:
    key, _ = turned_on(desk, desk.signed_in("operator"))
    desk.clock.now += 30
    code = code_of(desk, key)
    assert enter_code(desk.visitor(), code).status_code == 302
    assert enter_code(desk.visitor(), code).status_code == 403


@pytest.mark.parametrize(("steps", "status"), [(-3, 403), (-2, 302), (2, 302), (3, 403)])
def test_a_clock_may_be_two_steps_off(desk: Desk, steps: int, status: int) -> None:
    key, _ = turned_on(desk, desk.signed_in("operator"))
    desk.clock.now += 300
    assert enter_code(desk.visitor(), code_of(desk, key, steps)).status_code == status


def test_a_recovery_code_signs_in_once(desk: Desk) -> None:
    _, codes = turned_on(desk, desk.signed_in("operator"))
    assert len(set(codes)) == second_factor.RECOVERY_CODES
    assert enter_code(desk.visitor(), f" {codes[3].lower()} ").status_code == 302
    assert enter_code(desk.visitor(), codes[3]).status_code == 403
    assert desk.store.read(lambda tx: accounts.recovery_codes_left(tx, NAME)) == 9


def test_key_and_recovery_codes_lie_nowhere_in_the_clear(desk: Desk) -> None:
    key, codes = turned_on(desk, desk.signed_in("operator"))
    files = b"".join(file.read_bytes() for file in desk.store.path.parent.glob("sado.db*"))
    assert NAME.encode() in files
    assert not [one for one in (key, *codes, codes[0].replace("-", "")) if one.encode() in files]


def test_wrong_codes_are_held_off(desk: Desk) -> None:
    key, _ = turned_on(desk, desk.signed_in("operator"))
    desk.clock.now += 300
    client = desk.visitor()
    enter_code(client, "000000")
    assert post(client, "/signin/code", "/signin/code", code=code_of(desk, key)).status_code == 403
    desk.clock.now += 1
    assert post(client, "/signin/code", "/signin/code", code=code_of(desk, key)).status_code == 302


def test_giving_the_password_again_gives_no_more_codes_to_guess(desk: Desk) -> None:
    turned_on(desk, desk.signed_in("operator"))
    desk.clock.now += 300
    waits = 0
    for _ in range(6):
        enter_code(desk.visitor(), "000000")
        while enter(desk.visitor(), NAME, PASSWORD).status_code != 302:
            desk.clock.now, waits = desk.clock.now + 1, waits + 1
    assert waits == 1 + 2 + 4 + 8 + 16 + 32


def test_who_knows_the_password_guesses_codes_from_all_sources_as_slowly_as_from_one(desk: Desk) -> None:
    hers = desk.signed_in("operator")
    key, _ = turned_on(desk, hers)
    desk.clock.now += 300
    tried = 0
    for number in range(64):
        before = desk.store.read(lambda tx: tx.value("SELECT SUM(misses) FROM sign_in_misses"))
        enter_code(desk.visitor(f"203.0.113.{number}"), "000000")
        tried += desk.store.read(lambda tx: tx.value("SELECT SUM(misses) FROM sign_in_misses")) != before
        desk.clock.now += 1
    assert tried == 7
    # And she is not held up, where she has signed in before.
    assert enter_code(hers, code_of(desk, key)).status_code == 302


def test_the_page_for_the_code_is_closed_after_five_minutes(desk: Desk) -> None:
    turned_on(desk, desk.signed_in("operator"))
    client = desk.visitor()
    enter(client, NAME, PASSWORD)
    assert client.get("/signin/code").status_code == 200
    desk.clock.now += 300
    assert client.get("/signin/code").location == "/signin?next=/"


def test_a_visitor_has_no_page_for_the_code(desk: Desk) -> None:
    client = desk.visitor()
    assert client.get("/signin/code").location == "/signin?next=/"
    assert post(client, "/signin", "/signin/code", code="000000").location == "/signin?next=/"
    assert desk.signed_in("operator").get("/signin/code").location == "/signin?next=/"


@pytest.mark.parametrize(
    ("fields", "says"), [({"code": "000000"}, "The code is wrong"), ({"present": "wrong"}, "not your present password")]
)
def test_codes_are_not_turned_on_without_a_proof(desk: Desk, fields: dict[str, str], says: str) -> None:
    client = desk.signed_in("operator")
    key = key_on(client.get("/account/codes").text)
    answer = send(client, "/codes", **{"key": key, "code": code_of(desk, key), **fields})
    assert answer.status_code == 400 and says in answer.text
    assert key_on(answer.text) == key
    assert enter(desk.visitor(), NAME, PASSWORD).location == "/"


def test_a_key_of_ones_own_making_is_refused(desk: Desk) -> None:
    client = desk.signed_in("operator")
    for key in ("AAAA", "A" * 26, "a" * 32, ""):
        assert send(client, "/codes", key=key, code="000000").status_code == 400
    assert enter(desk.visitor(), NAME, PASSWORD).location == "/"


@pytest.mark.parametrize("by_recovery", [False, True])
def test_codes_are_turned_off_with_password_and_code(desk: Desk, by_recovery: bool) -> None:
    client = desk.signed_in("operator")
    key, codes = turned_on(desk, client)
    desk.clock.now += 30
    assert send(client, "/codes/off", code="000000").status_code == 400
    desk.clock.now += 1
    assert send(client, "/codes/off", code=codes[0] if by_recovery else code_of(desk, key)).status_code == 302
    assert enter(desk.visitor(), NAME, PASSWORD).location == "/"


def test_whoever_runs_the_station_turns_codes_off(desk: Desk) -> None:
    turned_on(desk, desk.signed_in("operator"))
    desk.store.write(lambda tx: accounts.clear_totp(tx, NAME))
    assert enter(desk.visitor(), NAME, PASSWORD).location == "/"
    assert desk.store.read(lambda tx: accounts.recovery_codes_left(tx, NAME)) == 0


def test_the_picture_is_within_the_page(desk: Desk) -> None:
    page = desk.signed_in("operator").get("/account/codes")
    assert 'src="data:image/svg+xml' in page.text
    assert "img-src 'self' data:" in page.headers["Content-Security-Policy"]
    assert page.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(("use", "loaded"), [("", "set()"), ("; import pyotp", "{'pyotp'}")])
def test_a_station_where_nobody_uses_codes_does_not_load_what_makes_them(use: str, loaded: str) -> None:
    code = f"import sys, sado.station, sado.desk.account{use}; print({{'pyotp', 'segno'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == loaded
