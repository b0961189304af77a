"""Gateways are set up by their settings alone, and one more costs its file and one line."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import cast

import pytest

from sado import settings
from sado.channel.build import Channel, connect, set_up
from sado.channel.contract import Context, GatewayFile
from sado.channel.gateways import kannel
from sado.channel.gateways.registry import GATEWAYS
from sado.channel.settings import BLOCKS, SmsSettings
from sado.channel.sms.inbox import Inbox
from sado.channel.sms.reports import Reports
from sado.channel.versions import Versions
from sado.menus.gsm import Budget
from tests.support.gateway_contract import in_body
from tests.support.provider import Provider, answer, provider
from tests.support.station import TOKEN, Station, open_station

ADDING = Path(__file__).parents[3] / "docs" / "adding.md"
URL = "http://127.0.0.1:9/"
ALL = {
    "SADO_AFRICASTALKING_TOKEN": TOKEN,
    "SADO_AFRICASTALKING_USERNAME": "sado",
    "SADO_ANDROID_TOKEN": TOKEN,
    "SADO_ANDROID_URL": URL,
    "SADO_ANDROID_SIGNING_KEY": TOKEN,
    "SADO_FIELDMAP_TOKEN": TOKEN,
    "SADO_GAMMU_DATABASE": "smsd.db",
    "SADO_KANNEL_TOKEN": TOKEN,
    "SADO_KANNEL_URL": URL,
    "SADO_KANNEL_USSD": "true",
}


@pytest.fixture
def station(tmp_path: Path) -> Iterator[Station]:
    with open_station(tmp_path) as opened:
        yield opened


def channel(
    station: Station,
    environment: Mapping[str, str],
    files: Sequence[GatewayFile] = GATEWAYS,
    blocks: settings.Blocks = BLOCKS,
) -> Channel:
    """The channel of a station with these settings."""
    loaded = settings.load(environment, blocks)
    gateways = set_up(files, loaded.block, Context("TJ", "*1339#", "http://127.0.0.1:8080"))
    versions = Versions(station.pack, lambda pack: station.effects, "*1339#")
    inbox, reports = Inbox(versions), Reports(station.cases)
    return connect(gateways, loaded.block(SmsSettings), station.store, versions, inbox, reports)


def test_without_settings_there_is_no_gateway(station: Station) -> None:
    assert channel(station, {}) == Channel([], None, [])


@pytest.mark.parametrize("name", ["AFRICASTALKING", "FIELDMAP", "KANNEL"])
def test_a_network_that_cuts_early_is_told_to_its_gateway(name: str) -> None:
    def budgets(environment: Mapping[str, str]) -> dict[str, Budget]:
        loaded = settings.load(environment, BLOCKS)
        gateways = set_up(GATEWAYS, loaded.block, Context("TJ", "*1339#", URL))
        return {one.name.upper(): one.ussd.budget for one in gateways if one.ussd}

    narrow = budgets(ALL | {f"SADO_{name}_UCS2": "60", f"SADO_{name}_SEPTETS": "136"})
    assert narrow.pop(name) == Budget(136, 60)
    assert set(narrow.values()) == {Budget()}


def test_each_gateway_has_the_addresses_of_what_it_does(station: Station) -> None:
    parts: dict[str, list[str]] = {}
    for webhook in channel(station, ALL).webhooks:
        assert webhook.token == TOKEN and webhook.path == f"/gateway/{webhook.gateway}/{TOKEN}/{webhook.part}"
        parts.setdefault(webhook.gateway, []).append(webhook.part)
    assert parts == {
        "africastalking": ["ussd", "ussd-end", "sms", "report"],
        "android": ["sms", "report"],
        "fieldmap": ["ussd", "ussd-end"],
        "kannel": ["ussd", "ussd-end", "sms", "report"],
    }


def test_what_has_no_token_has_no_address(station: Station) -> None:
    assert channel(station, {"SADO_AFRICASTALKING_USERNAME": "sado", "SADO_GAMMU_DATABASE": "smsd.db"}).webhooks == []


@pytest.mark.parametrize("wished", ["gammu", "kannel, gammu", "africastalking"])
def test_what_sends_may_be_chosen(station: Station, wished: str) -> None:
    assert channel(station, ALL | {"SADO_SMS_GATEWAYS": wished}).failover is not None


@pytest.mark.parametrize("wished", ["fieldmap", "kannel,pigeon"])
def test_what_cannot_send_is_named(station: Station, wished: str) -> None:
    name = wished.split(",")[-1]
    with pytest.raises(ValueError, match=f"^SADO_SMS_GATEWAYS names {name}, which is not set up to send.$"):
        channel(station, ALL | {"SADO_SMS_GATEWAYS": wished})


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"SADO_KANNEL_TOKEN": TOKEN}, "Kannel needs SADO_KANNEL_TOKEN and SADO_KANNEL_URL together."),
        ({"SADO_KANNEL_URL": URL}, "Kannel needs SADO_KANNEL_TOKEN and SADO_KANNEL_URL together."),
        ({"SADO_KANNEL_USSD": "true"}, "Kannel needs SADO_KANNEL_TOKEN and SADO_KANNEL_URL together."),
        ({"SADO_ANDROID_URL": URL}, "SADO_ANDROID_SIGNING_KEY is missing"),
    ],
)
def test_settings_that_do_not_go_together_stop_with_a_sentence(
    station: Station, environment: dict[str, str], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        channel(station, environment)


def test_each_gateway_that_calls_us_says_where_it_may_call_from(station: Station) -> None:
    """The gateway of the recipe included."""
    names = {webhook.gateway for webhook in channel(station, ALL).webhooks}
    allowed = {f"SADO_{name.upper()}_ALLOWED": "10.1.0.0/16" for name in names}
    webhooks = channel(station, ALL | allowed).webhooks
    assert {webhook.gateway for webhook in webhooks if webhook.is_open_to(TOKEN, "10.1.2.3")} == names
    assert not [webhook for webhook in webhooks if webhook.is_open_to(TOKEN, "10.2.0.1")]
    assert [webhook for webhook in channel(station, ALL).webhooks if not webhook.is_open_to(TOKEN, "10.2.0.1")] == []


def test_reports_come_with_the_token_in_a_header(smsbox: Provider) -> None:
    """Kannel makes a header of what stands before the @."""
    block = kannel.Settings(token=TOKEN, url=smsbox.url, reports="http://127.0.0.1:8080/")
    gateway = kannel.build(block, Context("TJ", "*1339#", ""))
    assert gateway and gateway.sender
    gateway.sender.send("+992900000001", "1", "007-1-1")
    asked = smsbox.asked[0].headers["X-Kannel-DLR-Url"]
    assert asked == f"http://sado:{TOKEN}@127.0.0.1:8080/gateway/kannel/report?id=007-1-1&status=%d"


@pytest.fixture
def smsbox() -> Iterator[Provider]:
    with provider(answer("0: Accepted for delivery", 202, "text/html")) as server:
        yield server


def from_the_recipe(folder: Path) -> GatewayFile:
    """The gateway of docs/adding.md, as a file beside ours."""
    code, *_ = re.findall(r"^```python\n(.*?)^```", ADDING.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    file = folder / "jsonia.py"
    file.write_text(code, "utf-8")
    spec = importlib.util.spec_from_file_location("jsonia", file)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    # msgspec and typing look the module of a class up by its name.
    sys.modules["jsonia"] = module
    spec.loader.exec_module(module)
    return cast(GatewayFile, module)


def test_the_gateway_of_the_recipe_serves_a_phone(station: Station, tmp_path: Path) -> None:
    jsonia = from_the_recipe(tmp_path)
    files, blocks = (*GATEWAYS, jsonia), {**BLOCKS, jsonia.NAME: jsonia.Settings}
    webhooks = channel(station, {"SADO_JSONIA_TOKEN": TOKEN}, files, blocks).webhooks
    (ussd,) = [webhook.answer for webhook in webhooks if webhook.part == "ussd"]
    screens = [
        json.loads(ussd(in_body(f"session=1&phone=%2B992900000001&hop={hop}&typed={typed}".encode())))
        for hop, typed in enumerate(["", "3", "2"])
    ]
    assert [screen["ends"] for screen in screens] == [False] * 3
    assert len({screen["screen"] for screen in screens}) == 3


def test_a_token_that_the_recipe_refuses_stops_the_start(tmp_path: Path) -> None:
    jsonia = from_the_recipe(tmp_path)
    with pytest.raises(settings.SettingsError, match="^SADO_JSONIA_TOKEN must be 22 or more letters and digits"):
        settings.load({"SADO_JSONIA_TOKEN": "short"}, {jsonia.NAME: jsonia.Settings})
