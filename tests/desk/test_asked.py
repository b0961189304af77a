"""What was asked of the hub, as people see it: not yet decided at the station, side by side at the hub."""

import html
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from flask.testing import FlaskClient

from sado.cases import payloads
from sado.cases.payloads import Decided, Opened, Requested, by_agency
from sado.store.tables import accounts, requests
from sado.store.tables import outbox as entries
from sado.store.tables.events import Event
from sado.sync import outbox
from tests.support.browser import Desk, build, post
from tests.support.stations import APPEAL

VILLAGE = outbox.station(8)
NUMBER = "0080000005"
APPEAL_TO_HCU = msgspec.structs.replace(APPEAL, agency="HCU", place="SU-KHU")
WORDS = "Насос иваз шуд."


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Desk]:
    """The hub's desk, with a case that station 8 filed."""
    with build(tmp_path / "hub", has_upstream=False) as built:
        opened = Opened(
            **msgspec.structs.asdict(APPEAL_TO_HCU), event="8.1", reference=NUMBER, station=8, received_at=1
        )
        come(built, payloads.OPENED, opened)
        built.store.write(lambda tx: built.cases.record(tx, "HCU", NUMBER, "registered", ""))
        yield built


@pytest.fixture
def clash(hub: Desk) -> str:
    """A request for an answer, made before the hub took the case into review; its id."""
    hub.store.write(lambda tx: hub.cases.record(tx, "HCU", NUMBER, "in_review", ""))
    return ask(hub, "answered", WORDS)


def come(desk: Desk, kind: str, body: msgspec.Struct, peer: str = VILLAGE) -> None:
    """An event comes from another station."""
    event = Event(kind, NUMBER, msgspec.json.encode(body).decode())
    desk.store.write(lambda tx: desk.cases.apply(tx, peer, event))


def ask(hub: Desk, kind: str, text: str = "", base: int = 1) -> str:
    come(hub, payloads.REQUESTED, Requested("8.2", NUMBER, 8, kind, by_agency("HCU"), base, 1, text))
    return "8.2"


def read(client: FlaskClient, path: str) -> str:
    """What a person reads on the page."""
    return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", client.get(path).text).split()))


def outcomes(desk: Desk, number: str) -> list[str]:
    return [one.outcome for one in desk.store.read(lambda tx: requests.of_case(tx, number))]


# At a station with a hub above it


def test_a_move_at_a_station_is_shown_as_not_yet_decided(desk: Desk) -> None:
    number, officer = desk.file().reference, desk.signed_in("officer")
    path = f"/agency/cases/{number}"
    assert post(officer, path, f"{path}/events", kind="registered").status_code == 302
    shown = read(officer, path)
    assert "It is sent to the hub, which decides." in shown
    assert "Sent to the hub, not yet decided: Registered by the agency" in shown
    assert "Registered by the agency not yet" in shown
    assert "sent to the hub, not yet decided" in read(officer, "/agency")
    assert "Sent to the hub, not yet decided" in read(desk.signed_in("operator"), f"/operator/case/{number}")


def test_the_next_move_builds_on_it(desk: Desk) -> None:
    number, officer = desk.file().reference, desk.signed_in("officer")
    path = f"/agency/cases/{number}"
    post(officer, path, f"{path}/events", kind="registered")
    assert 'value="answered"' in officer.get(path).text and 'value="registered"' not in officer.get(path).text
    assert post(officer, path, f"{path}/events", kind="answered", text=WORDS).status_code == 302
    assert outcomes(desk, number) == ["waiting", "waiting"]
    kinds = [one.kind for one in desk.store.read(lambda tx: entries.of_case(tx, number))]
    assert kinds == ["case.opened", "case.requested", "case.requested"]


def test_a_case_asked_to_be_passed_on_waits_for_the_hub(desk: Desk) -> None:
    number, officer = desk.file().reference, desk.signed_in("officer")
    path = f"/agency/cases/{number}"
    for kind in ("registered", "forwarded"):
        post(officer, path, f"{path}/events", kind=kind, agency="ELC")
    shown = read(officer, path)
    assert "not yet decided: Forwarded to: Electricity" in shown
    assert "Nothing before the hub has decided." in shown


def test_what_the_hub_did_not_take_stays_to_be_read(desk: Desk) -> None:
    number, officer = desk.file().reference, desk.signed_in("officer")
    desk.moved(number, "registered")
    path = f"/agency/cases/{number}"
    post(officer, path, f"{path}/events", kind="answered", text=WORDS)
    request = desk.store.read(lambda tx: requests.of_case(tx, number))[0].id
    come(desk, payloads.DECIDED, Decided("1.1", number, request, "hard"), outbox.UPSTREAM)
    shown = read(officer, path)
    assert "Asked for and not taken" in shown and WORDS in shown
    assert "The agency decides at the hub" in shown and "Take it after all" not in shown
    come(desk, payloads.DECIDED, Decided("1.2", number, request, "set_aside"), outbox.UPSTREAM)
    assert "station 007: set aside" in read(officer, path)


@pytest.mark.parametrize("kind", ["withdrawn", "forwarded"])
def test_an_operator_asks_for_the_resident(desk: Desk, kind: str) -> None:
    number, operator = desk.file().reference, desk.signed_in("operator")
    desk.moved(number, "registered")
    path = f"/operator/case/{number}"
    assert f'value="{kind}"' in operator.get(path).text
    answer = post(operator, path, f"{path}/wishes", kind=kind, agency="ELC")
    assert answer.status_code == 302
    assert "It is sent to the hub, which decides." in read(operator, path)
    assert outcomes(desk, number) == ["waiting"]
    assert f'value="{kind}"' not in operator.get(path).text


