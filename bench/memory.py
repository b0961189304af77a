"""How much memory a serving station holds after many hops.

    python bench/memory.py [--quick]

`rss_mb`: resident memory of the one process, in MB (10^6 bytes), after 10,000 hops (2,000 with --quick) from 16 phones.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import load


def rss_mb(pid: int) -> float:
    """Resident memory of a process, from the kernel."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) * 1024 / 1e6


def main() -> None:
    """Load a station and look; the last line is one JSON object."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="2,000 hops")
    hops = 2_000 if parser.parse_args().quick else 10_000
    with load.served("station") as (port, pid):
        before = rss_mb(pid)
        rate = load.run(port, 16, hops=hops)
        after = rss_mb(pid)
    print(f"before {before:.1f} MB, after {hops} hops {after:.1f} MB, {rate:.0f} hops/s")
    print(json.dumps({"rss_mb": round(after, 1), "rss_mb_before": round(before, 1), "hops": hops}))


if __name__ == "__main__":
    main()
