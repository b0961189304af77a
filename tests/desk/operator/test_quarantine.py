"""The pages of what is kept aside: a list, a look, another try, and an end."""

from pathlib import Path

import pytest
from flask.testing import FlaskClient

from sado.store.tables import quarantine
from sado.store.tables.events import Event
from tests.support.browser import Desk, build, post

LIST = "/operator/quarantine"
BODY = '{"msisdn":"+992900000101","text":"<b>Об нест.</b>","at":5}'


@pytest.fixture
def operator(desk: Desk) -> FlaskClient:
    desk.store.write(lambda tx: quarantine.keep(tx, "upstream", Event("case.merged", "", BODY), "EVENT_UNKNOWN"))
    return desk.signed_in("operator")


def kept(desk: Desk) -> int:
    return desk.store.read(quarantine.count)


def test_it_is_listed_and_the_outbox_leads_there(operator: FlaskClient) -> None:
    assert f'href="{LIST}/1"' in operator.get(LIST).text
    assert f'href="{LIST}"' in operator.get("/operator").text


def test_an_event_is_shown_field_by_field_its_number_masked(operator: FlaskClient) -> None:
    shown = operator.get(f"{LIST}/1").text
    assert "&lt;b&gt;Об нест.&lt;/b&gt;" in shown and "… 101" in shown
    assert "+992900000101" not in shown
    assert operator.get(f"{LIST}/2").status_code == 404


@pytest.mark.parametrize("body", ["no json", '{"a":[1]}', "[" * 5000])
def test_what_cannot_be_read_is_shown_as_it_is(desk: Desk, operator: FlaskClient, body: str) -> None:
    desk.store.write(lambda tx: quarantine.keep(tx, "upstream", Event("case.merged", "", body), "EVENT_UNKNOWN"))
    assert operator.get(f"{LIST}/2").status_code == 200


def test_it_stays_when_it_is_tried_again_in_vain(desk: Desk, operator: FlaskClient) -> None:
    post(operator, f"{LIST}/1", f"{LIST}/1/release")
    assert "cannot be applied" in operator.get(LIST).text
    assert kept(desk) == 1


def test_it_is_deleted_once_that_was_confirmed(desk: Desk, operator: FlaskClient) -> None:
    post(operator, f"{LIST}/1", f"{LIST}/1/delete")
    assert kept(desk) == 1
    post(operator, f"{LIST}/1", f"{LIST}/1/delete", confirmed="yes")
    assert kept(desk) == 0
    assert "Nothing is kept aside." in operator.get(LIST).text


def test_a_station_that_fills_it_is_an_alarm(desk: Desk, operator: FlaskClient) -> None:
    alarm = "so much of it is kept aside that nothing more is taken"
    assert alarm not in operator.get("/operator").text
    event = Event("case.merged", "", "{}")
    desk.store.write(lambda tx: [quarantine.keep(tx, "station:009", event, "") for _ in range(quarantine.MOST)])
    assert f"Station 009: {alarm}" in operator.get("/operator").text


def test_a_station_that_has_caused_as_many_sms_as_it_may_is_an_alarm(tmp_path: Path) -> None:
    with build(tmp_path, spent_peers=lambda tx: ["station:009"]) as desk:
        shown = desk.signed_in("operator").get("/operator").text
        assert "Station 009: as many SMS notices as may leave in a day" in shown
