"""The effects that trees ask for by name, and what performs them: name → handler."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sado.menus.engine import Effect, Outcome
from sado.menus.pack import Pack
from sado.menus.tree import TreeError
from sado.store import Transaction

# What is not performed here: both are about the form that was offered, which only the hop knows
# (channel/ussd/conversation.py).
TAKE_UP, DROP_FORM = "take_up", "drop_form"
Handler = Callable[[Transaction, str, Effect], Outcome]


class Effects:
    """Performs the effects of one pack."""

    def __init__(self, pack: Pack, handlers: Mapping[str, Handler]) -> None:
        self.handlers = handlers
        _check(pack, {*handlers, TAKE_UP, DROP_FORM})

    def perform(self, tx: Transaction, msisdn: str, effect: Effect) -> Outcome:
        """Do it for the subscriber with this number, and say how it went."""
        return self.handlers[effect.name](tx, msisdn, effect)


def _check(pack: Pack, performed: set[str]) -> None:
    """Raises TreeError for an effect that nobody performs: better at the start than in a resident's session."""
    asked = {screen.effect for screen in pack.tree.screens.values() if screen.effect}
    if unknown := asked - performed:
        raise TreeError(f"The pack {pack.name!r} asks for effects that do not exist: {', '.join(sorted(unknown))}.")
