"""The small shipped pack on a station, for tests of the channel that need screens which stay as they are."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from sado.menus.pack import Pack
from sado.menus.reading import pack
from sado.publishing import checking
from tests.support.packs import written
from tests.support.phone import Phone
from tests.support.station import Station, open_station
from tests.support.stations import Clock

HERS, HIS = "+254700000001", "+254700000002"
# From the first dial of a new phone to the reference: language, complaint, water, county, text, name, consent.
FILING = ("1", "2", "1", "1", "Kisumu", "1", "No water", "Ali Otieno", "1")
BEGUN, STEPS = FILING[:4], FILING[4:]
ASKED = ("Type your county", "Kisumu County?", "Describe the matter", "Your name:", "Complaint: Water. Do you agree")
OFFER = "Continue?\n1 Yes: Complaint: Water\n2 Start again\n3 Not needed any more"
HOME = "1 Status of my case"


@cache
def kenya() -> Pack:
    """The pack, read once."""
    return pack.load("kenya")


@contextmanager
def open_kenya(folder: Path, clock: Clock | None = None) -> Iterator[Station]:
    """A station that serves it, closed at the end."""
    with open_station(folder, pack=kenya(), clock=clock) as station:
        yield station


def rewritten(folder: Path, changes: dict[str, str]) -> Path:
    """A copy of the pack with these words changed, wherever they stand in its YAML files."""
    files = pack.files_of("kenya")
    for name, content in files.items():
        text = content.decode()
        for old, new in changes.items() if name.endswith(".yaml") else ():
            text = text.replace(old, new)
        files[name] = text.encode()
    return written(folder, files)


@contextmanager
def serving(folder: Path, name: str, clock: Clock | None = None) -> Iterator[Station]:
    """A station that serves the pack of this name or in this folder, and keeps its version as it does at its start."""
    with open_station(folder, pack=pack.load(name), clock=clock) as station:
        checking.choose(station.store, name)
        yield station


def walked(station: Station, *inputs: str, msisdn: str = HERS) -> Phone:
    """A phone that typed these."""
    phone = Phone(station.client, msisdn)
    phone.walk(*inputs)
    return phone
