"""What is printed of the first account."""

from __future__ import annotations

from sado.settings import Settings
from sado.store import Store


def sentence(settings: Settings, store: Store) -> str:
    """Where nobody has an account yet, a new code for the first one and where to use it; an earlier one is of no use
    any more. For the terminal, and no log. Empty where there is an account."""
    from sado.desk.administration import first

    code = first.mint(store)
    if not code:
        return ""
    return (
        f"Nobody can sign in yet. Make the first account at {_address(settings)}/first within {first.GOOD_FOR_H} hours,"
        f" with this code, which is good once: {code}"
    )


def _address(settings: Settings) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{host}:{settings.port}"
