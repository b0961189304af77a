"""How much of the server's speed a durable hop keeps, what sharing commits is worth on a slow disk, and how a station
stands beside a service on node.

    python bench/hops.py [--quick]

`ratio`: hops per second of the real station (session loaded, engine run, session saved, FULL commit) over those of
a constant Flask view, same server, same load, rounds alternating. `slow_fsync_gain`: with every flush slowed by
5 ms, hops per second with shared commits over those with one commit for each request. `peer_ratio`: hops per second of
the station over those of the npm package ussd-menu-builder on bare node, which commits its session to the disk on every
screen too (peer/server.js): the same appeal and screens of the same length, each server alone on core 0, the load on
core 1. It is left out where node, npm or the packages are missing. Medians of the rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import load
import node_peer

CLIENTS = 16
SLOW_US = 5000


def alternate(rounds: int, seconds: float, servers: dict[str, int]) -> dict[str, list[float]]:
    """Load each server in turn, round after round, so that what else the machine does falls on all of them."""
    rates: dict[str, list[float]] = {name: [] for name in servers}
    for number in range(rounds):
        for name, port in servers.items():
            rates[name].append(load.run(port, CLIENTS, seconds))
            print(f"round {number + 1}: {name:12} {rates[name][-1]:8.0f} hops/s", flush=True)
    return rates


def beside_peer(rounds: int, seconds: float) -> dict[str, list[float]]:
    """The station and the peer in turn, each on the first core and the load on the second; nothing where the peer
    cannot run."""
    if reason := node_peer.missing():
        print(f"peer_ratio is left out. {reason}")
        return {}
    cores = os.sched_getaffinity(0)
    server_core, load_core = sorted(cores)[:2]
    pinned = ["taskset", "-c", str(server_core)]
    with (
        tempfile.TemporaryDirectory(prefix="sado-bench-") as folder,
        load.started([*pinned, *load.command("station")]) as (station, _),
        load.started([*pinned, *node_peer.command(Path(folder), load.PATH)]) as (peer, _),
    ):
        os.sched_setaffinity(0, {load_core})
        try:
            check_screens(load.walk(station), load.walk(peer))
            return alternate(rounds, seconds, {"on one core": station, "peer": peer})
        finally:
            os.sched_setaffinity(0, cores)


def check_screens(ours: list[str], theirs: list[str]) -> None:
    """A screen for a screen, each as long as the other. Ends the script with a sentence otherwise."""
    lengths = [[len(screen) for screen in screens] for screens in (ours, theirs)]
    if lengths[0] != lengths[1]:
        sys.exit(f"The walks differ, so bench/peer/server.js is to be changed: screens of {lengths} letters.")


def build_shim(folder: Path) -> Path:
    """The library that slows every flush. Ends the script with a sentence when there is no C compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        sys.exit("bench/hops.py needs a C compiler (Debian: gcc) to slow the disk's flush.")
    library = folder / "slow_fsync.so"
    source = Path(__file__).parent / "slow_fsync.c"
    subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", library, source, "-ldl"], check=True)
    return library


def main() -> None:
    """Run both comparisons; the last line is one JSON object."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="under 60 seconds once the peer's packages are there")
    quick = parser.parse_args().quick
    rounds, seconds = (4, 1.5) if quick else (9, 3)
    with load.served("constant") as (constant, _), load.served("station") as (station, _):
        load.run(station, CLIENTS, hops=500)
        fast = alternate(rounds, seconds, {"constant": constant, "station": station})
    pair = beside_peer(rounds, seconds)
    with tempfile.TemporaryDirectory() as folder:
        slow_disk = {"LD_PRELOAD": str(build_shim(Path(folder))), "SLOW_FSYNC_US": str(SLOW_US)}
        with (
            load.served("station", environment=slow_disk) as (shared, _),
            load.served("station", "--max-group", "1", environment=slow_disk) as (alone, _),
        ):
            slow = alternate(rounds, seconds, {"shared": shared, "alone": alone})
    medians = {name: statistics.median(rates) for name, rates in {**fast, **slow, **pair}.items()}
    peer_ratio = {"peer_ratio": round(medians["on one core"] / medians["peer"], 3)} if pair else {}
    print(
        json.dumps(
            {
                "ratio": round(medians["station"] / medians["constant"], 3),
                "slow_fsync_gain": round(medians["shared"] / medians["alone"], 2),
                **peer_ratio,
                "hops_per_s": {name: round(rate) for name, rate in medians.items()},
                "clients": CLIENTS,
                "rounds": rounds,
            }
        )
    )


if __name__ == "__main__":
    main()
