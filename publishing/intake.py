"""A version of the pack that comes while the station serves: checked first, then what is begun from now on is begun on
it. Conversations that are under way finish on theirs (channel/versions.py), so it takes effect between sessions."""

from __future__ import annotations

import logging

from sado.channel.versions import Version, Versions
from sado.menus.pack import Pack
from sado.menus.reading import pack as packs
from sado.menus.reading.source import Files
from sado.publishing.checking import check_pack
from sado.store import Store, Transaction
from sado.store.tables import packs as rows
from sado.store.tables import wanted_blobs

log = logging.getLogger(__name__)


class OtherCountryError(ValueError):
    """The pack is of another country, or another time zone: numbers and days would be read by the wrong rules. Start a
    station of its own for it."""


class NewPacks:
    """Takes versions in."""

    def __init__(self, store: Store, versions: Versions) -> None:
        self._store = store
        self._versions = versions

    def read(self, name: str, files: Files) -> Pack:
        """The pack of these files, if it may take the place of the one that is served. Raises ValueError
        with every fault."""
        pack, served = packs.build(name, files, check_pack), self._versions.current.pack
        if (pack.country, pack.time_zone) != (served.country, served.time_zone):
            raise OtherCountryError(
                f"It is a pack of {pack.country} ({pack.time_zone}); {served.country} ({served.time_zone}) is served."
            )
        return pack

    def take(self, name: str, files: Files) -> None:
        """Serve this version from now on, also after a restart. Raises as `read` does, and then nothing changes."""
        pack = self.read(name, files)
        version = self._versions.made(pack)
        self._store.write(lambda tx: self._save(tx, version, files))
        # In a job of the one writer, where every hop is answered and every case moved: none sees half of the change.
        self._store.write(lambda tx: self._versions.begin(version))
        log.info("version %s of the pack is served from now on", pack.tree.version)

    def _save(self, tx: Transaction, version: Version, files: Files) -> None:
        rows.save(tx, version.pack.tree.version, version.pack.name, files)
        # A register that the version before could not read may be one of this version.
        wanted_blobs.retry_refused(tx, "register/")
