"""Who looks at something is in the audit log before she sees it."""

import errno
import threading
from collections.abc import Callable
from typing import NoReturn

import pytest
from flask import Flask

from sado.cases import audit
from sado.cases.audit import Action
from sado.desk import recording
from sado.desk.recording import MARK, Refusals
from sado.store import DiskError, Store, Transaction
from sado.store.tables import accounts, requests
from tests.support.audit import log, said
from tests.support.browser import PASSWORD, Desk, enter, post, token_on

ZARINA, BAHROM = "person:zarina", "person:bahrom"
# Addresses that are no view of ours: the style sheet, and what the tests put beside the pages.
OTHERS = {"desk.static", "hop", "end"}


def silent(app: Flask) -> list[str]:
    """The addresses that do not say whether they are recorded."""
    return [name for name, view in app.view_functions.items() if name not in OTHERS and not hasattr(view, MARK)]


def test_every_address_says_whether_it_is_recorded(desk: Desk) -> None:
    assert silent(desk.app) == []
    desk.app.add_url_rule("/new", "new", lambda: "")
    assert silent(desk.app) == ["new"]


def test_few_addresses_show_nothing_of_anybody(desk: Desk) -> None:
    marks = {name: recording.mark_of(view) for name, view in desk.app.view_functions.items()}
    assert {name for name, mark in marks.items() if mark.action is None} - OTHERS == {
        "desk.home",
        "desk.sign_in",
        "desk.ask_code",
        # Her own account, and forms with nothing in them.
        "account.index",
        "account.codes",
        "first.show",
        "find.form",
        "people.new",
        "stations.new",
        "agency_api.openapi",
    }


def test_who_reads_a_case_is_a_row(desk: Desk) -> None:
    number, operator, officer = desk.file().reference, desk.signed_in("operator"), desk.signed_in("officer")
    operator.get(f"/operator/case/{number}")
    officer.get(f"/agency/cases/{number}")
    reads = [row for row in said(desk.store) if row[1] == Action.CASE_READ]
    assert reads == [(ZARINA, "case.read", number, ""), (BAHROM, "case.read", number, "")]


def test_what_is_done_is_a_row_with_what_it_was(desk: Desk) -> None:
    number, operator = desk.file().reference, desk.signed_in("operator")
    page = f"/operator/case/{number}"
    post(operator, page, f"{page}/wishes", kind="withdrawn")
    assert (ZARINA, "case.moved", number, "withdrawn") in said(desk.store)
    post(operator, page, f"{page}/wishes", kind="+992900000101 Об нест")
    assert said(desk.store)[-1] == (ZARINA, "case.moved", number, "")


def test_a_search_says_by_what_and_how_many_were_found_and_never_what(desk: Desk) -> None:
    filed, operator = desk.file("+992900000101"), desk.signed_in("operator")
    for typed in ("+992 900 00-01-01", "+992900000999", filed.reference, "Гулнора"):
        post(operator, "/operator/find", "/operator/find", q=typed)
    searches = [detail for _who, action, _object, detail in said(desk.store) if action == Action.SEARCHED]
    assert searches == ["number 1", "number 0", "reference 1", "words 0"]
    assert "Гулнора" not in repr(log(desk.store)) and "9000001" not in repr(log(desk.store))


def test_a_number_that_reads_as_a_reference_is_not_kept(desk: Desk) -> None:
    operator = desk.signed_in("operator")
    post(operator, "/operator/find", "/operator/find", q="0070000009")
    assert said(desk.store)[-1][1:] == ("searched", "", "reference 0")


def test_a_number_that_is_typed_for_a_name_is_not_kept(desk: Desk) -> None:
    administrator = desk.signed_in("administrator")
    post(administrator, "/administrator/people/new", "/administrator/people/new", name="992900000101", role="operator")
    assert (Action.ACCOUNT_CHANGED, "", "add operator") in [row[1:] for row in said(desk.store)]
    assert "9000001" not in repr(log(desk.store))


def test_a_number_in_an_address_is_not_kept(desk: Desk) -> None:
    assert desk.signed_in("operator").get("/operator/case/+992900000101").status_code == 404
    assert said(desk.store)[-1] == (ZARINA, "case.read", "", "")


def test_signing_in_and_out_are_rows(desk: Desk) -> None:
    operator = desk.signed_in("operator")
    post(operator, "/operator", "/signout")
    rows = [row for row in said(desk.store) if row[1] != Action.OUTBOX_READ]
    assert rows == [(ZARINA, "signed.in", "", ""), (ZARINA, "signed.out", "", "")]


def settled(store: Store) -> list[tuple[str, str, str, str]]:
    """The rows, once those that nobody waits for are there."""
    store.write(lambda tx: None)
    return said(store)


def test_wrong_passwords_are_one_row_a_minute_with_how_many_there_were(desk: Desk) -> None:
    visitor = desk.visitor()
    for _ in range(5):
        enter(visitor, "zarina", "wrong")
    assert settled(desk.store) == [("stranger", "sign-in.refused", "zarina", "")]
    desk.clock.now += 61
    recording.of(desk.app).refusals.flush()
    assert settled(desk.store)[1:] == [("stranger", "sign-in.refused", "zarina", "4 more")]
    recording.of(desk.app).refusals.flush()
    assert len(settled(desk.store)) == 2
    enter(visitor, "zarina", "wrong")
    assert len(settled(desk.store)) == 3


def test_a_name_that_no_account_has_is_not_kept(desk: Desk) -> None:
    enter(desk.visitor(), "my secret password", PASSWORD)
    assert settled(desk.store) == [("stranger", "sign-in.refused", "", "unknown name")]


