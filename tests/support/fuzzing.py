"""Hostile bytes for what reads bytes of others, for a fixed time, in a process of its own with a bound on its memory.

    python -m tests.support.fuzzing tests.test_fuzzing:yaml SEED SECONDS FOLDER

A target is made of sound inputs and of an attempt, which returns or lets an exception out that nobody expected. The
process writes each input into FOLDER before it tries it, so that whoever waits knows on which one it died. The same
seed makes the same inputs."""

import importlib
import mmap
import os
import random
import resource
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
MOST_MEMORY = 768 << 20
# Of the processor's time, not the clock's: other tests run beside.
MOST_S = 3.0
LONGEST = 48 << 10
HEAD = 8
INPUT = "input"
GRACE_S = 240
BROKEN = 3
# What stands for much in few bytes, or begins what ends later.
SIGNS = (b"[", b"{", b"- ", b"&a ", b"*a", b"<<: ", b"%", b"=", b"&", b"\0", b"\xff", b"\x80", b'"', b"'", b"\n")


@dataclass(frozen=True)
class Target:
    """What is fuzzed: `sound` inputs to begin with, and what is tried with each."""

    sound: Sequence[bytes]
    attempt: Callable[[bytes], object]


@dataclass(frozen=True)
class Outcome:
    """How many inputs were tried, and the fault that ended it, with its input; none where the time was up."""

    tried: int
    fault: str
    content: bytes


def run(name: str, seed: int, seconds: float, folder: Path) -> Outcome:
    """Fuzz a target, `module:name`, for so long in a process of its own."""
    command = [sys.executable, "-m", "tests.support.fuzzing", name, str(seed), str(seconds), str(folder)]
    fault = ""
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=seconds + GRACE_S, check=False)
        if done.returncode:
            fault = f"ended with {done.returncode}: {done.stderr[-3000:]}"
    except subprocess.TimeoutExpired:
        fault = "never ended"
    kept = (folder / INPUT).read_bytes()
    tried = int.from_bytes(kept[:HEAD], "big")
    size = int.from_bytes(kept[HEAD : 2 * HEAD], "big")
    return Outcome(tried, fault, kept[2 * HEAD : 2 * HEAD + size])


def mutated(chance: random.Random, sound: Sequence[bytes]) -> bytes:
    """One of the inputs, changed in one to six ways; now and then nothing but chance."""
    if chance.random() < 0.02:
        return chance.randbytes(chance.randrange(200))
    content = bytearray(chance.choice(sound))
    for _ in range(chance.randint(1, 6)):
        chance.choice(WAYS)(chance, content, sound)
    return bytes(content[:LONGEST])


def _set(chance: random.Random, content: bytearray, sound: Sequence[bytes]) -> None:
    if content:
        content[chance.randrange(len(content))] = chance.choice((0, 1, 127, 128, 255, chance.randrange(256)))


def _insert(chance: random.Random, content: bytearray, sound: Sequence[bytes]) -> None:
    at = chance.randint(0, len(content))
    content[at:at] = chance.choice([*SIGNS, chance.randbytes(3)])


def _delete(chance: random.Random, content: bytearray, sound: Sequence[bytes]) -> None:
    at = chance.randint(0, len(content))
    del content[at : at + chance.choice((1, 1, 2, 8, 64))]


def _repeat(chance: random.Random, content: bytearray, sound: Sequence[bytes]) -> None:
    """A sign or a piece many times over, as what nests or grows is written."""
    at = chance.randint(0, len(content))
    piece = chance.choice([*SIGNS, bytes(content[at : at + chance.choice((4, 32))])]) or b"0"
    times = min(chance.choice((3, 100, 3_000, 50_000)), LONGEST // len(piece))
    content[at:at] = piece * times


def _splice(chance: random.Random, content: bytearray, sound: Sequence[bytes]) -> None:
    """The beginning of this, and the end of another."""
    other = chance.choice(sound)
    content[chance.randint(0, len(content)) :] = other[chance.randint(0, len(other)) :]


WAYS = (_set, _set, _set, _insert, _insert, _delete, _delete, _repeat, _splice)


def main(name: str, seed: str, seconds: str, folder: str) -> int:
    """Try until the time is up; BROKEN, and the traceback, at the first input that is not borne."""
    module, _, target_name = name.partition(":")
    target: Target = getattr(importlib.import_module(module), target_name)()
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    signal.signal(signal.SIGPROF, _too_slow)
    chance = random.Random(int(seed))
    kept = _kept(Path(folder) / INPUT)
    end, tried = time.monotonic() + float(seconds), 0
    while time.monotonic() < end:
        content, tried = mutated(chance, target.sound), tried + 1
        size = 2 * HEAD + len(content)
        kept[:size] = tried.to_bytes(HEAD, "big") + len(content).to_bytes(HEAD, "big") + content
        signal.setitimer(signal.ITIMER_PROF, MOST_S)
        try:
            target.attempt(content)
        except BaseException:
            traceback.print_exc(limit=-8)
            return BROKEN
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
    return 0


def _kept(path: Path) -> mmap.mmap:
    """A file that a process which dies leaves as it was."""
    size = 2 * HEAD + LONGEST
    path.write_bytes(bytes(size))
    opened = os.open(path, os.O_RDWR)
    return mmap.mmap(opened, size)


def _too_slow(number: int, at: object) -> None:
    raise TimeoutError(f"more than {MOST_S} s of the processor for one input")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
