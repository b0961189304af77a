"""A missing program of Debian skips a test on a bare machine, and fails it where nothing may be skipped."""

import pytest

from tests.support.servers import needed

MISSING = "no-such-program-of-debian"


def outcome(program: str) -> str:
    """What becomes of a test that needs a program of the Debian package `its-package`."""
    try:
        needed(program, "its-package")
    except (pytest.skip.Exception, pytest.fail.Exception) as stopped:
        return f"{type(stopped).__name__}: {stopped}"
    return "goes on"


@pytest.mark.parametrize("required", ["0", "1"])
def test_a_program_that_is_there_is_no_reason_to_stop(monkeypatch: pytest.MonkeyPatch, required: str) -> None:
    monkeypatch.setenv("REQUIRE_SERVERS", required)
    assert outcome("sh") == "goes on"


def test_a_missing_program_skips_and_names_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REQUIRE_SERVERS", raising=False)
    assert outcome(MISSING) == f"Skipped: {MISSING} is not installed: apt-get install its-package"


def test_where_nothing_may_be_skipped_it_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUIRE_SERVERS", "1")
    assert outcome(MISSING) == f"Failed: {MISSING} is not installed: apt-get install its-package"
