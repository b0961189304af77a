"""The auditor's page: newest first, by who, what, about what, where and when, and whether the log is whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from sado.cases import audit, audit_check
from sado.cases.audit import Action
from sado.desk.auditor.log import LISTED
from sado.store.tables import accounts
from tests.support.audit import forge, said, write
from tests.support.browser import HASHED, PASSWORD, Desk, build, enter, post

DAY_S = 24 * 3600


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with build(tmp_path) as desk:
        desk.store.write(lambda tx: accounts.save(tx, "nigora", HASHED, "auditor", ""))
        yield desk


LOOK = "looked at the audit log"


@pytest.fixture
def auditor(desk: Desk) -> FlaskClient:
    client = desk.visitor()
    enter(client, "nigora", PASSWORD)
    return client


def shown(auditor: FlaskClient, **filters: object) -> list[list[str]]:
    """The rows of the page, as cells."""
    table = auditor.get("/audit", query_string=filters).text.partition("<tbody>")[2].partition("</tbody>")[0]
    rows = [row.split('">')[1:] for row in table.split("<tr>")[1:]]
    return [[cell.partition("</td>")[0] for cell in row] for row in rows]


def test_it_is_the_auditors_first_page_and_nobody_elses(desk: Desk, auditor: FlaskClient) -> None:
    assert auditor.get("/").location == "/audit"
    assert auditor.get("/operator").status_code == 403
    assert desk.visitor().get("/audit").location == "/signin?next=/audit"
    for role in ("operator", "officer", "phone"):
        assert desk.signed_in(role).get("/audit").status_code == 403


def test_what_somebody_read_is_there_newest_first_and_so_is_the_look_at_the_log(
    desk: Desk, auditor: FlaskClient
) -> None:
    number = desk.file().reference
    desk.clock.now += 60
    desk.signed_in("operator").get(f"/operator/case/{number}")
    # A look is written while its page is made: it may have itself in it.
    rows = [row for row in shown(auditor) if row[2] != LOOK]
    assert [row[1:4] for row in rows] == [
        ["person:zarina", "read a case", number],
        ["person:zarina", "signed in", "–"],
        ["person:nigora", "signed in", "–"],
    ]
    assert said(desk.store)[-1] == ("person:nigora", "audit.read", "", "")
    assert [row[1:4] for row in shown(auditor) if row[2] == LOOK][-1] == ["person:nigora", LOOK, "–"]


def test_it_filters_by_who_what_about_what_where_and_when(desk: Desk, auditor: FlaskClient) -> None:
    write(desk.store, 3)
    desk.clock.now += 3 * DAY_S
    write(desk.store, 2, who="person:bahrom", action=Action.CASES_LISTED)
    enter(auditor, "nigora", PASSWORD)
    assert len(shown(auditor, who="person:zarina")) == 3
    assert len(shown(auditor, action="cases.listed")) == 2
    assert len(shown(auditor, object="case 2", who="person:zarina")) == 1
    assert len(shown(auditor, station="7", who="person:zarina")) == 3
    assert shown(auditor, station="8") == []
    assert len(shown(auditor, day="2026-07-13", who="person:zarina")) == 3
    assert shown(auditor, day="2026-07-14") == []


@pytest.mark.parametrize(
    "filters", [{"day": "yesterday"}, {"day": "9999-12-31"}, {"station": "x"}, {"station": "1234"}]
)
def test_what_is_no_day_or_station_is_said(auditor: FlaskClient, filters: dict[str, str]) -> None:
    answer = auditor.get("/audit", query_string=filters)
    assert answer.status_code == 400 and 'role="alert"' in answer.text


def test_it_goes_on_to_older_rows_and_back(desk: Desk, auditor: FlaskClient) -> None:
    write(desk.store, LISTED + 20)
    first = auditor.get("/audit?who=person:zarina").text
    assert f"/audit?who=person%3Azarina&amp;skip={LISTED}" in first and "Newer" not in first
    assert len(shown(auditor, who="person:zarina", skip=LISTED)) == 20
    last = auditor.get(f"/audit?who=person:zarina&skip={LISTED}").text
    assert "Newer" in last and "Older" not in last


def test_it_says_whether_the_log_is_whole(desk: Desk, auditor: FlaskClient) -> None:
    assert "It was not verified yet." in auditor.get("/audit").text
    write(desk.store, 9)
    audit_check.verify_daily(desk.store)
    assert "Every row is as it was written." in auditor.get("/audit").text
    forge(desk.store, "UPDATE audit SET who = 'person:bahrom' WHERE number = 5")
    audit_check.verify_daily(desk.store)
    assert "Every row is as it was written." in auditor.get("/audit").text
    desk.clock.now += DAY_S
    audit_check.verify_daily(desk.store)
    enter(auditor, "nigora", PASSWORD)
    assert "Station 007, row 5: this row was changed, put in or moved." in auditor.get("/audit").text.replace("\n", "")


def test_what_a_row_says_is_no_html(desk: Desk, auditor: FlaskClient) -> None:
    desk.store.write(lambda tx: audit.record(tx, "person:<b>", Action.CASE_READ, "<i>"))
    page = auditor.get("/audit").text
    assert "person:&lt;b&gt;" in page and "<i>" not in page


def test_what_is_asked_for_stands_in_the_address_but_no_telephone_number(desk: Desk) -> None:
    auditor = desk.signed_in("auditor")
    asked = post(auditor, "/audit", "/audit", who="person:zarina", object="0071234567", day="2026-11-29", station="7")
    assert asked.location == "/audit?who=person%3Azarina&station=7&day=2026-11-29"
    number = desk.file().reference
    assert post(auditor, "/audit", "/audit", object=number).location == f"/audit?object={number}"
    assert post(auditor, "/audit", "/audit", object="+992 900 00 00 01").location == "/audit"
