"""Each move names the person who made it, to colleagues and agencies and not to residents."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sado.cases import statuses
from sado.store.tables import accounts
from sado.store.tables import cases as rows
from tests.support.browser import HASHED, PEOPLE, Desk, build, post
from tests.support.two_sides import HOLDER, VILLAGE, open_two


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Desk]:
    """A station that decides, with an officer who has a full name."""
    with build(tmp_path, has_upstream=False) as desk:
        name = PEOPLE["officer"]
        desk.store.write(lambda tx: accounts.save(tx, name, HASHED, "officer", "HCU", "Баҳром Назаров"))
        yield desk


def register(desk: Desk, number: str) -> str:
    page = f"/agency/cases/{number}"
    officer = desk.signed_in("officer")
    assert post(officer, page, f"{page}/events", kind="registered").status_code == 302
    return officer.get(page).text


def test_the_history_names_the_officer_in_full(hub: Desk) -> None:
    number = hub.file().reference
    assert "Баҳром Назаров" in register(hub, number)
    assert "Баҳром Назаров" in hub.signed_in("operator").get(f"/operator/case/{number}").text


def test_the_system_of_an_agency_reads_the_name_and_has_none_itself(hub: Desk) -> None:
    number = hub.file().reference
    register(hub, number)
    hub.store.write(lambda tx: accounts.save_token(tx, "HCU", "a-token"))
    client, head = hub.app.test_client(), {"Authorization": "Bearer a-token"}
    client.post(f"/agency/v1/cases/{number}/events", json={"kind": "in_review"}, headers=head)
    events = client.get(f"/agency/v1/cases/{number}", headers=head).json["events"]  # type: ignore[index]
    assert [event.get("person") for event in events] == [None, "Баҳром Назаров", None]
    assert "its own system" in hub.signed_in("operator").get(f"/operator/case/{number}").text


def test_what_an_operator_does_for_a_resident_names_the_operator(hub: Desk) -> None:
    number, operator = hub.file().reference, hub.signed_in("operator")
    page = f"/operator/case/{number}"
    post(operator, page, f"{page}/wishes", kind="withdrawn")
    assert "resident, zarina" in operator.get(page).text


def test_a_person_is_known_at_the_other_station_by_name_and_station(tmp_path: Path) -> None:
    for name in ("hub", "village"):
        (tmp_path / name).mkdir()
    with open_two(tmp_path) as two:
        number = two.file()

        def ask(tx: rows.Transaction) -> None:
            two.village.cases.record(tx, HOLDER, number, statuses.REGISTERED, "", person="person:zarina")

        two.village.store.write(ask)
        two.settle()
        for side in (two.hub, two.village):
            assert side.asked(number)[-1].person == f"person:zarina {VILLAGE:03}"
            assert side.history(number)[-1].person == f"person:zarina {VILLAGE:03}"


def test_an_account_of_the_same_name_at_another_station_is_not_taken_for_hers(hub: Desk) -> None:
    number = hub.file().reference
    told = {"person": "person:bahrom 009"}
    hub.store.write(
        lambda tx: rows.add_event(tx, "009.1.1", number, "registered", "agency:HCU", "", tx.now, "", 1, **told)
    )
    shown = hub.signed_in("operator").get(f"/operator/case/{number}").text
    assert "bahrom at station 009" in shown and "Баҳром Назаров" not in shown


def test_the_same_move_by_another_person_changes_nothing(hub: Desk) -> None:
    number = hub.file().reference

    def move(who: str) -> int:
        hub.store.write(lambda tx: hub.cases.record(tx, "HCU", number, "registered", "", person=who))
        return hub.store.read(lambda tx: rows.history_size(tx, number).entries)

    assert move("person:bahrom") == move("person:dilnoza") == 2
