"""The versions of the pack that conversations are on: the current one, and those that older sessions began on."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from sado.cases.law import Law
from sado.channel.effects.contract import Effects
from sado.menus.pack import Pack
from sado.menus.reading import pack as packs
from sado.store import Transaction
from sado.store.tables import packs as rows

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Version:
    """One version of the pack, the law that it holds, and what its effects do."""

    pack: Pack
    law: Law
    effects: Effects


class Versions:
    """Every version that a session may be on. Older ones are put together again when a session asks for them. Who needs
    something of the pack that is served asks `current` for it each time: a newer one may come at any moment. Texts show
    `service_code`. `fault` says why it is not the one that was to be served (empty: it is)."""

    def __init__(self, pack: Pack, effects: Callable[[Pack], Effects], service_code: str, fault: str = "") -> None:
        self._effects = effects
        self._service_code = service_code
        self.fault = fault
        self.current = self.made(pack)
        self._known: dict[str, Version | None] = {pack.tree.version: self.current}

    def made(self, pack: Pack) -> Version:
        """This pack as a version. Raises PackDataError for one whose law cannot be used, MisfitError for one that
        looks up in vain."""
        pack = pack.dialled_at(self._service_code)
        return Version(pack, Law.read(pack.law), self._effects(pack))

    def begin(self, version: Version) -> None:
        """Conversations begin on this version from now on. The one before stays at hand for those that are under way;
        older ones are put together again where one of theirs still asks."""
        before, self.current, self.fault = self.current, version, ""
        self._known = {kept.pack.tree.version: kept for kept in (before, version)}

    def of(self, tx: Transaction, version: str) -> Version | None:
        """The version of this name. None for one that is not known here, or that this release cannot run."""
        if version not in self._known:
            self._known[version] = self._revived(rows.find(tx, version))
        return self._known[version]

    def _revived(self, row: rows.PackRow | None) -> Version | None:
        if row is None:
            return None
        try:
            return self.made(packs.build(row.name, row.files))
        except ValueError:
            log.warning("the pack's version %s cannot be run by this release", row.version)
            return None
