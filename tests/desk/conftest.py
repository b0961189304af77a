from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.browser import Desk, build


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with build(tmp_path) as built:
        yield built
