"""`sado publisher`, and publishing with a key that is not at the hub."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sado.publishing import publisher
from sado.sync.blobs import signature
from tests.support.kenya import rewritten
from tests.support.processes import HUB, VILLAGE, Station, sado


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Station]:
    station = Station(tmp_path / "hub", HUB, {"pack": "kenya"})
    yield station
    station.end()


@pytest.mark.parametrize("is_serving", [True, False])
def test_the_private_key_can_stay_outside_the_hub(hub: Station, tmp_path: Path, is_serving: bool) -> None:
    stick, other = tmp_path / "stick.key", tmp_path / "other.key"
    newer = str(rewritten(tmp_path / "newer", {"Describe the matter briefly.": "Tell us what happened."}))
    public = hub.sado("publisher", "new", str(stick)).strip()
    assert hub.sado("station", "add", str(VILLAGE)).split()[1:] == [public]
    assert not (hub.folder / "publisher.key").exists()
    other.write_text(signature.new_key().hex())
    if is_serving:
        hub.start()

    for arguments, says in (
        ((), "name the file with --key"),
        (("--key", str(other)), "It is not signed by the publisher"),
    ):
        refused = sado("pack", "publish", newer, *arguments, **hub.settings)
        assert (refused.returncode, says in refused.stderr, "Traceback" in refused.stderr) == (1, True, False)
    assert "Published" not in hub.sado("pack", "status")

    assert "is served here" in hub.sado("pack", "publish", newer, "--key", str(stick))
    assert "Published: pack/kenya." in hub.sado("pack", "status")


def test_a_hub_that_has_none_makes_one_and_gives_it_to_its_stations(hub: Station) -> None:
    line, public = hub.sado("station", "add", str(VILLAGE)).split()

    assert (len(line), bytes.fromhex(public)) == (64, publisher.held(hub.folder / "publisher.pub", None))
    assert hub.sado("station", "add", "8").split()[1] == public
    refused = sado("publisher", "new", **hub.settings)
    assert (refused.returncode, "a key file is never replaced" in refused.stderr) == (1, True)
