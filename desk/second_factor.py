"""The second factor: codes that a phone makes of a key and the time (TOTP, RFC 6238), without a line; and recovery
codes for when it is lost. What makes keys and pictures is imported where it is used: most stations never need it."""

from __future__ import annotations

import re
import secrets
from base64 import b32encode

from sado.store import Transaction
from sado.store.tables import accounts

STEP_S = 30
# Phones and boxes have bad clocks: so many steps before and after are taken.
DRIFT_STEPS = 2
RECOVERY_CODES = 10
# 120 random bits, in 24 letters.
RECOVERY_BYTES, GROUP = 15, 4
ISSUER = "Sado"


def new_key() -> str:
    """160 random bits, as authenticators take them."""
    import pyotp

    return pyotp.random_base32()


def is_key(text: str) -> bool:
    """Whether this is one that `new_key` may have made."""
    return re.fullmatch("[A-Z2-7]{32}", text) is not None


def picture(name: str, key: str) -> str:
    """The key for an authenticator's camera: a QR code, as the address of an image that is within the page."""
    import pyotp
    import segno

    address = pyotp.TOTP(key).provisioning_uri(name=name, issuer_name=ISSUER)
    return str(segno.make(address, error="m").svg_data_uri(scale=5, border=4, light="#fff"))


def turn_on(tx: Transaction, name: str, key: str, code: str) -> list[str] | None:
    """Ask this account for codes from now on, if `code` shows that its owner has the key; her recovery codes, which
    nobody can tell her again. None for a wrong code."""
    step = _step_of(tx, key, _plain(code), 0)
    if step is None:
        return None
    codes = [b32encode(secrets.token_bytes(RECOVERY_BYTES)).decode() for _ in range(RECOVERY_CODES)]
    accounts.set_totp(tx, name, key, step, codes)
    return ["-".join(re.findall("." * GROUP, code)) for code in codes]


def is_good(tx: Transaction, name: str, code: str) -> bool:
    """Whether it is a code of this account, of its phone or to recover with, that was not used yet. It is used now."""
    plain, own = _plain(code), accounts.totp(tx, name)
    if own is None:
        return False
    step = _step_of(tx, own[0], plain, own[1])
    if step is None:
        return accounts.use_recovery_code(tx, name, plain)
    accounts.note_totp_step(tx, name, step)
    return True


def _step_of(tx: Transaction, key: str, code: str, used: int) -> int | None:
    """The step whose code this is, of those around now that come after the one that was used last."""
    import pyotp
    from pyotp.utils import strings_equal

    maker, now = pyotp.TOTP(key), tx.now // 1000 // STEP_S
    steps = (now + drift for drift in range(-DRIFT_STEPS, DRIFT_STEPS + 1))
    return next((step for step in steps if step > used and strings_equal(maker.generate_otp(step), code)), None)


def _plain(code: str) -> str:
    """As it was made: people type groups as they see them."""
    return re.sub(r"[\s-]", "", code).upper()
