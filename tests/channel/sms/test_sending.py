"""What somebody asked to have by SMS: the whole text, to her alone, and not when she wants no SMS."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sado.cases.residents.privacy import Privacy
from sado.channel.effects.send_sms import send_sms
from sado.menus import engine
from sado.menus.engine import Effect
from sado.menus.session import Session
from sado.store import Transaction
from sado.store.tables import subscribers
from sado.sync import dispatch, outbox
from tests.support.sms import KeepingGateway, notices
from tests.support.station import shipped_pack
from tests.support.stations import APPEAL, Station, open_station

HERS = APPEAL.msisdn
TEXT = "№40000001: ҳуҷҷат тайёр. ХШБ Ёвон, соати 8-17."


@pytest.fixture
def village(tmp_path: Path) -> Iterator[Station]:
    with open_station(tmp_path, 7, has_upstream=False) as opened:
        yield opened


def asked(station: Station) -> str:
    """How her wish went."""
    effect = Effect("send_sms", {"text": TEXT}, "tg")
    return station.store.write(lambda tx: send_sms(tx, HERS, effect)).name


def sent(station: Station) -> list[tuple[str, str]]:
    """All that leaves now."""
    gateway = KeepingGateway()
    transport = notices(station.store, station.cases, gateway)
    while dispatch.step(station.store, outbox.SMS, transport):
        pass
    return gateway.given


def mute(tx: Transaction) -> None:
    subscribers.set_muted(tx, HERS, True)


def forget(tx: Transaction) -> None:
    Privacy(has_upstream=False).forget(tx, HERS)


def test_she_gets_the_whole_text_once(village: Station) -> None:
    assert asked(village) == "sent"
    assert sent(village) == [(HERS, TEXT)]
    assert sent(village) == []


def test_a_phone_that_wants_no_sms_is_told_so_and_gets_none(village: Station) -> None:
    village.store.write(mute)
    assert asked(village) == "muted"
    assert sent(village) == []


@pytest.mark.parametrize("change_of_mind", [mute, forget])
def test_what_waits_does_not_leave_after_she_has_changed_her_mind(
    village: Station, change_of_mind: Callable[[Transaction], None]
) -> None:
    asked(village)
    village.store.write(change_of_mind)
    assert sent(village) == []


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("tg", "№40000001: тайёр (14.07.2026)."),
        ("en", "No 40000001: тайёр (14.07.2026)."),
        ("tg-Latn", "No 40000001: тайёр (14.07.2026)."),
    ],
)
def test_the_text_is_that_of_the_screen_in_her_language(language: str, words: str) -> None:
    tree = shipped_pack().tree
    values = {"number": "40000001", "status": "тайёр", "as_of": "14.07.2026"}
    session = Session(tree=tree.version, language=language, screen="passport.sms", values=values)
    turn = engine.reopen(tree, session, language)
    assert turn.effect == Effect("send_sms", {"text": words}, language)
