"""What makes a pack sound beyond its menus, and which one a station serves."""

from __future__ import annotations

import logging

from sado.cases.errors import PackDataError
from sado.cases.law import Law
from sado.channel.effects import lookups
from sado.channel.effects.register_words import registers_of
from sado.menus.misfits import Misfit
from sado.menus.pack import Pack
from sado.menus.reading import pack as packs
from sado.menus.reading.pack import Look
from sado.menus.reading.source import Files
from sado.menus.reading.source import version as version_of
from sado.store import Store, Transaction
from sado.store.tables import packs as rows

log = logging.getLogger(__name__)


def check_pack(pack: Pack) -> list[Misfit]:
    """What is wrong with a pack that the menus cannot see: its law, its registers, and lookups in them."""
    misfits: list[Misfit] = []
    try:
        Law.read(pack.law)
    except PackDataError as error:
        misfits += error.misfits
    try:
        misfits += lookups.misfits(pack, registers_of(pack))
    except PackDataError as error:
        misfits += error.misfits
    return misfits


def choose(store: Store, name: str, look: Look = check_pack) -> tuple[Pack, str]:
    """The pack to serve, and why it is not the one that was asked for (empty: it is).

    What came from the upstream goes on until the settings name something else than they did when it came. A broken pack
    never takes the place of a working one: the version used last goes on. `look` is asked for what the menus cannot
    see. Raises TreeError when there is no earlier version."""
    try:
        files = packs.files_of(name)
        pack = packs.build(name, files, look)
    except ValueError as error:
        row = store.read(rows.latest)
        if row is None:
            raise
        log.error("The station goes on with version %s of its pack. %s", row.version, error)
        return packs.build(row.name, row.files), str(error)
    if row := store.read(lambda tx: _newer(tx, pack.tree.version)):
        try:
            newer = packs.build(row.name, row.files, look)
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
    row = store.read(lambda tx: _newer(tx, version_of(files)))
    return packs.build(row.name, row.files) if row else packs.build(name, files)


def _newer(tx: Transaction, base: str) -> rows.PackRow | None:
    """The version that came from the upstream after the settings named this one; None when they name another now."""
    latest = rows.latest(tx) if rows.base(tx) == base else None
    return latest if latest and latest.version != base else None


def _save(tx: Transaction, name: str, version: str, files: Files) -> None:
    rows.save(tx, version, name, files)
    rows.set_base(tx, version)
