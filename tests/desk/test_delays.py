"""Wrong passwords hold up whoever typed them, and nobody else."""

from __future__ import annotations

from functools import partial

import pytest
from flask.testing import FlaskClient

from sado.desk import delays
from sado.store import Transaction
from sado.store.tables import accounts, sign_in_misses
from tests.support.browser import HASHED, PASSWORD, PEOPLE, Desk, enter

HERS, STRANGE = "10.0.0.5", "203.0.113.{}"
NAME = PEOPLE["operator"]


def miss(client: FlaskClient, name: str = NAME) -> None:
    assert enter(client, name, "not the password").status_code == 403


def may_enter(client: FlaskClient, name: str = NAME) -> bool:
    return enter(client, name, PASSWORD).status_code == 302


def waits(desk: Desk, address: str, most: int) -> list[int]:
    """After each miss, the seconds until the right password is looked at."""
    found = []
    for _ in range(most):
        miss(desk.visitor(address))
        found.append(_wait(desk, address))
        desk.clock.now += found[-1]
    return found


def _wait(desk: Desk, address: str) -> int:
    claimant = delays.Claimant(address, "")
    began = desk.clock.now
    while not desk.store.read(lambda tx: delays.are_over(tx, delays.of_password(tx, NAME, True, claimant))):
        desk.clock.now += 1
    waited, desk.clock.now = int(desk.clock.now - began), began
    return waited


def test_each_wrong_password_doubles_the_wait_up_to_a_quarter_of_an_hour(desk: Desk) -> None:
    assert waits(desk, HERS, 12) == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]


def test_a_stranger_holds_up_himself_and_not_her_elsewhere(desk: Desk) -> None:
    miss(desk.visitor(STRANGE.format(1)))
    assert not may_enter(desk.visitor(STRANGE.format(1)))
    assert may_enter(desk.visitor(HERS))


def test_a_stranger_holds_up_nobody_else_from_where_he_is(desk: Desk) -> None:
    miss(desk.visitor(HERS))
    assert may_enter(desk.visitor(HERS), PEOPLE["officer"])


def test_on_a_device_that_she_used_before_no_stranger_holds_her_up(desk: Desk) -> None:
    hers = desk.signed_in("operator", HERS)
    for number in range(delays.STRANGERS_FREE):
        miss(desk.visitor(STRANGE.format(number)))
    miss(desk.visitor(HERS))
    assert may_enter(hers)
    # The same, where she has no such device.
    assert not may_enter(desk.visitor(HERS))
    assert not may_enter(desk.visitor("10.0.0.6"))


def test_on_a_device_that_she_used_before_her_own_misses_hold_her_up(desk: Desk) -> None:
    hers = desk.signed_in("operator", HERS)
    miss(hers)
    assert not may_enter(hers)
    desk.clock.now += 1
    assert may_enter(hers)


def test_a_device_is_trusted_for_the_account_that_was_signed_in_on_it(desk: Desk) -> None:
    shared = desk.signed_in("operator", HERS)
    miss(desk.visitor(HERS), PEOPLE["officer"])
    assert not may_enter(shared, PEOPLE["officer"])
    desk.clock.now += 1
    assert may_enter(shared, PEOPLE["officer"])
    # Both share the desk now.
    for name in (NAME, PEOPLE["officer"]):
        miss(desk.visitor(HERS), name)
        assert may_enter(shared, name)


@pytest.mark.parametrize("days", [89, 91])
def test_a_device_is_trusted_for_ninety_days(desk: Desk, days: int) -> None:
    hers = desk.signed_in("operator", HERS)
    desk.clock.now += days * 86_400
    miss(desk.visitor(HERS))
    assert may_enter(hers) == (days < 90)


def test_a_new_password_ends_the_trust(desk: Desk) -> None:
    hers = desk.signed_in("operator", HERS)
    desk.store.write(partial(accounts.save, name=NAME, password=HASHED, role="operator", agency=""))
    miss(desk.visitor(HERS))
    assert not may_enter(hers)


def test_many_sources_together_try_once_in_ten_seconds(desk: Desk) -> None:
    tried = 0
    for number in range(200):
        before = desk.store.read(lambda tx: sign_in_misses.find(tx, f"strangers at {NAME}", 0))
        miss(desk.visitor(f"198.51.100.{number}"))
        tried += desk.store.read(lambda tx: sign_in_misses.find(tx, f"strangers at {NAME}", 0)) != before
        desk.clock.now += 1
    assert tried == delays.STRANGERS_FREE + (200 - delays.STRANGERS_FREE) // delays.STRANGERS_S


def test_misses_are_forgotten_after_a_day_without_one(desk: Desk) -> None:
    assert waits(desk, HERS, 5)[-1] == 16
    desk.clock.now += 86_400
    assert waits(desk, HERS, 1) == [1]


def test_setting_the_clock_ends_no_wait(desk: Desk) -> None:
    miss(desk.visitor(HERS))
    desk.store.clock.look(desk.store.now())
    desk.clock.now += 3600
    desk.store.clock.look(desk.store.now())
    assert not may_enter(desk.visitor(HERS))


@pytest.mark.parametrize(("name", "exists"), [(NAME, True), ("nobody", False)])
def test_a_name_without_an_account_is_delayed_alike(desk: Desk, name: str, exists: bool) -> None:
    miss(desk.visitor(HERS), name)
    limits = desk.store.read(lambda tx: delays.of_password(tx, name, exists, delays.Claimant(HERS, "")))
    assert not desk.store.read(lambda tx: delays.are_over(tx, limits))


def test_what_strangers_miss_has_a_bound_and_pushes_out_no_account(desk: Desk) -> None:
    def flood(tx: Transaction) -> None:
        sign_in_misses.add(tx, "strangers at zarina", 0, is_passing=False)
        for number in range(sign_in_misses.MOST + 10):
            sign_in_misses.add(tx, f"source {number} at {number}", 0, is_passing=True)

    desk.store.write(flood)
    kept = desk.store.read(lambda tx: tx.value("SELECT COUNT(*) FROM sign_in_misses"))
    assert kept == sign_in_misses.MOST + 1
    assert desk.store.read(lambda tx: sign_in_misses.find(tx, "strangers at zarina", 0))[0] == 1


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::", "2001:db8:1:3::/64"),
        (None, ""),
        ("unix", "unix"),
    ],
)
def test_a_source_is_an_address_or_the_network_that_one_person_has(address: str | None, source: str) -> None:
    assert delays.source_of(address) == source
