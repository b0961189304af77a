"""The settings of a station: its own are here, those of a part (a gateway) in a block that the part declares.

A block is a frozen msgspec.Struct. Each field has a type, a default and, in its Meta, one line of help; where a wrong
value is not to be shown, `extra` says as `fault` what it must be. A wrong setting stops the start with a sentence.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple, TypeVar, get_type_hints
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

PREFIX = "SADO_"

Block = TypeVar("Block", bound=msgspec.Struct)
Blocks = Mapping[str, type[msgspec.Struct]]


class SettingsError(Exception):
    """A setting that cannot be used; the message names it and says what it must be."""


class Core(msgspec.Struct, frozen=True, kw_only=True):
    """What every station has, whatever its parts."""

    data: Annotated[str, Meta(description="Folder of the database and, unless set otherwise, the key files.")] = "data"
    key_file: Annotated[
        str, Meta(description="The key file; best on another device than the data. Default: keys.json in the data.")
    ] = ""
    host: Annotated[str, Meta(description="Address to listen on.")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=1, le=65535, description="Port to listen on.")] = 8080
    service_code: Annotated[
        str, Meta(pattern=r"^\*[0-9*]+#$", description="The USSD code that residents dial, shown in messages.")
    ] = "*1339#"
    threads: Annotated[int, Meta(ge=2, le=64, description="How many requests are worked on at once.")] = 16
    pack: Annotated[str, Meta(description="The country pack: a folder, or a name under menus/packs.")] = "tajikistan"
    upstream: Annotated[
        str, Meta(description="Address of the station to exchange with, such as https://hub.example. Empty: a hub.")
    ] = ""
    upstream_key_file: Annotated[
        str, Meta(description="File with the keys from `sado station add`. Default: upstream.key in the data.")
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
    def publisher(self) -> Path:
        """The file with the publisher's public key, at a station that has no upstream to get it from."""
        return self.folder / "publisher.pub"

    @property
    def publisher_key(self) -> Path:
        """The file with the publisher's private key, where it is kept at the station."""
        return self.folder / "publisher.key"

    @property
    def upstream_certificate(self) -> Path | None:
        """The file with the upstream's certificate, or None: the system's authorities are trusted."""
        return Path(self.upstream_certificate_file) if self.upstream_certificate_file else None

    @property
    def upstream_key(self) -> Path:
        """The file with the key shared with the upstream."""
        return Path(self.upstream_key_file) if self.upstream_key_file else self.folder / "upstream.key"


class Settings(Core, frozen=True, kw_only=True):
    """The settings of one station, with the blocks of its parts."""

    blocks: tuple[msgspec.Struct, ...] = ()

    def block(self, kind: type[Block]) -> Block:
        """The settings of one part; its defaults where nothing was set."""
        return next((block for block in self.blocks if isinstance(block, kind)), None) or kind()


class Setting(NamedTuple):
    """One variable: its name in the environment, and the field of a block that it is."""

    name: str
    field: str
    type: Any
    default: object

    @property
    def help(self) -> str:
        """One line for whoever sets it."""
        return "".join(meta.description or "" for meta in self.type.__metadata__)

    def read(self, value: str) -> Any:
        """The value in its type. Raises SettingsError."""
        # A key that was pasted with its line break would fail at every message, and as if the gateway were to blame.
        if not value.isprintable():
            raise SettingsError(f"{self.name} has a line break or another sign that is not seen: write it anew.")
        try:
            return msgspec.convert(value, self.type, strict=False)
        except msgspec.ValidationError as error:
            for meta in self.type.__metadata__:
                if meta.extra:
                    raise SettingsError(f"{self.name} {meta.extra['fault']}.") from None
            raise SettingsError(f"{self.name}={value!r} cannot be used: {error}.") from None


def load(environment: Mapping[str, str], blocks: Blocks) -> Settings:
    """The settings in `environment`, with a block of each kind in `blocks`: the field `url` of the block `kannel` is
    SADO_KANNEL_URL. Raises SettingsError for a value that does not fit, and for a SADO_ name that does not exist: a
    slip in a name would otherwise be a setting that is silently not there."""
    given = {name: value for name, value in environment.items() if name.startswith(PREFIX)}
    if unknown := sorted(given.keys() - {setting.name for setting in declared(blocks)}):
        raise SettingsError(f"{unknown[0]} is no setting; docs/settings.md lists them.")
    filled = tuple(block(**_values(name, block, given)) for name, block in blocks.items())
    settings = Settings(**_values("", Core, given), blocks=filled)
    if settings.upstream and not _is_address(settings.upstream):
        raise SettingsError(f"{PREFIX}UPSTREAM={settings.upstream!r} is no address; write one as https://hub.example.")
    return settings


def told(settings: Settings, blocks: Blocks) -> dict[str, str]:
    """The value of each setting that there is with these blocks, by the name of its variable."""
    every: Blocks = {"": Core, **blocks}
    return {
        setting.name: repr(getattr(settings.block(block) if name else settings, setting.field))
        for name, block in every.items()
        for setting in _settings_of(name, block)
    }


def declared(blocks: Blocks) -> list[Setting]:
    """Every setting that there is with these blocks."""
    every: Blocks = {"": Core, **blocks}
    return [setting for name, block in every.items() for setting in _settings_of(name, block)]


def _settings_of(name: str, block: type[msgspec.Struct]) -> list[Setting]:
    prefix = f"{PREFIX}{name}_" if name else PREFIX
    hints = get_type_hints(block, include_extras=True)
    unset = block()
    return [Setting(f"{prefix}{field}".upper(), field, hint, getattr(unset, field)) for field, hint in hints.items()]


def _values(name: str, block: type[msgspec.Struct], given: Mapping[str, str]) -> dict[str, Any]:
    """The fields of a block that are set."""
    settings = _settings_of(name, block)
    return {setting.field: setting.read(given[setting.name]) for setting in settings if setting.name in given}


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
