"""A missing program of Debian skips a test on a bare machine, and fails it where nothing may be skipped."""

import pytest

from tests.support.servers import needed

MISSING = "no-such-program-of-debian"


def test_a_program_that_is_there_is_no_reason_to_skip() -> None:
    needed("sh", "dash")


def test_a_missing_program_skips_and_names_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REQUIRE_SERVERS", raising=False)
    with pytest.raises(pytest.skip.Exception, match="apt-get install its-package"):
        needed(MISSING, "its-package")


def test_where_nothing_may_be_skipped_it_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUIRE_SERVERS", "1")
    with pytest.raises(pytest.fail.Exception, match="apt-get install its-package"):
        needed(MISSING, "its-package")
