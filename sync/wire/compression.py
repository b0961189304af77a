"""Compression with what both sides already have: the dictionary that is shipped, and the text of their shared history.

Zstandard (RFC 8878), its frames without their magic number. A dictionary is entropy tables and text; the tables and the
text that are shipped were trained on invented appeals only (bench/training/dictionary.py), for a dictionary shows what
it was trained on. Behind that text goes the history's, where there is one (sync/wire/shared_history.py). So a station's
own places, names and turns of phrase cost little, and nothing leaks.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import zstandard

FILE = Path(__file__).with_name("dictionary.zstd")
LEVEL = 19
FORMAT = zstandard.FORMAT_ZSTD1_MAGICLESS
# Contents up to this size have the same parameters.
USUAL = 32 * 1024


def pack(content: bytes, history: bytes = b"") -> bytes:
    """`content`, compressed with the dictionary and this history."""
    wanted = _parameters(len(content), len(history))
    dictionary = _dictionary(history) if history or len(content) > USUAL else _digested()
    return zstandard.ZstdCompressor(dict_data=dictionary, compression_params=wanted).compress(content)


def unpack(packed: bytes, history: bytes, most: int) -> bytes:
    """What was packed with this history. Raises ValueError for anything else, and when it grows beyond `most` bytes."""
    reader = zstandard.ZstdDecompressor(dict_data=_dictionary(history), format=FORMAT)
    try:
        # decompress() makes room for the size that is stated, whatever limit it is given, and for no more. Where none
        # is stated, zstandard gives the largest number.
        if zstandard.get_frame_parameters(packed, format=FORMAT).content_size > most:
            raise ValueError("The content grows too large.")
        return reader.decompress(packed, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise ValueError("The content cannot be decompressed.") from error


def _parameters(content: int, history: int) -> zstandard.ZstdCompressionParameters:
    return zstandard.ZstdCompressionParameters.from_level(
        LEVEL,
        source_size=content,
        dict_size=len(_shipped()) + history,
        format=FORMAT,
        write_dict_id=False,
        write_checksum=False,
    )


@cache
def _digested() -> zstandard.ZstdCompressionDict:
    """The shipped dictionary, taken in once: that is most of the work on a frame. What comes out is the same."""
    dictionary = _dictionary(b"")
    dictionary.precompute_compress(compression_params=_parameters(USUAL, 0))
    return dictionary


def _dictionary(history: bytes) -> zstandard.ZstdCompressionDict:
    return zstandard.ZstdCompressionDict(_shipped() + history, dict_type=zstandard.DICT_TYPE_FULLDICT)


@cache
def _shipped() -> bytes:
    return FILE.read_bytes()
