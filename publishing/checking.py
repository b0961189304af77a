"""What makes a pack sound beyond its menus, and which one a station serves."""

from __future__ import annotations

import logging
from collections.abc import Callable

from sado.cases.law import Law
from sado.channel.effects import lookups
from sado.channel.effects.register_words import registers_of
from sado.menus.reading import pack as packs
from sado.menus.reading.pack import Pack
from sado.store import Store, Transaction
from sado.store.tables import packs as rows

log = logging.getLogger(__name__)


def check_pack(pack: Pack) -> None:
    """What the menus cannot see of a pack: its law, its registers, and lookups in them. Raises ValueError
    with every fault of one."""
    Law.read(pack.law)
    lookups.check(pack, registers_of(pack))


def choose(store: Store, name: str, check: Callable[[Pack], object] = check_pack) -> tuple[Pack, str]:
    """The pack to serve, and why it is not the one that was asked for (empty: it is).

    What came from the upstream goes on until the settings name something else than they did when it came. A broken pack
    never takes the place of a working one: the version used last goes on. `check` raises ValueError for a pack that
    this release cannot run; so does this, when there is no earlier version."""
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
