"""Each setting is checked before anything runs, and docs/settings.md lists them all."""

from pathlib import Path

import pytest

from sado import settings
from sado.settings import SettingsError, described, load

PAGE = Path(__file__).parent.parent / "docs" / "settings.md"
TOKEN = "a-token_of-22-letters-0"


def settings_page() -> str:
    """docs/settings.md as it should be."""
    kinds = {"str": "text", "int": "whole number", "float": "number", "bool": "`true` or `false`"}
    rows = [
        f"| `{name}` | {kinds[kind]} | {_code(default.lower() if kind == 'bool' else default)} | {words} |"
        for name, kind, default, words in described()
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


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def test_the_page_lists_every_setting(update: bool) -> None:
    if update:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(settings_page(), "utf-8")
    assert PAGE.read_text("utf-8") == settings_page()


def test_every_setting_has_a_line_of_help() -> None:
    assert [name for name, _, _, words in described() if not words.endswith(".")] == []


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


@pytest.mark.parametrize("token", ["short", "a" * 21, "a/b" * 10, "a b" * 10, "../" * 10])
def test_a_token_that_can_be_guessed_or_breaks_a_path_stops_without_being_shown(token: str) -> None:
    with pytest.raises(SettingsError, match="^SADO_AFRICASTALKING_TOKEN must be 22 or more") as stopped:
        load({"SADO_AFRICASTALKING_TOKEN": token})
    assert token not in str(stopped.value)


def test_a_good_token_is_taken() -> None:
    assert load({"SADO_AFRICASTALKING_TOKEN": TOKEN}).africastalking_token == TOKEN


@pytest.mark.parametrize("name", sorted(settings.Settings.__struct_fields__))
def test_a_setting_is_known_by_its_name_in_capitals(name: str) -> None:
    assert f"SADO_{name.upper()}" in {row[0] for row in described()}
