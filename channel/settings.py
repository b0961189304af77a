"""The settings of the gateways between phones and the station; settings.py has the rest."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

IN_PATH = "secret part of the webhook's path, 22 or more characters. Empty: nothing comes in from it."
URL = r"^(https?://.+)?$"


class GatewaySettings(msgspec.Struct, frozen=True, kw_only=True):
    """One block for each gateway; a gateway is used when its first setting is given."""

    service_code: Annotated[
        str, Meta(pattern=r"^\*[0-9*]+#$", description="The USSD code that residents dial, shown in messages.")
    ] = "*1339#"
    sms_gateways: Annotated[
        str,
        Meta(description="Which gateways send SMS, the preferred one first: kannel,gammu. Empty: all set up."),
    ] = ""
    sms_per_second: Annotated[
        float, Meta(gt=0, le=1000, description="How many SMS a gateway is given in a second.")
    ] = 10.0
    sms_at_night: Annotated[
        bool, Meta(description="Send notices at night too; otherwise they wait for the morning, as the pack says.")
    ] = False
    sms_daily_budget: Annotated[
        float,
        Meta(ge=0, le=1e9, description="What SMS may cost in a day; replies always leave. 0: no limit."),
    ] = 0.0

    africastalking_token: Annotated[str, Meta(description=f"Africa's Talking: {IN_PATH}")] = ""
    africastalking_username: Annotated[
        str, Meta(description="User name at Africa's Talking. Empty: it sends no SMS.")
    ] = ""
    africastalking_key: Annotated[str, Meta(description="API key at Africa's Talking.")] = ""
    africastalking_sender: Annotated[str, Meta(description="Sender shown on the phone; empty for the default.")] = ""
    africastalking_url: Annotated[
        str,
        Meta(pattern=URL, description="Address of the API instead of the provider's own, for tests and the demo."),
    ] = ""

    kannel_token: Annotated[str, Meta(description=f"Kannel: {IN_PATH}")] = ""
    kannel_url: Annotated[
        str,
        Meta(pattern=URL, description="Kannel's sendsms: http://127.0.0.1:13013/cgi-bin/sendsms. Empty: none."),
    ] = ""
    kannel_username: Annotated[str, Meta(description="User of the sendsms-user group.")] = ""
    kannel_password: Annotated[str, Meta(description="Its password.")] = ""
    kannel_sender: Annotated[str, Meta(description="Sender of SMS; empty: Kannel's own.")] = ""
    kannel_reports: Annotated[
        str,
        Meta(pattern=URL, description="This station as Kannel reaches it; empty: http://127.0.0.1 and SADO_PORT."),
    ] = ""
    kannel_ussd: Annotated[bool, Meta(description="Serve USSD over SMPP through Kannel.")] = False

    gammu_database: Annotated[
        str, Meta(description="SQLite database of the Gammu SMSD beside the station. Empty: no modem.")
    ] = ""

    android_token: Annotated[str, Meta(description=f"Android SMS Gateway: {IN_PATH}")] = ""
    android_url: Annotated[
        str, Meta(pattern=URL, description="Whole address that messages are posted to. Empty: it sends none.")
    ] = ""
    android_username: Annotated[str, Meta(description="User name from the app's Home tab.")] = ""
    android_password: Annotated[str, Meta(description="Its password.")] = ""
    android_signing_key: Annotated[str, Meta(description="The app's key for signed webhooks.")] = ""
    android_ttl_s: Annotated[int, Meta(ge=60, description="After so many seconds the phone gives a message up.")] = 3600

    fieldmap_token: Annotated[str, Meta(description=f"A look-alike of Africa's Talking: {IN_PATH}")] = ""
    fieldmap_session: Annotated[str, Meta(description="Its field of the session's id.")] = "sessionId"
    fieldmap_msisdn: Annotated[str, Meta(description="Its field of the number.")] = "phoneNumber"
    fieldmap_text: Annotated[str, Meta(description="Its field of what was typed.")] = "text"
    fieldmap_service_code: Annotated[
        str, Meta(description="Its field of the service code; empty: it is SADO_SERVICE_CODE.")
    ] = ""
    fieldmap_request_id: Annotated[
        str, Meta(description="Its field that names a request, the same when it is repeated; empty: there is none.")
    ] = ""
    fieldmap_is_cumulative: Annotated[
        bool, Meta(description="The text is all that was typed, joined by *; otherwise the last input alone.")
    ] = True
    fieldmap_go_on: Annotated[str, Meta(description="The word before a screen.")] = "CON"
    fieldmap_end: Annotated[str, Meta(description="The word before the last screen.")] = "END"
    fieldmap_septets: Annotated[int, Meta(ge=40, le=182, description="Letters of a screen without Cyrillic.")] = 182
    fieldmap_ucs2: Annotated[int, Meta(ge=40, le=80, description="Letters of a screen with Cyrillic.")] = 80
