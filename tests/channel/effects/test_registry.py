"""What trees may ask for and what the channel performs are the same."""

from pathlib import Path

import pytest

from sado.channel.effects.contract import DROP_FORM, TAKE_UP, Effects
from sado.menus.effects import EFFECTS
from sado.menus.engine import Effect, Outcome
from sado.menus.tree import TreeError
from sado.store import Transaction
from tests.support.kenya import kenya, open_kenya
from tests.support.packs import built


def test_every_effect_of_the_table_is_performed_and_no_other(tmp_path: Path) -> None:
    with open_kenya(tmp_path) as station:
        performed = set(station.effects.handlers)
    assert performed | {TAKE_UP, DROP_FORM} == set(EFFECTS)
    assert performed.isdisjoint({TAKE_UP, DROP_FORM})


def nothing(tx: Transaction, msisdn: str, effect: Effect) -> Outcome:
    return Outcome("done")


def test_a_pack_that_asks_for_what_nobody_performs_is_refused() -> None:
    known = dict.fromkeys(set(EFFECTS) - {"find_place", "lookup"}, nothing)
    with pytest.raises(TreeError, match="'kenya' asks for effects that do not exist: find_place, lookup"):
        Effects(kenya(), known)


def test_a_pack_that_asks_for_little_needs_little() -> None:
    assert set(Effects(built(), {"remember_language": nothing}).handlers) == {"remember_language"}
