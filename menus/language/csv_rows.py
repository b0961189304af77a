"""The rows of a pack's CSV file, each with its line."""

from __future__ import annotations

import csv
import io

Row = dict[str, str]


def read(text: str) -> list[tuple[int, Row]]:
    """(line, cells by column) of each row; a cell that is not there is empty."""
    reader = csv.DictReader(io.StringIO(text, newline=""), restkey="", restval="")
    return [(reader.line_num, row) for row in reader]
