"""What kills the station that takes it in is tried once; what a power cut broke off is tried again."""

import subprocess
import sys
from pathlib import Path

import pytest

from sado.store import DiskError
from sado.store.tables import wanted_blobs
from sado.sync.blobs.fetch import KILLED
from tests.support.blobs import NAME, Link, open_link
from tests.support.published import content

DIED = 9
DIES = """
import os, sys
from pathlib import Path
from sado.store import Keyring, Store
from sado.sync.blobs.fetch import Arrivals
folder, boot, ends = Path(sys.argv[1]), sys.argv[2] or None, sys.argv[3]
store = Store(folder / "station.db", Keyring.load(folder / "keys.json"))
def take(wanted, content):
    os._exit(int(ends))
Arrivals(store, 7, take, boot).step()
"""


def whole(link: Link, content: bytes) -> None:
    """Published at the hub, and at the village whole."""
    link.publish(content)
    link.exchange()
    while link.fetcher.step():
        pass
    assert link.wanted().state == wanted_blobs.WHOLE


def die(folder: Path, boot: str = "") -> None:
    """A station that ends while it takes in what waits."""
    ended = subprocess.run([sys.executable, "-c", DIES, str(folder), boot, str(DIED)])
    assert ended.returncode == DIED


def test_what_ended_the_station_is_refused_at_the_next_start_and_the_hub_is_told(tmp_path: Path) -> None:
    with open_link(tmp_path) as link:
        whole(link, content(1))
    die(tmp_path / "village")

    with open_link(tmp_path) as link:
        link.fetch()
        assert (link.taken, link.told()) == ([], (wanted_blobs.REFUSED, KILLED))
        link.fetch()
        assert link.taken == []

        link.publish(content(2))
        link.fetch()
        assert (link.taken, link.told()) == ([(NAME, content(2))], (wanted_blobs.TAKEN, ""))


def test_published_again_it_is_tried_again(tmp_path: Path) -> None:
    with open_link(tmp_path) as link:
        whole(link, content(1))
    die(tmp_path / "village")

    with open_link(tmp_path) as link:
        link.fetch()
        link.publish(content(1))
        link.fetch()
        assert (link.taken, link.told()) == ([(NAME, content(1))], (wanted_blobs.TAKEN, ""))


def test_what_a_power_cut_broke_off_is_taken_in_after_it(tmp_path: Path) -> None:
    with open_link(tmp_path) as link:
        whole(link, content(1))
    die(tmp_path / "village", boot="the run of the machine before")

    with open_link(tmp_path) as link:
        link.fetch()
        assert (link.taken, link.told()) == ([(NAME, content(1))], (wanted_blobs.TAKEN, ""))


def test_a_disk_that_failed_meanwhile_ends_no_process(tmp_path: Path) -> None:
    with open_link(tmp_path) as link:
        whole(link, content(1))
        link.refuses = DiskError("The disk is full.")
        with pytest.raises(DiskError):
            link.arrivals.step()
        link.refuses = None
        link.fetch()
        assert link.taken == [(NAME, content(1))]
