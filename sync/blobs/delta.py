"""A blob as it travels: compressed, or as the difference to one that the receiver has.

Zstandard (RFC 8878), its frames without their magic number. A difference is a frame whose prefix is the other blob, in
a window that is wide enough for both: one word changed in 150 KB of menus is some fifty bytes. The same blobs give the
same bytes again, so that a transfer that was cut goes on after a restart of either side.
"""

from __future__ import annotations

import zstandard

FORMAT = zstandard.FORMAT_ZSTD1_MAGICLESS
# Above this a higher level takes seconds, and zstd looks for long matches by another way.
LARGE = 1 << 20
LEVEL, LARGE_LEVEL = 19, 9
LEAST_WINDOW = 10


def pack(content: bytes, base: bytes = b"") -> bytes:
    """`content` compressed; where there is a `base`, as the difference to it."""
    size = len(content) + len(base)
    wanted = zstandard.ZstdCompressionParameters.from_level(
        LARGE_LEVEL if size > LARGE else LEVEL,
        source_size=len(content),
        dict_size=len(base),
        window_log=_window(size),
        enable_ldm=bool(base) and size > LARGE,
        format=FORMAT,
        write_checksum=False,
    )
    return zstandard.ZstdCompressor(dict_data=_prefix(base), compression_params=wanted).compress(content)


def unpack(packed: bytes, base: bytes, most: int) -> bytes:
    """What was packed against this base. Raises ValueError for anything else, and when it grows beyond `most` bytes."""
    # A frame of ten bytes may ask for a window of 128 MiB.
    widest = 1 << _window(most + len(base))
    reader = zstandard.ZstdDecompressor(dict_data=_prefix(base), max_window_size=widest, format=FORMAT).stream_reader(
        packed
    )
    try:
        # Not decompress(): it believes the size that the frame states, whatever limit it is given.
        content = reader.read(most + 1)
    except zstandard.ZstdError as error:
        raise ValueError("The blob cannot be decompressed.") from error
    if len(content) > most:
        raise ValueError("The blob grows too large.")
    return content


def _window(size: int) -> int:
    """The power of two that is wide enough for so many bytes."""
    return max(size.bit_length(), LEAST_WINDOW)


def _prefix(base: bytes) -> zstandard.ZstdCompressionDict | None:
    return zstandard.ZstdCompressionDict(base, dict_type=zstandard.DICT_TYPE_RAWCONTENT) if base else None
