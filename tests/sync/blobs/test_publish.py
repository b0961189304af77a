"""What is published comes down whole, and beside the exchange."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pytest
from flask import Flask

from sado.store.tables import outbox as entries
from sado.store.tables import published_blobs, stations, wanted_blobs
from sado.sync import endpoint, outbox, schedule
from sado.sync.blobs import protocol
from sado.sync.blobs.protocol import PLAIN
from sado.sync.blobs.publish import offer_all, wanted_by
from sado.sync.link.connection import Line
from tests.support.blobs import NAME, VILLAGE, Link, only_blobs, open_link
from tests.support.down import served
from tests.support.one_by_one import post
from tests.support.published import CHUNK, HOUR_S, STRANGER, asked, content
from tests.support.shaper import Shaper

# Whole


def test_what_is_published_is_fetched_taken_in_and_told(link: Link) -> None:
    assert link.publish(content(1))

    link.fetch()

    assert link.taken == [(NAME, content(1))]
    assert (link.wanted().state, link.told()) == (wanted_blobs.TAKEN, (wanted_blobs.TAKEN, ""))
    assert max(link.ranges) <= CHUNK + 100


def test_the_same_again_is_not_fetched_again(link: Link) -> None:
    link.publish(content(1))
    link.fetch()

    assert not link.publish(content(1))
    assert link.fetch() == 0
    assert len(link.taken) == 1


def test_a_station_that_is_admitted_later_is_offered_what_is_published(link: Link) -> None:
    link.publish(content(1))
    key = link.hub.write(lambda tx: stations.add(tx, STRANGER))
    link.hub.write(lambda tx: offer_all(tx, STRANGER))
    link.publish(content(2), "register/taxes")

    offers = link.hub.read(published_blobs.offers)
    assert key and [(one.station, one.name) for one in offers if one.station == STRANGER] == [
        (STRANGER, NAME),
        (STRANGER, "register/taxes"),
    ]


def test_a_station_behind_another_is_offered_nothing_directly(link: Link) -> None:
    link.hub.write(lambda tx: stations.set_through(tx, STRANGER, VILLAGE))
    link.publish(content(1))

    assert {one.station for one in link.hub.read(published_blobs.offers)} == {VILLAGE}


def test_a_blob_of_many_pieces_comes_as_it_was(tmp_path: Path) -> None:
    large = content(3, 900_000)
    with open_link(tmp_path, limit=200_000) as link:
        link.publish(large)
        link.fetch()
        assert link.taken == [(NAME, large)]
        assert link.hub.read(lambda tx: tx.value("SELECT COUNT(*) FROM blob_pieces")) > 10


@pytest.mark.parametrize(
    ("districts", "expected"),
    [
        ((), ["pack/a", "register/jobs", "register/taxes", "register/odd/K-1"]),
        (("K-1",), ["pack/a", "register/jobs/K-1", "register/jobs/-", "register/taxes", "register/odd/K-1"]),
        (("K-3",), ["pack/a", "register/jobs/-", "register/taxes"]),
    ],
)
def test_a_station_is_offered_the_whole_or_the_parts_it_serves(districts: tuple[str, ...], expected: list[str]) -> None:
    names = ["pack/a", "register/jobs/K-1", "register/jobs/K-2", "register/jobs/-", "register/jobs", "register/taxes"]
    assert wanted_by([*names, "register/odd/K-1"], districts) == expected


# Beside the exchange


def test_what_is_urgent_goes_before_the_next_range(link: Link) -> None:
    link.publish(content(1))
    link.exchange()
    order: list[str] = []

    def get(target: str, headers: Mapping[str, str], timeout_s: float) -> bytes:
        order.append("range")
        if order.count("range") == 2:
            link.village.write(lambda tx: outbox.put(tx, outbox.UPSTREAM, "blob.urgent", "", "{}"))
        return link.answered(target, headers)

    def call() -> bool:
        waits = link.village.read(lambda tx: entries.counts(tx))
        order.append(f"exchange of {sum(count for count, _ in waits.values())}")
        return called()

    link.get = get
    called, link.client.call = link.client.call, call  # type: ignore[method-assign]
    upstream = schedule.Upstream(link.village, link.client, 3600, fetch=link.fetcher.step)
    while link.wanted().state == wanted_blobs.WANTED:
        upstream.step()

    ranges = [number for number, one in enumerate(order) if one == "range"]
    assert order[ranges[1] + 1] == "exchange of 1"
    assert order[ranges[1] + 2 :] == ["range"] * (len(order) - ranges[1] - 2)


def door(link: Link) -> Flask:
    """The hub's door, and nothing behind it."""
    app = Flask("hub")
    app.wsgi_app = endpoint.Endpoint(app.wsgi_app, link.hub, only_blobs(0))  # type: ignore[method-assign]
    return app


def test_ranges_come_over_the_one_kept_connection(link: Link) -> None:
    link.publish(content(1))
    with served(door(link)) as port, Shaper(("127.0.0.1", port)) as shaper:
        line = Line(f"http://127.0.0.1:{shaper.port}")
        link.post = partial(post, line)
        link.get = line.get
        link.fetch()
        line.close()
        assert shaper.opened == 1
    assert link.taken == [(NAME, content(1))]


@pytest.mark.parametrize("after", [*range(0, 1200, 149), 2400, 3600])
def test_a_connection_that_is_cut_at_any_byte_loses_no_range(link: Link, after: int) -> None:
    link.publish(content(1))
    link.exchange()
    with served(door(link)) as port, Shaper(("127.0.0.1", port), cut_down_after=after) as shaper:
        line = Line(f"http://127.0.0.1:{shaper.port}")
        link.get = line.get
        for _ in range(50):
            if not link.fetcher.step():
                link.clock.move(2 * HOUR_S)
        line.close()
        assert shaper.fired.is_set()
    link.arrivals.step()
    assert link.taken == [(NAME, content(1))]


def test_the_door_refuses_in_words(link: Link) -> None:
    client = door(link).test_client()
    link.publish(content(1))
    request = asked(link)

    assert client.post(request.target).status_code == 405
    assert client.get(request.target).status_code == 400
    assert client.get(request.target, headers=request.headers(b"k" * 32)).status_code == 400
    assert client.get(request.target, headers=asked(link, station=9).headers(link.key)).status_code == 403
    response = client.get(request.target, headers=request.headers(link.key))
    assert (response.status_code, protocol.opened(link.key, request, response.data).kind) == (200, PLAIN)
