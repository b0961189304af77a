"""The command line as a person meets it: every refusal a sentence."""

import contextlib
import os
import re
import socket
import stat
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner
from filelock import FileLock

from sado.cli import client
from sado.cli.client import SOCKET
from sado.cli.main import main
from sado.store import Keyring, Store
from sado.store.tables import accounts
from tests.support.processes import (
    HUB,
    TOKEN,
    VILLAGE,
    Phone,
    Station,
    free_port,
    pair,
    sado,
    sado_process,
    shown_reference,
    until,
)

COMMANDS = [
    [],
    *(
        [name, *([inner] if inner else [])]
        for name, command in main.commands.items()
        for inner in ("", *getattr(command, "commands", ()))
    ),
]
APPEAL = ("2", "1", "1", "Ёвон", "1", "Об нест", "Раҳимова Гулнора", "1")
SYNC_S = 60


@pytest.fixture
def station(tmp_path: Path) -> Iterator[Station]:
    """A station without an upstream, not yet serving."""
    station = Station(tmp_path / "station", VILLAGE, {"africastalking_token": TOKEN})
    yield station
    station.end()


@pytest.fixture(scope="module")
def idle(tmp_path_factory: pytest.TempPathFactory) -> Station:
    """A station that no test serves or changes."""
    return Station(tmp_path_factory.mktemp("idle") / "station", VILLAGE)


def is_refused(result: subprocess.CompletedProcess[str], words: str) -> bool:
    """Whether the command ended with a sentence that holds these words, and no traceback."""
    assert "Traceback" not in result.stderr, result.stderr
    last = result.stderr.strip().splitlines()[-1]
    assert re.fullmatch(r"Error: .+", last), result.stderr
    return result.returncode == 1 and words in result.stderr


def is_listening(address: tuple[str, int]) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(address, timeout=1):
        return True
    return False


def file_appeal(station: Station, msisdn: str = "+992900000001") -> str:
    """The first appeal of this phone, through the webhook; its reference."""
    reference = shown_reference(Phone(station.webhook, msisdn).walk("1", *APPEAL))
    assert reference is not None
    return reference


def test_a_command_that_is_nearly_right_is_offered() -> None:
    assert "Did you mean 'sync'?" in sado_process("sy").stderr


def test_a_new_key_file_is_not_made_for_a_database_that_has_one(station: Station) -> None:
    (station.folder / "keys.json").rename(station.folder / "elsewhere.json")
    again = sado("init", "--station", str(VILLAGE), **station.settings)
    assert is_refused(again, "put the one that it had there")
    assert not (station.folder / "keys.json").exists()


def test_the_control_api_is_a_socket_of_its_owner_and_not_on_the_port(station: Station) -> None:
    station.start()
    mode = (station.folder / SOCKET).stat().st_mode
    assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o600
    assert requests.post(f"{station.url}/local/sync", timeout=SYNC_S).status_code == 404
    assert station.stop() == 0
    assert not (station.folder / SOCKET).exists()


def test_a_command_finds_the_station_of_its_folder_whatever_the_port(station: Station) -> None:
    station.start()
    for port in (1, free_port()):
        assert "Nothing waits." in sado("sync", "status", **station.settings | {"port": port}).stdout


def test_a_command_finds_a_station_in_a_folder_with_a_long_name(tmp_path: Path) -> None:
    station = Station(tmp_path / ("long" * 40), VILLAGE)
    try:
        station.start()
        assert "Nothing waits." in station.sado("sync", "status")
        assert "is being served" in sado("agency", "token", "HCU", **station.settings).stderr
    finally:
        station.end()


def test_what_a_killed_process_has_left_is_in_nobody_s_way(station: Station) -> None:
    station.start()
    station.kill()
    assert (station.folder / SOCKET).exists()
    assert "Nothing waits." in station.sado("sync", "status"), "the command does it by itself"
    station.start()
    assert "Nothing waits." in station.sado("sync", "status")
    assert "is being served" in sado("agency", "token", "HCU", **station.settings).stderr


@pytest.mark.parametrize("asked", [b"nothing\n", b"[]\n", b'["POST","backup",{}]\n', b'["GET","sync",null]'])
def test_what_is_no_command_harms_nothing(station: Station, asked: bytes) -> None:
    station.start()
    with client.address(station.folder) as place, socket.socket(socket.AF_UNIX) as line:
        line.connect(place)
        line.sendall(asked)
        line.shutdown(socket.SHUT_WR)
        told = b"".join(iter(lambda: line.recv(65536), b""))
    assert told == b"" or b"Something went wrong at the station" in told
    assert "Nothing waits." in station.sado("sync", "status")


