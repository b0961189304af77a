"""The test vectors of the wire (docs/wire.md): cases as data, for this implementation and for others.

`python -m tests.support.vectors` makes the bytes of each case in tests/sync/vectors/ anew of what else it says, after a
change of the format or another dictionary."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from sado.store.tables import lanes
from sado.sync.wire import columns, frame, radix, text, varint
from sado.sync.wire.encodings import Encoding, Writer
from sado.sync.wire.frame import Mark, Message, Run
from sado.sync.wire.records import Wired
from sado.sync.wire.shared_history import NO_HISTORY, SharedHistory

FOLDER = Path(__file__).parents[1] / "sync" / "vectors"
Case = Mapping[str, Any]


def read(name: str) -> list[dict[str, Any]]:
    """The cases of a file."""
    cases: list[dict[str, Any]] = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    return cases


def of_varint(case: Case) -> Case:
    packed = varint.pack(case["number"]) if "number" in case else varint.pack_whole(case["whole"])
    return {"bytes": packed.hex()}


def of_text(case: Case) -> Case:
    return {"bytes": text.pack(case["text"]).hex()}


def of_radix(case: Case) -> Case:
    return {"bytes": radix.pack((number, size) for number, size in case["digits"]).hex()}


def of_lane(case: Case) -> Case:
    """The hash before each event and its id, and the hash after the last, whole and short."""
    rolling = lanes.beginning(bytes.fromhex(case["incarnation"]), case["lane"])
    hashes, ids = [rolling], []
    for kind, reference, body in case["events"]:
        ids.append(lanes.event_id(rolling, kind, reference, body))
        rolling = lanes.hash_after(rolling, ids[-1])
        hashes.append(rolling)
    return {
        "hashes": [rolling.hex() for rolling in hashes],
        "short": [lanes.short(rolling).hex() for rolling in hashes],
        "ids": [name.hex() for name in ids],
    }


def of_encoding(case: Case) -> Case:
    encoding = msgspec.convert(case["encoding"], Encoding)
    out = Writer()
    encoding.encode(case["column"], out)
    return {
        "struct": msgspec.msgpack.encode(encoding).hex(),
        "content": out.content.hex(),
        "numbers": radix.pack(out.digits).hex(),
    }


def of_columns(case: Case) -> Case:
    history = history_of(case)
    packed = columns.pack(events_of(case["events"]), case["sent_at"], history.schemas)
    return {"content": packed.content.hex(), "numbers": packed.numbers.hex(), "check": history.check(4).hex()}


def of_frame(case: Case) -> Case:
    history = history_of(case) if case["history"] else None
    key, direction = bytes.fromhex(case["key"]), case["direction"].encode()
    return {"frame": frame.pack(direction, case["station"], key, message_of(case), history).hex()}


FILES: dict[str, Callable[[Case], Case]] = {
    "varint": of_varint,
    "text": of_text,
    "radix": of_radix,
    "lane": of_lane,
    "encodings": of_encoding,
    "columns": of_columns,
    "frames": of_frame,
}


def events_of(rows: list[list[Any]]) -> list[Wired]:
    """The events that are lists of kind, reference, body, ago, slip, id, hops."""
    return msgspec.convert(rows, list[Wired])


def history_of(case: Case) -> SharedHistory:
    """The history that both sides have."""
    if not (history := case["history"]):
        return NO_HISTORY
    events = events_of(history["events"])
    return SharedHistory(history["upto"] - len(events), history["upto"], events, bytes.fromhex(history["hash"]))


def message_of(case: Case) -> Message:
    """What a frame says; hashes are whole, as the sender has them."""
    said = case["message"]
    return Message(
        said["exchange"],
        said["sent_at"],
        {lane: Mark(upto, bytes.fromhex(rolling)) for lane, (upto, rolling) in said["marks"].items()},
        {lane: Run(first, bytes.fromhex(base), events_of(rows)) for lane, (first, base, rows) in said["runs"].items()},
        bytes.fromhex(said["incarnation"]),
        said["want"],
        said["fault"],
    )


def write(name: str, cases: list[dict[str, Any]]) -> None:
    """Keep these cases with the bytes that are made of them, one a line."""
    lines = (json.dumps({**case, **FILES[name](case)}, ensure_ascii=False) for case in cases)
    (FOLDER / f"{name}.json").write_text("[\n" + ",\n".join(lines) + "\n]\n", "utf-8")


if __name__ == "__main__":
    for file in FILES:
        write(file, read(file))
