"""The gateways that the settings name: their doors, what sends SMS, and the mailbox of a modem."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sado.channel import front
from sado.channel.contract import Sender, SmsGateway
from sado.channel.endpoints import SmsDoors, UssdDoors
from sado.channel.front import Door
from sado.channel.gateways.africastalking import AfricasTalkingSms, AfricasTalkingUssd
from sado.channel.sms.failover import Carrier, Carriers
from sado.channel.sms.inbox import Inbox
from sado.channel.sms.reports import Deliveries
from sado.channel.ussd.conversation import Conversation
from sado.channel.versions import Versions
from sado.settings import Settings, SettingsError
from sado.store import Store

if TYPE_CHECKING:
    from sado.channel.gateways.gammu import GammuSms
    from sado.channel.gateways.kannel import Smsbox
    from sado.channel.sms.poller import Mailbox


@dataclass(frozen=True)
class Channel:
    """What comes in and how SMS go out: doors by address, carriers (None: SMS wait), a mailbox to be emptied."""

    doors: Mapping[str, Door]
    carriers: Carriers | None
    mailbox: Mailbox | None


class Gateways:
    """Builds what the settings ask for. A gateway's file is loaded only when it is used: a small box has one."""

    def __init__(
        self, settings: Settings, store: Store, versions: Versions, inbox: Inbox, deliveries: Deliveries
    ) -> None:
        self._settings = settings
        self._store = store
        self._versions = versions
        self._inbox = inbox
        self._deliveries = deliveries
        self._country = versions.current.pack.country

    def channel(self) -> Channel:
        """Everything that is set up. Raises SettingsError for a gateway that is not, or not whole."""
        known = self._sms()
        modem = self._gammu()
        doors = dict(self._ussd_doors())
        for name, gateway in known.items():
            if token := getattr(self._settings, f"{name}_token", ""):
                found = SmsDoors(self._store, gateway, self._inbox, self._deliveries).doors()
                doors |= {front.address(name, token, part): door for part, door in found.items()}
        senders: dict[str, Sender] = {**known, **({modem.name: modem} if modem else {})}
        carriers = [Carrier(senders[name], self._settings.sms_per_second) for name in self._order(senders)]
        return Channel(doors, Carriers(carriers) if carriers else None, self._mailbox(modem) if modem else None)

    def _order(self, senders: Mapping[str, Sender]) -> list[str]:
        """Those that send, in the order that is wished; without a wish, every one that is set up for it."""
        able = [name for name in senders if self._can_send(name)]
        wished = list(dict.fromkeys(filter(None, map(str.strip, self._settings.sms_gateways.split(",")))))
        if missing := [name for name in wished if name not in able]:
            raise SettingsError(f"SADO_SMS_GATEWAYS names {missing[0]}, which is not set up to send.")
        return wished or able

    def _can_send(self, name: str) -> bool:
        first = {"africastalking": "username", "kannel": "url", "gammu": "database", "android": "url"}
        return bool(getattr(self._settings, f"{name}_{first[name]}"))

    def _sms(self) -> dict[str, SmsGateway]:
        """Every SMS gateway that is set up, by name."""
        wanted = self._settings
        found: dict[str, SmsGateway] = {}
        if wanted.africastalking_token or wanted.africastalking_username:
            found["africastalking"] = self._africastalking()
        if wanted.kannel_token or wanted.kannel_url:
            found["kannel"] = self._kannel()
        if wanted.android_token or wanted.android_url:
            found["android"] = self._android()
        return found

    def _africastalking(self) -> SmsGateway:
        wanted = self._settings
        account = (wanted.africastalking_username, wanted.africastalking_key, wanted.africastalking_sender)
        return AfricasTalkingSms(*account, wanted.africastalking_url, self._country)

    def _kannel(self) -> SmsGateway:
        from sado.channel.gateways.kannel import KannelSms

        wanted = self._settings
        if not (wanted.kannel_token and wanted.kannel_url):
            raise SettingsError("Kannel needs SADO_KANNEL_TOKEN and SADO_KANNEL_URL together.")
        here = wanted.kannel_reports.rstrip("/") or f"http://127.0.0.1:{wanted.port}"
        reports = here + front.address("kannel", wanted.kannel_token, "report")
        return KannelSms(self._smsbox(), wanted.kannel_sender, reports, self._country)

    def _android(self) -> SmsGateway:
        from sado.channel.gateways.android import AndroidSms

        wanted = self._settings
        if not wanted.android_signing_key:
            raise SettingsError("The Android gateway needs SADO_ANDROID_SIGNING_KEY: without it anybody could write.")
        account = (wanted.android_url, wanted.android_username, wanted.android_password)
        return AndroidSms(*account, wanted.android_signing_key, wanted.android_ttl_s, self._country, time.time)

    def _ussd_doors(self) -> Iterator[tuple[str, Door]]:
        wanted = self._settings
        if wanted.africastalking_token:
            ussd = AfricasTalkingUssd(self._country)
            doors = UssdDoors(self._store, ussd, Conversation(ussd, self._versions)).doors()
            yield from _addressed("africastalking", wanted.africastalking_token, doors)
        if wanted.kannel_ussd:
            yield from _addressed("kannel", wanted.kannel_token, self._kannel_ussd())
        if wanted.fieldmap_token:
            yield from _addressed("fieldmap", wanted.fieldmap_token, self._fieldmap())

    def _kannel_ussd(self) -> Mapping[str, Door]:
        from sado.channel.gateways.kannel import KannelUssd

        wanted = self._settings
        if not (wanted.kannel_token and wanted.kannel_url):
            raise SettingsError("USSD through Kannel needs SADO_KANNEL_TOKEN and SADO_KANNEL_URL.")
        ussd = KannelUssd(self._smsbox(), wanted.service_code, self._country)
        return UssdDoors(self._store, ussd, Conversation(ussd, self._versions)).doors()

    def _smsbox(self) -> Smsbox:
        from sado.channel.gateways.kannel import Smsbox

        return Smsbox(self._settings.kannel_url, self._settings.kannel_username, self._settings.kannel_password)

    def _fieldmap(self) -> Mapping[str, Door]:
        from sado.channel.gateways.fieldmap import FieldMap, FieldMapUssd
        from sado.menus.gsm import Budget

        wanted = self._settings
        names = ("session", "msisdn", "text", "service_code", "request_id", "is_cumulative", "go_on", "end")
        values = {name: getattr(wanted, f"fieldmap_{name}") for name in names}
        if empty := [name for name in ("session", "msisdn", "text", "go_on", "end") if not values[name]]:
            raise SettingsError(f"SADO_FIELDMAP_{empty[0].upper()} must not be empty.")
        fields = FieldMap(**values, budget=Budget(wanted.fieldmap_septets, wanted.fieldmap_ucs2))
        ussd = FieldMapUssd(fields, wanted.service_code, self._country)
        return UssdDoors(self._store, ussd, Conversation(ussd, self._versions)).doors()

    def _mailbox(self, modem: GammuSms) -> Mailbox:
        from sado.channel.sms.poller import Mailbox

        return Mailbox(self._store, modem, self._inbox, self._deliveries)

    def _gammu(self) -> GammuSms | None:
        if not self._settings.gammu_database:
            return None
        from sado.channel.gateways.gammu import GammuSms

        return GammuSms(Path(self._settings.gammu_database), self._country)


def _addressed(gateway: str, token: str, doors: Mapping[str, Door]) -> Iterator[tuple[str, Door]]:
    return ((front.address(gateway, token, name), door) for name, door in doors.items())