def test_an_answer_leaves_in_one_piece(station: Station) -> None:
    station.start()
    with socket.create_connection(("127.0.0.1", station.port)) as gateway:
        gateway.sendall(b"GET /healthz HTTP/1.1\r\nHost: station\r\nConnection: close\r\n\r\n")
        answer = b"".join(iter(lambda: gateway.recv(65536), b""))
        assert data_segments_in(gateway) == 1
    assert answer.startswith(b"HTTP/1.1 200 OK")


def data_segments_in(connection: socket.socket) -> int:
    """How many TCP segments with data came in (tcpi_data_segs_in of Linux's struct tcp_info)."""
    return int(struct.unpack_from("I", connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 160), 152)[0])


def test_no_command_makes_a_folder_for_a_station_that_is_not_there(tmp_path: Path) -> None:
    assert is_refused(sado("agency", "token", "HCU", data=tmp_path / "nowhere"), "There is no station in")
    assert not (tmp_path / "nowhere").exists()


def test_a_station_on_ipv6_is_asked_there(station: Station) -> None:
    station.settings["host"] = "::1"
    station.spawn()
    assert until(lambda: is_listening(("::1", station.port)), SYNC_S)
    assert "Nothing waits." in station.sado("sync", "status")
    assert "is being served" in sado("agency", "token", "HCU", **station.settings).stderr


@pytest.mark.parametrize(("name", "reads_it"), [("init", False), ("station", False), ("sync", False), ("serve", True)])
def test_only_what_serves_reads_the_pages(name: str, reads_it: bool) -> None:
    """A command on a small box is there at once."""
    look = (
        "import sys; from sado.cli.main import main; "
        f"main(['{name}', '-h'], standalone_mode=False); sys.exit('flask' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", look], capture_output=True).returncode == reads_it


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_says_what_it_does(command: list[str]) -> None:
    result = CliRunner().invoke(main, [*command, "--help"], env={name: None for name in os.environ if "SADO" in name})

    said = result.output.split("\n\n")[1].strip()
    assert result.exit_code == 0
    assert re.match(r"[A-Z]", said) and said.endswith("."), result.output


def test_init_keeps_keys_and_folder_to_their_owner(tmp_path: Path) -> None:
    result = sado("init", "--station", "7", data=tmp_path / "new" / "station")

    folder = tmp_path / "new" / "station"
    assert (result.returncode, "Station 007 is ready" in result.stdout) == (0, True)
    assert {name: stat.S_IMODE((folder / name).stat().st_mode) for name in ("", "keys.json")} == {
        "": 0o700,
        "keys.json": 0o600,
    }


def test_init_again_changes_nothing_and_never_the_number(station: Station) -> None:
    before = (station.folder / "keys.json").read_bytes()

    assert sado("init", "--station", str(VILLAGE), **station.settings).returncode == 0
    assert is_refused(sado("init", "--station", "8", **station.settings), "already is number 7")
    assert (station.folder / "keys.json").read_bytes() == before


def test_init_puts_the_key_file_where_it_is_told(tmp_path: Path) -> None:
    settings = {"data": tmp_path / "data", "key_file": tmp_path / "stick" / "keys.json"}

    sado("init", "--station", "7", **settings)

    assert (tmp_path / "stick" / "keys.json").exists()
    assert not (tmp_path / "data" / "keys.json").exists()


@pytest.mark.parametrize(
    "command", ["serve", "init --station 7", "account add zarina --role operator", "agency token HCU"]
)
def test_a_folder_belongs_to_one_process(station: Station, command: str) -> None:
    station.start()

    assert is_refused(sado(*command.split(), **station.settings), "is being served by another process")
    assert station.is_up()


