"""The agencies of the pack, and the tokens by which their systems use the API."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from sado.desk.administration.errors import RefusedError
from sado.desk.language import N_
from sado.menus.pack import Pack
from sado.store import Store
from sado.store.tables import accounts

NO_AGENCY = N_("There is no agency {code}. The agencies are: {codes}.")
NO_TOKEN = N_("Agency {code} has no token.")


@dataclass(frozen=True)
class Listed:
    """An agency, and since when its system has a token: None where it has none. One that is in the pack no more is
    listed for as long as it has a token."""

    code: str
    token_since: int | None


@dataclass(frozen=True)
class Agencies:
    """The agencies of one station; `pack` gives what it serves."""

    store: Store
    pack: Callable[[], Pack]

    def every(self) -> list[Listed]:
        """All agencies, by code."""
        since = {token.agency: token.created_at for token in self.store.read(accounts.tokens)}
        return [Listed(code, since.get(code)) for code in sorted({*self.pack().agencies, *since})]

    def renew_token(self, code: str) -> str:
        """A new token for the agency's system, in place of an earlier one. Raises RefusedError."""
        check(self.pack(), code)
        token = secrets.token_urlsafe(32)
        self.store.write(lambda tx: accounts.save_token(tx, code, token))
        return token

    def revoke_token(self, code: str) -> None:
        """Let the agency's system in no more. Raises RefusedError."""
        if not self.store.write(lambda tx: accounts.remove_token(tx, code)):
            raise RefusedError(NO_TOKEN, code=code)


def check(pack: Pack, code: str) -> None:
    """Refuse a code that is no agency of the pack. Raises RefusedError."""
    if code not in pack.agencies:
        raise RefusedError(NO_AGENCY, code=code, codes=", ".join(pack.agencies))
