"""`make audit` fails for what it should, and nothing is installed that has no hash."""

import importlib.util
import json
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SPEC = importlib.util.spec_from_file_location("audit", ROOT / ".ci" / "audit.py")
assert SPEC and SPEC.loader
audit = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(audit)

SOUND = {"name": "flask", "version": "3.1.3", "vulns": []}
FLAWED = {"name": "waitress", "version": "1.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["1.4.3"]}]}
UNKNOWN = {"name": "nobodys", "skip_reason": "not found"}
OURS = {"name": "sado", "skip_reason": "distribution marked as editable"}
LOCKS = ("requirements.txt", "requirements-test.txt")


def report(*packages: object) -> str:
    return json.dumps({"dependencies": packages})


@pytest.mark.parametrize("said", [report(SOUND, FLAWED), report(SOUND, UNKNOWN)], ids=["an advisory", "a stranger"])
def test_a_flaw_and_a_stranger_fail_where_advisories_can_be_had(said: str) -> None:
    passes, words = audit.verdict(said)
    assert not passes
    assert "mended in 1.4.3" in words[0] or "not found" in words[0]


def test_sound_packages_and_our_own_pass() -> None:
    assert audit.verdict(report(SOUND, OURS)) == (True, ["No advisory is known for 1 packages."])


@pytest.mark.parametrize("said", ["", report(), report(UNKNOWN, OURS)], ids=["broken off", "nothing", "none known"])
def test_an_index_without_advisories_is_said_and_no_failure(said: str) -> None:
    assert audit.verdict(said) == (True, [audit.UNREACHED])


@pytest.mark.parametrize(
    ("code", "fails"), [("import subprocess\nsubprocess.call('a' + b, shell=True)\n", True), ("a = 1\n", False)]
)
def test_bandit_finds_what_a_stranger_could_use(tmp_path: Path, code: str, fails: bool) -> None:
    (tmp_path / "one.py").write_text(code)
    assert (subprocess.run(audit.BANDIT, cwd=tmp_path, capture_output=True, check=False).returncode != 0) == fails


def pins(name: str) -> dict[str, str]:
    """Each requirement of a file as written, by its name."""
    joined = (ROOT / name).read_text().replace("\\\n", " ")
    return {line.split("==")[0]: line for line in joined.splitlines() if line and not line.startswith("#")}


@pytest.mark.parametrize("name", LOCKS)
def test_everything_that_is_installed_has_one_version_and_its_hashes(name: str) -> None:
    assert not [
        line for line in pins(name).values() if not re.match(r"[\w.-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", line)
    ]


def test_tests_run_with_what_a_station_has() -> None:
    product, tests = map(pins, LOCKS)
    assert product.items() <= tests.items()
    assert len(product) > 30
