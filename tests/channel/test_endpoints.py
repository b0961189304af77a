"""A gateway that takes screens as messages of their own: they leave once the hop is on disk, and a lost one is told."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sado.channel.effects.contract import Effects
from sado.channel.endpoints import UssdEndpoints
from sado.channel.front import Endpoint
from sado.channel.gateways.kannel import KannelUssd, Smsbox
from sado.channel.ussd.conversation import Conversation
from sado.channel.versions import Versions
from sado.sync.outbox import DestinationDownError
from tests.support.gateway_contract import by_kannel
from tests.support.provider import Provider, answer, provider
from tests.support.station import Station, open_station, shipped_pack

ACCEPTED = answer("0: Accepted for delivery", 202, "text/html")
DOWN = answer("Authorization failed for sendsms", 403, "text/html")
REFUSED = answer("Not routable. Do not try again.", 403, "text/html")
UNREADABLE = answer("<html>Sign in</html>", 200, "text/html")


@pytest.fixture
def station(tmp_path: Path) -> Iterator[Station]:
    with open_station(tmp_path) as opened:
        yield opened


@pytest.fixture
def smsbox() -> Iterator[Provider]:
    with provider(ACCEPTED) as server:
        yield server


def endpoint(station: Station, smsbox: Provider, effects: Effects | None = None) -> Endpoint:
    gateway = KannelUssd(Smsbox(smsbox.url, "sado", "secret"), "*1339#", "TJ")
    versions = Versions(station.pack, lambda pack: effects or station.effects, "*1339#")
    return UssdEndpoints(station.store, gateway, Conversation(gateway, versions)).endpoints()["ussd"]


def typed(endpoint: Endpoint, text: str, number: int, operation: str = "%2512") -> str:
    """A hop as smsbox posts it; `number` is Kannel's id of it."""
    meta = f"%3Fsmpp%3Fussd_service_op%3D{operation}%26"
    fields = f"id={number}&from=%2B992900000001&to=1339&smsc=ussd&text={text}&meta-data={meta}"
    return endpoint(by_kannel(fields.encode()))


def test_the_screen_is_a_message_and_the_body_is_empty(station: Station, smsbox: Provider) -> None:
    assert typed(endpoint(station, smsbox), "*1339%23", 1, "%2501") == ""
    assert "1 " in smsbox.asked[0].body and not smsbox.asked[0].body.startswith("CON")


def test_a_screen_that_did_not_leave_is_told_and_shown_when_the_hop_comes_again(
    station: Station, smsbox: Provider
) -> None:
    ussd = endpoint(station, smsbox)
    smsbox.behaviour = DOWN
    with pytest.raises(DestinationDownError):
        typed(ussd, "*1339%23", 1, "%2501")
    smsbox.behaviour = ACCEPTED
    typed(ussd, "*1339%23", 1, "%2501")
    assert smsbox.asked[0].body == smsbox.asked[1].body


@pytest.mark.parametrize("behaviour", [REFUSED, UNREADABLE], ids=["refused for good", "may have left"])
def test_a_screen_that_nobody_can_send_again_is_noted(
    station: Station, smsbox: Provider, behaviour: object, caplog: pytest.LogCaptureFixture
) -> None:
    smsbox.behaviour = behaviour  # type: ignore[assignment]
    assert typed(endpoint(station, smsbox), "*1339%23", 1, "%2501") == ""
    assert "a screen may not have arrived" in caplog.text and "992900000001" not in caplog.text


def test_when_our_own_side_fails_the_last_screen_says_so(station: Station, smsbox: Provider) -> None:
    ussd = endpoint(station, smsbox)
    station.store.close()
    typed(ussd, "*1339%23", 1, "%2501")
    assert smsbox.asked[0].body in shipped_pack().tree.errors["busy"].values()
    assert "ussd_service_op=%11" in smsbox.asked[0].headers["X-Kannel-Meta-Data"]


def test_an_end_comes_to_the_address_of_the_hops(station: Station, smsbox: Provider) -> None:
    ussd = endpoint(station, smsbox)
    for number, (text, operation) in enumerate([("*1339%23", "%2501"), ("1", "%2512"), ("", "%2581")]):
        assert typed(ussd, text, number, operation) == ""
    assert len(smsbox.asked) == 2
    assert station.store.read(lambda tx: tx.value("SELECT COUNT(*) FROM sessions WHERE is_open")) == 0
