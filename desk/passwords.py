"""Passwords: which may be chosen, how they are kept, and compared without making phones wait.

Argon2 is meant to take long, and whoever asks for the sign-in page can ask for it. So passwords are compared one after
another, with a pause as long as each had the core, and only a few may wait for their turn. A low priority would be
worse: where other programs want the core, the thread is stopped while it holds the interpreter's lock, and all wait.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from sado.desk.language import N_

SHORTEST = 12
# Whoever waits holds a thread that a phone may need.
MOST_AT_ONCE = 3
# OWASP's least for argon2id: a village box has little memory.
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
# What a name without an account is compared with, so that it takes as long.
DECOY = "$argon2id$v=19$m=19456,t=2,p=1$Okh4d3dh88sM+M70v/8NpA$I72rQpE3bQqMzI9I6M9oqjGxLdan5BMeX5sTinjxHKg"
TOO_SHORT = N_("A password needs at least 12 characters.")
COMMON = N_("This password is among those that are tried first. Choose several words that do not belong together.")
PERSONAL = N_("A password must not contain your name or that of this service.")
COMMON_PASSWORDS = Path(__file__).parent / "common_passwords.txt"
# Words and pieces shorter than this say nothing about a password.
SHORTEST_WORD = 4
# What is typed along the keys or counted up.
RUNS = tuple(
    f"{run} {run[::-1]}"
    for run in (
        "0123456789" * 3,
        "abcdefghijklmnopqrstuvwxyz",
        "qwertyuiopasdfghjklzxcvbnm",
        "йцукенгшщзхъфывапролджэячсмитьбю",
    )
)
_turns = threading.BoundedSemaphore(MOST_AT_ONCE)
# Whoever has a turn may compare more than once in it.
_one_at_a_time = threading.RLock()


class BusyError(Exception):
    """Too many passwords are being compared now."""


def hash_password(password: str, *personal: str) -> str:
    """The password as it is kept (argon2id). Raises ValueError, with a sentence, for one that is too short or common,
    or holds one of the `personal` words."""
    if len(password) < SHORTEST:
        raise ValueError(TOO_SHORT)
    if _is_common(password.casefold()):
        raise ValueError(COMMON)
    if any(word in password.casefold() for word in _words("Sado", *personal)):
        raise ValueError(PERSONAL)
    with _paced():
        return _hasher.hash(password)


@contextmanager
def turn() -> Iterator[None]:
    """A turn to have passwords compared or hashed, alone. Raises BusyError where too many wait for one."""
    if not _turns.acquire(blocking=False):
        raise BusyError
    try:
        with _one_at_a_time:
            yield
    finally:
        _turns.release()


def matches(hashed: str, password: str) -> bool:
    """Whether this is the password; for who has a turn."""
    with _one_at_a_time, _paced():
        try:
            return _hasher.verify(hashed, password)
        except (VerificationError, InvalidHashError):
            return False


@contextmanager
def _paced() -> Iterator[None]:
    """Rest as long as the work had the core: so passwords get half of one, however many come."""
    began = time.thread_time()
    try:
        yield
    finally:
        time.sleep(time.thread_time() - began)


def _is_common(password: str) -> bool:
    """Whether it is on the list, or made of what is: repeated, or with figures and signs around it. The list is read
    from the disk each time, a line at a time: somebody changes a password once a year, and memory is dear."""
    if any(password in run for run in RUNS):
        return True
    inner = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", password)
    stems = {_piece(one) for one in (password, inner) if one == password or len(one) >= SHORTEST_WORD}
    if any(len(stem) < SHORTEST_WORD for stem in stems):
        return True
    stems |= {password, inner}
    with COMMON_PASSWORDS.open(encoding="utf-8") as lines:
        return any(line.rstrip("\n") in stems for line in lines)


def _piece(text: str) -> str:
    """What a text repeats, or all of it."""
    return text[: (text + text).index(text, 1)]


def _words(*texts: str) -> set[str]:
    """The words of names that are long enough to say something."""
    words = (word for text in texts for word in re.split(r"[\W_]+", text.casefold()))
    return {word for word in words if len(word) >= SHORTEST_WORD}