@pytest.mark.parametrize("command", ["serve", "sync status", "account add zarina --role operator"])
def test_while_another_command_has_the_folder_one_is_told_to_try_again(station: Station, command: str) -> None:
    with FileLock(station.folder / "station.lock"):
        assert is_refused(sado(*command.split(), **station.settings), "Try again in a moment")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"port": "eighty"}, "SADO_PORT='eighty' cannot be used"),
        ({"port": "70000"}, "SADO_PORT"),
        ({"thread": "4"}, "SADO_THREAD is no setting; docs/settings.md lists them"),
        ({"service_code": "1339"}, "SADO_SERVICE_CODE"),
        ({"africastalking_token": "short"}, "SADO_AFRICASTALKING_TOKEN must be 22 or more"),
        ({"pack": "atlantis"}, "atlantis"),
        ({"upstream": "http://127.0.0.1:1"}, "must hold the key that `sado station add` printed"),
    ],
    ids=lambda value: "" if isinstance(value, str) else " ".join(value),
)
def test_a_wrong_setting_stops_the_start(idle: Station, settings: dict[str, str], words: str) -> None:
    assert is_refused(sado_process("serve", **idle.settings | settings), words)


@pytest.mark.parametrize("command", ["serve", "sync status", "sync now", "backup copy.db", "station add 7"])
def test_where_there_is_no_station_the_next_step_is_told(tmp_path: Path, command: str) -> None:
    assert is_refused(sado(*command.split(), data=tmp_path / "nothing"), "Run `sado init --station NUMBER` first.")
    assert not (tmp_path / "nothing" / "sado.db").exists()


def test_a_lost_key_file_is_told_and_not_replaced(station: Station) -> None:
    (station.folder / "keys.json").unlink()

    assert is_refused(sado("serve", **station.settings), "No key file at")
    assert not (station.folder / "keys.json").exists()


def test_a_port_in_use_is_told(station: Station, tmp_path: Path) -> None:
    station.start()
    other = Station(tmp_path / "other", HUB, {"port": station.port})

    assert is_refused(sado_process("serve", **other.settings), "in use")
    assert "Nothing waits." in other.sado("sync", "status")


