"""Publishing from the command line: the station says what there is to sign, the command signs it with the publisher's
key, which the serving process never sees, and the station publishes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import msgspec

from sado.cli.station_access import asking
from sado.publishing import publisher
from sado.settings import Settings
from sado.sync.blobs.signature import Statement

key_option = click.option(
    "--key",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The publisher's private key. Default: publisher.key in the data.",
)


def publisher_of(settings: Settings) -> bytes | None:
    """The public key that this station goes by, or None. A hub that has none yet makes one, and keeps its private key
    too. Raises SignatureError."""
    upstream_key = settings.upstream_key if settings.upstream else None
    return publisher.held_or_made(settings.publisher_key, settings.publisher, upstream_key)


def publish(settings: Settings, endpoint: str, what: dict[str, str], key: Path | None) -> dict[str, Any]:
    """Have `what` published by an endpoint of the control API; its answer. Raises StoreError, RegisterError or
    SignatureError."""
    if key is None:
        publisher_of(settings)
    with asking(settings) as ask:
        statements = msgspec.convert(ask("POST", "to-sign", what)["statements"], list[Statement])
        signed = publisher.sign(key or settings.publisher_key, statements) if statements else []
        return ask("POST", endpoint, {**what, "signed": msgspec.to_builtins(signed)})
