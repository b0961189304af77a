"""What changed little comes down as a difference."""

import hashlib

import pytest

from sado.publishing import bundle
from sado.store.tables import blobs, published_blobs
from sado.sync.blobs import delta
from tests.support.blobs import NAME, Link
from tests.support.published import CHUNK, content, one_word_changed, plain_size, shipped


def test_one_word_changed_in_the_menus_is_less_than_a_fiftieth_of_them(link: Link) -> None:
    link.publish(bundle.packed(shipped()))
    whole = link.fetch()
    link.publish(bundle.packed(one_word_changed()))
    difference = link.fetch()

    assert link.taken[-1] == (NAME, bundle.packed(one_word_changed()))
    assert difference < whole * 0.02
    assert len(link.ranges) == -(-plain_size(bundle.packed(shipped())) // CHUNK) + 1


def test_without_the_old_menus_the_whole_comes(link: Link) -> None:
    link.publish(bundle.packed(shipped()))
    link.publish(bundle.packed(one_word_changed()))

    assert link.fetch() > plain_size(bundle.packed(one_word_changed()))


def test_a_base_that_the_upstream_has_no_more_makes_the_whole_come(link: Link) -> None:
    link.publish(content(1))
    link.fetch()
    for seed in range(2, 2 + published_blobs.KEPT):
        link.publish(content(1) + content(seed, 10))

    assert link.fetch() > plain_size(content(1))
    assert link.taken[-1][1] == content(1) + content(1 + published_blobs.KEPT, 10)


def test_a_base_that_the_upstream_still_has_does_not(link: Link) -> None:
    link.publish(content(1))
    link.fetch()
    for seed in range(2, 1 + published_blobs.KEPT):
        link.publish(content(1) + content(seed, 10))

    assert link.fetch() < 200
    assert link.taken[-1][1] == content(1) + content(published_blobs.KEPT, 10)


def test_the_same_blobs_are_encoded_to_the_same_bytes_again() -> None:
    old, new = bundle.packed(shipped()), bundle.packed(one_word_changed())
    assert delta.pack(new, old) == delta.pack(new, old)
    assert delta.unpack(delta.pack(new, old), old, len(new)) == new
    assert bundle.packed(dict(reversed(shipped().items()))) == old


@pytest.mark.parametrize("size", [1, 1 << 19, (1 << 20) + 1, 3 << 20])
def test_a_difference_of_any_size_is_put_together_again(size: int) -> None:
    old = content(1, size)
    new = old[: size // 2] + b"one word" + old[size // 2 :]
    packed = delta.pack(new, old)
    assert delta.unpack(packed, old, len(new)) == new
    assert size == 1 or len(packed) < 500


def test_what_nobody_uses_any_more_is_deleted_on_both_sides(link: Link) -> None:
    for seed in range(1, 9):
        link.publish(content(seed))
        link.fetch()

    assert link.hub.read(lambda tx: tx.value("SELECT COUNT(*) FROM blobs")) == published_blobs.KEPT
    assert link.village.read(lambda tx: tx.value("SELECT COUNT(*) FROM blobs")) == 1
    assert link.village.read(lambda tx: tx.value("SELECT COUNT(DISTINCT hash) FROM blob_pieces")) == 1


def test_the_pieces_of_a_write_that_was_broken_off_are_deleted_at_the_start(link: Link) -> None:
    link.publish(content(1))
    link.hub.write(lambda tx: blobs.save_piece(tx, b"x" * 32, 0, b"half"))
    link.hub.write(blobs.recover)

    assert link.hub.read(lambda tx: tx.value("SELECT COUNT(*) FROM blob_pieces WHERE hash = :x", x=b"x" * 32)) == 0
    assert link.hub.read(lambda tx: blobs.content_of(tx, hashlib.sha256(content(1)).digest())) == content(1)
