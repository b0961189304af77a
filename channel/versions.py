"""The versions of the pack that conversations are on: the current one, and those that older sessions began on."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from sado.cases.law import Law
from sado.channel.effects.contract import Effects
from sado.menus.reading import pack as packs
from sado.menus.reading.pack import Pack
from sado.store import Store, Transaction
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
    something of the pack that is served asks `current` for it each time: a newer one may come at any moment. `fault`
    says why it is not the one that was to be served (empty: it is)."""

    def __init__(self, pack: Pack, effects: Callable[[Pack], Effects], fault: str = "") -> None:
        self._effects = effects
        self.fault = fault
        self.current = self.made(pack)
        self._known: dict[str, Version | None] = {pack.tree.version: self.current}

    def made(self, pack: Pack) -> Version:
        """This pack as a version. Raises LawError for one whose law cannot be used, TreeError for one that asks for
        effects in vain."""
        return Version(pack, Law.read(pack.law), self._effects(pack))

    def begin(self, version: Version) -> None:
        """Conversations begin on this version from now on. The one before stays at hand for those that are under way;
        older ones are put together again where one of theirs still asks."""
        before, self.current, self.fault = self.current, version, ""
        self._known = {one.pack.tree.version: one for one in (before, version)}

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


def choose(store: Store, name: str, check: Callable[[Pack], object]) -> tuple[Pack, str]:
    """The pack to serve, and why it is not the one that was asked for (empty: it is).

    What came from the upstream goes on until the settings name something else than they did when it came. A broken pack
    never takes the place of a working one: the version used last goes on. `check` raises ValueError for what the menus
    cannot see. Raises TreeError or what `check` raised when there is no earlier version."""
    try:
        files = packs.files_of(name)
        pack = packs.build(name, files)
        check(pack)
    except ValueError as error:
        row = store.read(rows.latest)
        if row is None:
            raise
        log.error("The station goes on with version %s of its pack. %s", row.version, error)
        return packs.build(row.name, row.files), str(error)
    if row := store.read(lambda tx: _newer(tx, pack.tree.version)):
        try:
            newer = packs.build(row.name, row.files)
            check(newer)
        except ValueError as error:
            log.error("Version %s, which came from the upstream, cannot be run by this release. %s", row.version, error)
            return pack, str(error)
        return newer, ""
    store.write(lambda tx: _save(tx, name, pack.tree.version, files))
    return pack, ""


def served(store: Store, name: str) -> Pack:
    """The pack that a station whose settings name this one would serve, for commands: it is only looked at, nothing is
    kept. Raises TreeError where one of the two is broken."""
    files = packs.files_of(name)
    row = store.read(lambda tx: _newer(tx, packs.version(files)))
    return packs.build(row.name, row.files) if row else packs.build(name, files)


def _newer(tx: Transaction, base: str) -> rows.PackRow | None:
    """The version that came from the upstream after the settings named this one; None when they name another now."""
    latest = rows.latest(tx) if rows.base(tx) == base else None
    return latest if latest and latest.version != base else None


def _save(tx: Transaction, name: str, version: str, files: packs.Files) -> None:
    rows.save(tx, version, name, files)
    rows.set_base(tx, version)
