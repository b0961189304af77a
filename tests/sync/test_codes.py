"""A reason is stored as a code with the other side's word, and read back as it was."""

import re

import pytest

from sado.store.tables import lane_events
from sado.sync.codes import Cause, EntryKind, Reason
from tests.test_architecture import product_files


@pytest.mark.parametrize("detail", ["", "502", "two words: and a colon"])
def test_a_reason_is_read_as_it_was_stored(detail: str) -> None:
    reasons = [Reason(cause, detail) for cause in Cause]
    assert [Reason.read(reason.stored) for reason in reasons] == reasons


def test_a_code_of_another_release_is_shown_as_it_is() -> None:
    assert str(Reason.read("THE_MOON_IS_FULL 3")) == "this release does not know this cause: THE_MOON_IS_FULL 3"


def test_what_the_store_says_of_its_disk_is_a_code_too() -> None:
    assert (lane_events.DAMAGED, Cause[lane_events.DISK_DAMAGED]) == (EntryKind.DAMAGED, Cause.DISK_DAMAGED)


# What is read from another release, and what the store writes without importing the list.
WRITTEN_ELSEWHERE = {Cause.UNKNOWN, Cause.DISK_DAMAGED, EntryKind.DAMAGED}


@pytest.mark.parametrize("list_of_codes", [Cause, EntryKind])
def test_no_code_is_left_over(list_of_codes: type[Cause] | type[EntryKind]) -> None:
    files = [file for file in product_files() if file.parent.name != "desk" and file.name != "codes.py"]
    code = "".join(file.read_text("utf-8") for file in files)
    left = {one for one in list_of_codes if not re.search(rf"\b{list_of_codes.__name__}\.{one.name}\b", code)}
    assert left <= WRITTEN_ELSEWHERE
