"""The JSON Schema of tree files, for editors: made of the kinds themselves, so the two cannot part."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Any

import msgspec

from sado.menus.reading.kinds import KINDS

PUBLISHED = "menus/tree.schema.json"


def tree_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of one file under `trees/`: screens by name, each of one kind."""
    (screen,), components = msgspec.json.schema_components([reduce(or_, KINDS.values())])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Sado: the screens of one service",
        "type": "object",
        "propertyNames": {"pattern": r"^[a-z][a-z0-9_.]*$"},
        "additionalProperties": screen,
        "$defs": components,
    }
