"""The demonstration, started as a person would start it and used as a script would use it; and the same day without
a line to the hub."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.support.processes import (
    SADO,
    START_S,
    STOP_S,
    Agency,
    Phone,
    Station,
    environment,
    free_port,
    pair,
    shown_reference,
    until,
)

pytestmark = pytest.mark.long

GULNORA, NEIGHBOUR = "+992900000777", "+992900000778"
TEXT = "Дар деҳаи мо се рӯз боз об нест."
ANSWER = "Қубур иваз шуд, об ҳаст."
APPEAL = ("1", "2", "1", "1", "Ёвон", "1", TEXT, "Раҳимова Гулнора", "1")
SYNC_S = 60


@dataclass(frozen=True)
class Demo:
    """A running demonstration, known by its demo.json alone."""

    facts: dict[str, Any]
    process: subprocess.Popen[bytes]

    def phone(self, msisdn: str) -> Phone:
        return Phone(self.facts["station"]["ussd"], msisdn)

    def agency(self, code: str) -> Agency:
        return Agency(self.facts["hub"]["url"], self.facts["agencies"][code]["token"])

    def sms_to(self, msisdn: str) -> list[str]:
        kept = requests.get(self.facts["sms_log"], timeout=60).json()
        return [message["text"] for message in kept if message["to"] == msisdn]

    def stop(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(STOP_S)


@contextmanager
def demo(folder: Path, ports: tuple[int, int]) -> Iterator[Demo]:
    """`sado demo` from another folder than ours, where a file has the name of one of our modules."""
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir(exist_ok=True)
    (elsewhere / "settings.py").write_text("raise SystemExit('This is not the settings of Sado.')")
    command = [*SADO, "demo", "--data", "../demo", "--station-port", str(ports[0]), "--hub-port", str(ports[1])]
    with (folder / "demo.log").open("ab") as log:
        process = subprocess.Popen(command, cwd=elsewhere, env=environment({}), stdout=log, stderr=log)
    try:
        said = folder / "demo" / "demo.json"
        assert until(lambda: process.poll() is not None or said.exists(), START_S), "no demo.json"
        assert process.poll() is None, (folder / "demo.log").read_text()
        yield Demo(json.loads(said.read_text("utf-8")), process)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.wait(STOP_S)


def processes_of(folder: Path) -> list[str]:
    """The command lines of every process whose environment or arguments name this folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes()
            if os.fsencode(folder) in words and entry.name != str(os.getpid()):
                found.append((entry / "cmdline").read_text())
        except OSError:
            continue
    return found


def is_free(port: int) -> bool:
    try:
        requests.get(f"http://127.0.0.1:{port}/healthz", timeout=2)
    except requests.ConnectionError:
        return True
    return False


def sign_in(station: str, account: dict[str, str]) -> requests.Response:
    """The page that this account lands on."""
    with requests.Session() as browser:
        page = browser.get(f"{station}/signin", timeout=60)
        token = page.text.partition('name="csrf_token" value="')[2].partition('"')[0]
        form = {"csrf_token": token, "name": account["user"], "password": account["password"]}
        return browser.post(f"{station}/signin", data=form, timeout=60)


def file_appeal(phone: Phone) -> str:
    """Gulnora files an appeal, in Tajik; its reference."""
    screen = phone.walk(*APPEAL)
    reference = shown_reference(screen)
    assert reference is not None and "рамз" in screen, screen
    return reference


def test_an_appeal_goes_to_the_agency_and_the_answer_comes_back(tmp_path: Path) -> None:
    ports = free_port(), free_port()
    with demo(tmp_path, ports) as running:
        phone, agency = running.phone(GULNORA), running.agency("HCU")
        reference = file_appeal(phone)

        assert until(lambda: agency.case(reference) is not None, SYNC_S)
        case = agency.case(reference)
        assert case is not None
        assert (case["status"], case["text"], case["topic"]) == ("received", TEXT, "water")
        assert GULNORA not in json.dumps(case)
        for kind, text in (("registered", ""), ("answered", ANSWER), ("closed", "")):
            assert agency.move(reference, kind, text)["status"] == kind

        assert until(lambda: "Хондани ҷавоб" in phone.walk("1", "2", "1"), SYNC_S)
        assert ANSWER in phone.walk("1", "2", "1", "1")
        assert ANSWER in phone.walk("1", "1", reference, "1")

        assert until(lambda: len(running.sms_to(GULNORA)) > 0, SYNC_S)
        assert all(reference in text for text in running.sms_to(GULNORA))
        assert not any(word in text for text in running.sms_to(GULNORA) for word in (TEXT, ANSWER, "Об", "Пӯшида"))
        assert running.sms_to(NEIGHBOUR) == []

        other = running.agency("ELC")
        assert other.case(reference) is None
        assert (other.status(f"cases/{reference}"), agency.status(f"cases/{reference}")) == (404, 200)
        assert Agency(other.url, "guessed").status("cases") == 401

        sms = running.sms_to(GULNORA)
        assert running.stop() == 0
    assert processes_of(tmp_path / "demo") == []
    assert not (tmp_path / "demo" / "demo.json").exists()
    assert [is_free(port) for port in ports] == [True, True]

    with demo(tmp_path, ports) as again:
        closed = again.agency("HCU").case(reference)
        assert closed is not None and closed["status"] == "closed"
        assert until(lambda: len(again.sms_to(GULNORA)) >= len(sms), SYNC_S)
        assert again.sms_to(GULNORA)[: len(sms)] == sms
        assert {name: again.facts[name] for name in ("token", "agencies", "accounts")} == {
            name: running.facts[name] for name in ("token", "agencies", "accounts")
        }
        landed = sign_in(again.facts["station"]["url"], again.facts["accounts"]["operator"])
        assert (landed.status_code, landed.url.rstrip("/").rpartition("/")[2]) == (200, "operator")
        landed = sign_in(again.facts["hub"]["url"], again.facts["accounts"]["administrator"])
        assert (landed.status_code, landed.url.rpartition("/")[2]) == (200, "people")
        assert ANSWER in again.phone(GULNORA).walk("1", "2", "1", "1")


