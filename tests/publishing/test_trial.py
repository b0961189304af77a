"""A pack that is read elsewhere first: what it does to the process that reads it is a refusal, and no end."""

import subprocess
import sys
from pathlib import Path

import pytest

from sado.menus.reading import pack
from sado.publishing import bundle, trial
from sado.publishing.trial import KILLED, TrialError
from tests.support.down import built, open_down, settings_of
from tests.support.kenya import rewritten
from tests.support.packs import small

DEEP = b"[" * 50_000


def interpreter(folder: Path, ends: str) -> str:
    """A Python that ends so, whatever it is to read."""
    file = folder / "python"
    file.write_text(f"#!/bin/sh\ncat > /dev/null\n{ends}\n")
    file.chmod(0o755)
    return str(file)


def test_a_sound_pack_passes() -> None:
    trial.read("kenya", bundle.packed(pack.files_of("kenya")))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (bundle.packed(small() | {"trees/base.yaml": DEEP}), "lies more than 30 deep"),
        (bundle.packed(small() | {"law.yaml": b"answer_days: soon\n"}), "law.yaml:1"),
        (b"no bundle", "no bundle of a pack"),
    ],
)
def test_faults_come_back_in_words(content: bytes, says: str) -> None:
    with pytest.raises(TrialError, match=says):
        trial.read("small", content)


@pytest.mark.parametrize("ends", ["kill -SEGV $$", "kill -KILL $$", "exit 1", "exit 139"])
def test_a_process_that_does_not_come_to_an_end_of_its_own_is_a_refusal(tmp_path: Path, ends: str) -> None:
    with pytest.raises(TrialError, match=KILLED):
        trial.read("kenya", b"", interpreter(tmp_path, ends))


def test_the_process_cannot_take_more_memory_than_its_bound() -> None:
    program = f"from sado.publishing import trial; trial._bound(); print(len(bytearray({trial.MEMORY_BYTES} * %s)))"
    ended = [
        subprocess.run([sys.executable, "-c", program % share], capture_output=True, text=True)
        for share in ("2", "1 // 4")
    ]
    assert [(one.returncode, "MemoryError" in one.stderr) for one in ended] == [(1, True), (0, False)]


def test_a_station_lives_on_and_tells_the_hub(tmp_path: Path) -> None:
    with open_down(tmp_path, "kenya") as down:
        served = down.village.pack.tree.version
        down.offer("pack/kenya", bundle.packed(pack.files_of("kenya") | {"trees/case.yaml": DEEP}))

        state, reason = down.told("pack/kenya")
        assert (state, "trees/case.yaml:1: this lies more than 30 deep" in reason) == ("refused", True)
        assert down.village.pack.tree.version == served


def test_a_station_whose_own_pack_is_hostile_starts_on_the_version_before(tmp_path: Path) -> None:
    folder = rewritten(tmp_path / "mine", {})
    settings = settings_of(tmp_path / "hub", str(folder))
    with built(settings) as station:
        served = station.pack.tree.version
    (folder / "trees" / "case.yaml").write_bytes(DEEP)

    with built(settings) as station:
        assert "trees/case.yaml:1: this lies more than 30 deep" in station.versions.fault
        assert station.pack.tree.version == served
