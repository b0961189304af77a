"""The desk's cookies: how they are named and guarded.

Cookies do not tell ports apart, so their names tell the stations of one machine apart. Where the pages are on HTTPS a
name begins with `__Host-`: then a browser takes the cookie from this host alone, over HTTPS, for all of its paths."""

from __future__ import annotations

from flask import Flask, current_app, request
from werkzeug.wrappers import Response

PREFIX = "__Host-"


def install(app: Flask, station: int, is_secure: bool) -> None:
    """Name and guard them, that of Flask's session (the forms' token, what was said) among them."""
    app.config.update(
        SESSION_COOKIE_NAME=f"{PREFIX if is_secure else ''}sado-{station:03}",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Strict",
        SESSION_COOKIE_SECURE=is_secure,
        SESSION_REFRESH_EACH_REQUEST=False,
    )


def read(kind: str) -> str:
    """What the browser holds; empty without."""
    return request.cookies.get(_name(kind), "")


def put(response: Response, kind: str, value: str, lifetime_s: int | None = None, samesite: str = "Strict") -> None:
    """Let the browser hold it, until it is closed where no `lifetime_s` is given."""
    secure = current_app.config["SESSION_COOKIE_SECURE"]
    response.set_cookie(_name(kind), value, lifetime_s, httponly=True, samesite=samesite, secure=secure)


def drop(response: Response, kind: str) -> None:
    """Let the browser forget it."""
    put(response, kind, "", 0)


def _name(kind: str) -> str:
    return f"{current_app.config['SESSION_COOKIE_NAME']}-{kind}"
