"""Who gets in, who does not, and what the cookie is."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from sado.desk import passwords
from sado.desk.passwords import hash_password
from sado.desk.signin import local_path
from sado.store.tables import accounts
from tests.support.browser import HASHED, PASSWORD, PEOPLE, Desk, build, enter, post

REFUSED = "The name or the password is wrong"
OPERATORS = ["/operator", "/operator/find", "/operator?shown=1", "/operator/case/0070000000"]


@pytest.mark.parametrize(("role", "page"), [("operator", "/operator"), ("phone", "/phone"), ("officer", "/agency")])
def test_people_land_on_their_own_page(desk: Desk, role: str, page: str) -> None:
    assert desk.signed_in(role).get("/").location == page


def test_the_first_page_sends_a_visitor_to_sign_in(desk: Desk) -> None:
    assert desk.visitor().get("/").location == "/signin"


@pytest.mark.parametrize("page", [*OPERATORS, "/phone"])
def test_a_visitor_is_brought_back_after_signing_in(desk: Desk, page: str) -> None:
    client = desk.visitor()
    sent = client.get(page).location
    assert sent.startswith("/signin?next=")
    with client:
        answer = post(client, sent, "/signin", name=PEOPLE["operator"], password=PASSWORD, next=page)
    assert answer.location == page


@pytest.mark.parametrize(
    ("role", "page"),
    [*(("officer", page) for page in [*OPERATORS, "/phone"]), *(("phone", page) for page in OPERATORS)],
)
def test_a_wrong_role_is_refused_with_a_sentence(desk: Desk, role: str, page: str) -> None:
    answer = desk.signed_in(role).get(page)
    assert answer.status_code == 403
    assert "This page is not for your account." in answer.text


@pytest.mark.parametrize("role", ["operator", "phone"])
def test_an_agencys_pages_are_for_its_officers(desk: Desk, role: str) -> None:
    assert desk.signed_in(role).get("/agency").status_code == 403


@pytest.mark.parametrize("path", ["/operator/retry", "/operator/retry/1"])
@pytest.mark.parametrize("role", ["officer", "phone"])
def test_a_wrong_role_cannot_send_forms(desk: Desk, role: str, path: str) -> None:
    assert post(desk.signed_in(role), "/signin", path).status_code == 403


@pytest.mark.parametrize("path", ["/signin", "/signout", "/operator/retry", "/operator/retry/1", "/phone/press"])
def test_a_form_without_its_token_is_refused(desk: Desk, path: str) -> None:
    answer = desk.signed_in("operator").post(path, data={"name": "zarina"})
    assert answer.status_code == 400
    assert "the form did not come from it" in answer.text


@pytest.mark.parametrize(
    "target",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil.example", "/\t/evil.example", "evil", ""]
    + ["javascript:alert(1)", "http:/evil", "///evil.example", "//[evil"],
)
def test_the_next_page_is_never_elsewhere(desk: Desk, target: str) -> None:
    assert local_path(target) == "/"
    assert enter(desk.visitor(), PEOPLE["operator"], PASSWORD, next=target).location == "/"


def test_a_wrong_password_and_an_unknown_name_read_the_same(desk: Desk) -> None:
    wrong = enter(desk.visitor(), PEOPLE["operator"], "not the password")
    unknown = enter(desk.visitor(), "nobody", "not the password")
    assert wrong.status_code == unknown.status_code == 403
    assert REFUSED in wrong.text and REFUSED in unknown.text


def test_each_wrong_password_doubles_the_wait_up_to_42_seconds(desk: Desk) -> None:
    waits = []
    for _ in range(8):
        assert enter(desk.visitor(), PEOPLE["operator"], "not the password").status_code == 403
        account = desk.store.read(lambda tx: accounts.find(tx, PEOPLE["operator"]))
        assert account is not None
        waits.append(account.blocked_until / 1000 - desk.clock.now)
        desk.clock.now += 43
    assert waits == [1, 2, 4, 8, 16, 32, 42, 42]


def test_the_right_password_waits_too_and_then_forgets_the_misses(desk: Desk) -> None:
    enter(desk.visitor(), PEOPLE["operator"], "not the password")
    assert enter(desk.visitor(), PEOPLE["operator"], PASSWORD).status_code == 403
    desk.clock.now += 1
    assert enter(desk.visitor(), PEOPLE["operator"], PASSWORD).status_code == 302
    account = desk.store.read(lambda tx: accounts.find(tx, PEOPLE["operator"]))
    assert account is not None and account.failures == 0


def test_the_cookie_is_kept_from_scripts_and_other_sites(desk: Desk) -> None:
    cookie = enter(desk.visitor(), PEOPLE["operator"], PASSWORD).headers["Set-Cookie"]
    assert cookie.startswith("sado=")
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and "Secure" not in cookie


def test_the_cookie_is_for_https_only_where_asked(tmp_path: Path) -> None:
    with build(tmp_path, secure_cookies=True) as desk:
        assert "Secure" in desk.visitor().get("/signin").headers["Set-Cookie"]


def test_a_sign_in_ends_after_twelve_hours_even_in_use(desk: Desk) -> None:
    client = desk.signed_in("operator")
    desk.clock.now += 12 * 3600 - 1
    assert client.get("/operator").status_code == 200
    desk.clock.now += 2
    assert client.get("/operator").status_code == 302


def test_a_new_password_ends_the_sign_ins_of_the_old(desk: Desk) -> None:
    client = desk.signed_in("operator")
    desk.store.write(lambda tx: accounts.save(tx, "zarina", hash_password("another long password"), "operator", ""))
    assert client.get("/operator").status_code == 302


def test_an_account_that_is_gone_is_signed_out(desk: Desk) -> None:
    client = desk.signed_in("operator")
    desk.store.write(lambda tx: tx.run("DELETE FROM accounts WHERE name = 'zarina'"))
    assert client.get("/operator").status_code == 302


def test_signing_in_keeps_nothing_of_the_session_before(desk: Desk) -> None:
    client = desk.visitor()
    client.get("/signin")
    with client.session_transaction() as session:
        session["planted"], planted = "here", session["csrf_token"]
    enter(client, PEOPLE["operator"], PASSWORD)
    with client.session_transaction() as session:
        assert "planted" not in session and session.get("csrf_token") != planted


def test_signing_out_ends_it(desk: Desk) -> None:
    client = desk.signed_in("operator")
    assert post(client, "/operator", "/signout").location == "/signin"
    assert client.get("/operator").status_code == 302


def test_a_crowd_at_the_sign_in_is_told_to_wait_and_locks_nobody_out(desk: Desk) -> None:
    with ExitStack() as crowd:
        for _ in range(passwords.MOST_AT_ONCE):
            crowd.enter_context(passwords.turn())
        for _ in range(3):
            answer = enter(desk.visitor(), PEOPLE["operator"], PASSWORD)
            assert answer.status_code == 503
            assert "Too many people are signing in" in answer.text
    assert enter(desk.visitor(), PEOPLE["operator"], PASSWORD).status_code == 302


def test_passwords_are_compared_one_after_another_with_pauses() -> None:
    def compare() -> None:
        assert passwords.matches(HASHED, PASSWORD) and not passwords.matches(HASHED, "not the password")

    began, used = time.monotonic(), time.process_time()
    with ThreadPoolExecutor(3) as crowd:
        for comparing in [crowd.submit(compare) for _ in range(3)]:
            comparing.result()
    # Half of one core, where three at once would have had all that there are.
    assert (time.process_time() - used) / (time.monotonic() - began) < 0.6


def test_passwords_are_kept_as_owasp_asks() -> None:
    assert HASHED.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_what_unknown_names_are_compared_with_costs_the_same() -> None:
    assert passwords._hasher.check_needs_rehash(passwords.DECOY) is False


def test_a_short_password_is_refused_with_a_sentence() -> None:
    with pytest.raises(ValueError, match="at least 12 characters"):
        hash_password("elevenchars")


@pytest.mark.parametrize("page", ["/signin", "/operator", "/phone", "/operator/case/0070000000"])
def test_every_page_carries_the_protecting_headers(desk: Desk, page: str) -> None:
    headers = desk.signed_in("operator").get(page).headers
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"


def test_the_style_sheet_is_there_without_signing_in(desk: Desk) -> None:
    with desk.visitor().get("/desk/static/desk.css") as answer:
        assert answer.status_code == 200
        assert "no-store" not in answer.headers["Cache-Control"]
