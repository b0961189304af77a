"""The servers that the benchmarks load: the real station, or one constant Flask view, both behind waitress."""

from __future__ import annotations

import argparse
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import cast

from flask import Flask, Response, request

from sado.cases.audit import Told
from sado.channel.gateways import africastalking
from sado.cli.server import listening
from sado.desk import recording
from sado.desk.recording import Recorder, Rows
from sado.settings import Settings
from sado.station import build_station, spare_memory
from sado.store import Keyring, Store
from sado.store.engine import MAX_GROUP

TOKEN = "bench-token-bench-token-bench"
PATH = f"/gateway/africastalking/{TOKEN}/ussd"
THREADS = 16
# Who may use the pages, and the agency that the walk's appeal goes to.
PASSWORD, AGENCY = "bench-password", "HCU"
# A station that this one knows.
VILLAGE = 8
ACCOUNTS = (("operator", "--role", "operator"), ("officer", "--role", "officer", "--agency", AGENCY))


def station_app(folder: Path, max_group: int, pages: bool) -> Flask:
    """The whole station, as `sado serve` builds it, on a new database; with `pages` the phone page, and accounts."""
    settings = Settings(
        data=str(folder),
        blocks=(africastalking.Settings(token=TOKEN),),
        upstream="http://127.0.0.1:9",
        filings_per_hour=1_000_000,
        phone_page=pages,
    )
    sado(folder, "init", "--station", "7")
    for account in ACCOUNTS if pages else ():
        sado(folder, "account", "add", *account, "--password", PASSWORD)
    if pages:
        sado(folder, "station", "add", str(VILLAGE))
    settings.upstream_key.write_text("00" * 32)
    store = Store(settings.database, Keyring.load(settings.keys), max_group=max_group)
    return build_station(settings, store).app


def sado(folder: Path, *arguments: str) -> None:
    """Run a command on the station's data."""
    command = [sys.executable, "-m", "sado", *arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=os.environ | {"SADO_DATA": str(folder)})


class Silent:
    """A log that takes nothing down."""

    def hand_over(self, told: Told) -> Callable[[], object]:
        """Nothing to wait for."""
        return lambda: None


def leave_unrecorded(app: Flask) -> None:
    """Let the pages write nothing to the audit log: what they cost without it."""
    known = recording.of(app)
    app.extensions["sado_audit"] = Recorder(cast(Rows, Silent()), known.refusals, known.visitor)


def constant_app() -> Flask:
    """A view that reads its request and answers the same every time: what the server and Flask cost alone."""
    app = Flask("constant", static_folder=None)

    @app.post(PATH)
    def constant() -> Response:
        request.get_data()
        return Response("CON 1", content_type="text/plain; charset=utf-8")

    return app


def main() -> None:
    """Serve until killed; the port is printed on the first line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("app", choices=["station", "constant"])
    parser.add_argument("--max-group", type=int, default=MAX_GROUP)
    parser.add_argument("--pages", action="store_true", help="a phone page, and accounts for the other pages")
    parser.add_argument("--unrecorded", action="store_true", help="pages write nothing to the audit log")
    parser.add_argument("--folder", type=Path, help="where the station's data stay; by default they go at the end")
    options = parser.parse_args()
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    spare_memory()
    with tempfile.TemporaryDirectory(prefix="sado-bench-") as passing:
        folder = options.folder or Path(passing)
        app = constant_app() if options.app == "constant" else station_app(folder, options.max_group, options.pages)
        if options.unrecorded:
            leave_unrecorded(app)
        server = listening(app, "127.0.0.1", 0, THREADS)
        print(server.effective_port, flush=True)
        server.run()


if __name__ == "__main__":
    main()
