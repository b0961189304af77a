"""A disk in memory that forgets what was not synced when the power is cut.

Files are kept twice: as the program sees them, and as they are on the platter. `sync` carries the one to the
other. After a cut any mixture of the 512-byte sectors written since the last sync has survived, and a sector
that was being written may be half new and half old.
"""

import random
import sys
from dataclasses import dataclass, field

import apsw

SECTOR = 512


class PowerCutError(apsw.IOError):
    """The machine is off."""


@dataclass
class Content:
    """The bytes of a file, now and on the platter, and the sectors in which they may differ."""

    now: bytearray = field(default_factory=bytearray)
    kept: bytearray = field(default_factory=bytearray)
    unsynced: set[int] = field(default_factory=set)

    def write(self, data: bytes, offset: int) -> None:
        """Write `data`; the platter does not have it yet."""
        if len(self.now) < offset + len(data):
            self.now.extend(bytes(offset + len(data) - len(self.now)))
        self.now[offset : offset + len(data)] = data
        self.unsynced.update(range(offset // SECTOR, (offset + len(data) - 1) // SECTOR + 1))

    def sync(self) -> None:
        """Carry everything to the platter."""
        self._fit(self.kept, len(self.now))
        for sector in self.unsynced:
            place = slice(sector * SECTOR, (sector + 1) * SECTOR)
            self.kept[place] = self.now[place]
        self.unsynced.clear()

    def after_cut(self, chance: random.Random) -> bytes:
        """What a cut leaves: each unsynced sector new, old or torn; sometimes none or all of them new."""
        survives = chance.choice((0.0, 0.5, 0.9, 1.0))
        kept = bytearray(self.kept)
        for sector in sorted(self.unsynced):
            if chance.random() >= survives:
                continue
            new = self.now[sector * SECTOR : (sector + 1) * SECTOR]
            torn = chance.randrange(len(new) + 1) if survives < 1 and chance.random() < 0.2 else len(new)
            self._fit(kept, max(len(kept), sector * SECTOR + torn))
            kept[sector * SECTOR : sector * SECTOR + torn] = new[:torn]
        return bytes(kept)

    @staticmethod
    def _fit(content: bytearray, size: int) -> None:
        del content[size:]
        content.extend(bytes(size - len(content)))


class Disk(apsw.VFS):
    """A file system of `Content`s, registered as `name`. The power goes at the `cut_at`-th operation from now."""

    def __init__(self, name: str) -> None:
        self.files: dict[str, Content] = {}
        self.name = name
        self.operations = 0
        self.cut_at = sys.maxsize
        super().__init__(name, base="")

    def step(self) -> None:
        """One more operation. Raises PowerCutError from the cut on."""
        self.operations += 1
        if self.operations >= self.cut_at:
            raise PowerCutError("The power is off.")

    def after_cut(self, chance: random.Random | None) -> dict[str, bytes]:
        """The files as they are found when the power is back; without a chance nothing has survived that was not
        synced."""
        return {
            name: content.after_cut(chance) if chance else bytes(content.kept) for name, content in self.files.items()
        }

    def xFullPathname(self, name: str) -> str:  # noqa: N802 - SQLite's names
        return name

    def xAccess(self, name: str, flags: int) -> bool:  # noqa: N802
        return name in self.files

    def xDelete(self, name: str, sync_folder: bool) -> None:  # noqa: N802
        self.step()
        self.files.pop(name, None)

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> "OpenFile":  # type: ignore[override]  # noqa: N802
        flags[1] = flags[0]
        if name is None:
            return OpenFile(self, Content())
        path = name if isinstance(name, str) else name.filename()
        return OpenFile(self, self.files.setdefault(path, Content()))


class OpenFile:
    """A file of the disk as SQLite uses it. Nobody else has it open, so locks are for nothing."""

    def __init__(self, disk: Disk, content: Content) -> None:
        self._disk = disk
        self._content = content

    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802
        return bytes(self._content.now[offset : offset + amount])

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        self._content.write(data, offset)
        self._disk.step()

    def xTruncate(self, size: int) -> None:  # noqa: N802
        self._disk.step()
        del self._content.now[size:]
        self._content.unsynced = {sector for sector in self._content.unsynced if sector * SECTOR < size}

    def xSync(self, flags: int) -> None:  # noqa: N802
        self._disk.step()
        self._content.sync()

    def xFileSize(self) -> int:  # noqa: N802
        return len(self._content.now)

    def xSectorSize(self) -> int:  # noqa: N802
        return SECTOR

    def xDeviceCharacteristics(self) -> int:  # noqa: N802
        return apsw.SQLITE_IOCAP_POWERSAFE_OVERWRITE

    def xLock(self, level: int) -> None:  # noqa: N802
        pass

    def xUnlock(self, level: int) -> None:  # noqa: N802
        pass

    def xCheckReservedLock(self) -> bool:  # noqa: N802
        return False

    def xFileControl(self, operation: int, pointer: int) -> bool:  # noqa: N802
        return False

    def xClose(self) -> None:  # noqa: N802
        pass
