"""`wsgi:app` under the servers that people know, and `sado` from a wheel among files that have our modules' names."""

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes import TOKEN, VILLAGE, Phone, Station, environment, free_port, shown_reference

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
SERVERS = {
    "gunicorn": ("gunicorn", "--threads", "16", "--bind", "127.0.0.1:{port}", "wsgi:app"),
    "waitress": ("waitress-serve", "--listen", "127.0.0.1:{port}", "wsgi:app"),
    "flask": ("flask", "--app", "wsgi", "run", "--port", "{port}"),
}
APPEAL = ("2", "1", "1", "Ёвон", "1", "Об нест", "Раҳимова Гулнора", "1")
NAMES = ("settings", "store", "cli", "local", "demo", "wsgi", "sync", "menus", "channel", "cases", "station")
WAIT_S = 60


def command(server: str, port: int) -> list[str]:
    name, *options = SERVERS[server]
    return [str(BIN / name), *(option.format(port=port) for option in options)]


@pytest.fixture
def station(tmp_path: Path) -> Iterator[Station]:
    station = Station(tmp_path / "station", VILLAGE, {"africastalking_token": TOKEN})
    yield station
    station.end()


def serve(station: Station, server: str) -> None:
    with station.log.open("ab") as log:
        station.process = subprocess.Popen(
            command(server, station.port), cwd=ROOT, env=environment(station.settings), stdout=log, stderr=log
        )
    station.wait_until_up()


@pytest.mark.parametrize("server", SERVERS)
def test_an_appeal_is_filed_and_commands_are_answered_under(server: str, station: Station) -> None:
    serve(station, server)
    assert shown_reference(Phone(station.webhook, "+992900000001").walk("1", *APPEAL))
    assert station.process is not None and station.sado("sync", "status") and station.process.poll() is None


@pytest.mark.parametrize("second", ["gunicorn", "sado"])
def test_a_second_process_is_refused_with_the_reason(second: str, station: Station) -> None:
    serve(station, "waitress")
    arguments = [str(BIN / "sado"), "serve"] if second == "sado" else command(second, free_port())
    refused = subprocess.run(
        arguments, cwd=ROOT, env=environment(station.settings), capture_output=True, text=True, timeout=WAIT_S
    )
    assert refused.returncode != 0
    assert "SQLite file is safe with one process" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert station.is_up()


@pytest.mark.parametrize("server", ["gunicorn", "flask"])
@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"data": "/nowhere"}, "There is no station in /nowhere. Run `sado init --station NUMBER` first."),
        ({"trusted_proxy": "127.0.0.1", "secure_cookies": 1}, "SADO_TRUSTED_PROXY is for `sado serve`: unset it"),
        ({"upstream": "http://hub.example"}, "if you know the risk, set SADO_KNOWN_RISKS=plain-upstream."),
    ],
)
def test_settings_that_cannot_be_used_are_a_sentence(server: str, wrong: dict[str, object], sentence: str) -> None:
    done = subprocess.run(
        command(server, free_port()),
        cwd=ROOT,
        env=environment(wrong),
        capture_output=True,
        text=True,
        timeout=WAIT_S,
    )
    assert done.returncode != 0
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with the wheel in it; what it needs is borrowed from the environment of the tests."""
    folder = tmp_path_factory.mktemp("wheel")
    source = shutil.copytree(ROOT, folder / "source", ignore=shutil.ignore_patterns(".*", "build", "tests", "bench"))
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(source)]
    subprocess.run(build, check=True, capture_output=True)
    subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True)
    python = folder / "venv" / "bin" / "python"
    (wheel,) = folder.glob("sado-*.whl")
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--no-deps", str(wheel)], check=True)
    (site,) = (folder / "venv" / "lib").glob("python*/site-packages")
    (theirs,) = (BIN.parent / "lib").glob("python*/site-packages")
    (site / "borrowed.pth").write_text(f"{theirs}\n")
    return folder / "venv" / "bin"


@pytest.mark.long
@pytest.mark.parametrize("path", [{}, {"PYTHONPATH": "."}], ids=["", "PYTHONPATH=."])
def test_the_demo_runs_from_a_wheel_among_files_with_our_names(
    installed: Path, tmp_path: Path, path: dict[str, str]
) -> None:
    for name in NAMES:
        (tmp_path / f"{name}.py").write_text("raise SystemExit('This module is somebody else's.')")
    ports = ["--station-port", str(free_port()), "--hub-port", str(free_port())]
    with subprocess.Popen(
        [str(installed / "sado"), "demo", *ports],
        cwd=tmp_path,
        env=environment({}) | path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as demo:
        assert demo.stdout is not None
        has_begun = any("Sado runs" in line for line in demo.stdout)
        demo.send_signal(signal.SIGINT)
        demo.stdout.read()
    assert has_begun