def test_a_closed_case_is_reopened_for_the_resident(desk: Desk) -> None:
    number, operator = desk.file().reference, desk.signed_in("operator")
    path = f"/operator/case/{number}"
    assert 'value="reopened"' not in operator.get(path).text
    assert post(operator, path, f"{path}/wishes", kind="reopened").status_code == 409
    for kind in ("registered", "answered", "closed"):
        desk.moved(number, kind, WORDS)
    assert post(operator, path, f"{path}/wishes", kind="reopened").status_code == 302
    assert "not yet decided: Reopened resident" in read(operator, path)


@pytest.mark.parametrize("fields", [{}, {"kind": "answered"}, {"kind": "forwarded", "agency": "XXX"}])
def test_no_other_wish_is_taken(desk: Desk, fields: dict[str, str]) -> None:
    number, operator = desk.file().reference, desk.signed_in("operator")
    path = f"/operator/case/{number}"
    assert post(operator, path, f"{path}/wishes", **fields).status_code == 400
    assert outcomes(desk, number) == []


def test_a_wish_without_a_goal_or_a_case_is_refused(desk: Desk) -> None:
    number, operator = desk.file().reference, desk.signed_in("operator")
    desk.moved(number, "registered")
    path = f"/operator/case/{number}"
    assert post(operator, path, f"{path}/wishes", kind="forwarded").status_code == 409
    assert post(operator, path, "/operator/case/0070000000/wishes", kind="withdrawn").status_code == 404


def test_an_agency_s_system_is_told_that_it_is_not_decided(desk: Desk) -> None:
    number = desk.file().reference
    desk.store.write(lambda tx: accounts.save_token(tx, "HCU", "token"))
    client, bearer = desk.app.test_client(), {"Authorization": "Bearer token"}
    address = f"/agency/v1/cases/{number}/events"
    answers = [client.post(address, json={"kind": "registered"}, headers=bearer) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 200]
    assert answers[0].json == answers[1].json
    assert answers[0].json is not None
    assert answers[0].json["status"] == "received"
    (asked,) = answers[0].json["requests"]
    assert (asked["kind"], asked["outcome"], asked["station"]) == ("registered", "waiting", "007")


# At the hub


def test_both_changes_stand_side_by_side(hub: Desk, clash: str) -> None:
    officer = hub.signed_in("officer")
    shown = read(officer, f"/agency/cases/{NUMBER}")
    assert "Two changes at once" in shown
    assert "As the case stands Taken into review" in shown
    assert "Asked at station 008 Answered" in shown and WORDS in shown
    assert "two changes at once: decide" in read(officer, "/agency?show=work")
    operator = hub.signed_in("operator")
    assert "Asked at station 008 Answered" in read(operator, f"/operator/case/{NUMBER}")
    assert "Two changes at once 1" in read(operator, "/operator")


@pytest.mark.parametrize("who", ["officer", "operator"])
@pytest.mark.parametrize(
    ("decision", "outcome", "status"), [("take", "taken", "answered"), ("set_aside", "set_aside", "in_review")]
)
def test_a_person_decides(hub: Desk, clash: str, who: str, decision: str, outcome: str, status: str) -> None:
    path = {"officer": f"/agency/cases/{NUMBER}", "operator": f"/operator/case/{NUMBER}"}[who]
    client = hub.signed_in(who)
    for _ in range(2):
        assert post(client, path, f"{path}/requests/{clash}", decision=decision).status_code == 302
    assert outcomes(hub, NUMBER) == [outcome]
    assert hub.store.read(lambda tx: hub.cases.get(tx, NUMBER)).status == status
    shown = read(client, path)
    assert "Two changes at once" not in shown and WORDS in shown
    other = {"take": "set_aside", "set_aside": "take"}[decision]
    assert post(client, path, f"{path}/requests/{clash}", decision=other).status_code == 409


def test_what_cannot_follow_is_not_offered(hub: Desk) -> None:
    hub.store.write(lambda tx: hub.cases.record(tx, "HCU", NUMBER, "answered", "Об омад."))
    ask(hub, "extended", WORDS)
    officer = hub.signed_in("officer")
    shown = read(officer, f"/agency/cases/{NUMBER}")
    assert WORDS in shown and "it cannot follow any more" in shown
    assert "Take it after all" not in shown and "Set it aside" in shown
    path = f"/agency/cases/{NUMBER}"
    assert post(officer, path, f"{path}/requests/8.2", decision="take").status_code == 409
    assert outcomes(hub, NUMBER) == ["hard"]


def test_a_soft_one_is_marked_in_the_history(hub: Desk) -> None:
    hub.store.write(lambda tx: hub.cases.record(tx, "HCU", NUMBER, "in_review", ""))
    ask(hub, "extended", WORDS)
    for who, path in (("officer", f"/agency/cases/{NUMBER}"), ("operator", f"/operator/case/{NUMBER}")):
        shown = read(hub.signed_in(who), path)
        assert "Term extended Housing and communal services, asked at station 008, at the same time as another" in shown
    assert outcomes(hub, NUMBER) == ["soft"]


def test_an_unknown_request_is_no_page(hub: Desk) -> None:
    officer, operator = hub.signed_in("officer"), hub.signed_in("operator")
    for client, path in ((officer, f"/agency/cases/{NUMBER}"), (operator, f"/operator/case/{NUMBER}")):
        assert post(client, path, f"{path}/requests/9.9", decision="take").status_code == 404


def test_a_withdrawn_case_says_so_and_goes_on(hub: Desk) -> None:
    hub.store.write(lambda tx: hub.cases.wish(tx, NUMBER, "withdrawn"))
    shown = read(hub.signed_in("officer"), f"/agency/cases/{NUMBER}")
    assert "The resident wants no more SMS about this case." in shown
    assert "Take into review" in shown
