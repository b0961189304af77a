"""Each setting is checked before anything runs, and docs/settings.md lists them all."""

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec
import pytest
from msgspec import Meta

from sado import settings
from sado.channel.settings import BLOCKS
from sado.settings import Settings, SettingsError, declared

PAGE = Path(__file__).parent.parent / "docs" / "settings.md"
TOKEN = "a-token_of-22-letters-0"


def settings_page() -> str:
    """docs/settings.md as it should be."""
    kinds = {
        "str": "text",
        "int": "whole number",
        "float": "number",
        "bool": "`true` or `false`",
        "Networks": "addresses",
    }
    rows = [
        f"| `{setting.name}` | {kinds[setting.type.__origin__.__name__]} | {_code(setting.default)} | {setting.help} |"
        for setting in declared(BLOCKS)
    ]
    return "\n".join(
        [
            "# Settings",
            "",
            "A station reads its settings from the environment when it starts. A value that cannot be used, or a name",
            "that does not exist, stops the start with a sentence that says which. This page is written by",
            "`pytest tests/test_settings.py --update`.",
            "",
            "| name | type | default | what it is |",
            "|---|---|---|---|",
            *rows,
            "",
        ]
    )


def _code(default: object) -> str:
    text = str(default).lower() if isinstance(default, bool) else str(default)
    return f"`{text}`" if text else ""


def load(environment: Mapping[str, str]) -> Settings:
    return settings.load(environment, BLOCKS)


def test_the_page_lists_every_setting(update: bool) -> None:
    if update:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(settings_page(), "utf-8")
    assert PAGE.read_text("utf-8") == settings_page()


def test_every_setting_has_a_line_of_help() -> None:
    assert [setting.name for setting in declared(BLOCKS) if not setting.help.endswith(".")] == []


def test_no_two_settings_have_one_name() -> None:
    names = [setting.name for setting in declared(BLOCKS)]
    assert sorted(set(names)) == sorted(names)


def test_nothing_has_to_be_set() -> None:
    station = load({"PATH": "/bin", "HOME": "/root"})
    assert (station.port, station.pack, station.phone_page) == (8080, "tajikistan", False)


def test_a_setting_is_read_in_its_type() -> None:
    station = load({"SADO_PORT": "9000", "SADO_SYNC_EVERY_S": "2.5", "SADO_PHONE_PAGE": "true"})
    assert (station.port, station.sync_every_s, station.phone_page) == (9000, 2.5, True)


