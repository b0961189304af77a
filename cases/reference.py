"""Reference numbers: ten digits that a station issues offline and a person types on a keypad.

    007 482913 6
    │   │      └ check digit (Damm 2004): notices every single wrong digit and every swap of neighbours
    │   └ the station's counter through a keyed permutation: no number twice, and none guessed from another
    └ the station's number: two stations never issue the same

A reference is not a secret; details are shown to the phone that filed, or to its PIN.
"""

from __future__ import annotations

import hmac

from sado.store import Transaction

LENGTH = 10
HALF = 1000
CAPACITY = HALF * HALF
ROUNDS = 6
# A village station issues some dozens a day, and a copy that it is restored from is weeks old at most.
LEFT_OUT = 2000

# The quasigroup of H. M. Damm, "Total anti-symmetrische Quasigruppen", 2004, order 10.
_DAMM = (
    "0317598642",
    "7092154863",
    "4206871359",
    "1750983426",
    "6123045978",
    "3674209581",
    "5869720134",
    "8945362017",
    "9438617205",
    "2581436790",
)


class ReferencesExhaustedError(Exception):
    """The station has issued its million references; give it a second number with `sado init --station`."""


def issue(tx: Transaction, station: int) -> str:
    """The next reference of this station, in the transaction of the case it names."""
    counter = tx.next_number("references") - 1
    if counter >= CAPACITY:
        raise ReferencesExhaustedError(f"Station {station} has issued all its references.")
    body = f"{station:03}{permuted(tx.keys.derive('reference', 1), counter):06}"
    return body + check_digit(body)


def leave_out(tx: Transaction) -> None:
    """Pass over the next LEFT_OUT references: this database went back in time, and residents may have them already."""
    issued = tx.next_number("references") - 1
    tx.skip_to("references", issued + LEFT_OUT)


def permuted(key: bytes, counter: int) -> int:
    """`counter` (0 to 999,999) moved to another place in the same range, each to a place of its own: a
    Feistel network on two halves of three digits, so it is a permutation for any round function."""
    left, right = divmod(counter, HALF)
    for number in range(ROUNDS):
        mixed = hmac.digest(key, b"%d:%d" % (number, right), "sha256")
        left, right = right, (left + int.from_bytes(mixed[:8], "big")) % HALF
    return left * HALF + right


def check_digit(digits: str) -> str:
    """The digit that makes `digits` a checked number."""
    interim = 0
    for digit in digits:
        interim = int(_DAMM[interim][int(digit)])
    return str(interim)


def is_reference(typed: str) -> bool:
    """Whether these are ten digits whose check digit is right; a slip of one key is always noticed."""
    return len(typed) == LENGTH and typed.isascii() and typed.isdigit() and check_digit(typed) == "0"