def test_another_phone_needs_the_pin(tmp_path: Path) -> None:
    with demo(tmp_path, (free_port(), free_port())) as running:
        screen = running.phone(GULNORA).walk(*APPEAL)
        reference, pin = str(shown_reference(screen)), screen.partition("рамз ")[2][:4]
        neighbour = running.phone(NEIGHBOUR)

        assert "Рамзи чоррақамаро" in neighbour.walk("1", "1", "1", reference)
        wrong = f"{(int(pin) + 1) % 10000:04}"
        assert "ёфт нашуд" in neighbour.walk("1", "1", reference, wrong).lower()
        assert f"№{reference}: Сабт шуд" in neighbour.walk("1", "1", reference, pin)


def test_the_sample_residents_filed_their_appeals(tmp_path: Path) -> None:
    with demo(tmp_path, (free_port(), free_port())) as running:
        agencies = [running.agency(code) for code in ("HCU", "ELC", "TRA")]

        assert until(lambda: all(len(agency.cases()) == 1 for agency in agencies), SYNC_S)
        assert [agency.cases()[0]["language"] for agency in agencies] == ["tg", "ru", "en"]


def test_a_second_demonstration_on_the_same_folder_is_refused(tmp_path: Path) -> None:
    with demo(tmp_path, (free_port(), free_port())) as running:
        second = subprocess.run(
            [*SADO, "demo", "--data", str(tmp_path / "demo"), "--station-port", str(free_port())],
            env=environment({}),
            capture_output=True,
            text=True,
            timeout=START_S,
        )

        assert (second.returncode, "runs in" in second.stderr) == (1, True)
        assert (tmp_path / "demo" / "demo.json").exists()
        assert running.process.poll() is None


def test_stopped_while_it_starts_it_leaves_no_process(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    command = [*SADO, "demo", "--data", str(folder), "--station-port", str(free_port()), "--hub-port", str(free_port())]
    process = subprocess.Popen(command, env=environment({}), stderr=subprocess.DEVNULL)
    assert until(lambda: len(processes_of(folder)) == 3, START_S, 0.01)

    process.terminate()

    assert process.wait(STOP_S) == 1
    assert processes_of(folder) == []


@contextmanager
def stopped_hub(hub: Station, is_frozen: bool) -> Iterator[None]:
    """The line is gone: the hub is killed, or frozen, so that it takes connections and answers nothing."""
    assert hub.process is not None
    if is_frozen:
        hub.process.send_signal(signal.SIGSTOP)
    else:
        hub.kill()
    try:
        yield
    finally:
        if is_frozen:
            hub.process.send_signal(signal.SIGCONT)
        else:
            hub.start()


@pytest.mark.parametrize("is_frozen", [False, True], ids=["killed", "frozen"])
def test_without_a_hub_the_resident_still_gets_a_reference(tmp_path: Path, is_frozen: bool) -> None:
    with pair(tmp_path) as (hub, village):
        agency = Agency(hub.url, hub.sado("agency", "token", "HCU").strip())
        hub.start()
        village.start()
        phone = Phone(village.webhook, GULNORA)
        before = file_appeal(phone)
        assert until(lambda: agency.case(before) is not None, SYNC_S)

        with stopped_hub(hub, is_frozen):
            during = shown_reference(phone.walk(*APPEAL[1:]))
            assert during is not None
            assert village.health()["outbox"]["waiting"] == 1
            if not is_frozen:
                assert until(lambda: village.health()["line"] == "down", SYNC_S)
                assert "has been down since" in village.sado("sync", "status")

        village.sync_now()
        assert until(lambda: agency.case(during) is not None, SYNC_S)
        assert until(lambda: village.health()["line"] == "up", SYNC_S)
        assert village.health()["outbox"]["waiting"] == 0
