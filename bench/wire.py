"""How many bytes an appeal takes on the line.

    python bench/wire.py [--quick] [--corpus FILE]

A village station and its hub, two real stores, exchange a corpus of appeals in batches: as many are filed as the line
was away for, each at its time, and then they leave. Counted is the frame, which is the body of the request, before
TLS: MAC, head, the number of the exchange, everything; of every exchange, also one that carries only
acknowledgements. Both stations are new and know nothing of each other at the start. Each appeal is looked up at the
hub and compared field by field.

`bytes_batch_100`, `bytes_batch_5`: bytes up per appeal, over the whole corpus, in batches of so many;
`bytes_batch_100_warm`: of its second half; `bytes_batch_100_cold`: each batch from a new station that has no history;
`bytes_down_per_exchange`: of the answers to batches of 100.
`without_history`, `without_dictionary`, `without_columns`: the same exchanges with one of the parts taken out. Without
columns an event is a line of JSON, and the dictionary was trained on such lines.
The others, per appeal in the same batches, are what bench/peers.py says. `floor_100` is the strongest compressor known
(PPMd, primed with all earlier texts) for the text, and the entropy of the other fields. It begins without any text,
so the first hundreds of appeals cost it more than us; `floor_100_warm`, of the second half, is the one to compare with.
It needs pyppmd (the extra `bench`) and is left out without.

The corpus is described in bench/appeals.py. The one that is made up there has its texts from the grammar that the
dictionary was trained on (with another seed), so it flatters us; a corpus of one's own tells more.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import accumulate
from pathlib import Path

import peers
from appeals import Record, appeal_of, records
from frame_parts import PARTS, VILLAGE, Sent

from bench.training import events
from sado.cases.law import Law
from sado.cases.payloads import Appeal
from sado.cases.service import Cases
from sado.menus.reading import pack
from sado.store import Keyring, Store
from sado.store.tables import cases, identity, stations
from sado.sync import outbox
from sado.sync.exchange import history, server
from sado.sync.exchange.client import Client
from sado.sync.link.frame_size import MOST, FrameSize
from sado.sync.wire import frame
from sado.sync.wire.shared_history import SharedHistory
from tests.support.one_by_one import OneByOne

QUICK = 600
HUB = 1


class Wide(FrameSize):
    """A line that carries whatever waits."""

    def __init__(self) -> None:
        super().__init__()
        self.limit = MOST

    def succeeded(self, size: int, seconds: float) -> None:
        """Nothing is learnt."""


@dataclass
class Pair:
    """A village station and its hub."""

    village: Store
    hub: Store
    key: bytes
    clock: list[float]
    up: list[Sent] = field(default_factory=list)
    down: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        law = Law.read(pack.load("tajikistan").law)
        self._cases = Cases(self.village.write(lambda tx: identity.create(tx, VILLAGE)), True, lambda: law)
        at_hub = Cases(self.hub.write(lambda tx: identity.create(tx, HUB)), False, lambda: law)
        self._taken = at_hub.apply
        self._client = Client(self.village, VILLAGE, self.key, OneByOne(self._post), self._cases.apply, Wide())

    def carry(self, batch: Sequence[Record]) -> None:
        """File these appeals, exchange until nothing waits, and look at the hub whether all came."""
        references = []
        for record in batch:
            self.clock[0] = datetime.fromisoformat(record["created"]).timestamp()
            appeal = appeal_of(record)
            references.append(self.village.write(partial(self._cases.open, appeal=appeal)).reference)
        while self._client.call():
            pass
        rows = self.hub.read(lambda tx: [cases.find(tx, reference) for reference in references])
        for row, record in zip(rows, batch, strict=True):
            assert row is not None, record
            kept = Appeal(**{name: getattr(row, name) for name in Appeal.__struct_fields__})
            assert kept == appeal_of(record), (kept, record)

    def _post(self, packed: bytes, timeout_s: float) -> bytes:
        self.up.append(self._read(packed))
        answer = server.answer(self.hub, packed, self._taken)
        self.down.append(len(answer))
        return answer

    def _read(self, packed: bytes) -> Sent:
        """What the hub will read."""
        recalled: list[SharedHistory] = []

        def recall(after: int, upto: int) -> SharedHistory:
            recalled.append(self.hub.read(lambda tx: history.of_received(tx, outbox.station(VILLAGE), after, upto)))
            return recalled[0]

        message = frame.unpack(frame.UP, self.key, packed, recall)
        return Sent(len(packed), message, recalled[0] if recalled else None)


@contextmanager
def new_pair() -> Iterator[Pair]:
    """Two stations that know nothing but the key."""
    clock = [events.BEGIN_MS / 1000]
    with tempfile.TemporaryDirectory(prefix="sado-bench-") as folder:
        keys = Keyring({1: b"k" * 32}, 1, b"r" * 32)
        village, hub = (Store(Path(folder) / f"{name}.db", keys, lambda: clock[0]) for name in ("village", "hub"))
        try:
            yield Pair(village, hub, hub.write(lambda tx: stations.add(tx, VILLAGE)), clock)
        finally:
            village.close()
            hub.close()


def in_batches(records: Sequence[Record], size: int) -> list[Sequence[Record]]:
    """The records, so many at a time."""
    return [records[at : at + size] for at in range(0, len(records), size)]


def carried(records: Sequence[Record], size: int) -> tuple[list[Sent], list[int], list[int]]:
    """Everything over one pair of stations: what went up, the bytes up of each batch, the sizes of the answers."""
    with new_pair() as pair:
        taken: list[int] = []
        for batch in in_batches(records, size):
            pair.carry(batch)
            taken.append(sum(sent.size for sent in pair.up) - sum(taken))
        return pair.up, taken, pair.down


def carried_cold(records: Sequence[Record], size: int) -> int:
    """Bytes up with a new pair of stations for each batch."""
    total = 0
    for batch in in_batches(records, size):
        with new_pair() as pair:
            pair.carry(batch)
            total += sum(sent.size for sent in pair.up)
    return total


def measured(records: Sequence[Record]) -> dict[str, float]:
    """Every number, bytes per appeal where it does not say otherwise."""
    found: dict[str, float] = {}
    for size in (100, 5):
        up, taken, down = carried(records, size)
        found[f"bytes_batch_{size}"] = sum(taken) / len(records)
        if size == 100:
            found["bytes_batch_100_cold"] = carried_cold(records, size) / len(records)
            found["bytes_batch_100_warm"] = _of_second_half(records, taken, size)
            found["bytes_down_per_exchange"] = sum(down) / len(down)
        for name, part in PARTS.items():
            sizes = (part(sent) if sent.events else sent.size for sent in up)
            found[f"{name}_{size}"] = sum(sizes) / len(records)
        for name, peer in peers.PEERS.items():
            found[f"{name}_{size}"] = sum(peer(batch) for batch in in_batches(records, size)) / len(records)
    for name, skip in (("floor_100", 0), ("floor_100_warm", len(records) // 2)):
        if (floor := peers.floor(records, skip)) is not None:
            found[name] = floor
    return {name: round(value, 1) for name, value in found.items()}


def _of_second_half(records: Sequence[Record], taken: Sequence[int], size: int) -> float:
    ends = accumulate(len(batch) for batch in in_batches(records, size))
    late = [(end, bytes_) for end, bytes_ in zip(ends, taken, strict=True) if end > len(records) // 2]
    return sum(bytes_ for _, bytes_ in late) / (len(records) - (late[0][0] - size))


def show(found: dict[str, float]) -> None:
    """The numbers as a table."""
    print(f"{'bytes per appeal, in batches of':32}{100:>8}{5:>8}")
    rows = [("this exchange", "bytes_batch"), *((name, name) for name in (*PARTS, *peers.PEERS))]
    for label, name in rows:
        print(f"{label.replace('_', ' '):32}{found[f'{name}_100']:8.1f}{found[f'{name}_5']:8.1f}")
    for label, name in (("from a new station each", "bytes_batch_100_cold"), ("second half", "bytes_batch_100_warm")):
        print(f"{label:32}{found[name]:8.1f}")
    if "floor_100" in found:
        print(f"{'floor':32}{found['floor_100']:8.1f}")
        print(f"{'floor, second half':32}{found['floor_100_warm']:8.1f}")
    else:
        print("no floor: pyppmd is not installed (it is in the extra `bench`)")
    print(f"{'an answer':32}{found['bytes_down_per_exchange']:8.1f}")


def main() -> None:
    """Measure; the last line is one JSON object."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} appeals, under 40 seconds")
    parser.add_argument("--corpus", type=Path, help="a file with a JSON object a line; default: one that is made here")
    options = parser.parse_args()
    measured_on = records(options.corpus)[: QUICK if options.quick else None]
    found = measured(measured_on)
    show(found)
    print(json.dumps({**found, "appeals": len(measured_on)}))


if __name__ == "__main__":
    main()
