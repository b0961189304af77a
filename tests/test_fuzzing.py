"""Five minutes of hostile bytes: whatever a station, a publisher or a gateway sends, it is refused or read, in little
time and little memory. A failure says the seed and the input; `SADO_PROOFS=10` makes it ten times as long."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from sado.channel.request import BadRequestError, Request
from sado.menus.reading import pack
from sado.menus.tree import TreeError
from sado.publishing import bundle
from sado.sync.wire import columns
from sado.sync.wire.columns import Columns
from sado.sync.wire.shared_history import nothing
from tests.support import unborne
from tests.support.fuzzing import Target, mutated, run
from tests.support.gateway_contract import USSD, WEB
from tests.support.packs import BASE, small
from tests.support.proofs import TIMES
from tests.sync.wire.test_columns import SENT_AT
from tests.sync.wire.test_frame import KNOWN, PLAINS, assert_refused_or_fits_a_database, said, sealed

MINUTE_S = 60.0
TARGETS = ("frames", "column_runs", "bundles", "yaml", "webhooks")


def frames() -> Target:
    """Well sealed by a station that has the key."""

    def attempt(content: bytes) -> None:
        for recall in (nothing, lambda after, upto: KNOWN):
            assert_refused_or_fits_a_database(sealed(content), recall)

    return Target(PLAINS, attempt)


def column_runs() -> Target:
    """Both runs of the columns, the length of the numbers in two bytes before them."""
    made = [columns.pack(said(count, seed), SENT_AT) for seed, count in enumerate((1, 4, 30, 200))]

    def attempt(content: bytes) -> None:
        size = int.from_bytes(content[:2], "big")
        runs = Columns(content[2 + size :], content[2 : 2 + size])
        try:
            found = columns.unpack(runs, SENT_AT)
        except ValueError:
            return
        # What came out of it can be packed again: it is no worse than what a station may say.
        assert columns.unpack(columns.pack(found, SENT_AT), SENT_AT) == found

    return Target([len(one.numbers).to_bytes(2, "big") + one.numbers + one.content for one in made], attempt)


def bundles() -> Target:
    """A pack on its way to a station."""

    def attempt(content: bytes) -> None:
        try:
            files = bundle.files_of(content)
        except TreeError:
            return
        pack.examine("small", files)

    return Target([bundle.packed(small()), bundle.packed({"pack.yaml": b"a: 1"})], attempt)


def yaml() -> Target:
    """One file of a pack, as somebody wrote it."""
    names = [name for name in small() if name.endswith(".yaml")]
    chance = random.Random(0)

    def attempt(content: bytes) -> None:
        pack.examine("small", {**small(), chance.choice(names): content})

    bomb = b"a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: [*c, *c]\n"
    return Target([*(small()[name] for name in names), BASE.encode(), bomb], attempt)


def webhooks() -> Target:
    """Each address of each gateway, whoever has its token."""
    addresses: list[tuple[Callable[[bytes], Request], Callable[[Request], object]]] = []
    sound = []
    for sms in WEB:
        gateway = sms.idle()
        addresses += [(sms.message.carry, gateway.parse_message), (sms.report.carry, gateway.parse_report)]
        sound += [form.write(list(form.fields.items())) for form in (sms.message, sms.report)]
    for ussd in USSD:
        addresses += [(ussd.hop.carry, ussd.gateway.parse_hop), (ussd.end.carry, ussd.parse_end)]
        sound += [form.write(list(form.fields.items())) for form in (ussd.hop, ussd.end)]

    def attempt(content: bytes) -> None:
        for carry, parse in addresses:
            try:
                parse(carry(content))
            except BadRequestError:
                continue

    return Target(sound, attempt)


@pytest.mark.long
@pytest.mark.parametrize("name", TARGETS)
def test_a_minute_of_hostile_bytes_is_borne(name: str, tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    outcome = run(f"{__name__}:{name}", seed, MINUTE_S * TIMES, tmp_path)
    print(f"{name}: {outcome.tried} inputs, seed {seed}")
    assert not outcome.fault, f"seed {seed}, input {outcome.tried}: {outcome.content!r}\n{outcome.fault}"
    assert outcome.tried > 100


@pytest.mark.parametrize(
    ("name", "says"),
    [("raising", "KeyError"), ("dying", "ended with -6"), ("greedy", "MemoryError"), ("endless", "TimeoutError")],
)
def test_what_is_not_borne_is_told_with_its_input(name: str, says: str, tmp_path: Path) -> None:
    outcome = run(f"{unborne.__name__}:{name}", 1, 1.0, tmp_path)
    assert says in outcome.fault
    assert (outcome.tried, outcome.content) == (1, mutated(random.Random(1), unborne.SOUND))
