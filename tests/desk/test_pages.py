"""A page is its file, a template, and one line in the list of pages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Blueprint, Flask, render_template

from sado.desk import pages
from sado.desk.roles import Permission
from tests.support.browser import PACK, PASSWORD, PEOPLE, Desk, enter

TEMPLATE = """{% extends "desk/base.html" %}{% block title %}{{ _('Visits') }}{% endblock %}
{% block content %}<h1>{{ _('Visits') }}</h1>{% endblock %}"""


def visits(folder: Path) -> Blueprint:
    """A new page, as docs/adding.md says."""
    (folder / "visits.html").write_text(TEMPLATE)
    blueprint = Blueprint("visits", __name__, url_prefix="/visits", template_folder=folder)

    @blueprint.get("")
    def index() -> str:
        return render_template("visits.html")

    return blueprint


@pytest.fixture
def app(desk: Desk, tmp_path: Path) -> Flask:
    """A station whose desk has that page alone."""
    app = Flask("sado", static_folder=None)
    page = pages.Page("Visits", Permission.CENTRE, visits(tmp_path))
    pages.install(app, desk.store, PACK, secure_cookies=False, pages=[page])
    return app


def test_a_new_page_is_the_home_of_its_role_and_in_the_bar(app: Flask) -> None:
    client = app.test_client()
    enter(client, PEOPLE["operator"], PASSWORD)
    assert client.get("/").location == "/visits"
    shown = client.get("/visits")
    assert '<a href="/visits" aria-current="page">Visits</a>' in shown.text
    assert "default-src 'none'" in shown.headers["Content-Security-Policy"]


def test_a_new_page_is_not_for_others(app: Flask) -> None:
    client = app.test_client()
    assert client.get("/visits").location == "/signin?next=/visits"
    enter(client, PEOPLE["phone"], PASSWORD)
    refused = client.get("/visits")
    assert refused.status_code == 403 and 'href="/visits"' not in refused.text


@pytest.mark.parametrize(
    ("role", "titles"),
    [("operator", ["Outbox", "Unfinished", "Consultation", "Phone"]), ("officer", ["Cases"]), ("phone", ["Phone"])]
    + [("administrator", ["People", "Agencies", "Stations"]), ("supervisor", ["Outbox", "Unfinished", "Consultation"])],
)
def test_the_bar_shows_what_a_person_may_open(desk: Desk, role: str, titles: list[str]) -> None:
    client = desk.signed_in(role)
    bar = client.get("/", follow_redirects=True).text.partition("<nav")[2].partition("</nav>")[0]
    shown = [line.partition(">")[2].partition("<")[0] for line in bar.splitlines() if "<a " in line]
    assert shown == titles


@pytest.mark.parametrize(("number", "is_one"), [(2**63 - 1, True), (2**63, False), (10**20, False)])
def test_no_address_takes_a_number_that_no_column_holds(desk: Desk, number: int, is_one: bool) -> None:
    rules = [rule for rule in desk.app.url_map.iter_rules() if "<int" in rule.rule]
    assert len(rules) >= 4
    for rule in rules:
        address = re.sub("<int[^>]*>", str(number), rule.rule)
        method = "POST" if "POST" in (rule.methods or ()) else "GET"
        assert desk.app.url_map.bind("").test(address, method) == is_one, address
