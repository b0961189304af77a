"""`sado demo`: makes two stations in a folder, runs them as two processes, and says where to look."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click
import requests

from sado.cli.publication import publisher_of
from sado.cli.sandbox import people, samples
from sado.cli.sandbox.provider import Provider
from sado.cli.signals import stopped_by_signal
from sado.cli.station_access import create_store
from sado.desk import passwords
from sado.desk.roles import Role
from sado.menus.reading import pack
from sado.settings import Settings
from sado.store import Store, Transaction
from sado.store.tables import accounts, stations

HUB, VILLAGE = 0, 7
START_S, STOP_S = 30, 15
READY, KEPT = "demo.json", "kept.json"


def demo(data: Path, station_port: int, hub_port: int) -> None:
    """Run until Ctrl-C. Started again on the same folder, it goes on where it was."""
    _check_ports(hub_port, station_port)
    # From the first moment: the stations are in groups of their own and would outlive us.
    stopped = stopped_by_signal()
    data.mkdir(parents=True, exist_ok=True)
    facts, is_new = _facts(data, station_port, hub_port)
    provider = Provider(data / "sms.ndjson", facts["provider_key"])
    provider.start()
    facts["sms_log"] = f"{provider.url}/sms"
    children = [
        _serve(_hub_settings(data, hub_port)),
        _serve(_station_settings(data, station_port, facts, provider.url)),
    ]
    try:
        _wait_until_up([facts["hub"]["url"], facts["station"]["url"]], children, stopped)
        if is_new:
            people.dial_all(facts["station"]["ussd"], facts["service_code"])
        _write(data / READY, facts)
        _say(facts, data)
        _wait_for_signal(children, stopped)
    finally:
        _put_aside(data)
        _stop(children)
        provider.stop()
    click.echo("Stopped. Started again on the same folder, it goes on from here.")


def _check_ports(*ports: int) -> None:
    """Refuse a port where somebody listens: another Sado would answer there in place of the stations of this folder.
    Raises ClickException."""
    with ExitStack() as held:
        for port in ports:
            try:
                held.enter_context(socket.create_server(("127.0.0.1", port)))
            except OSError as error:
                says = f"Port {port} cannot be used ({os.strerror(error.errno or 0)})"
                raise click.ClickException(f"{says}: choose others with --station-port and --hub-port.") from None


def _facts(data: Path, station_port: int, hub_port: int) -> tuple[dict[str, Any], bool]:
    """All that a script needs, and whether the folder is new. Secrets are minted once for a folder."""
    _put_aside(data)
    kept = data / KEPT
    is_new = not kept.exists()
    facts = _make(data) if is_new else json.loads(kept.read_text("utf-8"))
    station = f"http://127.0.0.1:{station_port}"
    webhook = f"{station}/gateway/africastalking/{facts['token']}/ussd"
    facts["station"] = {"url": station, "ussd": webhook, "ussd_end": f"{webhook}-end"}
    facts["hub"] = {"url": f"http://127.0.0.1:{hub_port}"}
    return facts, is_new


def _make(data: Path) -> dict[str, Any]:
    """Make both stations with their accounts, as `sado init`, `account add` and `station add` do."""
    codes = sorted(set(pack.load(Settings().pack).routing.values()))
    people_of_demo = {
        role.value: {"user": role.value, "password": secrets.token_urlsafe(16)} for role in Role if role != Role.OFFICER
    }
    agencies = {
        code: {
            "token": secrets.token_urlsafe(32),
            "user": f"officer-{code.lower()}",
            "password": secrets.token_urlsafe(16),
        }
        for code in codes
    }
    first = agencies["HCU"]
    everyone = people_of_demo | {"agency": {"user": first["user"], "password": first["password"]}}

    hashed = {role: passwords.hash_password(who["password"]) for role, who in people_of_demo.items()}

    def add_people(tx: Transaction) -> None:
        for role, who in people_of_demo.items():
            accounts.save(tx, who["user"], hashed[role], role, "")

    def add_agencies(tx: Transaction) -> bytes:
        for code, account in agencies.items():
            accounts.save(tx, account["user"], passwords.hash_password(account["password"]), Role.OFFICER, code)
            accounts.save_token(tx, code, account["token"])
        return stations.add(tx, VILLAGE)

    hub = _new_store(data / "hub", HUB)
    hub.write(add_people)
    key = hub.write(add_agencies)
    hub.close()
    village = _new_store(data / "station", VILLAGE)
    village.write(add_people)
    samples.load_all(village, Settings().pack)
    village.close()
    public = publisher_of(Settings(data=str(data / "hub")))
    (data / "station" / "upstream.key").write_text(f"{key.hex()}\n{public.hex() if public else ''}\n")
    return {
        "token": secrets.token_urlsafe(24),
        "provider_key": secrets.token_urlsafe(24),
        "service_code": Settings().service_code,
        "agencies": agencies,
        "accounts": everyone,
    }


def _new_store(folder: Path, number: int) -> Store:
    folder.mkdir(mode=0o700, exist_ok=True)
    return create_store(Settings(data=str(folder)), number)


def _hub_settings(data: Path, port: int) -> dict[str, str]:
    return {"SADO_DATA": str(data / "hub"), "SADO_PORT": str(port)}


def _station_settings(data: Path, port: int, facts: dict[str, Any], provider: str) -> dict[str, str]:
    return {
        "SADO_DATA": str(data / "station"),
        "SADO_PORT": str(port),
        "SADO_UPSTREAM": facts["hub"]["url"],
        "SADO_SYNC_EVERY_S": "1",
        "SADO_SYNC_IDLE_S": "1",
        "SADO_AFRICASTALKING_TOKEN": facts["token"],
        "SADO_AFRICASTALKING_USERNAME": "demo",
        "SADO_AFRICASTALKING_KEY": facts["provider_key"],
        "SADO_AFRICASTALKING_URL": provider,
        "SADO_SMS_AT_NIGHT": "1",
        "SADO_PHONE_PAGE": "1",
        "SADO_PHONE_SMS_URL": facts["sms_log"],
    }


def _serve(settings: dict[str, str]) -> subprocess.Popen[bytes]:
    """A station in a process and a process group of its own, so that Ctrl-C reaches it through us and in order.
    -P: modules come from where Sado is installed, never from the folder that we were started in."""
    log = (Path(settings["SADO_DATA"]) / "station.log").open("ab")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SADO_")}
    command = [sys.executable, "-P", "-m", "sado", "serve"]
    with log:
        return subprocess.Popen(command, env=inherited | settings, stdout=log, stderr=log, start_new_session=True)  # noqa: S603


def _wait_until_up(urls: list[str], children: list[subprocess.Popen[bytes]], stopped: threading.Event) -> None:
    deadline = time.monotonic() + START_S
    for url in urls:
        while not _is_up(url):
            if stopped.is_set():
                raise click.Abort
            if time.monotonic() > deadline or any(child.poll() is not None for child in children):
                raise click.ClickException("A station did not start; station.log in its folder says why.")
            time.sleep(0.1)


def _is_up(url: str) -> bool:
    try:
        return requests.get(f"{url}/healthz", timeout=2).ok
    except requests.RequestException:
        return False


def _put_aside(data: Path) -> None:
    """Between two runs there is no demo.json: a script that waits for it must not find that of the last run."""
    if (data / READY).exists():
        (data / READY).replace(data / KEPT)


def _write(path: Path, facts: dict[str, Any]) -> None:
    """Whole or not at all: a script may be waiting for this file."""
    draft = path.with_suffix(".new")
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(facts, indent=2, ensure_ascii=False), "utf-8")
    draft.replace(path)


def _say(facts: dict[str, Any], data: Path) -> None:
    who = facts["accounts"]
    rows = (
        ("the phone", f"{facts['station']['url']}/phone", who["phone"]),
        ("the operator", f"{facts['station']['url']}/operator", who["operator"]),
        ("the administrator, at the hub", f"{facts['hub']['url']}/administrator/people", who["administrator"]),
        ("the agency (housing: water, waste)", f"{facts['hub']['url']}/agency", who["agency"]),
    )
    click.echo("Sado runs: a village station and the hub, with three sample appeals.\n")
    for title, url, account in rows:
        click.echo(f"  {title}\n    {url}\n    user {account['user']}   password {account['password']}\n")
    click.echo(f"  a phone in the terminal\n    sado dial {facts['station']['ussd']}\n")
    others = "A supervisor, an auditor, officers of other agencies, tokens and webhooks"
    click.echo(f"{others}: {data / READY}. Ctrl-C stops all of it.")


def _wait_for_signal(children: list[subprocess.Popen[bytes]], stopped: threading.Event) -> None:
    while not stopped.wait(0.5):
        if any(child.poll() is not None for child in children):
            raise click.ClickException("A station ended; station.log in its folder says why.")


def _stop(children: list[subprocess.Popen[bytes]]) -> None:
    for child in children:
        child.terminate()
    deadline = time.monotonic() + STOP_S
    for child in children:
        try:
            child.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
