"""Sample residents and what they write. Invented: nobody's name, number or trouble is meant."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

import requests


@dataclass(frozen=True)
class Resident:
    """Someone with a key phone; `answers` are what she types after dialling the code."""

    msisdn: str
    answers: tuple[str, ...]


RESIDENTS = (
    Resident(
        "+992917123456",
        ("1", "2", "1", "1", "Ёвон", "1", "Дар деҳаи мо се рӯз боз об нест.", "Раҳимова Гулнора Саидовна", "1"),
    ),
    Resident(
        "+992917123457",
        ("2", "2", "2", "2", "Вахдат", "1", "Свет дают два часа в день, дети мёрзнут.", "Каримов Бахтиёр Алиевич", "1"),
    ),
    Resident(
        "+992917123458",
        (
            "3",
            "2",
            "3",
            "3",
            "Rasht",
            "1",
            "A sign before the bend at the bridge would save lives.",
            "Nazarov Ali",
            "1",
        ),
    ),
)


def dial_all(webhook: str, service_code: str) -> None:
    """Let each resident file an appeal, through the gateway's own endpoint."""
    for resident in RESIDENTS:
        session_id = f"demo-{secrets.token_hex(8)}"
        for count in range(len(resident.answers) + 1):
            fields = {
                "sessionId": session_id,
                "serviceCode": service_code,
                "phoneNumber": resident.msisdn,
                "text": "*".join(resident.answers[:count]),
            }
            requests.post(webhook, data=fields, timeout=20).raise_for_status()
