"""A key phone: what is typed on it reaches the webhook in Africa's Talking's form fields."""

from copy import copy

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.station import WEBHOOK

CODE = "*1339#"


class Phone:
    """One phone. `screen` is what it shows, `is_open` whether the session goes on."""

    def __init__(self, client: FlaskClient, msisdn: str) -> None:
        self.msisdn = msisdn
        self.screen = ""
        self.is_open = False
        self.session_id = ""
        self.typed: list[str] = []
        self._client = client
        self._sessions = 0

    def dial(self, code: str = CODE) -> str:
        """Begin a session; `*1339*2*1#` is the service code with inputs dialled ahead."""
        self._sessions += 1
        self.session_id = f"ATUid_{self.msisdn}_{self._sessions}"
        self.typed = code.strip("*#").split("*")[1:]
        return self._show(self.post(self.history))

    def reply(self, text: str) -> str:
        """Type an answer."""
        self.typed.append(text)
        return self._show(self.post(self.history))

    def walk(self, *inputs: str) -> str:
        """Dial and type each of these; the last screen."""
        self.dial()
        for text in inputs:
            self.reply(text)
        return self.screen

    def hang_up(self) -> TestResponse:
        """The gateway tells that the session ended while it waited for an answer."""
        self.is_open = False
        return self._client.post(
            f"{WEBHOOK}-end",
            data={
                "sessionId": self.session_id,
                "serviceCode": CODE,
                "phoneNumber": self.msisdn,
                "status": "Incomplete",
            },
        )

    def moved(self, client: FlaskClient) -> "Phone":
        """The same phone, in the same session, after the station was started again."""
        moved = copy(self)
        moved._client = client
        return moved

    @property
    def history(self) -> str:
        """All that was typed, as the gateway sends it with each hop."""
        return "*".join(self.typed)

    def post(self, text: str, **fields: str) -> TestResponse:
        """One request as the gateway makes it; `fields` replace its own."""
        form = {
            "sessionId": self.session_id,
            "serviceCode": CODE,
            "phoneNumber": self.msisdn,
            "networkCode": "43601",
            "text": text,
        }
        return self._client.post(WEBHOOK, data=form | fields)

    def _show(self, response: TestResponse) -> str:
        assert response.status_code == 200, response.text
        word, _, self.screen = response.text.partition(" ")
        assert word in ("CON", "END"), response.text
        self.is_open = word == "CON"
        return self.screen
