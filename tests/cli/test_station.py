"""`sado station`: who is let in and turned away, and what it and `serve` refuse."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from sado import settings
from sado.channel.settings import BLOCKS
from sado.cli.station_access import opened
from sado.store.tables import stations
from sado.store.tables.stations import Served
from sado.sync.wire import frame
from sado.sync.wire.frame import Message
from tests.support.processes import HOP_S, HUB, VILLAGE, Station, environment, sado, sado_process


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Station]:
    """A hub that does not serve."""
    station = Station(tmp_path / "hub", HUB)
    yield station
    station.end()


def refusal(station: Station, *arguments: str) -> str:
    """What a command that is refused says; it ends with 1 and without a traceback."""
    result = sado(*arguments, **station.settings)
    assert result.returncode == 1 and result.stderr.startswith("Error: ")
    return result.stderr


def test_a_station_is_not_admitted_at_itself(hub: Station) -> None:
    assert "Station 000 is this station itself." in refusal(hub, "station", "add", "0")


def test_a_station_is_reached_through_one_that_exchanges_with_this_one(hub: Station) -> None:
    hub.sado("station", "add", "30")
    hub.sado("station", "add", "7", "--through", "30")

    assert "is not reached through itself" in refusal(hub, "station", "add", "7", "--through", "7")
    assert "Station 007 is itself reached through station 030" in refusal(hub, "station", "add", "8", "--through", "7")


def test_a_station_that_gets_a_key_is_no_longer_reached_through_another(hub: Station) -> None:
    hub.sado("station", "add", "30")
    hub.sado("station", "add", "7", "--through", "30")
    hub.sado("station", "add", "7")

    assert "is reached through station 007" in hub.sado("station", "add", "8", "--through", "7")


def test_a_port_that_is_taken_is_named(hub: Station) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        hub.settings["port"] = taken.getsockname()[1]

        refused = sado_process("serve", **hub.settings)

        assert f"port {hub.settings['port']} (Address already in use): set SADO_HOST" in refused.stderr
        assert refused.returncode == 1 and refused.stderr.startswith("Error: ")


@pytest.mark.parametrize("url", ["hub.example", "ftp://hub.example", "http://", "http://hub:port", "http://hub:99999"])
def test_an_upstream_that_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(settings.SettingsError, match="is no address; write one as https://hub.example"):
        settings.load({"SADO_UPSTREAM": url}, {})


@pytest.mark.parametrize("url", ["", "http://127.0.0.1:8700", "https://hub.example/sado", "http://[::1]:80"])
def test_an_address_of_an_upstream_is_taken(url: str) -> None:
    assert settings.load({"SADO_UPSTREAM": url}, {}).upstream == url


def test_a_risk_that_nobody_said_is_known_keeps_a_station_from_serving(hub: Station) -> None:
    hub.settings |= {"host": "0.0.0.0", "phone_page": 1}
    assert "set SADO_KNOWN_RISKS=open-phone-page." in refusal(hub, "serve")
    hub.settings["known_risks"] = "open-phone-page,plain-pages"
    assert hub.start().is_up()


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_certificate_that_cannot_be_used_is_told_with_its_setting(hub: Station, content: str | None) -> None:
    (hub.folder / "upstream.key").write_text("0" * 64)
    certificate = hub.folder / "upstream.pem"
    if content:
        certificate.write_text(content)
    hub.settings |= {"upstream": "https://hub.example", "upstream_certificate_file": certificate}

    assert f"SADO_UPSTREAM_CERTIFICATE_FILE='{certificate}' holds no certificate in PEM" in refusal(hub, "serve")


@pytest.fixture
def serving(hub: Station) -> Station:
    """The same hub, which serves."""
    return hub.start()


def exchanged(session: requests.Session, hub: Station, key: str, number: int) -> int:
    """The HTTP status that a hello of the village gets, on the connection that the session keeps."""
    packed = frame.pack(frame.UP, VILLAGE, bytes.fromhex(key), Message(number, 1, incarnation=b"8 bytes."))
    return session.post(f"{hub.url}{frame.PATH}", data=packed, timeout=HOP_S).status_code


def test_a_station_is_let_in_rekeyed_and_turned_away_while_serving(serving: Station) -> None:
    """A connection that stands is no way past it."""
    with requests.Session() as session:
        key, _ = serving.sado("station", "add", str(VILLAGE)).split()
        assert [exchanged(session, serving, key, number) for number in (1, 2)] == [200, 200]

        newer, _ = serving.sado("station", "rekey", str(VILLAGE)).split()
        assert exchanged(session, serving, key, 3) == 400
        assert [exchanged(session, serving, newer, number) for number in (1, 2)] == [200, 200]

        again, _ = serving.sado("station", "add", str(VILLAGE)).split()
        assert (exchanged(session, serving, newer, 3), exchanged(session, serving, again, 1)) == (400, 200)

        assert "its next frame is refused" in serving.sado("station", "revoke", str(VILLAGE))
        assert exchanged(session, serving, again, 2) == 403
        assert "is not admitted here" in refusal(serving, "station", "revoke", str(VILLAGE))


def test_the_votes_of_a_station_whose_key_was_stolen_are_taken_out_while_serving(serving: Station) -> None:
    assert "count no more: 0" in serving.sado("station", "drop-votes", str(VILLAGE))
    serving.sado("station", "add", str(VILLAGE))
    serving.sado("station", "add", "9", "--through", str(VILLAGE))
    assert f"is reached through station {VILLAGE:03}" in refusal(serving, "station", "drop-votes", "9")


def test_a_new_key_leaves_the_districts_and_the_way_of_a_station_as_they_are(hub: Station) -> None:
    hub.sado("station", "add", "30", "--district", "KT-YOV")
    hub.sado("station", "add", "7", "--through", "30")
    hub.sado("station", "rekey", "30")

    with opened(settings.load(environment(hub.settings), BLOCKS)) as store:
        assert [*store.read(stations.served)] == [Served(30, frozenset({"KT-YOV"}), True)]
        assert store.read(lambda tx: stations.through(tx, 7)) == 30
    assert "is reached through station 030, where its key is" in refusal(hub, "station", "rekey", "7")
    assert "is not admitted here" in refusal(hub, "station", "rekey", "8")


@pytest.mark.parametrize("is_serving", [False, True])
def test_a_district_that_is_none_is_refused(hub: Station, is_serving: bool) -> None:
    if is_serving:
        hub.start()
    assert "There is no district XX." in refusal(hub, "station", "add", "7", "--district", "XX")
