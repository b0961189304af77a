"""A pack is read by a process of its own first, with bounds on memory and time: whatever its files do to the process
that reads them, they do not do it to the one that answers phones.

Afterwards the station reads the same files itself. So nothing has to come back from the trial but the faults.
"""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import sys

from sado.menus.reading import pack as packs
from sado.menus.tree import TreeError
from sado.publishing import bundle
from sado.publishing.checking import check_pack

log = logging.getLogger(__name__)

# The largest pack that the bounds of its files let pass takes half of each.
MEMORY_BYTES = 1 << 30
CPU_S = 60
PATIENCE_S = 300
LONGEST_REPORT = 4000
# Python itself ends with 1 or 2 where something is wrong.
SOUND, FAULTY = 0, 3
KILLED = "Reading it took more memory or time than any pack, or ended the process that read it."


class TrialError(ValueError):
    """The pack cannot be used; the message says why."""


def read(name: str, content: bytes, python: str = sys.executable) -> None:
    """Read a bundle as a pack of this name, elsewhere. Raises TrialError with every fault."""
    # -P: not what lies in the folder that the station was started in.
    command = [python, "-P", "-m", __name__, name]
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith("SADO_")}
    try:
        trial = subprocess.run(  # noqa: S603
            command, input=content, env=surroundings, capture_output=True, timeout=PATIENCE_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise TrialError(KILLED) from None
    if trial.returncode == FAULTY:
        raise TrialError(trial.stdout.decode("utf-8", "replace"))
    if trial.returncode != SOUND:
        log.error(
            "the trial of a pack ended with %s: %s",
            trial.returncode,
            trial.stderr[-LONGEST_REPORT:].decode("utf-8", "replace"),
        )
        raise TrialError(KILLED)


def _bound() -> None:
    """Keep this process within its bounds, where the system has such."""
    with contextlib.suppress(ImportError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.nice(19)


def _try(name: str, content: bytes) -> int:
    try:
        packs.build(name, bundle.files_of(content), check_pack)
    except (TreeError, ValueError) as error:
        sys.stdout.buffer.write(str(error).encode()[:LONGEST_REPORT])
        return FAULTY
    return SOUND


if __name__ == "__main__":
    _bound()
    sys.exit(_try(sys.argv[1], sys.stdin.buffer.read()))
