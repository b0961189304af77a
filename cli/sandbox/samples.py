"""What agencies would publish: the pack's sample registers, dated today, so that lookups on the phone have answers."""

from __future__ import annotations

from sado.cases.registers import csv_file
from sado.cases.registers.csv_file import RegisterFile
from sado.cases.registers.loading import Loading
from sado.channel.effects.register_words import registers_of
from sado.menus.reading import pack as packs
from sado.store import Store


def load_all(store: Store, pack: str) -> None:
    """Load every sample of the pack of this name. Nobody subscribes before a first load, so nothing is announced."""
    registers = registers_of(packs.load(pack))
    steps = Loading(store, registers, lambda *_: None)
    today = registers.today(store.now()).isoformat()
    for path in sorted((packs.PACKS / pack / "samples").glob("*.csv")):
        with RegisterFile(path, registers.get(path.stem), registers.languages) as file:
            csv_file.load(file, steps, path.stem, today, False, lambda position: None)
