"""The files of a pack as one run of bytes, to be sent to other stations. The same files give the same bytes."""

from __future__ import annotations

import re
from typing import Annotated

import msgspec
from msgspec import Meta

from sado.menus.reading.source import MOST_FILES, Files
from sado.menus.tree import TreeError

# What a pack is made of (menus/reading/pack.py); a bundle is never written to a disk by these names.
_PATH = re.compile(r"(trees/)?[\w.-]+\.(yaml|csv)")
# Their number is looked at before the first is read.
_Bundle = Annotated[list[tuple[str, bytes]], Meta(max_length=MOST_FILES)]


def packed(files: Files) -> bytes:
    """The bundle of these files."""
    return msgspec.msgpack.encode(sorted(files.items()))


def files_of(bundle: bytes) -> dict[str, bytes]:
    """The files in a bundle. Raises TreeError for what is none."""
    try:
        files = dict(msgspec.msgpack.decode(bundle, type=_Bundle))
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise TreeError("What came is no bundle of a pack.") from None
    if strange := [path for path in files if not _PATH.fullmatch(path)]:
        raise TreeError(f"{strange[0]} is no file of a pack.")
    return files
