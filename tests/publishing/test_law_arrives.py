"""A pack with another law that comes while the stations serve: every deadline that is reckoned from then on is of the
new law, whoever reckons it and wherever it is shown."""

import html
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest
from flask.testing import FlaskClient

from sado.cases import terms
from sado.menus.reading import pack
from sado.publishing import bundle
from sado.station import Station
from sado.store.tables import accounts, requests, wanted_blobs
from tests.support.browser import HASHED, PASSWORD, enter, post
from tests.support.down import Down, open_down
from tests.support.kenya import rewritten
from tests.support.publisher import publish_pack
from tests.support.stations import APPEAL, Clock

# By the clock of the tests it is Friday, 15 January 2027. Answers are due in 21 days, and then in four; an extension is
# 14 more. A case may be passed on for five days, the last of them the 20th, and then for three.
OLD, OLD_EXTENDED, OLD_FORWARD = "05.02.2027", "19.02.2027", "20.01.2027"
NEW, NEW_EXTENDED, NEW_FORWARD = "19.01.2027", "02.02.2027", "18.01.2027"
DAY_S = 24 * 3600
HOLDER, OTHER = "CAJ", "WSR"
REQUEST = msgspec.structs.replace(APPEAL, kind="request", place="KE-17", agency=HOLDER, language="en")
NEW_LAW = {"answer_days: 21": "answer_days: 4", "forward_days: 5": "forward_days: 3"}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def down(tmp_path: Path, clock: Clock) -> Iterator[Down]:
    with open_down(tmp_path, "kenya", clock=clock) as down:
        for station in (down.hub, down.village):
            for agency in (HOLDER, OTHER):
                save = partial(accounts.save, name=agency, password=HASHED, role="officer", agency=agency)
                station.store.write(save)
        yield down


@pytest.fixture
def newer(tmp_path: Path) -> str:
    """The folder of a pack whose law wants an answer within four days."""
    return str(rewritten(tmp_path / "newer", NEW_LAW))


def publish(down: Down, folder: str) -> None:
    publish_pack(down.hub, folder)
    down.settle()


def filed(down: Down) -> str:
    """A case that was filed in the village, and is at the hub."""
    number = down.village.store.write(lambda tx: down.village.cases.open(tx, REQUEST)).reference
    down.settle()
    return number


def move(station: Station, number: str, kind: str, agency: str = HOLDER, to: str = "") -> None:
    record = partial(station.cases.record, agency=agency, number=number, kind=kind, text="We look into it.", to=to)
    station.store.write(record)


def officer(station: Station, agency: str = HOLDER) -> FlaskClient:
    client = station.app.test_client()
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    assert enter(client, agency, PASSWORD).status_code == 302
    return client


def page(station: Station, number: str, agency: str = HOLDER) -> str:
    """The words of the case's page as an officer of this agency reads it."""
    shown = officer(station, agency).get(f"/agency/cases/{number}").text
    return " ".join(html.unescape(re.sub("<[^>]+>", " ", shown)).split())


def due(station: Station, number: str) -> str:
    """The last day for the answer, as it is kept."""
    case = station.store.read(lambda tx: station.cases.get(tx, number))
    assert case.due_at is not None
    return f"{datetime.fromtimestamp(case.due_at / 1000, ZoneInfo('Africa/Nairobi')):%d.%m.%Y}"


def by_the_service(down: Down, number: str) -> None:
    move(down.hub, number, "registered")


def by_the_officers_page(down: Down, number: str) -> None:
    client, path = officer(down.hub), f"/agency/cases/{number}"
    assert post(client, path, f"{path}/events", kind="registered").status_code == 302


def by_the_agencys_system(down: Down, number: str) -> None:
    down.hub.store.write(lambda tx: accounts.save_token(tx, HOLDER, "secret"))
    path, token = f"/agency/v1/cases/{number}", {"Authorization": "Bearer secret"}
    answer = down.hub.app.test_client().post(f"{path}/events", json={"kind": "registered"}, headers=token)
    assert answer.status_code == 201, answer.text


def by_a_request_that_the_hub_decides(down: Down, number: str) -> None:
    move(down.village, number, "registered")
    down.settle()


WAYS = [by_the_service, by_the_officers_page, by_the_agencys_system, by_a_request_that_the_hub_decides]


