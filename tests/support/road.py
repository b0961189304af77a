"""A village and its hub, with somebody who walks between them with a stick."""

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from sado.store import Store
from sado.store.tables.lanes import LANES
from sado.sync.by_hand.transfer import FileTransfer, Taken
from tests.support.stations import Clock
from tests.support.village_and_hub import HUB, VILLAGE, Pair, all_cases, counting, lane_of

DAY = date(2027, 1, 15)
WEEK_S = 7 * 86400
WEEK_MS = WEEK_S * 1000


@dataclass
class Road:
    """A village and its hub, with somebody who walks between them with a stick."""

    pair: Pair
    clock: Clock
    stick: Path
    written: int = field(default=0)

    def __post_init__(self) -> None:
        self.stick.mkdir(exist_ok=True)

    @property
    def village(self) -> FileTransfer:
        return FileTransfer(self.pair.village.store, VILLAGE, self.pair.key, counting(self.pair.village.cases.apply))

    @property
    def hub(self) -> FileTransfer:
        return FileTransfer(self.pair.hub.store, HUB, None, counting(self.pair.hub.cases.apply))

    def up(self) -> Path:
        """The village exports."""
        return self.village.export(self._file(), None, DAY).path

    def down(self) -> Path:
        """The hub exports for the village."""
        return self.hub.export(self._file(), VILLAGE, DAY).path

    def receipts(self, file: Path) -> Path:
        """The hub takes a file in and writes the one to carry back."""
        return self.hub.answer(self._file(), self.hub.take_in(file), DAY).path

    def walk(self) -> Taken:
        """There and back; what came back."""
        return self.village.take_in(self.receipts(self.up()))

    def _file(self) -> Path:
        self.written += 1
        return self.stick / f"{self.written}.sado"

    def register_one(self) -> None:
        """The agency registers a case that it knows, if there is one that it did not."""
        known = next((reference for reference, status in all_cases(self.pair.hub) if status == "received"), None)
        if known is not None:
            self.pair.record(known, "registered")


def waiting(store: Store, peer: str) -> int:
    """How many events wait for a peer."""
    return sum(one.numbered - one.acked for one in (lane_of(store, peer, name) for name in LANES))
