"""The operator sees coming which cases become nameless and which are deleted, and until when backups hold what was."""

from sado.cases.retention import AHEAD_DAYS
from sado.store.tables import deletions
from sado.store.zone_time import DAY_MS
from tests.support.browser import Desk
from tests.support.stations import APPEAL, shipped_law

LIST = "/operator/retention"
DAYS = shipped_law().retention[APPEAL.kind].nameless_days


def over(desk: Desk, days: int) -> str:
    """A case that was closed so many days ago; its reference."""
    reference = desk.file().reference
    at = desk.store.now() - days * DAY_MS
    desk.store.write(lambda tx: tx.run("UPDATE cases SET status = 'closed', updated_at = :at, steady_at = :at", at=at))
    return reference


def test_a_case_whose_time_is_over_in_a_week_is_listed_with_its_day(desk: Desk) -> None:
    reference = over(desk, DAYS - 7)
    operator = desk.signed_in("operator")
    assert "1 become nameless and 0 are deleted" in operator.get("/operator").text
    shown = operator.get(LIST).text
    assert reference in shown
    assert "made nameless" in shown


def test_a_month_without_any_says_so_and_the_outbox_says_nothing(desk: Desk) -> None:
    operator = desk.signed_in("operator")
    assert "No case comes to its end by" in operator.get(LIST).text
    assert LIST not in operator.get("/operator").text
    assert AHEAD_DAYS == 30


def test_until_when_backups_hold_what_was_deleted_is_told(desk: Desk) -> None:
    operator = desk.signed_in("operator")
    desk.store.write(lambda tx: deletions.note_backup(tx, tx.now, tx.now + 20 * DAY_MS))
    assert "in backups until" not in operator.get("/operator").text
    desk.store.write(lambda tx: deletions.note(tx, "+992900000001"))
    assert "in backups until" in operator.get("/operator").text
