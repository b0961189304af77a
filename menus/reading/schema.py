"""The JSON Schema of tree files, for editors: made of the types themselves, so the two cannot part."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Any

import msgspec

from sado.menus.reading.screen_types import SCREEN_TYPES

PUBLISHED = "menus/tree.schema.json"


def tree_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of one file under `trees/`: screens by name, each of one type."""
    (screen,), components = msgspec.json.schema_components([reduce(or_, SCREEN_TYPES.values())])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Sado: the screens of one service",
        "type": "object",
        "propertyNames": {"pattern": r"^[a-z][a-z0-9_.]*$"},
        "additionalProperties": screen,
        "$defs": components,
    }
