"""Every setting: its name, type, default and one line of help. A wrong one stops the start with a sentence."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, get_type_hints
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from sado.channel.settings import GatewaySettings

PREFIX = "SADO_"
MIN_TOKEN = 22


class SettingsError(Exception):
    """A setting that cannot be used; the message names it and says what it must be."""


class Settings(GatewaySettings, frozen=True, kw_only=True):
    """The settings of one station. In the environment each is SADO_ and its name in capitals."""

    data: Annotated[str, Meta(description="Folder of the database and, unless set otherwise, the key files.")] = "data"
    key_file: Annotated[
        str, Meta(description="The key file; best on another device than the data. Default: keys.json in the data.")
    ] = ""
    host: Annotated[str, Meta(description="Address to listen on.")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=1, le=65535, description="Port to listen on.")] = 8080
    threads: Annotated[int, Meta(ge=2, le=64, description="How many requests are worked on at once.")] = 16
    pack: Annotated[str, Meta(description="The country pack: a folder, or a name under menus/packs.")] = "tajikistan"
    upstream: Annotated[
        str, Meta(description="Address of the station to exchange with, such as https://hub.example. Empty: a hub.")
    ] = ""
    upstream_key_file: Annotated[
        str, Meta(description="File with the key from `sado station add`. Default: upstream.key in the data.")
    ] = ""
    upstream_certificate_file: Annotated[
        str, Meta(description="File with the certificate of the upstream, where no public authority signed it.")
    ] = ""
    sync_every_s: Annotated[
        float, Meta(ge=0.2, le=86400, description="Seconds between exchanges when nothing waits.")
    ] = 60.0
    sync_idle_s: Annotated[
        float, Meta(ge=0.2, le=86400, description="Seconds that this grows to while nothing comes or goes for an hour.")
    ] = 900.0
    sync_keep_days: Annotated[
        float,
        Meta(ge=1, le=3650, description="Days that what was acknowledged is kept, longer than the upstream's backups."),
    ] = 14.0
    sync_windows: Annotated[
        str,
        Meta(
            description="Hours of the country's day in which everything may leave, such as 00:00-06:00,13:00-14:00;"
            " otherwise only what is urgent. Empty: always.",
        ),
    ] = ""
    sync_daily_kb: Annotated[
        float,
        Meta(ge=0, le=1e9, description="What a day may take, in 1,000 bytes; what is urgent always leaves. 0: any."),
    ] = 0.0
    sync_monthly_mb: Annotated[
        float, Meta(ge=0, le=1e9, description="What a month may take, in 1,000,000 bytes. 0: any.")
    ] = 0.0
    sync_price_per_mb: Annotated[
        float, Meta(ge=0, le=1e6, description="What 1,000,000 bytes cost, both ways, in the country's money.")
    ] = 0.0
    sync_daily_money: Annotated[
        float, Meta(ge=0, le=1e9, description="What a day may cost, in the country's money. 0: any.")
    ] = 0.0
    sync_monthly_money: Annotated[
        float, Meta(ge=0, le=1e9, description="What a month may cost, in the country's money. 0: any.")
    ] = 0.0
    phone_page: Annotated[
        bool, Meta(description="Show the phone page. It can be any phone: never on a station with real residents.")
    ] = False
    phone_sms_url: Annotated[
        str, Meta(description="Where the phone page reads the SMS that came: a JSON list of {to, text}.")
    ] = ""
    secure_cookies: Annotated[
        bool, Meta(description="Send the sign-in cookie over HTTPS only. Set it wherever the pages are on HTTPS.")
    ] = False

    @property
    def folder(self) -> Path:
        """The data folder."""
        return Path(self.data)

    @property
    def database(self) -> Path:
        """The database file."""
        return self.folder / "sado.db"

    @property
    def keys(self) -> Path:
        """The key file."""
        return Path(self.key_file) if self.key_file else self.folder / "keys.json"

    @property
    def upstream_certificate(self) -> Path | None:
        """The file with the upstream's certificate, or None: the system's authorities are trusted."""
        return Path(self.upstream_certificate_file) if self.upstream_certificate_file else None

    @property
    def upstream_key(self) -> Path:
        """The file with the key shared with the upstream."""
        return Path(self.upstream_key_file) if self.upstream_key_file else self.folder / "upstream.key"


_TYPES = get_type_hints(Settings, include_extras=True)


def load(environment: Mapping[str, str]) -> Settings:
    """The settings in `environment`. Raises SettingsError for a value that does not fit, and for a SADO_ name that
    does not exist: a slip in a name would otherwise be a setting that is silently not there."""
    given = {name[len(PREFIX) :].lower(): value for name, value in environment.items() if name.startswith(PREFIX)}
    if unknown := sorted(set(given) - set(Settings.__struct_fields__)):
        raise SettingsError(f"{PREFIX}{unknown[0].upper()} is no setting; docs/settings.md lists them.")
    settings = Settings(**{name: _typed(name, value) for name, value in given.items()})
    for name in (name for name in Settings.__struct_fields__ if name.endswith("_token")):
        token = getattr(settings, name)
        if token and (len(token) < MIN_TOKEN or not token.replace("-", "").replace("_", "").isalnum()):
            raise SettingsError(f"{PREFIX}{name.upper()} must be {MIN_TOKEN} or more letters and digits.")
    if settings.upstream and not _is_address(settings.upstream):
        raise SettingsError(f"{PREFIX}UPSTREAM={settings.upstream!r} is no address; write one as https://hub.example.")
    return settings


def described() -> list[tuple[str, str, str, str]]:
    """(name, type, default, help) of every setting, for the documentation."""
    info: Any = msgspec.inspect.type_info(Settings)
    return [
        (f"{PREFIX}{field.encode_name.upper()}", _type_name(field.type), str(field.default), _help(field.type))
        for field in info.fields
    ]


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _typed(name: str, value: str) -> Any:
    # A key that was pasted with its line break would fail at every message, and as if the gateway were to blame.
    if not value.isprintable():
        raise SettingsError(f"{PREFIX}{name.upper()} has a line break or another sign that is not seen: write it anew.")
    try:
        return msgspec.convert(value, _TYPES[name], strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(f"{PREFIX}{name.upper()}={value!r} cannot be used: {error}.") from None


def _type_name(info: Any) -> str:
    inner = getattr(info, "type", info)
    return type(inner).__name__.removesuffix("Type").lower()


def _help(info: Any) -> str:
    return str((getattr(info, "extra_json_schema", None) or {}).get("description", ""))
