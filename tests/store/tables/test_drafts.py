"""Half-written forms: kept sealed, found by their phone alone, forgotten in time."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sado.store import Store
from sado.store.errors import SealError
from sado.store.tables import drafts
from tests.support.stations import Clock, open_store

HERS, HIS = "+992900000001", "+992900000002"
STATE = '{"answers": {"text": "No water"}}'


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[Store]:
    with open_store(tmp_path, clock) as opened:
        yield opened


def save(store: Store, state: str = STATE, msisdn: str = HERS, draft: int = 0) -> int:
    return store.write(lambda tx: drafts.save(tx, draft, msisdn, state))


def of(store: Store, msisdn: str = HERS) -> list[str]:
    return [draft.state for draft in store.read(lambda tx: drafts.of(tx, msisdn))]


def test_a_form_is_found_by_its_phone_and_by_no_other(store: Store) -> None:
    save(store)
    assert (of(store), of(store, HIS)) == ([STATE], [])


def test_saving_again_changes_the_form_and_keeps_when_it_was_begun(store: Store, clock: Clock) -> None:
    draft = save(store, "old")
    clock.move(60)
    assert save(store, "new", draft=draft) == draft
    (kept,) = store.read(lambda tx: drafts.of(tx, HERS))
    assert (kept.state, kept.updated_at - kept.started_at) == ("new", 60_000)


def test_the_form_that_was_gone_on_with_last_comes_first(store: Store, clock: Clock) -> None:
    first = save(store, "first")
    save(store, "second")
    assert of(store) == ["second", "first"]
    clock.move(1)
    save(store, "first", draft=first)
    assert of(store) == ["first", "second"]


def test_a_form_that_is_deleted_is_gone_and_its_number_is_not_used_again(store: Store) -> None:
    draft = save(store)
    store.write(lambda tx: drafts.delete(tx, draft))
    assert of(store) == []
    assert save(store) > draft


def test_what_nobody_went_on_with_is_forgotten(store: Store, clock: Clock) -> None:
    save(store, "old")
    clock.move(10)
    save(store, "young", HIS)
    before = int(clock.now * 1000) - 5_000
    assert store.write(lambda tx: drafts.forget(tx, before)) == 1
    assert (of(store), of(store, HIS)) == ([], ["young"])
    assert store.read(drafts.count) == 1


def test_nothing_of_a_form_or_its_phone_can_be_read_in_the_file(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        save(store)
    content = b"".join(file.read_bytes() for file in tmp_path.glob("station.db*"))
    assert b"No water" not in content and b"992900000001" not in content
    assert b"drafts" in content


def test_a_form_that_was_moved_to_another_row_cannot_be_read(store: Store) -> None:
    one, other = save(store, "one"), save(store, "other", HIS)
    store.write(
        lambda tx: tx.run(
            "UPDATE drafts SET state = (SELECT state FROM drafts WHERE id = :one) WHERE id = :other",
            one=one,
            other=other,
        )
    )
    with pytest.raises(SealError, match="another row's value"):
        of(store, HIS)


def test_a_form_is_kept_until_it_is_deleted(store: Store) -> None:
    draft = save(store)
    assert store.read(lambda tx: drafts.is_kept(tx, draft))
    store.write(lambda tx: drafts.delete(tx, draft))
    assert not store.read(lambda tx: drafts.is_kept(tx, draft))
