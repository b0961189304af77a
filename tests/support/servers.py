"""Programs of Debian that some tests run for real."""

import os
import shutil

import pytest

# They stand where a person's PATH does not always look.
PLACES = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"


def needed(program: str, package: str) -> None:
    """Skip the test when a program is missing; where REQUIRE_SERVERS is 1, as in CI, fail it: a test that is
    always skipped proves nothing."""
    if shutil.which(program, path=PLACES):
        return
    reason = f"{program} is not installed: apt-get install {package}"
    if os.environ.get("REQUIRE_SERVERS") == "1":
        pytest.fail(reason)
    pytest.skip(reason)
