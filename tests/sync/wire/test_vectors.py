"""The test vectors hold: what is packed are these bytes, and these bytes are what was packed."""

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from sado.store.tables import lanes
from sado.sync.wire import columns, frame, radix, text, varint
from sado.sync.wire.columns import Columns
from sado.sync.wire.encodings import Encoding, Reader
from sado.sync.wire.frame import Message
from sado.sync.wire.shared_history import SharedHistory, nothing
from tests.support import vectors
from tests.support.vectors import Case

ALL = {name: vectors.read(name) for name in vectors.FILES}


def named(*names: str) -> list[Any]:
    """Every case of these files."""
    return [
        pytest.param(name, case, id=f"{name} {case.get('name', number)}")
        for name in names
        for number, case in enumerate(ALL[name])
    ]


@pytest.mark.parametrize(("name", "case"), named("varint", "text", "radix", "lane", "encodings", "columns"))
def test_these_bytes_are_made(name: str, case: Case) -> None:
    assert {**case, **vectors.FILES[name](case)} == case


@pytest.mark.parametrize(("_", "case"), named("frames"))
def test_these_frames_are_made_but_for_what_another_release_of_zstd_makes(_: str, case: Case) -> None:
    made, kept = vectors.of_frame(case)["frame"], case["frame"]
    if vectors.message_of(case).events:
        assert opened(case, made) == opened(case, kept)
    else:
        assert made == kept


def said(message: Message, has_history: bool) -> Message:
    """The message as its receiver has it: hashes short but in a hello, and behind a history."""
    if message.incarnation:
        return message
    marks = {lane: replace(mark, hash=lanes.short(mark.hash)) for lane, mark in message.marks.items()}
    runs = {
        lane: run if has_history and lane == "u" else replace(run, base=lanes.short(run.base))
        for lane, run in message.runs.items()
    }
    return replace(message, marks=marks, runs=runs)


def opened(case: Case, packed: str) -> Message:
    def recall(after: int, upto: int) -> SharedHistory:
        history = vectors.history_of(case)
        return history if (after, upto) == (history.after, history.upto) else nothing(after, upto)

    return frame.unpack(case["direction"].encode(), bytes.fromhex(case["key"]), bytes.fromhex(packed), recall)


@pytest.mark.parametrize(("_", "case"), named("frames"))
def test_a_frame_is_read(_: str, case: Case) -> None:
    assert frame.station_of(bytes.fromhex(case["frame"])) == case["station"]
    assert opened(case, case["frame"]) == said(vectors.message_of(case), bool(case["history"]))


@pytest.mark.parametrize(("_", "case"), named("columns"))
def test_columns_are_read(_: str, case: Case) -> None:
    packed = Columns(bytes.fromhex(case["content"]), bytes.fromhex(case["numbers"]))
    schemas = vectors.history_of(case).schemas
    assert columns.unpack(packed, case["sent_at"], schemas) == vectors.events_of(case["events"])


@pytest.mark.parametrize(("_", "case"), named("encodings"))
def test_a_column_is_read(_: str, case: Case) -> None:
    encoding = msgspec.msgpack.decode(bytes.fromhex(case["struct"]), type=Encoding)
    reader = Reader(bytes.fromhex(case["content"]), bytes.fromhex(case["numbers"]))
    assert encoding.decode(reader, len(case["column"]), case["earlier"]) == case["column"]
    reader.close()


@pytest.mark.parametrize(("name", "case"), named("varint", "text", "radix"))
def test_numbers_and_text_are_read(name: str, case: Case) -> None:
    packed = bytes.fromhex(case["bytes"])
    if name == "text":
        assert text.unpack(packed) == case["text"]
    elif name == "radix":
        reader = radix.Reader(packed)
        assert [reader.take(1, size)[0] for _, size in case["digits"]] == [number for number, _ in case["digits"]]
        reader.close()
    else:
        reader = varint.Reader(packed)
        assert (reader.number() if "number" in case else reader.whole()) == case.get("number", case.get("whole"))
