"""A program that restores a backup again and again, each time killed one step later, until one comes to its end.

A step is whatever Python asks of the system with a file: open, rename, remove, make a folder. Each run works on a fresh
copy of the folder: `run-1` is killed at its first step, the last of all is not killed."""

import os
import shutil
import sys
from itertools import count
from pathlib import Path
from typing import Never

from sado.store import Keyring
from sado.store.backups import backup

KILLED = 9


def die() -> Never:
    os._exit(KILLED)


def restore(folder: Path, file: Path, steps: int) -> None:
    """Restore into the folder; this process dies at the given step."""
    left = steps

    def look(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal left
        if event == "open" or event.startswith(("os.", "shutil.", "sqlite3.connect")):
            left -= 1
            if not left:
                die()

    keys = Keyring.load(folder / "keys.json")
    sys.addaudithook(look)
    backup.restore(file, folder / "station.db", keys, lambda tx: None)
    os._exit(0)


def main(template: Path, file: Path, runs: Path) -> None:
    for steps in count(1):
        folder = runs / f"run-{steps}"
        shutil.copytree(template, folder)
        if not (child := os.fork()):
            restore(folder, file, steps)
        if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0:
            return


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
