"""Who gets in where: every address of a whole station, and every command, held against a table."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click
import pytest
from flask import Flask
from flask.testing import FlaskClient

from sado.channel.gateways import africastalking
from sado.cli.main import main
from sado.desk.roles import Role
from sado.settings import Settings
from sado.station import build_station
from sado.store import Keyring, Store
from sado.store.tables import accounts, identity
from tests.support.browser import HASHED, PASSWORD, enter, token_on
from tests.support.station import TOKEN

VISITOR = "visitor"
EVERYBODY = {VISITOR, *Role}
# An agency's system shows its token; nobody who is signed in is one.
TOKEN_ALONE: set[str] = set()
NOBODY: set[str] = set()
CENTRE = {"operator", "supervisor"}
ADMINISTRATOR = {"administrator"}
OFFICER = {"officer"}
PHONE = {"operator", "phone"}

# Each address with its method, and who gets past the guards.
TABLE: dict[str, set[str]] = {
    "GET /healthz": EVERYBODY,
    "GET /desk/static/<path:filename>": EVERYBODY,
    "GET /signin": EVERYBODY,
    "POST /signin": EVERYBODY,
    # For who has just given the password of an account with a second factor.
    "GET /signin/code": NOBODY,
    "POST /signin/code": NOBODY,
    "POST /signout": EVERYBODY,
    # One's own account.
    "GET /account": set(Role),
    "POST /account/language": set(Role),
    "POST /account/password": set(Role),
    "POST /account/sign-ins": set(Role),
    "GET /account/codes": set(Role),
    "POST /account/codes": set(Role),
    "POST /account/codes/off": set(Role),
    "GET /": set(Role),
    # Its code guards it; here, where there are accounts, it is no page (tests/desk/test_first.py).
    "GET /first": EVERYBODY,
    "POST /first": EVERYBODY,
    "GET /operator": CENTRE,
    "GET /operator/find": CENTRE,
    "POST /operator/find": CENTRE,
    "GET /operator/find/<subscriber>": CENTRE,
    "GET /operator/retention": CENTRE,
    "POST /operator/retry": CENTRE,
    "POST /operator/retry/<int:entry_id>": CENTRE,
    "GET /operator/case/<number>": CENTRE,
    "POST /operator/case/<number>/wishes": CENTRE,
    "POST /operator/case/<number>/requests/<request_id>": CENTRE,
    "GET /operator/line": CENTRE,
    "POST /operator/line": CENTRE,
    "GET /operator/quarantine": CENTRE,
    "GET /operator/quarantine/<int:number>": CENTRE,
    "POST /operator/quarantine/<int:number>/release": CENTRE,
    "POST /operator/quarantine/<int:number>/delete": CENTRE,
    "GET /unfinished": CENTRE,
    "GET /consultation": CENTRE,
    "GET /agency": OFFICER,
    "GET /agency/cases/<reference>": OFFICER,
    "POST /agency/cases/<reference>/events": OFFICER,
    "POST /agency/cases/<reference>/requests/<request_id>": OFFICER,
    "GET /agency/v1/openapi.json": EVERYBODY,
    "GET /agency/v1/cases": TOKEN_ALONE,
    "GET /agency/v1/cases/<reference>": TOKEN_ALONE,
    "POST /agency/v1/cases/<reference>/events": TOKEN_ALONE,
    "GET /administrator/people": ADMINISTRATOR,
    "GET /administrator/people/new": ADMINISTRATOR,
    "POST /administrator/people/new": ADMINISTRATOR,
    "GET /administrator/people/person": ADMINISTRATOR,
    "POST /administrator/people/edit": ADMINISTRATOR,
    "POST /administrator/people/password": ADMINISTRATOR,
    "POST /administrator/people/disable": ADMINISTRATOR,
    "POST /administrator/people/enable": ADMINISTRATOR,
    "POST /administrator/people/end-sessions": ADMINISTRATOR,
    "POST /administrator/people/totp-off": ADMINISTRATOR,
    "POST /administrator/people/remove": ADMINISTRATOR,
    "GET /administrator/agencies": ADMINISTRATOR,
    "GET /administrator/agencies/<code>": ADMINISTRATOR,
    "POST /administrator/agencies/<code>/token": ADMINISTRATOR,
    "POST /administrator/agencies/<code>/revoke": ADMINISTRATOR,
    "GET /administrator/stations": ADMINISTRATOR,
    "GET /administrator/stations/new": ADMINISTRATOR,
    "POST /administrator/stations/new": ADMINISTRATOR,
    "GET /administrator/stations/<int:number>": ADMINISTRATOR,
    "POST /administrator/stations/<int:number>/rekey": ADMINISTRATOR,
    "POST /administrator/stations/<int:number>/revoke": ADMINISTRATOR,
    "POST /administrator/stations/<int:number>/drop-votes": ADMINISTRATOR,
    "GET /audit": {"auditor"},
    "POST /audit": {"auditor"},
    "GET /phone": PHONE,
    "POST /phone/number": PHONE,
    "POST /phone/press": PHONE,
    "POST /phone/sms": PHONE,
    "POST /phone/handset": PHONE,
}

# To own the station's data folder, which lets one do everything; the address of a webhook, with its token in it;
# nothing, for it touches no station that is there.
FOLDER, WEBHOOK, NOTHING = "the data folder", "a webhook's address", "nothing"
COMMANDS = {
    "account add": FOLDER,
    "audit export": FOLDER,
    "audit verify": FOLDER,
    "account disable": FOLDER,
    "account enable": FOLDER,
    "account end-sessions": FOLDER,
    "account totp-off": FOLDER,
    "account list": FOLDER,
    "account password": FOLDER,
    "account remove": FOLDER,
    "agency list": FOLDER,
    "agency revoke-token": FOLDER,
    "agency token": FOLDER,
    "backup": FOLDER,
    "demo": NOTHING,
    "dial": WEBHOOK,
    "drill": FOLDER,
    "init": FOLDER,
    "keys rotate": FOLDER,
    "keys status": FOLDER,
    "menus check": NOTHING,
    "pack publish": FOLDER,
    "pack status": FOLDER,
    "publisher new": FOLDER,
    "quarantine delete": FOLDER,
    "quarantine list": FOLDER,
    "quarantine release": FOLDER,
    "quarantine show": FOLDER,
    "registers load": FOLDER,
    "registers publish": FOLDER,
    "registers status": FOLDER,
    "restore": FOLDER,
    "serve": FOLDER,
    "sms costs": FOLDER,
    "station add": FOLDER,
    "station drop-votes": FOLDER,
    "station list": FOLDER,
    "station rekey": FOLDER,
    "station revoke": FOLDER,
    "sync export": FOLDER,
    "sync import": FOLDER,
    "sync now": FOLDER,
    "sync status": FOLDER,
}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """A whole station with the phone page, and a person of each role."""
    folder = tmp_path_factory.mktemp("station")
    settings = Settings(data=str(folder), phone_page=True, blocks=(africastalking.Settings(token=TOKEN),))
    store = Store(settings.database, Keyring.create(settings.keys))
    store.write(lambda tx: identity.create(tx, 7))
    for role in Role:
        store.write(lambda tx, r=role: accounts.save(tx, r, HASHED, r, "HCU" if r == Role.OFFICER else ""))  # type: ignore[misc]
    app = build_station(settings, store).app
    yield app
    store.close()


@pytest.fixture(scope="module")
def browsers(app: Flask) -> dict[str, FlaskClient]:
    """A browser for a visitor, and one for each role with its person signed in."""
    clients = {VISITOR: app.test_client()}
    for role in Role:
        clients[role] = app.test_client()
        assert enter(clients[role], role, PASSWORD).status_code == 302
    return clients


def guarded(app: Flask) -> Iterator[tuple[str, str, str]]:
    """Each address as the table calls it, its method, and one to ask; signing out comes last."""
    for rule in sorted(app.url_map.iter_rules(), key=lambda one: "signout" in one.rule):
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield f"{method} {rule.rule}", method, _filled(rule.rule)


def _filled(rule: str) -> str:
    return re.sub("<[^>]+>", "5", re.sub("<int:[^>]+>", "5", rule.replace("<path:filename>", "desk.css")))


def is_let_in(client: FlaskClient, method: str, address: str) -> bool:
    """Whether the guards let this browser pass: what lies behind them may know no such thing, and say so."""
    form = {"csrf_token": token_on(client, "/signin")} if method == "POST" else {}
    with client.open(address, method=method, data=form) as answer:
        assert "the form did not come from it" not in answer.text
        goes_to_sign_in = answer.status_code == 302 and str(answer.location).startswith("/signin")
        return answer.status_code not in (401, 403) and not (goes_to_sign_in and address != "/signout")


def test_each_address_is_open_to_those_in_the_table_and_to_nobody_else(
    app: Flask, browsers: dict[str, FlaskClient]
) -> None:
    found = {
        called: {who for who, client in browsers.items() if is_let_in(client, method, address)}
        for called, method, address in guarded(app)
        if called != "POST /signin"
    }
    assert found == {called: who for called, who in TABLE.items() if called != "POST /signin"}


def test_each_address_is_in_the_table(app: Flask) -> None:
    assert {called for called, *_ in guarded(app)} == set(TABLE)


def test_an_address_that_lost_its_guard_is_noticed(app: Flask, browsers: dict[str, FlaskClient]) -> None:
    guards = app.before_request_funcs.pop("people")
    try:
        assert is_let_in(browsers[VISITOR], "GET", "/administrator/people")
    finally:
        app.before_request_funcs["people"] = guards
    assert not is_let_in(browsers[VISITOR], "GET", "/administrator/people")


def commands(group: click.Group, before: str = "") -> Iterator[str]:
    """The whole name of each command."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{before}{name} ")
        else:
            yield f"{before}{name}"


def test_each_command_says_what_it_needs() -> None:
    assert set(commands(main)) == set(COMMANDS)
