"""An event goes to the room that its kind names, and nowhere else."""

from pathlib import Path

import pytest

from sado.cases.errors import UnknownEventError
from sado.cases.events import Events
from sado.store import Transaction
from sado.store.tables.events import Event
from tests.support.stations import open_store


class Room:
    """Notes what it is handed."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, Event]] = []

    def apply(self, tx: Transaction, peer: str, event: Event) -> None:
        self.taken.append((peer, event))


def test_the_part_before_the_dot_chooses_the_room(tmp_path: Path) -> None:
    case, tally = Room(), Room()
    event = Event("tally.counted", "", "{}")
    events = Events({"case": case.apply, "tally": tally.apply})
    with open_store(tmp_path) as store:
        store.write(lambda tx: events.apply(tx, "station:007", event))
    assert (case.taken, tally.taken) == ([], [("station:007", event)])


@pytest.mark.parametrize("kind", ["", "tally", "tallies.counted", ".counted", "Case.moved"])
def test_a_kind_that_no_room_takes_is_unknown(tmp_path: Path, kind: str) -> None:
    room = Room()
    with open_store(tmp_path) as store, pytest.raises(UnknownEventError):
        store.write(lambda tx: Events({"case": room.apply}).apply(tx, "upstream", Event(kind, "", "{}")))
    assert room.taken == []