def test_the_files_are_in_the_data_folder_unless_set_otherwise() -> None:
    station = load({"SADO_DATA": "/srv/sado", "SADO_KEY_FILE": "/media/stick/keys.json"})
    assert station.database == Path("/srv/sado/sado.db")
    assert station.keys == Path("/media/stick/keys.json")
    assert load({"SADO_DATA": "/srv/sado"}).keys == Path("/srv/sado/keys.json")
    assert station.upstream_key == Path("/srv/sado/upstream.key")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "http"),
        ("PORT", ""),
        ("THREADS", "1"),
        ("THREADS", "65"),
        ("SERVICE_CODE", "1339"),
        ("SERVICE_CODE", "*1339"),
        ("SYNC_EVERY_S", "0"),
        ("SYNC_EVERY_S", "nan"),
        ("SYNC_DAILY_KB", "-1"),
        ("SYNC_PRICE_PER_MB", "inf"),
        ("PHONE_PAGE", "perhaps"),
        ("SECURE_COOKIES", "2"),
        ("SMS_DAILY_BUDGET", "inf"),
        ("SMS_DAILY_BUDGET", "-1"),
        ("AFRICASTALKING_URL", "api.example"),
    ],
)
def test_a_value_that_does_not_fit_stops_with_its_name(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as stopped:
        load({f"SADO_{name}": value})
    assert str(stopped.value).startswith(f"SADO_{name}={value!r} cannot be used: ")
    assert str(stopped.value).endswith(".")


@pytest.mark.parametrize("value", ["key\n", "\tkey", "key\u200b", "key\xa0"])
def test_a_sign_that_is_not_seen_stops_without_the_value_being_shown(value: str) -> None:
    with pytest.raises(SettingsError, match="^SADO_ANDROID_SIGNING_KEY has a line break") as stopped:
        load({"SADO_ANDROID_SIGNING_KEY": value})
    assert "key" not in str(stopped.value)


@pytest.mark.parametrize("name", ["PROT", "MIN_TOKEN", "FOLDER", "DATABASE", ""])
def test_a_name_that_does_not_exist_stops_with_it(name: str) -> None:
    with pytest.raises(SettingsError, match=f"^SADO_{name} is no setting; docs/settings.md lists them.$"):
        load({f"SADO_{name}": "1"})


SECRETS = [setting.name for setting in declared(BLOCKS) if setting.name.endswith(("_TOKEN", "_SIGNING_KEY"))]


@pytest.mark.parametrize("token", ["short", TOKEN[:21], f"{TOKEN}/b", f"{TOKEN} b", f"../{TOKEN}"])
def test_a_token_that_can_be_guessed_or_breaks_a_path_stops_without_being_shown(token: str) -> None:
    with pytest.raises(SettingsError, match="^SADO_AFRICASTALKING_TOKEN must be 22 or more") as stopped:
        load({"SADO_AFRICASTALKING_TOKEN": token})
    assert token not in str(stopped.value)


@pytest.mark.parametrize("weak", ["key", TOKEN[:21], "a" * 40, "12345" * 8])
@pytest.mark.parametrize("name", SECRETS)
def test_a_weak_token_or_signing_key_stops_whatever_risk_is_known(name: str, weak: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name} must be 22 or more .*`openssl rand -hex 16`"):
        load({name: weak, "SADO_KNOWN_RISKS": ",".join(settings.RISKS)})


@pytest.mark.parametrize("name", SECRETS)
def test_a_good_token_or_signing_key_is_taken(name: str) -> None:
    for good in (TOKEN, secrets.token_urlsafe(), secrets.token_hex(16), ""):
        assert load({name: good})


def test_the_tokens_and_signing_keys_are_those_that_the_administrator_chooses() -> None:
    gateways = ("AFRICASTALKING", "ANDROID", "FIELDMAP", "KANNEL")
    assert sorted(SECRETS) == sorted([*(f"SADO_{name}_TOKEN" for name in gateways), "SADO_ANDROID_SIGNING_KEY"])


ADDRESSES = [setting.name for setting in declared(BLOCKS) if setting.plain]
HERE = ["http://127.0.0.1:8700", "http://127.8.9.1/x", "http://[::1]:80", "http://localhost", "https://hub.example"]
ELSEWHERE = [
    "http://hub.example",
    "http://10.1.0.2:13013/x",
    "HTTP://hub.example",
    "http://localhost.example",
    "http://[fe80::1]",
]
OPEN = [
    ({"SADO_HOST": "0.0.0.0", "SADO_PHONE_PAGE": "1", "SADO_SECURE_COOKIES": "1"}, "open-phone-page"),
    ({"SADO_HOST": "::", "SADO_PHONE_PAGE": "1", "SADO_SECURE_COOKIES": "1"}, "open-phone-page"),
    ({"SADO_HOST": "0.0.0.0"}, "plain-pages"),
    ({"SADO_HOST": "localhost.example"}, "plain-pages"),
    ({"SADO_HOST": ""}, "plain-pages"),
]


@pytest.mark.parametrize("url", ELSEWHERE)
def test_an_upstream_by_plain_http_stops_the_start(url: str) -> None:
    with pytest.raises(
        SettingsError, match="^SADO_UPSTREAM .*if you know the risk, set SADO_KNOWN_RISKS=plain-upstream.$"
    ):
        load({"SADO_UPSTREAM": url})
    assert load({"SADO_UPSTREAM": url, "SADO_KNOWN_RISKS": "plain-upstream"}).upstream == url


@pytest.mark.parametrize("name", ADDRESSES)
def test_every_address_by_plain_http_stops_the_start(name: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name} .*if you know the risk, set SADO_KNOWN_RISKS=plain-"):
        load({name: "http://gateway.example/send"})
    assert all(load({name: url}) for url in HERE)


def test_no_address_is_without_its_risk() -> None:
    named = [setting.name for setting in declared(BLOCKS) if setting.name.endswith(("URL", "UPSTREAM", "REPORTS"))]
    formed = [
        setting.name
        for setting in declared(BLOCKS)
        if any("http" in (meta.pattern or "") for meta in setting.type.__metadata__)
    ]
    assert {*named, *formed} == set(ADDRESSES)


@pytest.mark.parametrize(("environment", "risk"), OPEN)
def test_pages_that_others_come_to_stop_the_start(environment: dict[str, str], risk: str) -> None:
    with pytest.raises(SettingsError, match=f"^SADO_HOST=.*if you know the risk, set SADO_KNOWN_RISKS={risk}.$"):
        load(environment)
    assert load(environment | {"SADO_KNOWN_RISKS": risk})


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "[::1]", "localhost"])
def test_pages_of_this_machine_alone_do_not_stop_the_start(host: str) -> None:
    assert load({"SADO_HOST": host, "SADO_PHONE_PAGE": "1"}).host == host


