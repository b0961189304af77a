"""Who gets in, who does not, and what the cookie is."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from sado.desk import passwords
from sado.desk.passwords import hash_password
from sado.desk.signin import local_path
from sado.store.tables import accounts, sign_ins
from sado.store.tables.sign_ins import SignIn
from tests.support.browser import HASHED, PASSWORD, PEOPLE, Desk, build, enter, post

REFUSED = "The name or the password is wrong"
OPERATORS = ["/operator", "/operator/find", "/operator?shown=1", "/operator/case/0070000000"]


def sign_ins_of(desk: Desk) -> list[SignIn]:
    return desk.store.read(lambda tx: sign_ins.of(tx, PEOPLE["operator"]))


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


def test_the_right_password_waits_too_and_then_forgets_the_misses(desk: Desk) -> None:
    enter(desk.visitor(), PEOPLE["operator"], "not the password")
    assert enter(desk.visitor(), PEOPLE["operator"], PASSWORD).status_code == 403
    desk.clock.now += 1
    assert enter(desk.visitor(), PEOPLE["operator"], PASSWORD).status_code == 302
    enter(desk.visitor(), PEOPLE["operator"], "not the password")
    desk.clock.now += 1
    assert enter(desk.visitor(), PEOPLE["operator"], PASSWORD).status_code == 302


def test_each_cookie_is_kept_from_scripts_and_other_sites(desk: Desk) -> None:
    client = desk.visitor()
    forms = client.get("/signin?lang=ru").headers.getlist("Set-Cookie")
    cookies = forms + enter(client, PEOPLE["operator"], PASSWORD).headers.getlist("Set-Cookie")
    names = {cookie.partition("=")[0] for cookie in cookies}
    assert names == {"sado-007", "sado-007-language", "sado-007-sign-in", "sado-007-device"}
    assert all("HttpOnly" in cookie and "Path=/" in cookie and "Domain" not in cookie for cookie in cookies)
    assert all("SameSite=Strict" in cookie for cookie in cookies if "language" not in cookie)
    assert not any("Secure" in cookie for cookie in cookies)


def test_on_https_each_cookie_is_of_this_host_alone(tmp_path: Path) -> None:
    with build(tmp_path, secure_cookies=True) as desk:
        client = desk.visitor()
        client.environ_base["wsgi.url_scheme"] = "https"
        cookies = client.get("/signin?lang=en").headers.getlist("Set-Cookie")
        cookies += enter(client, PEOPLE["operator"], PASSWORD).headers.getlist("Set-Cookie")
        assert len({cookie.partition("=")[0] for cookie in cookies}) == 4
        assert all(cookie.startswith("__Host-") and "Secure" in cookie and "Path=/;" in cookie for cookie in cookies)
        assert client.get("/operator").status_code == 200


def test_only_on_https_browsers_are_told_to_stay_on_it(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "https").mkdir()
    with build(tmp_path / "https", secure_cookies=True) as secure:
        for page in ["/signin", "/nowhere", "/operator"]:
            said = secure.visitor().get(page).headers["Strict-Transport-Security"]
            assert said == "max-age=31536000; includeSubDomains"
            assert "Strict-Transport-Security" not in desk.visitor().get(page).headers


def used_for(desk: Desk, client: FlaskClient, seconds: int) -> int:
    """The last page's status, when one was asked for every half an hour."""
    for _ in range(seconds // 1800):
        desk.clock.now += 1800
        client.get("/operator")
    desk.clock.now += seconds % 1800
    return client.get("/operator").status_code


def test_a_sign_in_ends_after_twelve_hours_even_in_use(desk: Desk) -> None:
    assert used_for(desk, desk.signed_in("operator"), 12 * 3600 - 1) == 200
    assert used_for(desk, desk.signed_in("operator"), 12 * 3600) == 302


def test_a_sign_in_ends_after_an_hour_out_of_use(desk: Desk) -> None:
    client = desk.signed_in("operator")
    desk.clock.now += 3599
    assert client.get("/operator").status_code == 200
    desk.clock.now += 3600
    assert client.get("/operator").status_code == 302


def test_that_a_sign_in_is_in_use_is_written_down_once_a_minute(desk: Desk) -> None:
    client, (first,) = desk.signed_in("operator"), sign_ins_of(desk)
    desk.clock.now += 59
    client.get("/operator")
    assert sign_ins_of(desk) == [first]
    desk.clock.now += 1
    client.get("/operator")
    assert [one.seen_at - first.seen_at for one in sign_ins_of(desk)] == [60_000]


def test_the_database_has_no_token_that_a_cookie_holds(desk: Desk) -> None:
    cookies = enter(desk.visitor(), PEOPLE["operator"], PASSWORD).headers.getlist("Set-Cookie")
    tokens = [cookie.partition("=")[2].partition(";")[0] for cookie in cookies]
    assert len(tokens) >= 2
    files = b"".join(file.read_bytes() for file in desk.store.path.parent.glob("sado.db*"))
    assert b"Firefox, Windows" in files
    assert not [token for token in tokens if token.encode() in files]


def test_a_new_password_ends_the_sign_ins_of_the_old(desk: Desk) -> None:
    client = desk.signed_in("operator")
    desk.store.write(lambda tx: accounts.save(tx, "zarina", hash_password("another long password"), "operator", ""))
    assert client.get("/operator").status_code == 302


def test_an_account_that_is_disabled_is_signed_out(desk: Desk) -> None:
    client = desk.signed_in("operator")
    desk.store.write(lambda tx: tx.run("UPDATE accounts SET is_disabled = TRUE WHERE name = 'zarina'"))
    assert client.get("/operator").status_code == 302
    assert enter(desk.visitor(), PEOPLE["operator"], PASSWORD).status_code == 403


def test_all_sign_ins_of_somebody_are_ended_at_once_and_nobody_elses(desk: Desk) -> None:
    clients, other = [desk.signed_in("operator") for _ in range(2)], desk.signed_in("officer")
    desk.store.write(lambda tx: sign_ins.end_all(tx, PEOPLE["operator"]))
    assert [client.get("/operator").status_code for client in clients] == [302, 302]
    assert other.get("/agency").status_code == 200


def test_one_account_has_twenty_sign_ins_at_most(desk: Desk) -> None:
    first = desk.signed_in("operator")
    for _ in range(sign_ins.MOST):
        desk.clock.now += 1
        desk.store.write(lambda tx: sign_ins.begin(tx, "zarina", str(tx.now), "", needs_code=False))
    assert len(sign_ins_of(desk)) == sign_ins.MOST
    assert first.get("/operator").status_code == 302


def test_whoever_has_the_password_alone_pushes_out_no_sign_in(desk: Desk) -> None:
    client = desk.signed_in("operator")
    for number in range(sign_ins.MOST + 1):
        desk.store.write(lambda tx, n=number: sign_ins.begin(tx, "zarina", str(n), "", needs_code=True))
    assert client.get("/operator").status_code == 200
    assert len(sign_ins_of(desk)) == sign_ins.MOST + 1


def test_a_minted_password_opens_nothing_but_its_change(desk: Desk) -> None:
    desk.store.write(lambda tx: accounts.save(tx, "zarina", HASHED, "operator", "", must_change=True))
    client = desk.signed_in("operator")
    assert client.get("/operator").location == "/account"
    assert "made by the machine" in client.get("/account").text


def test_pages_speak_the_language_of_the_account(desk: Desk) -> None:
    desk.store.write(lambda tx: accounts.set_language(tx, "zarina", "ru"))
    assert '<html lang="ru">' in desk.signed_in("operator").get("/operator").text
    assert '<html lang="en">' in desk.signed_in("officer").get("/agency").text


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


def test_signing_out_ends_it_for_a_copy_of_the_cookie_too(desk: Desk) -> None:
    client, copy, other = desk.signed_in("operator"), desk.visitor(), desk.signed_in("operator")
    cookie = client.get_cookie("sado-007-sign-in")
    assert cookie is not None
    copy.set_cookie(cookie.key, cookie.value)
    assert copy.get("/operator").status_code == 200
    assert post(client, "/operator", "/signout").location == "/signin"
    assert [one.get("/operator").status_code for one in (client, copy, other)] == [302, 302, 200]


def test_signing_in_again_ends_the_sign_in_before(desk: Desk) -> None:
    client = desk.signed_in("operator")
    enter(client, PEOPLE["officer"], PASSWORD)
    assert sign_ins_of(desk) == []


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
