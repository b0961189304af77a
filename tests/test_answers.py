"""What a whole station answers to strangers: no flush, no cache, and the same protection on everything."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from flask.testing import FlaskClient

from sado.channel.gateways import africastalking
from sado.desk.pages import HEADERS
from sado.settings import Settings
from sado.station import LARGEST_PAGE, Station, build_station
from sado.store import DiskError, Keyring, Store, Transaction
from sado.store.tables import accounts, identity
from tests.support.browser import HASHED, PASSWORD, enter
from tests.support.station import TOKEN, WEBHOOK

Result = TypeVar("Result")


class Disk(Store):
    """A store that counts what it writes, and whose disk may be full."""

    writes = 0
    is_full = False

    def write(self, job: Callable[[Transaction], Result]) -> Result:
        self.writes += 1
        if self.is_full:
            raise DiskError("No space left on device")
        return super().write(job)


@pytest.fixture
def station(tmp_path: Path) -> Iterator[Station]:
    settings = Settings(data=str(tmp_path), blocks=(africastalking.Settings(token=TOKEN),))
    store = Disk(settings.database, Keyring.create(settings.keys))
    store.write(lambda tx: identity.create(tx, 7))
    yield build_station(settings, store)
    store.close()


@pytest.fixture
def client(station: Station) -> FlaskClient:
    return station.app.test_client()


def disk(station: Station) -> Disk:
    assert isinstance(station.store, Disk)
    return station.store


def test_asking_whether_a_station_is_well_writes_nothing(station: Station, client: FlaskClient) -> None:
    before = disk(station).writes
    assert client.get("/healthz").get_json()["status"] == "ok"
    assert disk(station).writes == before


def test_more_cases_than_usual_call_for_a_look(station: Station, client: FlaskClient) -> None:
    assert client.get("/healthz").get_json()["filing"] == "ok"
    station.store.write(lambda tx: [station.cases.filing_rate.note_arrival(tx) for _ in range(201)])
    told = client.get("/healthz")
    assert (told.status_code, told.get_json()["status"], told.get_json()["filing"]) == (
        200,
        "degraded",
        "more than is usual",
    )


def test_a_disk_that_is_full_is_told_and_forgotten_when_there_is_room(station: Station, client: FlaskClient) -> None:
    look: Any = station.scheduler.get_job("health").func
    told = []
    for is_full in (True, False):
        disk(station).is_full = is_full
        look()
        answer = client.get("/healthz")
        told.append((answer.status_code, answer.get_json()["store"]))
    assert told == [(503, "cannot write"), (200, "ok")]


def test_a_page_that_only_shows_something_writes_once_a_minute_and_is_shown_on_a_full_disk(
    station: Station, client: FlaskClient
) -> None:
    station.store.write(lambda tx: accounts.save(tx, "zarina", HASHED, "operator", ""))
    enter(client, "zarina", PASSWORD)
    before = disk(station).writes
    assert client.get("/operator").status_code == 200
    assert disk(station).writes == before
    station.store.write(lambda tx: tx.run("UPDATE sign_ins SET seen_at = seen_at - 60000"))
    disk(station).is_full = True
    assert client.get("/operator").status_code == 200
    assert disk(station).writes == before + 2


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/signin", 200),
        ("/healthz", 200),
        ("/nowhere", 404),
        ("/signout", 405),
        ("/agency/v1/cases", 401),
        ("/agency/v1/nowhere", 404),
        ("/agency/v1/openapi.json", 200),
    ],
)
def test_everything_has_the_headers_of_a_page_and_is_kept_nowhere(client: FlaskClient, path: str, status: int) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_screen_is_kept_nowhere(client: FlaskClient) -> None:
    answer = client.post(WEBHOOK, data={"sessionId": "1", "phoneNumber": "+992900000001", "text": ""})
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_page_takes_no_more_than_its_forms_need(client: FlaskClient) -> None:
    for size, sentence in ((LARGEST_PAGE, "did not come from it"), (LARGEST_PAGE + 1, "too large to send")):
        form = b"name=".ljust(size, b"1")
        answer = client.post("/signin?lang=en", data=form, content_type="application/x-www-form-urlencoded")
        assert sentence in answer.text
