"""Passwords: how they are kept, and compared without making phones wait.

Argon2 is meant to take long, and whoever asks for the sign-in page can ask for it. So passwords are compared one after
another, with a pause as long as each had the core, and only a few may wait for their turn. A low priority would be
worse: where other programs want the core, the thread is stopped while it holds the interpreter's lock, and all wait.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST = 12
# Whoever waits holds a thread that a phone may need.
MOST_AT_ONCE = 3
# OWASP's least for argon2id: a village box has little memory.
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
# What a name without an account is compared with, so that it takes as long.
DECOY = "$argon2id$v=19$m=19456,t=2,p=1$Okh4d3dh88sM+M70v/8NpA$I72rQpE3bQqMzI9I6M9oqjGxLdan5BMeX5sTinjxHKg"
_turns = threading.BoundedSemaphore(MOST_AT_ONCE)
_one_at_a_time = threading.Lock()


class BusyError(Exception):
    """Too many passwords are being compared now."""


def hash_password(password: str) -> str:
    """The password as it is kept (argon2id). Raises ValueError, with a sentence, for one that is too short."""
    if len(password) < SHORTEST:
        raise ValueError(f"A password needs at least {SHORTEST} characters.")
    return _hasher.hash(password)


@contextmanager
def turn() -> Iterator[None]:
    """A turn to have a password compared. Raises BusyError where too many have one."""
    if not _turns.acquire(blocking=False):
        raise BusyError
    try:
        yield
    finally:
        _turns.release()


def matches(hashed: str, password: str) -> bool:
    """Whether this is the password; for who has a turn."""
    with _one_at_a_time:
        began = time.thread_time()
        try:
            return _hasher.verify(hashed, password)
        except (VerificationError, InvalidHashError):
            return False
        finally:
            # So passwords get half of one core, however many come.
            time.sleep(time.thread_time() - began)
