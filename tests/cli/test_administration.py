"""`sado account`, `agency` and `station list`: the same while the station serves and while it does not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.support.processes import HOP_S, HUB, START_S, Agency, Station, sado, until


@pytest.fixture(params=[False, True], ids=["idle", "serving"])
def station(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Station]:
    """A hub that does not serve, and one that does."""
    made = Station(tmp_path / "hub", HUB)
    if request.param:
        made.start()
    yield made
    made.end()


def refusal(station: Station, *arguments: str) -> str:
    """What a command that is refused says; it ends with 1 and without a traceback."""
    result = sado(*arguments, **station.settings)
    assert result.returncode == 1 and result.stderr.startswith("Error: ") and "Traceback" not in result.stderr
    return result.stderr


def minted(said: str) -> str:
    return said.split("Password: ")[1].strip()


class Browser:
    """Somebody's browser at a station that serves."""

    def __init__(self, station: Station) -> None:
        self._url, self._session = station.url, requests.Session()

    def sign_in(self, name: str, password: str) -> int:
        """The status that signing in ends with."""
        page = self._session.get(f"{self._url}/signin", timeout=HOP_S).text
        token = page.partition('name="csrf_token" value="')[2].partition('"')[0]
        form = {"csrf_token": token, "name": name, "password": password}
        return self._session.post(f"{self._url}/signin", data=form, timeout=HOP_S).status_code

    @property
    def is_signed_in(self) -> bool:
        return self._session.get(f"{self._url}/operator", timeout=HOP_S, allow_redirects=False).status_code == 200


def served(station: Station) -> Station:
    """The station, serving: whatever a command did is there for its pages."""
    return station if station.process else station.start()


def test_somebody_is_let_in_with_a_password_of_128_bits(station: Station) -> None:
    person = ("--role", "operator", "--full-name", "Zarina Rahimova", "--language", "tg")
    password = minted(station.sado("account", "add", " zarina ", *person))

    assert len(password) >= 22
    assert "zarina: Zarina Rahimova, operator" in station.sado("account", "list")
    browser = Browser(served(station))
    assert browser.sign_in("zarina", "guessed") == 403
    assert password not in station.log.read_text()


def code_in(said: str) -> str:
    """The code for the first account."""
    assert "Make the first account at http://127.0.0.1:" in said
    return said.partition("good once: ")[2].split()[0]


def test_a_station_without_an_account_prints_a_code_for_the_first(tmp_path: Path) -> None:
    settings = {"data": tmp_path / "hub"}
    told = sado("init", "--station", "0", **settings).stdout
    station = Station(tmp_path / "hub", HUB)
    try:
        station.start()
        assert until(lambda: "good once: " in station.log.read_text(), START_S)
        old, code = code_in(told), code_in(station.log.read_text())
        assert len(code) >= 22 and old != code
        with requests.Session() as browser:
            page = browser.get(f"{station.url}/first", timeout=HOP_S).text
            token = page.partition('name="csrf_token" value="')[2].partition('"')[0]
            form = {"csrf_token": token, "name": "dilbar", "full_name": "", "password": "correct horse battery"}
            made = [
                browser.post(f"{station.url}/first", data=form | {"code": one}, timeout=HOP_S) for one in (old, code)
            ]
        assert [(one.status_code, one.url) for one in made] == [
            (403, f"{station.url}/first"),
            (200, f"{station.url}/signin"),
        ]
        assert station.sado("account", "list") == "dilbar: dilbar, administrator\n"
    finally:
        station.end()


def test_where_somebody_has_an_account_no_code_is_printed(tmp_path: Path) -> None:
    station = Station(tmp_path / "hub", HUB)
    try:
        station.sado("account", "add", "dilbar", "--role", "administrator")
        station.start()
        assert station.stop() == 0
        assert "listens on" in station.log.read_text() and "good once" not in station.log.read_text()
        assert "good once" not in station.sado("init", "--station", "0")
    finally:
        station.end()


def test_a_password_that_was_chosen_is_not_said_again(station: Station) -> None:
    said = station.sado("account", "add", "zarina", "--role", "operator", "--password", "correct horse battery")

    assert said == "zarina may sign in.\n"
    assert Browser(served(station)).sign_in("zarina", "correct horse battery") == 200


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("", "--role", "operator"), "needs a name"),
        (("  ", "--role", "operator"), "needs a name"),
        (("kamol", "--role", "officer"), "An officer needs an agency"),
        (("kamol", "--role", "operator", "--agency", "HCU"), "only an officer has one"),
        (("kamol", "--role", "officer", "--agency", "XXX"), "There is no agency XXX. The agencies are: "),
        (("kamol", "--role", "operator", "--language", "fr"), "The pages do not speak fr"),
        (("kamol", "--role", "operator", "--password", "elevenchars"), "at least 12 characters"),
        (("k" * 65, "--role", "operator"), "at most 64 characters"),
    ],
)
def test_what_is_no_account_is_refused_with_a_sentence(
    station: Station, arguments: tuple[str, ...], words: str
) -> None:
    assert words in refusal(station, "account", "add", *arguments)
    assert station.sado("account", "list") == "There is no account yet.\n"


