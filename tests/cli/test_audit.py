"""`sado audit`, while the station serves and while it does not; and what other commands write to the log."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from sado import settings
from sado.channel.settings import BLOCKS
from sado.cli import control, recording
from sado.cli.station_access import opened
from sado.settings import Settings
from tests.support.audit import forge, said, write
from tests.support.processes import VILLAGE, Ended, Station, environment, sado

WHO = recording.user()


@pytest.fixture
def village(tmp_path: Path) -> Iterator[Station]:
    """A station that does not serve."""
    station = Station(tmp_path / "village", VILLAGE)
    yield station
    station.end()


def settings_of(station: Station) -> Settings:
    return settings.load(environment(station.settings), BLOCKS)


def written(station: Station, count: int) -> None:
    with opened(settings_of(station)) as store:
        write(store, count)


def tampered(station: Station) -> None:
    with opened(settings_of(station)) as store:
        forge(store, "UPDATE audit SET who = 'person:bahrom' WHERE number = 8")


def rows_of(station: Station) -> list[tuple[str, str, str, str]]:
    with opened(settings_of(station)) as store:
        return said(store)


def verified(station: Station) -> Ended:
    return sado("audit", "verify", **station.settings)


@pytest.mark.parametrize("is_serving", [False, True])
def test_a_log_that_nobody_touched_verifies_and_one_that_was_changed_does_not(
    village: Station, is_serving: bool
) -> None:
    written(village, 20)
    assert verified(village).returncode == 0
    tampered(village)
    if is_serving:
        village.start()
    result = verified(village)
    assert result.returncode == 1
    assert result.stdout.startswith("Station 007, row 8: this row was changed, put in or moved")


def test_an_empty_log_verifies(village: Station) -> None:
    assert "Nothing was written yet." in village.sado("audit", "verify")


def test_what_is_exported_can_be_verified_by_others(village: Station, tmp_path: Path) -> None:
    """docs/audit.md says how."""
    written(village, 2500)
    file = tmp_path / "audit.jsonl"
    assert f"2501 rows are in {file}." in village.sado("audit", "export", str(file))
    assert file.stat().st_mode & 0o077 == 0
    before = bytes(32)
    for line in file.read_text().splitlines():
        row = json.loads(line)
        content = [row[name] for name in ("station", "number", "at", "who", "action", "object", "detail")]
        encoded = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
        before = sha256(before + encoded).digest()
        assert before.hex() == row["hash"]
    assert sado("audit", "export", str(file), **village.settings).returncode == 1


def test_commands_that_change_something_are_rows(village: Station, tmp_path: Path) -> None:
    village.sado("account", "add", "zarina", "--role", "operator")
    assert (
        "no telephone number" in sado("account", "add", "992900000001", "--role", "operator", **village.settings).stderr
    )
    village.sado("agency", "token", "HCU")
    village.sado("station", "add", "9")
    village.sado("station", "revoke", "9")
    village.sado("backup", str(tmp_path / "backup"))
    village.sado("quarantine", "list")
    assert rows_of(village) == [
        (WHO, "account.changed", "zarina", "add operator"),
        (WHO, "account.changed", "", "add operator"),
        (WHO, "token.changed", "HCU", "token"),
        (WHO, "station.changed", "009", "add"),
        (WHO, "station.changed", "009", "revoke"),
        (WHO, "backed.up", "", ""),
    ]


def test_a_serving_station_knows_who_runs_a_command_and_which_settings_are_new(village: Station) -> None:
    village.settings["kannel_password"] = "open sesame"  # noqa: S105
    village.start()
    village.sado("station", "add", "9")
    village.stop()
    rows = rows_of(village)
    assert (WHO, "station.changed", "009", "add") in rows
    assert ("station", "setting.changed", "SADO_KANNEL_PASSWORD", "") in rows
    assert "sesame" not in repr(rows)


def test_a_station_that_is_restored_says_so_in_its_log(village: Station, tmp_path: Path) -> None:
    village.sado("backup", str(tmp_path / "backup"))
    village.sado("restore", str(tmp_path / "backup"), "--replace")
    assert [row[1] for row in rows_of(village)] == ["backed.up", "restored"]
    assert verified(village).returncode == 0


# Of what a command asks: it tells how the station stands, and nothing of anybody.
SHOWN_ONLY = {
    ("GET", "registers"),
    ("GET", "pack"),
    ("GET", "files"),
    ("POST", "to-sign"),
    ("GET", "quarantine"),
    ("GET", "rotate"),
    ("POST", "sms"),
    ("POST", "drill"),
    ("GET", "sync"),
}


def test_every_request_of_the_control_api_is_a_row_or_shows_nothing_of_anybody() -> None:
    """The words that `do` compares with are all in one of the two tables."""
    compared = {
        node.value
        for node in ast.walk(ast.parse(Path(control.__file__).read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    known = {*recording.ROWS, *SHOWN_ONLY}
    assert not set(recording.ROWS) & SHOWN_ONLY
    asked = {what for _method, what in known}
    assert asked <= compared
    assert asks_in_commands() <= known
    assert ("POST", "audit") in asks_in_commands()


def asks_in_commands() -> set[tuple[str, str]]:
    """What the commands ask of a station: a method and a word, one after the other."""
    folder = Path(control.__file__).parent
    found = set()
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call):
                texts = [one.value if isinstance(one, ast.Constant) else None for one in node.args]
                for method, what in zip(texts, texts[1:], strict=False):
                    if method in ("GET", "POST") and isinstance(what, str):
                        found.add((method, what))
    return found