@pytest.mark.parametrize("register", WAYS)
def test_a_registration_is_due_by_the_new_law(down: Down, newer: str, register: Callable[[Down, str], None]) -> None:
    number, stations = filed(down), (down.hub, down.village)
    assert f"the answer is due by {OLD}" in page(down.hub, number)

    publish(down, newer)
    offered = [page(station, number) for station in stations]
    register(down, number)
    down.settle()

    assert all(f"the answer is due by {NEW}" in text for text in offered)
    assert [due(station, number) for station in stations] == [NEW, NEW]
    assert all(f"Answer due {NEW}" in page(station, number) for station in stations)


def test_a_request_that_a_person_takes_after_all_is_due_by_the_new_law(down: Down, newer: str) -> None:
    number = filed(down)
    move(down.hub, number, "registered")
    move(down.hub, number, "forwarded", to=OTHER)
    move(down.village, number, "registered")
    down.settle()
    (request,) = down.hub.store.read(lambda tx: requests.of_case(tx, number))
    assert request.outcome == "hard"

    publish(down, newer)
    client, path = officer(down.hub, OTHER), f"/agency/cases/{number}"
    assert post(client, path, f"{path}/requests/{request.id}", decision="take").status_code == 302

    assert due(down.hub, number) == NEW
    assert f"Answer due {NEW}" in page(down.hub, number, OTHER)


@pytest.mark.parametrize("at", ["hub", "village"])
def test_an_extension_is_due_by_the_new_law(down: Down, newer: str, at: str) -> None:
    number, station = filed(down), getattr(down, at)
    move(down.hub, number, "registered")
    down.settle()
    assert f"Extending moves the last day to {OLD_EXTENDED}" in page(station, number)

    publish(down, newer)
    offered = page(station, number)
    move(station, number, "extended")
    down.settle()

    assert f"Extending moves the last day to {NEW_EXTENDED}" in offered
    assert due(down.hub, number) == due(down.village, number) == NEW_EXTENDED
    assert f"Answer due {NEW_EXTENDED}" in page(station, number)


@pytest.mark.parametrize("at", ["hub", "village"])
def test_a_case_is_passed_on_within_the_days_of_the_new_law(down: Down, newer: str, clock: Clock, at: str) -> None:
    number, station = filed(down), getattr(down, at)
    move(down.hub, number, "registered")
    down.settle()
    assert f"It can be forwarded until {OLD_FORWARD}" in page(station, number)

    publish(down, newer)
    assert f"It can be forwarded until {NEW_FORWARD}" in page(station, number)
    clock.move(4 * DAY_S)

    assert "Forward to" not in page(station, number)
    with pytest.raises(terms.ForwardTooLateError, match="until 2027-01-18"):
        move(station, number, "forwarded", to=OTHER)


def test_a_request_made_under_the_old_law_is_decided_by_the_new(down: Down, newer: str) -> None:
    number = filed(down)
    move(down.village, number, "registered")

    publish_pack(down.hub, newer)
    down.settle()

    assert due(down.hub, number) == due(down.village, number) == NEW


@pytest.mark.parametrize(("is_published", "outcome"), [(True, "hard"), (False, "applied")])
def test_whether_a_request_comes_in_time_is_judged_by_the_law_of_now(
    down: Down, newer: str, clock: Clock, is_published: bool, outcome: str
) -> None:
    number = filed(down)
    move(down.hub, number, "registered")
    down.settle()
    clock.move(4 * DAY_S)
    move(down.village, number, "forwarded", to=OTHER)

    if is_published:
        publish_pack(down.hub, newer)
    down.settle()

    (request,) = down.hub.store.read(lambda tx: requests.of_case(tx, number))
    assert request.outcome == outcome


def test_a_case_that_is_registered_keeps_its_last_day(down: Down, newer: str) -> None:
    number = filed(down)
    move(down.hub, number, "registered")

    publish(down, newer)

    assert due(down.hub, number) == due(down.village, number) == OLD
    assert f"Answer due {OLD}" in page(down.hub, number)


def test_a_law_that_is_refused_moves_no_deadline(down: Down, tmp_path: Path) -> None:
    number = filed(down)
    faulty = rewritten(tmp_path / "faulty", {**NEW_LAW, "extensions: 1": "extensions: often"})
    with pytest.raises(ValueError, match="extensions"):
        publish_pack(down.hub, str(faulty))
    down.offer("pack/kenya", bundle.packed(pack.files_of(str(faulty))))
    assert down.told("pack/kenya")[0] == wanted_blobs.REFUSED

    assert all(f"the answer is due by {OLD}" in page(station, number) for station in (down.hub, down.village))
    move(down.village, number, "registered")
    down.settle()

    assert due(down.hub, number) == due(down.village, number) == OLD
