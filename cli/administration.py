"""What `sado account`, `agency` and `station` do: in the serving process, or, where none serves, in this one. A page
makes the same changes (desk/administration/)."""

from __future__ import annotations

from typing import Any

from sado.cli import client, recording
from sado.cli.client import NotServingError
from sado.cli.station_access import opened
from sado.menus.pack import Pack
from sado.settings import Settings
from sado.store import Store


def ask(settings: Settings, what: str, **values: object) -> Any:
    """Have this done with these values; what came of it, in plain values. Raises StoreError when it is refused."""
    body = {"what": what, "values": values}
    try:
        return client.call(settings, "POST", "administration", body)["told"]
    except NotServingError:
        # What makes the changes is read only where none serves: a command is there at once, also on a small box.
        from sado.desk.administration import acts

        with opened(settings) as store:
            recording.record(store, recording.user(), "POST", "administration", body)
            return acts.act(store, lambda: _served(store, settings), body)


def _served(store: Store, settings: Settings) -> Pack:
    from sado.publishing import checking

    return checking.served(store, settings.pack)
