"""Everything that the trees of one pack may ask for, room by room."""

from __future__ import annotations

from cases.consultation import Consultation
from cases.privacy import Privacy
from cases.service import Cases
from channel.choices import Choices
from channel.effects import Effects
from channel.filing import Filing
from channel.lookups import Lookups
from channel.places import Places
from channel.reading import Reading
from channel.register_words import registers_of
from channel.sending import Sending
from menus.pack import Pack


def all_effects(cases: Cases, pack: Pack) -> Effects:
    """The effects of this pack for this station. Raises TreeError for one that the trees ask for in vain."""
    lookups = Lookups(cases, pack, registers_of(pack))
    choices = Choices(pack, Consultation(cases.has_upstream), Privacy(cases.has_upstream))
    rooms = (Filing(cases, pack), Reading(cases, pack), Places(pack), lookups, Sending(), choices)
    return Effects(pack, *(room.handlers() for room in rooms))