def test_a_name_is_given_once(station: Station) -> None:
    station.sado("account", "add", "zarina", "--role", "operator")

    assert "There is an account zarina already" in refusal(station, "account", "add", "zarina", "--role", "operator")
    station.sado("account", "remove", "zarina")
    assert "was somebody's who is here no more" in refusal(station, "account", "add", "zarina", "--role", "operator")


@pytest.mark.parametrize("command", ["password", "disable", "enable", "remove", "end-sessions"])
def test_who_has_no_account_is_told_so(station: Station, command: str) -> None:
    assert "There is no account nobody." in refusal(station, "account", command, "nobody")


@pytest.mark.parametrize("command", ["disable", "remove"])
def test_the_last_administrator_stays(station: Station, command: str) -> None:
    for name in ("dilbar", "nigora"):
        station.sado("account", "add", name, "--role", "administrator")

    station.sado("account", command, "dilbar")
    assert "make another administrator first" in refusal(station, "account", command, "nigora")
    assert "nigora: nigora, administrator\n" in station.sado("account", "list")


def test_somebody_is_disabled_and_enabled(station: Station) -> None:
    password = minted(station.sado("account", "add", "zarina", "--role", "operator"))

    station.sado("account", "disable", "zarina")
    assert "zarina: zarina, operator, disabled" in station.sado("account", "list")
    assert Browser(served(station)).sign_in("zarina", password) == 403
    station.sado("account", "enable", "zarina")
    assert until(lambda: Browser(station).sign_in("zarina", password) == 200, HOP_S)


def test_a_new_password_takes_the_place_of_the_old_one(station: Station) -> None:
    old = minted(station.sado("account", "add", "zarina", "--role", "operator"))
    new = minted(station.sado("account", "password", "zarina"))
    said = station.sado("account", "password", "zarina", "--password", "correct horse battery")

    assert len(new) >= 22 and "Password" not in said
    assert "zarina is signed out everywhere" in station.sado("account", "end-sessions", "zarina")
    serving = served(station)
    for wrong in (old, new):
        # A wrong one delays the next try for a moment; once she is in, that is forgotten.
        assert until(lambda: Browser(serving).sign_in("zarina", "correct horse battery") == 200, HOP_S)
        assert Browser(serving).sign_in("zarina", wrong) == 403


def test_an_agency_s_token_is_given_and_taken(station: Station) -> None:
    assert "HCU: no token\n" in station.sado("agency", "list")
    first, second = (station.sado("agency", "token", "HCU").strip() for _ in range(2))

    assert "HCU: a token since " in station.sado("agency", "list")
    url = served(station).url
    assert [Agency(url, token).status("cases") for token in (first, second)] == [401, 200]
    station.sado("agency", "revoke-token", "HCU")
    assert Agency(url, second).status("cases") == 401
    assert "Agency HCU has no token." in refusal(station, "agency", "revoke-token", "HCU")


def test_an_agency_that_is_none_gets_no_token(station: Station) -> None:
    assert "There is no agency XXX. The agencies are: " in refusal(station, "agency", "token", "XXX")


def test_stations_are_listed_with_their_districts_and_their_way(station: Station) -> None:
    assert station.sado("station", "list") == "No station is admitted.\n"
    station.sado("station", "add", "30", "--district", "KT-YOV")
    station.sado("station", "add", "7", "--through", "30")

    assert station.sado("station", "list").splitlines() == [
        "Station 007: all districts, through station 030, never heard.",
        "Station 030: KT-YOV, never heard.",
    ]
    key, publisher = station.sado("station", "rekey", "30").split()
    assert len(key) == len(publisher) == 64
    assert station.sado("station", "drop-votes", "30") == "Votes of station 030 that count no more: 0.\n"
    station.sado("station", "revoke", "30")
    assert "Station 030" not in station.sado("station", "list")


@pytest.mark.parametrize("command", ["password", "disable", "remove", "end-sessions"])
def test_a_sign_in_ends_at_once_while_the_station_serves(tmp_path: Path, command: str) -> None:
    station = Station(tmp_path / "hub", HUB).start()
    try:
        chosen = ("--role", "operator", "--password", "correct horse battery")
        for name in ("zarina", "madina"):
            station.sado("account", "add", name, *chosen)
        hers, another_s = Browser(station), Browser(station)
        assert (hers.sign_in("zarina", chosen[-1]), another_s.sign_in("madina", chosen[-1])) == (200, 200)
        assert hers.is_signed_in

        station.sado("account", command, "zarina")

        assert (hers.is_signed_in, another_s.is_signed_in) == (False, True)
    finally:
        station.end()


def test_who_was_disabled_is_not_signed_in_again_by_being_enabled(tmp_path: Path) -> None:
    station = Station(tmp_path / "hub", HUB).start()
    try:
        password = minted(station.sado("account", "add", "zarina", "--role", "operator"))
        browser = Browser(station)
        browser.sign_in("zarina", password)
        station.sado("account", "disable", "zarina")
        station.sado("account", "enable", "zarina")

        assert not browser.is_signed_in
        assert browser.sign_in("zarina", password) == 200
    finally:
        station.end()
