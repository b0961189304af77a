"""A pack: one country's trees, places, agencies and words, read from a folder and checked as a whole."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from menus.places import Gazetteer
from menus.tree import PLACEHOLDER, Screen, Texts, Tree, TreeError, faults, labels_of, screen_from

PACKS = Path(__file__).parent / "packs"


@dataclass(frozen=True)
class Agency:
    """A body that receives cases: its code and its name in each language."""

    code: str
    names: Texts


@dataclass(frozen=True)
class Pack:
    """Everything about one country that the code asks for."""

    name: str
    tree: Tree
    gazetteer: Gazetteer
    agencies: Mapping[str, Agency]
    routing: Mapping[str, str]
    statuses: Mapping[str, Texts]
    messages: Mapping[str, Texts]
    time_zone: str

    def message(self, name: str, language: str, **values: str) -> str:
        """An SMS text in `language` (or the pack's default), filled."""
        texts = self.messages[name]
        text = texts.get(language) or texts[self.tree.default_language]
        return PLACEHOLDER.sub(lambda match: values.get(match[1], ""), text)

    def status(self, status: str, language: str) -> str:
        """The word for a status; a status of a newer release shows as it came."""
        return self.statuses.get(status, {}).get(language, status)


def load(name: str) -> Pack:
    """Read the pack of this name. Raises TreeError with every fault at once."""
    folder = PACKS / name
    if not (folder / "pack.yaml").is_file():
        known = ", ".join(sorted(path.name for path in PACKS.iterdir() if path.is_dir()))
        raise TreeError(f"There is no pack {name!r}. The packs are: {known}.")
    shared = yaml.safe_load((folder / "pack.yaml").read_text("utf-8"))
    tree = _tree(folder, shared)
    agencies = _agencies(folder)
    found = faults(tree) + [
        f"routing: {topic} goes to {code}, which is no agency"
        for topic, code in shared["routing"].items()
        if code not in agencies
    ]
    if found:
        raise TreeError(f"The pack {name!r} cannot be used:\n  " + "\n  ".join(found))
    return Pack(
        name=name,
        tree=tree,
        gazetteer=Gazetteer.load(folder),
        agencies=agencies,
        routing=shared["routing"],
        statuses=shared["statuses"],
        messages=shared["messages"],
        time_zone=shared["time_zone"],
    )


def _tree(folder: Path, shared: Mapping[str, Any]) -> Tree:
    files = sorted((folder / "trees").glob("*.yaml"))
    screens: dict[str, Screen] = {}
    for file in files:
        for screen_id, raw in yaml.safe_load(file.read_text("utf-8")).items():
            if screen_id in screens:
                raise TreeError(f"{file.name}: {screen_id} is defined twice")
            try:
                screens[screen_id] = screen_from(screen_id, raw)
            except (TreeError, KeyError, AttributeError, TypeError) as error:
                raise TreeError(f"{file.name}: {screen_id}: {error}") from error
    return Tree(
        version=_version(folder / "pack.yaml", *files),
        languages=tuple(shared["languages"]),
        default_language=shared["default_language"],
        start=shared["start"],
        first_contact=shared["first_contact"],
        screens=screens,
        back=shared["back"],
        more=shared["more"],
        errors=shared["errors"],
        labels=labels_of(screens),
        placeholders=shared["placeholders"],
        constants=shared["constants"],
    )


def _version(*files: Path) -> str:
    content = hashlib.sha256()
    for file in files:
        content.update(file.read_bytes())
    return content.hexdigest()[:12]


def _agencies(folder: Path) -> dict[str, Agency]:
    with (folder / "agencies.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {
        row["code"]: Agency(row["code"], {key[5:]: name for key, name in row.items() if key.startswith("name_")})
        for row in rows
    }
