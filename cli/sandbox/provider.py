"""Africa's Talking, played: takes SMS as the provider's API does and keeps them in a file."""

from __future__ import annotations

import json
import secrets
import threading
from pathlib import Path
from typing import Any

import waitress
from flask import Flask, Response, jsonify, request

COST = "TJS 0.1000"


class Provider:
    """A small local server: POST /version1/messaging as the provider answers it, GET /sms for what it kept."""

    def __init__(self, kept: Path, api_key: str) -> None:
        self._kept = kept
        self._lock = threading.Lock()
        app = Flask("provider", static_folder=None)
        app.add_url_rule("/version1/messaging", "send", lambda: self._send(api_key), methods=["POST"])
        app.add_url_rule("/sms", "sms", lambda: jsonify(self.messages()))
        self._server = waitress.create_server(app, host="127.0.0.1", port=0, threads=4)
        self.url = f"http://127.0.0.1:{self._server.effective_port}"

    def start(self) -> None:
        """Serve in the background."""
        threading.Thread(target=self._server.run, daemon=True).start()

    def stop(self) -> None:
        """Stop serving; what came is kept."""
        self._server.close()

    def messages(self) -> list[dict[str, str]]:
        """The SMS that came, oldest first: [{"to": …, "text": …}]."""
        with self._lock:
            if not self._kept.exists():
                return []
            return [json.loads(line) for line in self._kept.read_text("utf-8").splitlines()]

    def _send(self, api_key: str) -> Response:
        if request.headers.get("apiKey") != api_key:
            return Response("The supplied authentication is invalid", 401, content_type="text/plain")
        numbers = request.form["to"].split(",")
        with self._lock, self._kept.open("a", encoding="utf-8") as file:
            for number in numbers:
                file.write(json.dumps({"to": number, "text": request.form["message"]}, ensure_ascii=False) + "\n")
        answer = jsonify(SMSMessageData=_accepted(numbers))
        answer.status_code = 201
        return answer


def _accepted(numbers: list[str]) -> dict[str, Any]:
    recipients = [
        {
            "statusCode": 101,
            "number": number,
            "status": "Success",
            "cost": COST,
            "messageId": f"ATXid_{secrets.token_hex(12)}",
        }
        for number in numbers
    ]
    return {"Message": f"Sent to {len(numbers)}/{len(numbers)} Total Cost: {COST}", "Recipients": recipients}