def test_a_page_for_others_is_refused_and_that_is_a_row(desk: Desk) -> None:
    desk.signed_in("officer").get("/operator")
    assert settled(desk.store)[-1] == (BAHROM, "refused", "operator.index", "")
    assert Action.OUTBOX_READ not in [row[1] for row in said(desk.store)]


def test_strangers_write_no_rows(desk: Desk) -> None:
    visitor = desk.visitor()
    for address in ("/operator", "/agency", "/", "/signin", "/nothing"):
        visitor.get(address)
    post(visitor, "/signin", "/signout")
    assert settled(desk.store) == []


def test_a_system_of_an_agency_is_named_by_its_agency(desk: Desk) -> None:
    number, client = desk.file().reference, desk.app.test_client()
    desk.store.write(lambda tx: accounts.save_token(tx, "HCU", "a-token"))
    head = {"Authorization": "Bearer a-token"}
    client.get("/agency/v1/cases", headers=head)
    client.get(f"/agency/v1/cases/{number}", headers=head)
    client.post(f"/agency/v1/cases/{number}/events", json={"kind": "registered"}, headers=head)
    client.get("/agency/v1/cases", headers={"Authorization": "Bearer wrong"})
    assert settled(desk.store) == [
        ("agency:HCU", "cases.listed", "", ""),
        ("agency:HCU", "case.read", number, ""),
        ("agency:HCU", "case.moved", number, "registered"),
        ("stranger", "refused", "agency_api.index", "token"),
    ]


def test_the_row_is_handed_over_before_the_page_is_made_and_on_the_disk_before_it_leaves(desk: Desk) -> None:
    number, operator = desk.file().reference, desk.signed_in("operator")
    order: list[str] = []
    store = recording.of(desk.app).rows.store
    submit = store.submit

    def noting(job: Callable[[Transaction], object]) -> Callable[[], object]:
        order.append("handed over")
        wait = submit(job)

        def waited() -> object:
            order.append("waited")
            return wait()

        return waited

    store.submit = noting  # type: ignore[method-assign]
    desk.app.jinja_env.globals["places"] = lambda: order.append("made") or []
    operator.get(f"/operator/case/{number}")
    assert order == ["handed over", "made", "waited"]


@pytest.mark.parametrize("address", ["/operator/case/{}", "/operator/case/{}?lang=en"])
def test_what_cannot_be_recorded_is_not_shown(desk: Desk, address: str) -> None:
    number, operator = desk.file().reference, desk.signed_in("operator")
    operator.get(address.format(number))
    recording.of(desk.app).rows.store.submit = full  # type: ignore[method-assign]
    refused = operator.get(address.format(number))
    assert refused.status_code == 503 and "cannot write to its disk" in refused.text
    assert "Location" not in refused.headers and 'class="status' not in refused.text


def test_what_cannot_be_recorded_is_not_done(desk: Desk) -> None:
    number, operator = desk.file().reference, desk.signed_in("operator")
    page = f"/operator/case/{number}"
    token = token_on(operator, page)
    recording.of(desk.app).rows.store.submit = full  # type: ignore[method-assign]
    refused = operator.post(f"{page}/wishes", data={"csrf_token": token, "kind": "withdrawn"})
    assert refused.status_code == 503
    assert desk.store.read(lambda tx: requests.of_case(tx, number)) == []


def test_what_cannot_be_recorded_is_not_told_to_a_system(desk: Desk) -> None:
    number = desk.file().reference
    desk.store.write(lambda tx: accounts.save_token(tx, "HCU", "a-token"))
    recording.of(desk.app).rows.store.submit = full  # type: ignore[method-assign]
    head = {"Authorization": "Bearer a-token"}
    refused = desk.app.test_client().get(f"/agency/v1/cases/{number}", headers=head)
    assert (refused.status_code, refused.mimetype) == (503, "application/problem+json")


def full(job: Callable[[Transaction], object]) -> Callable[[], object]:
    def wait() -> NoReturn:
        raise DiskError(errno.errorcode[errno.ENOSPC])

    return wait


def test_rows_of_requests_at_one_moment_are_written_together_and_each_waits_for_its_own(desk: Desk) -> None:
    held = threading.Event()
    rows = recording.of(desk.app).rows
    blocker = desk.store.submit(lambda tx: held.wait(10))
    waits = [rows.hand_over((ZARINA, Action.CASE_READ, str(number), "")) for number in range(5)]
    held.set()
    blocker()
    for wait in waits:
        wait()
    later = rows.hand_over((ZARINA, Action.CASE_READ, "5", ""))
    later()
    assert len({id(wait) for wait in waits}) == 1 and later is not waits[0]
    assert [row[2] for row in said(desk.store)] == ["0", "1", "2", "3", "4", "5"]


def test_a_job_of_the_same_group_that_fails_leaves_each_row_there_once(desk: Desk) -> None:
    held = threading.Event()
    rows = recording.of(desk.app).rows
    blocker = desk.store.submit(lambda tx: held.wait(10))
    wait = rows.hand_over((ZARINA, Action.CASE_READ, "0", ""))
    failing = desk.store.submit(lambda tx: 1 // 0)
    held.set()
    blocker()
    wait()
    with pytest.raises(ZeroDivisionError):
        failing()
    assert len(said(desk.store)) == 1


def test_a_hop_of_a_phone_writes_no_row(desk: Desk) -> None:
    desk.app.test_client().post("/gateway/test/secret/ussd", data={"text": ""})
    assert settled(desk.store) == []


def test_refusals_of_different_kinds_do_not_hide_each_other(desk: Desk) -> None:
    refusals = Refusals(desk.store)
    for name in ("zarina", "bahrom", "zarina"):
        refusals.note(audit.STRANGER, Action.SIGN_IN_REFUSED, name, "")
    assert [row[2] for row in settled(desk.store)] == ["zarina", "bahrom"]
