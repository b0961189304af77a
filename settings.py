"""The settings of a station: its own are here, those of a part (a gateway) in a block that the part declares.

A block is a frozen msgspec.Struct. Each field has a type, a default and, in its Meta, one line of help; its `extra` may
say as `fault` what a value must be that is not to be shown when it is wrong, and as `plain` which risk it is where the
value is an http:// address of another machine. A wrong setting stops the start with a sentence, and so does a risk that
SADO_KNOWN_RISKS does not name.
"""

from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, NamedTuple, TypeVar, get_type_hints
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

PREFIX = "SADO_"

Block = TypeVar("Block", bound=msgspec.Struct)
Blocks = Mapping[str, type[msgspec.Struct]]

PLAIN_UPSTREAM, PLAIN_GATEWAY = "plain-upstream", "plain-gateway"
PLAIN_PAGES, OPEN_PHONE_PAGE = "plain-pages", "open-phone-page"
RISKS = (PLAIN_UPSTREAM, PLAIN_GATEWAY, PLAIN_PAGES, OPEN_PHONE_PAGE)


class SettingsError(Exception):
    """A setting that cannot be used; the message names it and says what it must be."""


class Core(msgspec.Struct, frozen=True, kw_only=True):
    """What every station has, whatever its parts."""

    data: Annotated[str, Meta(description="Folder of the database and, unless set otherwise, the key files.")] = "data"
    key_file: Annotated[
        str, Meta(description="The key file; best on another device than the data. Default: keys.json in the data.")
    ] = ""
    host: Annotated[str, Meta(description="Address to listen on.")] = "127.0.0.1"
    trusted_proxy: Annotated[
        str,
        Meta(
            description="Address of the proxy before `sado serve`, whose X-Forwarded-For says who calls. Empty: none."
        ),
    ] = ""
    port: Annotated[int, Meta(ge=1, le=65535, description="Port to listen on.")] = 8080
    service_code: Annotated[
        str, Meta(pattern=r"^\*[0-9*]+#$", description="The USSD code that residents dial, shown in messages.")
    ] = "*1339#"
    threads: Annotated[int, Meta(ge=2, le=64, description="How many requests are worked on at once.")] = 16
    pack: Annotated[str, Meta(description="The country pack: a folder, or a name under menus/packs.")] = "tajikistan"
    upstream: Annotated[
        str,
        Meta(
            description="Address of the station to exchange with, such as https://hub.example. Empty: a hub.",
            extra={"plain": PLAIN_UPSTREAM},
        ),
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
    backup_keep_days: Annotated[
        int,
        Meta(ge=1, le=3650, description="Days that a backup is kept before somebody deletes it; it says so itself."),
    ] = 35
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
    filings_per_hour: Annotated[
        int,
        Meta(ge=1, le=1_000_000, description="Filings that are usual in an hour; each beyond is asked to confirm."),
    ] = 200
    phone_page: Annotated[
        bool, Meta(description="Show the phone page. It can be any phone: never on a station with real residents.")
    ] = False
    phone_sms_url: Annotated[
        str,
        Meta(
            description="Where the phone page reads the SMS that came: a JSON list of {to, text}.",
            extra={"plain": PLAIN_GATEWAY},
        ),
    ] = ""
    secure_cookies: Annotated[
        bool, Meta(description="The pages are on HTTPS: cookies go over it alone, and browsers stay on it (HSTS).")
    ] = False
    known_risks: Annotated[
        str,
        Meta(description=f"Risks that do not stop the start, such as {PLAIN_PAGES}: {', '.join(RISKS)}."),
    ] = ""

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

    @property
    def plain(self) -> str:
        """The risk that it is where it is an http:// address of another machine; nothing where it is no address."""
        return "".join((meta.extra or {}).get("plain", "") for meta in self.type.__metadata__)

    def read(self, value: str) -> Any:
        """The value in its type. Raises SettingsError."""
        # A key that was pasted with its line break would fail at every message, and as if the gateway were to blame.
        if not value.isprintable():
            raise SettingsError(f"{self.name} has a line break or another sign that is not seen: write it anew.")
        try:
            # A type of a part's own is made of the text, and raises ValueError.
            return msgspec.convert(value, self.type, strict=False, dec_hook=lambda kind, text: kind(text))
        except msgspec.ValidationError as error:
            for meta in self.type.__metadata__:
                if meta.extra and "fault" in meta.extra:
                    raise SettingsError(f"{self.name} {meta.extra['fault']}.") from None
            raise SettingsError(f"{self.name}={value!r} cannot be used: {error}.") from None


def load(environment: Mapping[str, str], blocks: Blocks) -> Settings:
    """The settings in `environment`, with a block of each kind in `blocks`: the field `url` of the block `kannel` is
    SADO_KANNEL_URL. Raises SettingsError for a value that does not fit, for a risk that nobody said is known, and for a
    SADO_ name that does not exist: a slip in a name would otherwise be a setting that is silently not there."""
    given = {name: value for name, value in environment.items() if name.startswith(PREFIX)}
    if unknown := sorted(given.keys() - {setting.name for setting in declared(blocks)}):
        raise SettingsError(f"{unknown[0]} is no setting; docs/settings.md lists them.")
    filled = tuple(block(**_values(name, block, given)) for name, block in blocks.items())
    settings = Settings(**_values("", Core, given), blocks=filled)
    if settings.upstream and not _is_address(settings.upstream):
        raise SettingsError(f"{PREFIX}UPSTREAM={settings.upstream!r} is no address; write one as https://hub.example.")
    if settings.trusted_proxy and not _is_ip(settings.trusted_proxy):
        raise SettingsError(f"{PREFIX}TRUSTED_PROXY={settings.trusted_proxy!r} is no IP address, such as 127.0.0.1.")
    _refuse_risks(settings, blocks)
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


def _refuse_risks(settings: Settings, blocks: Blocks) -> None:
    """Raises SettingsError for the first risk that is not said to be known, with what to do."""
    known = list(filter(None, map(str.strip, settings.known_risks.split(","))))
    if unknown := [name for name in known if name not in RISKS]:
        raise SettingsError(f"{PREFIX}KNOWN_RISKS names {unknown[0]!r}, which is none of {', '.join(RISKS)}.")
    for risk, sentence in (*_plain_addresses(settings, blocks), *_open_pages(settings)):
        if risk not in known:
            wanted = ",".join([*known, risk])
            raise SettingsError(f"{sentence} or, if you know the risk, set {PREFIX}KNOWN_RISKS={wanted}.")


def _plain_addresses(settings: Settings, blocks: Blocks) -> Iterator[tuple[str, str]]:
    """The settings by which numbers, texts, passwords or tokens would leave this machine for everybody to read."""
    every: Blocks = {"": Core, **blocks}
    for name, kind in every.items():
        block = settings if kind is Core else settings.block(kind)
        for setting in _settings_of(name, kind):
            if setting.plain and _is_plain(getattr(block, setting.field)):
                sentence = (
                    f"{setting.name} is an http:// address, and what goes there can be read on the way: use https://"
                )
                yield setting.plain, sentence


def _open_pages(settings: Settings) -> Iterator[tuple[str, str]]:
    """What others may come to by the address that is listened on, or by the proxy before it."""
    if settings.trusted_proxy:
        where = f"{PREFIX}TRUSTED_PROXY={settings.trusted_proxy} lets other machines in"
    elif not _is_loopback(settings.host):
        where = f"{PREFIX}HOST={settings.host} lets other machines in"
    else:
        return
    if settings.phone_page:
        yield OPEN_PHONE_PAGE, f"{where}, and whoever opens the phone page can be any phone: unset {PREFIX}PHONE_PAGE"
    if not settings.secure_cookies:
        yield (
            PLAIN_PAGES,
            f"{where}, and passwords can be read on the way: leave {PREFIX}HOST at 127.0.0.1, put a proxy with HTTPS"
            f" before it (docs/proxy.md), and set {PREFIX}SECURE_COOKIES=1 and {PREFIX}TRUSTED_PROXY=127.0.0.1",
        )


def _is_plain(url: str) -> bool:
    """Whether what goes to this address leaves the machine and can be read. Nothing goes to what is no address."""
    try:
        parts = urlsplit(url)
        return parts.scheme == "http" and not _is_loopback(parts.hostname or "")
    except ValueError:
        return False


def _is_ip(host: str) -> bool:
    try:
        return bool(ip_address(host))
    except ValueError:
        return False


def _is_loopback(host: str) -> bool:
    """Whether only this machine is reached there. A name that only looks so may be anybody's."""
    try:
        return host == "localhost" or ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
