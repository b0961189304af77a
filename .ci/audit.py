"""What `make audit` runs: known advisories against what is installed, and bandit over the product.

Advisories come from the package index. One that cannot be reached, or that serves files alone, knows none: that is said
and is no failure, for a village box is audited by whoever has a line. Where the index answers, an advisory fails, and
so does a package of ours that it does not know.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

ADVISORIES = [sys.executable, "-m", "pip_audit", "--skip-editable", "--progress-spinner", "off", "--format", "json"]
# Ruff asks for a reason at each place where SQL is put together (S608); addresses to listen at are settings (B104).
BANDIT = [
    sys.executable, "-m", "bandit", "--quiet", "--recursive", ".", "--exclude", "./tests,./bench,./.venv,./.git",
    "--severity-level", "medium", "--confidence-level", "medium", "--skip", "B104,B608",
]  # fmt: skip
# What pip-audit says of Sado itself.
OURS = "distribution marked as editable"
UNREACHED = "No advisories could be had: the package index was not reached, or has none. Run this again with a line."


def verdict(report: str) -> tuple[bool, list[str]]:
    """Whether pip-audit's report, empty where it broke off, lets this pass, and what to say."""
    packages: list[dict[str, Any]] = json.loads(report)["dependencies"] if report.strip() else []
    known = [one for one in packages if "vulns" in one]
    if not known:
        return True, [UNREACHED]
    found = [
        f"{one['name']} {one['version']}: {flaw['id']}, mended in {', '.join(flaw['fix_versions']) or 'no release yet'}"
        for one in known
        for flaw in one["vulns"]
    ]
    found += [f"{one['name']}: {one['skip_reason']}" for one in packages if one.get("skip_reason", OURS) != OURS]
    return not found, found or [f"No advisory is known for {len(known)} packages."]


def main() -> int:
    """Run both; 1 when either found something."""
    asked = subprocess.run(ADVISORIES, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    passes, said = verdict(asked.stdout)
    print("\n".join(said), flush=True)
    is_clean = subprocess.run(BANDIT, check=False).returncode == 0  # noqa: S603 - our own words
    print("bandit found nothing." if is_clean else "bandit found what is above.")
    return 0 if passes and is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
