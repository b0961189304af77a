"""What `sado station add` and `serve` refuse, and what they say then."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from sado import settings
from tests.support.processes import HUB, Station, sado, sado_process


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


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_certificate_that_cannot_be_used_is_told_with_its_setting(hub: Station, content: str | None) -> None:
    (hub.folder / "upstream.key").write_text("0" * 64)
    certificate = hub.folder / "upstream.pem"
    if content:
        certificate.write_text(content)
    hub.settings |= {"upstream": "https://hub.example", "upstream_certificate_file": certificate}

    assert f"SADO_UPSTREAM_CERTIFICATE_FILE='{certificate}' holds no certificate in PEM" in refusal(hub, "serve")
