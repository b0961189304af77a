"""Targets of tests/support/fuzzing.py with the faults that it is there to find."""

import os
import time

from tests.support.fuzzing import Target

SOUND = [b"a"]


def raising() -> Target:
    return Target(SOUND, lambda content: {}[content])


def dying() -> Target:
    return Target(SOUND, lambda content: os.abort())


def greedy() -> Target:
    return Target(SOUND, lambda content: bytearray(1 << 30))


def endless() -> Target:
    def attempt(content: bytes) -> None:
        while time.monotonic():
            pass

    return Target(SOUND, attempt)
