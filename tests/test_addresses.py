"""No telephone number stands in an address that a page leads to, a form makes, or a gateway calls or is called by: an
address is kept by browsers, by proxies and in the logs of both."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus, urlencode

import pytest
from flask import Flask
from flask.testing import FlaskClient

from sado.store.tables import quarantine, stations
from sado.store.tables.events import Event
from sado.sync.codes import Cause, Reason
from tests.support.browser import PEOPLE, Desk, build
from tests.support.gateway_contract import KEY, MSISDN, TEXT, USSD, WEB, Format, WebSms
from tests.support.provider import provider

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

NATIONAL = MSISDN.removeprefix("+992")
LINK = re.compile(r'(?:href|formaction)="(/[^"]*)"')
FORM = re.compile(r"<form([^>]*)>(.*?)</form>", re.DOTALL)
FIELD = re.compile(r"<(?:input|textarea|button|select)[^>]*>")
GET_ONLY = "fieldmap, last input only, by GET"
INBOUND = [
    *((one.name, form) for one in WEB for form in (one.message, one.report)),
    *((one.name, form) for one in USSD for form in (one.hop, one.end) if one.name != GET_ONLY),
]


class Recorder:
    """Keeps the address of every request to an app."""

    def __init__(self, app: Flask) -> None:
        self.asked: list[str] = []
        self._app: WSGIApplication = app.wsgi_app
        app.wsgi_app = self  # type: ignore[method-assign]

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> object:
        self.asked.append(f"{environ['PATH_INFO']}?{environ.get('QUERY_STRING', '')}")
        return self._app(environ, start_response)


def with_numbers(addresses: Sequence[str]) -> list[str]:
    return [address for address in addresses if NATIONAL in re.sub(r"[ ()-]", "", unquote_plus(address))]


def walk(client: FlaskClient) -> None:
    """Follow every link from the first page on, and send every form that has a box, with the number in each."""
    waiting, seen = ["/"], set()
    while waiting:
        address = waiting.pop()
        if address in seen or address.startswith("/signout"):
            continue
        seen.add(address)
        page = client.get(address, buffered=True)
        for answer in (page, *(sent(client, *form) for form in forms(page.text))):
            waiting += [answer.location] if answer.location else map(unescape, LINK.findall(answer.text))


def forms(page: str) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Method, address and fields of each form with a box to type in."""
    for head, body in FORM.findall(page):
        named = {attribute(tag, "name"): tag for tag in FIELD.findall(body) if attribute(tag, "name")}
        if any(is_box(tag) for tag in named.values()) and "/signin" not in head:
            fields = {name: MSISDN if is_box(tag) else attribute(tag, "value") for name, tag in named.items()}
            yield attribute(head, "method") or "get", attribute(head, "action"), fields


def is_box(tag: str) -> bool:
    return tag.startswith(("<input", "<textarea")) and attribute(tag, "type") in ("", "text", "search", "tel")


def attribute(tag: str, name: str) -> str:
    found = re.search(rf'\b{name}="([^"]*)"', tag)
    return unescape(found[1]) if found else ""


def sent(client: FlaskClient, method: str, address: str, fields: dict[str, str]) -> object:
    if method == "get":
        return client.get(f"{address}?{urlencode(fields)}")
    return client.post(address, data=fields)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with build(tmp_path) as built:
        built.file(MSISDN)
        built.store.write(lambda tx: stations.add(tx, 8))
        event = Event("case.moved", "", json.dumps({"msisdn": MSISDN}))
        built.store.write(lambda tx: quarantine.keep(tx, "upstream", event, Reason(Cause.EVENT_UNKNOWN).stored))
        yield built


# For who has just given a password; for a station without an account; and linked to once a case comes to its end.
UNLINKED = {"/signin/code", "/first", "/operator/retention"}


def test_no_page_and_no_form_puts_a_number_into_an_address(desk: Desk) -> None:
    recorder = Recorder(desk.app)
    for role in PEOPLE:
        walk(desk.signed_in(role))
    assert with_numbers(recorder.asked) == []
    pages = {rule.rule for rule in desk.app.url_map.iter_rules() if "GET" in (rule.methods or ())}
    paths = {address.partition("?")[0] for address in recorder.asked}
    adapter = desk.app.url_map.bind("")
    walked = {adapter.match(path, "GET", return_rule=True)[0].rule for path in paths if adapter.test(path, "GET")}
    assert {rule for rule in pages - walked if not rule.startswith("/agency/v1/")} == UNLINKED


def test_a_box_that_is_sent_by_get_is_noticed(desk: Desk) -> None:
    desk.app.add_url_rule("/lost", view_func=lambda: '<form action="/lost"><input name="q"></form>')
    recorder = Recorder(desk.app)
    visitor = desk.visitor()
    ((method, address, fields),) = forms(visitor.get("/lost").text)
    sent(visitor, method, address, fields)
    assert with_numbers(recorder.asked) == ["/lost?q=%2B" + MSISDN[1:]]


@pytest.mark.parametrize(("name", "form"), INBOUND, ids=[name for name, _ in INBOUND])
def test_what_a_gateway_calls_has_no_number_in_its_address(name: str, form: Format) -> None:
    assert with_numbers([form.request().query.decode()]) == []


def test_a_gateway_that_knows_only_get_is_the_exception() -> None:
    (alone,) = [one for one in USSD if one.name == GET_ONLY]
    assert with_numbers([alone.hop.request().query.decode()])


@pytest.mark.parametrize("contract", WEB, ids=[one.name for one in WEB])
def test_what_we_call_has_no_number_in_its_address_nor_in_that_of_reports(contract: WebSms) -> None:
    with provider(contract.accepted) as server:
        contract.make(server.url).send(MSISDN, TEXT, KEY)
    (asked,) = server.asked
    addresses = [asked.path, *(value for value in asked.headers.values() if value.startswith("http"))]
    assert with_numbers(addresses) == []
    assert with_numbers([f"{asked.body} {dict(asked.headers)}"])