@pytest.mark.parametrize("proxy", ["127.0.0.1", "10.1.0.1"])
def test_a_proxy_lets_others_in(proxy: str) -> None:
    with pytest.raises(SettingsError, match=f"^SADO_TRUSTED_PROXY={proxy} lets .*, set SADO_KNOWN_RISKS=plain-pages.$"):
        load({"SADO_TRUSTED_PROXY": proxy})
    with pytest.raises(SettingsError, match="set SADO_KNOWN_RISKS=open-phone-page.$"):
        load({"SADO_TRUSTED_PROXY": proxy, "SADO_SECURE_COOKIES": "1", "SADO_PHONE_PAGE": "1"})
    assert load({"SADO_TRUSTED_PROXY": proxy, "SADO_SECURE_COOKIES": "1"}).trusted_proxy == proxy


@pytest.mark.parametrize("proxy", ["nginx", "*", "10.1.0.0/16", "127.0.0.1:80"])
def test_a_proxy_that_is_no_address_stops_the_start(proxy: str) -> None:
    with pytest.raises(SettingsError, match="^SADO_TRUSTED_PROXY=.* is no IP address, such as 127.0.0.1.$"):
        load({"SADO_TRUSTED_PROXY": proxy})


@pytest.mark.parametrize("allowed", ["gateway.example", "10.1.0.5/16", "10.1.0.0/33", "127.0.0.1;10.0.0.1"])
@pytest.mark.parametrize("name", [name for name in SECRETS if name.endswith("_TOKEN")])
def test_addresses_that_are_none_stop_the_start(name: str, allowed: str) -> None:
    where = name.replace("TOKEN", "ALLOWED")
    with pytest.raises(SettingsError, match=f"^{where}='{allowed}' cannot be used: "):
        load({where: allowed})
    assert load({where: "127.0.0.1, 10.1.0.0/16,::1"})


def test_one_known_risk_is_not_another() -> None:
    with pytest.raises(SettingsError, match="set SADO_KNOWN_RISKS=open-phone-page,plain-pages.$"):
        load({"SADO_HOST": "0.0.0.0", "SADO_PHONE_PAGE": "1", "SADO_KNOWN_RISKS": "open-phone-page"})


@pytest.mark.parametrize("known", ["plain", "plain-pages,all", "PLAIN-PAGES"])
def test_a_risk_that_is_none_stops_the_start(known: str) -> None:
    with pytest.raises(
        SettingsError, match=f"^SADO_KNOWN_RISKS names '{known.split(',')[-1]}', which is none of plain-"
    ):
        load({"SADO_KNOWN_RISKS": known})


class Queue(msgspec.Struct, frozen=True, kw_only=True):
    """A part that settings.py does not know."""

    hosts: Annotated[int, Meta(ge=1, description="How many.")] = 1


def test_a_part_declares_its_own_settings() -> None:
    assert settings.load({"SADO_QUEUE_HOSTS": "3"}, {"queue": Queue}).block(Queue) == Queue(hosts=3)
    with pytest.raises(SettingsError, match="^SADO_QUEUE_HOSTS='0' cannot be used"):
        settings.load({"SADO_QUEUE_HOSTS": "0"}, {"queue": Queue})
    with pytest.raises(SettingsError, match="^SADO_QUEUE_HOSTS is no setting"):
        settings.load({"SADO_QUEUE_HOSTS": "3"}, {})


def test_a_part_of_which_nothing_is_set_has_its_defaults() -> None:
    assert settings.load({}, {"queue": Queue}).block(Queue) == Queue() == Settings().block(Queue)


@pytest.mark.parametrize("name", ["SESSION", "GO_ON"])
def test_a_field_that_must_be_named_says_so(name: str) -> None:
    with pytest.raises(SettingsError, match=f"^SADO_FIELDMAP_{name} must not be empty.$"):
        load({f"SADO_FIELDMAP_{name}": ""})
