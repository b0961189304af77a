"""Everything that the trees of one pack may ask for."""

from __future__ import annotations

from sado.cases.residents.consultation import Consultation
from sado.cases.residents.privacy import Privacy
from sado.cases.service import Cases
from sado.channel.effects.choices import Choices
from sado.channel.effects.contract import Effects, Handler
from sado.channel.effects.filing import Filing
from sado.channel.effects.lookups import Lookups
from sado.channel.effects.places import Places
from sado.channel.effects.reading import Reading
from sado.channel.effects.register_words import registers_of
from sado.channel.effects.send_sms import send_sms
from sado.menus.pack import Pack


def all_effects(cases: Cases, pack: Pack) -> Effects:
    """The effects of this pack for this station. Raises TreeError for one that the trees ask for in vain."""
    lookups = Lookups(cases, pack, registers_of(pack))
    choices = Choices(pack, Consultation(cases.has_upstream), Privacy(cases.has_upstream))
    handlers: dict[str, Handler] = {"send_sms": send_sms}
    for performer in (Filing(cases, pack), Reading(cases, pack), Places(pack), lookups, choices):
        handlers |= performer.handlers()
    return Effects(pack, handlers)
