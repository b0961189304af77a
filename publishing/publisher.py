"""The publisher's keys as files: the private one wherever its owner keeps it, and the public one that a station holds.

A station with an upstream has the public key from there, as the second line of `upstream.key`; one without, a hub, in
`publisher.pub`. Both are 64 hexadecimal digits.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from sado.sync.blobs import signature
from sado.sync.blobs.signature import KEY_BYTES, SignatureError, Signed, Statement


def make(file: Path, public_file: Path) -> bytes:
    """Make a publisher: the private key in `file`, which is never replaced, the public one in the other, which is. The
    public key. Raises SignatureError."""
    key = signature.new_key()
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise SignatureError(f"{file} exists; a key file is never replaced.") from None
    with os.fdopen(handle, "w") as opened:
        opened.write(f"{key.hex()}\n")
        opened.flush()
        os.fsync(opened.fileno())
    public = signature.public_of(key)
    public_file.write_text(f"{public.hex()}\n")
    return public


def held(public_file: Path, upstream_key: Path | None) -> bytes | None:
    """The public key whose signatures a station takes, or None; `upstream_key` is None where there is no upstream.
    Raises SignatureError for a file that holds none."""
    return _key_in(upstream_key, 1) if upstream_key else _key_in(public_file, 0)


def held_or_made(file: Path, public_file: Path, upstream_key: Path | None) -> bytes | None:
    """The public key that a station goes by, or None: a hub that has none yet makes one, and keeps its private key in
    `file`. Raises SignatureError."""
    if upstream_key is None and not public_file.exists():
        return make(file, public_file)
    return held(public_file, upstream_key)


def sign(file: Path, statements: Sequence[Statement]) -> list[Signed]:
    """The statements, signed by the private key in this file. Raises SignatureError."""
    key = _key_in(file, 0)
    if key is None:
        raise SignatureError(
            f"There is no publisher's key at {file}: name the file with --key, or make one with `sado publisher new`."
        )
    return [statement.sign(key) for statement in statements]


def _key_in(file: Path, line: int) -> bytes | None:
    """The key in this line of a file; None where there is no such file or line."""
    try:
        lines = file.read_text().split()
        key = bytes.fromhex(lines[line]) if len(lines) > line else None
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        key = b""
    if key is not None and len(key) != KEY_BYTES:
        raise SignatureError(f"Line {line + 1} of {file} is no key: it has 64 hexadecimal digits.")
    return key
