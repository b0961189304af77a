"""What is kept of a token, a code or whatever else was drawn at random: with 120 bits and more a plain hash cannot be
reversed, and it is found by it without a key."""

from __future__ import annotations

import hashlib


def hash_of(token: str) -> bytes:
    """What the row of this token is found by."""
    return hashlib.sha256(token.encode()).digest()
