"""The peer in `peer/`, on node: whether it can run here, and the command that starts it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

FOLDER = Path(__file__).parent / "peer"
TRY = "const Database = require('better-sqlite3'); require('ussd-menu-builder'); new Database(':memory:')"


def missing() -> str:
    """What the comparison lacks on this machine, as a sentence; empty when it can be made. Fetches the peer's packages
    the first time: a minute where better-sqlite3 has to be compiled."""
    if absent := [tool for tool in ("node", "npm", "taskset") if shutil.which(tool) is None]:
        return f"It needs {' and '.join(absent)} (Debian: nodejs, npm, util-linux)."
    if len(os.sched_getaffinity(0)) < 2:
        return "It needs two cores: one for the server, one for the load."
    if _loads():
        return ""
    print("The peer's packages are fetched (npm ci) ...", flush=True)
    fetched = subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=FOLDER, capture_output=True, text=True)
    if fetched.returncode or not _loads():
        return f"npm ci in {FOLDER} did not bring packages that load: {fetched.stderr.strip()[-300:]}"
    return ""


def command(data: Path, path: str) -> list[str]:
    """Starts the peer: its database is in `data`, it answers posts to `path`, and prints its port."""
    return ["node", str(FOLDER / "server.js"), str(data), path]


def _loads() -> bool:
    return subprocess.run(["node", "-e", TRY], cwd=FOLDER, stderr=subprocess.DEVNULL).returncode == 0
