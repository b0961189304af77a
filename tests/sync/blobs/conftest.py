"""A hub that publishes and a village that fetches, over a line of short ranges."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.blobs import Link, open_link
from tests.support.published import CHUNK


@pytest.fixture
def link(tmp_path: Path) -> Iterator[Link]:
    with open_link(tmp_path, limit=CHUNK) as link:
        yield link
