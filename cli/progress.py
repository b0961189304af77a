"""How a command tells of many things."""

from __future__ import annotations

from collections.abc import Sequence

import click

MOST_TOLD = 20


def tell(lines: Sequence[str], *, err: bool = False) -> None:
    """Print the first of them, and how many more there are."""
    for line in lines[:MOST_TOLD]:
        click.echo(line, err=err)
    if (more := len(lines) - MOST_TOLD) > 0:
        click.echo(f"and {more} more", err=err)
