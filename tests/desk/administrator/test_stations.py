"""The administrator's page of stations: who exchanges with this one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from sado.store.tables import stations
from sado.sync import outbox
from tests.support.browser import PUBLISHER, Desk, build, post

STATIONS, NEW = "/administrator/stations", "/administrator/stations/new"
THIRTY = f"{STATIONS}/30"


@pytest.fixture
def admin(desk: Desk) -> FlaskClient:
    return desk.signed_in("administrator")


def lines(shown: TestResponse) -> list[str]:
    """The lines for upstream.key."""
    found = re.search(r'<pre class="secret">([^<]+)</pre>', shown.text)
    assert shown.status_code == 200 and shown.headers["Cache-Control"] == "no-store" and found, shown.text
    return found[1].split()


def admit(admin: FlaskClient, number: int, **fields: str) -> TestResponse:
    return post(admin, NEW, NEW, number=str(number), **fields)


def key(desk: Desk, number: int) -> str | None:
    station = desk.store.read(lambda tx: stations.find(tx, number))
    return station.key.hex() if station else None


def test_a_station_is_admitted_with_a_key_and_the_publisher_s_that_are_shown_once(
    desk: Desk, admin: FlaskClient
) -> None:
    shown = lines(admit(admin, 30, district="KT-YOV"))

    assert shown == [key(desk, 30), PUBLISHER.hex()]
    page = admin.get(STATIONS).text
    assert "030" in page and "never" in page and "all districts" not in page and shown[0] not in page


def test_a_new_key_takes_the_place_of_the_old_one(desk: Desk, admin: FlaskClient) -> None:
    old = lines(admit(admin, 30))[0]
    new = lines(post(admin, THIRTY, f"{THIRTY}/rekey", confirmed="yes"))[0]
    assert old != new == key(desk, 30)


def test_a_station_is_revoked_and_its_votes_can_still_be_dropped(desk: Desk, admin: FlaskClient) -> None:
    admit(admin, 30)
    desk.store.write(
        lambda tx: tx.run(
            "INSERT INTO tallies (subject, choice, source, votes) VALUES ('poll', '1', :source, 3)",
            source=outbox.station(30),
        )
    )
    post(admin, THIRTY, f"{THIRTY}/revoke", confirmed="yes")

    assert key(desk, 30) is None
    assert "It is not admitted here." in admin.get(THIRTY).text
    dropped = post(admin, THIRTY, f"{THIRTY}/drop-votes", confirmed="yes").location
    assert "Votes that count no more: 3." in admin.get(dropped).text


@pytest.mark.parametrize("what", ["rekey", "revoke", "drop-votes"])
def test_nothing_happens_without_the_tick(desk: Desk, admin: FlaskClient, what: str) -> None:
    before = lines(admit(admin, 30))[0]
    assert post(admin, THIRTY, f"{THIRTY}/{what}").location == THIRTY
    assert "Tick that you are sure" in admin.get(THIRTY).text
    assert key(desk, 30) == before


def test_a_station_behind_another_has_no_key_here(desk: Desk, admin: FlaskClient) -> None:
    admit(admin, 30)
    assert admit(admin, 8, through="30").location == STATIONS
    assert "through station 030" in admin.get(STATIONS).text
    assert "New key" not in admin.get(f"{STATIONS}/8").text
    refused = post(admin, THIRTY, f"{STATIONS}/8/rekey", confirmed="yes")
    assert refused.status_code == 400 and "where its key is" in refused.text


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"number": "7"}, "Station 007 is this station itself."),
        ({"number": "1000"}, "from 0 to 999"),
        ({"number": "-1"}, "from 0 to 999"),
        ({"number": "9" * 30}, "from 0 to 999"),
        ({"number": "٣"}, "from 0 to 999"),
        ({"number": ""}, "from 0 to 999"),
        ({"number": "8", "through": "x"}, "from 0 to 999"),
        ({"number": "8", "through": "30"}, "Station 030 is not admitted here"),
        ({"number": "8", "district": "XX"}, "There is no district XX."),
    ],
)
def test_what_is_no_station_is_refused(admin: FlaskClient, fields: dict[str, str], words: str) -> None:
    refused = post(admin, NEW, NEW, **fields)
    assert refused.status_code == 400 and words in refused.text
    assert "No station is admitted." in admin.get(STATIONS).text


def test_where_the_publisher_s_key_cannot_be_had_no_key_is_changed(tmp_path: Path) -> None:
    def fail() -> bytes:
        raise OSError("no publisher")

    with build(tmp_path, publisher=fail) as desk:
        desk.store.write(lambda tx: stations.add(tx, 30))
        before, admin = key(desk, 30), desk.signed_in("administrator")
        desk.app.config["PROPAGATE_EXCEPTIONS"] = False
        answers = [post(admin, THIRTY, f"{THIRTY}/rekey", confirmed="yes"), admit(admin, 8), admit(admin, 30)]
        assert [answer.status_code for answer in answers] == [500, 500, 500]
        assert (key(desk, 30), key(desk, 8)) == (before, None)


def test_a_number_that_no_station_has_is_no_page(admin: FlaskClient) -> None:
    assert admin.get(f"{STATIONS}/1000").status_code == 404