def test_a_demo_where_somebody_listens_says_which_port_and_makes_nothing(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken, free = other.getsockname()[1], free_port()
        for ports in ((taken, free), (free, taken), (free, free)):
            chosen = ["--station-port", str(ports[0]), "--hub-port", str(ports[1])]
            refused = sado("demo", "--data", str(tmp_path / "demo"), *chosen)
            port = taken if taken in ports else free
            assert is_refused(refused, f"Port {port} cannot be used (Address already in use): choose others")
    assert not (tmp_path / "demo" / "hub").exists()


def test_account_add_mints_a_password_that_signs_in(station: Station) -> None:
    password = station.sado("account", "add", "zarina", "--role", "operator").split("Password: ")[1].strip()
    assert len(password) >= 12
    station.start()

    with requests.Session() as browser:
        page = browser.get(f"{station.url}/signin", timeout=60).text
        token = page.partition('name="csrf_token" value="')[2].partition('"')[0]
        form = {"csrf_token": token, "name": "zarina", "password": password}
        landed = browser.post(f"{station.url}/signin", data=form, timeout=60)

        assert (landed.status_code, landed.url) == (200, f"{station.url}/account")
        wrong = browser.post(f"{station.url}/signin", data=form | {"password": "guessed"}, timeout=60)
        assert wrong.status_code in (400, 403)
    assert password not in station.log.read_text()


@pytest.mark.parametrize("name", ["", "  "])
def test_an_account_needs_a_name(station: Station, name: str) -> None:
    assert is_refused(sado("account", "add", name, "--role", "operator", **station.settings), "needs a name")


def test_an_account_that_is_there_gets_a_new_password_and_says_so(station: Station) -> None:
    added = [station.sado("account", "add", name, "--role", "operator") for name in (" zarina ", "zarina")]

    assert added[0].startswith("zarina may sign in.")
    assert added[1].startswith("zarina has a new password")


def test_codes_of_a_lost_phone_are_turned_off(station: Station) -> None:
    assert is_refused(sado("account", "totp-off", "zarina", **station.settings), "There is no account 'zarina'")
    station.sado("account", "add", "zarina", "--role", "operator")
    assert station.sado("account", "totp-off", "zarina") == "zarina was asked for no code.\n"
    with contextlib.closing(Store(station.folder / "sado.db", Keyring.load(station.folder / "keys.json"))) as store:
        store.write(lambda tx: accounts.set_totp(tx, "zarina", "key", 0, ["code"]))
    assert station.sado("account", "totp-off", "zarina") == "zarina signs in with the password alone.\n"
    assert station.sado("account", "totp-off", "zarina") == "zarina was asked for no code.\n"


def test_an_officer_needs_an_agency_that_exists(station: Station) -> None:
    officer = ("account", "add", "kamol", "--role", "officer")

    assert is_refused(sado(*officer, **station.settings), "An officer needs --agency")
    assert is_refused(sado(*officer, "--agency", "XXX", **station.settings), "There is no agency XXX")
    assert "kamol may sign in." in station.sado(*officer, "--agency", "HCU")


def test_station_add_prints_a_key_and_a_new_one_the_next_time(station: Station) -> None:
    (key, publisher), (new_key, same) = (station.sado("station", "add", "8").split() for _ in range(2))

    assert all(re.fullmatch(r"[0-9a-f]{64}", said) for said in (key, publisher, new_key))
    assert key != new_key and publisher == same


def test_a_station_behind_another_gets_no_key_and_that_one_speaks_for_it(station: Station) -> None:
    assert is_refused(sado("station", "add", "8", "--through", "5", **station.settings), "Station 005 is not admitted")

    station.sado("station", "add", "5")

    assert station.sado("station", "add", "8", "--through", "5") == (
        "Station 008 is reached through station 005, which may speak for it.\n"
    )


def test_agency_token_refuses_an_agency_that_does_not_exist(station: Station) -> None:
    refused = sado("agency", "token", "XXX", **station.settings)

    assert is_refused(refused, "There is no agency XXX. The agencies are: TAX, CUS")
    assert len(station.sado("agency", "token", "HCU").strip()) >= 32


def test_sync_status_and_now_while_serving_and_while_not(tmp_path: Path) -> None:
    with pair(tmp_path) as (hub, village):
        village.start()
        file_appeal(village)
        assert until(lambda: "has been down since" in village.sado("sync", "status"), SYNC_S)
        assert "upstream: 1 waiting, the oldest since" in village.sado("sync", "status")

        hub.start()
        said = village.sado("sync", "now")
        assert "Everything that waits is being tried." in said
        assert until(lambda: "Nothing waits." in village.sado("sync", "status"), SYNC_S)

        file_appeal(village, "+992900000002")
        village.kill()
        assert "Last exchange at" in village.sado("sync", "status")
        assert "Nothing waits." in village.sado("sync", "now")


def test_dial_is_a_phone_in_the_terminal(station: Station) -> None:
    station.start()

    first = sado("dial", station.webhook, "--number", "+992900000005", typed="1\n2\n")
    assert first.returncode == 0, first.stderr
    assert [word in first.stdout for word in ("Русский", "Муроҷиат", "Шикоят", "of 80 (UCS-2)")] == [True] * 4

    again = sado("dial", station.webhook, "--number", "+992900000005", "--code", "*1339*2*1#")
    assert "Беморхона" in again.stdout or "Об" in again.stdout

    filed = sado("dial", station.webhook, "--number", "+992900000005", typed="\n".join([*APPEAL, ""]))
    assert re.search(r"рақам 007\d{7}", filed.stdout), filed.stdout


def test_dial_plays_a_poor_network_and_an_old_phone(station: Station) -> None:
    station.start()

    said = sado("dial", station.webhook, "--cut", "20", "--without-cyrillic", typed="/cut\n/all\n").stdout

    assert said.count("cut at 20") == 1
    assert said.index("1 □□□□□□") < said.index("1 Тоҷикӣ")


def test_dial_says_what_is_wrong(station: Station) -> None:
    assert is_refused(sado("dial", station.webhook), "No station answers at")
    station.start()
    wrong_token = sado("dial", f"{station.url}/gateway/africastalking/{'x' * 22}/ussd")
    assert (wrong_token.returncode, "Error: The webhook answered 404" in wrong_token.stderr) == (1, True)


def test_ctrl_c_stops_a_station_that_others_are_connected_to(station: Station) -> None:
    station.start()
    with requests.Session() as kept:
        kept.get(f"{station.url}/healthz", timeout=60)

        assert station.stop() == 0

    with pytest.raises(requests.ConnectionError):
        requests.get(f"{station.url}/healthz", timeout=60)
    assert "Traceback" not in station.log.read_text()


def test_sms_costs_of_a_month_while_serving(station: Station) -> None:
    assert "No SMS was sent in 2026-02." in station.sado("sms", "costs", "--month", "2026-02")
    assert is_refused(sado("sms", "costs", "--month", "soon", **station.settings), "'soon' is no month")
