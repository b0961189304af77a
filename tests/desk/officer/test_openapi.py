"""The description for agencies' programmers says what the program does, no more and no less."""

import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgspec
import pytest
import schemathesis
import yaml
from flask import Flask
from schemathesis import engine
from schemathesis.config import (
    GenerationConfig,
    PhasesConfig,
    ProjectConfig,
    ProjectsConfig,
    SchemathesisConfig,
    StatefulPhaseConfig,
)
from schemathesis.engine import events
from schemathesis.engine.recorder import ScenarioRecorder
from werkzeug.serving import make_server

from sado.cases import reference, statuses
from sado.desk import recording
from sado.desk.officer import api as agency_api
from sado.menus.reading import pack
from sado.store.tables import accounts
from tests.support.stations import APPEAL, Station, open_station

NOBODYS = "0074829130"
TOKEN = "token of the water agency"
MOVE = re.compile(r"^\| (\w+) \| ([\w, ]*)\|$", re.MULTILINE)
APPEAL_TO_HCU = msgspec.structs.replace(APPEAL, agency="HCU", place="KT-YOV")

CONFIG = SchemathesisConfig(
    seed=1339,
    projects=ProjectsConfig(
        default=ProjectConfig(
            headers={"Authorization": f"Bearer {TOKEN}"},
            generation=GenerationConfig(max_examples=60, deterministic=True, database="none"),
            phases=PhasesConfig(stateful=StatefulPhaseConfig(enabled=False)),
        )
    ),
)


@pytest.fixture
def document() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(agency_api.DOCUMENT.read_text("utf-8"))
    return content


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Station]:
    with open_station(tmp_path, 0, has_upstream=False) as station:
        station.store.write(lambda tx: accounts.save_token(tx, "HCU", TOKEN))
        yield station


@pytest.fixture
def app(hub: Station) -> Flask:
    app = Flask("test")
    recording.install(app, hub.store, lambda: "")
    app.register_blueprint(agency_api.create(hub.store, hub.cases, pack.load("tajikistan")))
    return app


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    """Where the program really listens, as it does for an agency."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}/agency/v1"
    server.shutdown()
    thread.join()
    server.server_close()


def schema(document: dict[str, Any], name: str) -> Any:
    return document["components"]["schemas"][name]


def test_everyone_can_read_it_without_a_token(app: Flask, document: dict[str, Any]) -> None:
    answer = app.test_client().get("/agency/v1/openapi.json")
    assert (answer.status_code, answer.content_type) == (200, "application/json")
    assert answer.json is not None
    schema(document, "AgencyCode")["enum"] = sorted(pack.load("tajikistan").agencies)
    assert answer.json == document


def test_it_is_a_valid_openapi_document(document: dict[str, Any]) -> None:
    assert is_openapi(document)
    assert not is_openapi(document | {"info": {}})


def is_openapi(document: dict[str, Any]) -> bool:
    """Whether the schema of OpenAPI documents has nothing against it."""
    try:
        schemathesis.openapi.from_dict(document).validate()
    except jsonschema_rs.ValidationError:
        return False
    return True


def test_it_lists_each_status_and_each_event(document: dict[str, Any]) -> None:
    assert schema(document, "Status")["enum"] == list(statuses.STATUSES)
    assert set(schema(document, "EventKind")["enum"]) == statuses.EVENTS
    assert set(schema(document, "PastEventKind")["enum"]) == {
        *statuses.STATUSES,
        statuses.WITHDRAWN,
        "notified",
        "added",
    }


def test_it_draws_the_table_of_moves(document: dict[str, Any]) -> None:
    description = document["paths"]["/cases/{reference}/events"]["post"]["description"]
    moves = {status: set(re.findall(r"\w+", following)) for status, following in MOVE.findall(description)}
    moves.pop("from")
    assert moves == {status: set(following) for status, following in statuses.MOVES.items()}


def test_its_limits_are_those_of_the_program(document: dict[str, Any]) -> None:
    new = schema(document, "NewEvent")
    limit = document["paths"]["/cases"]["get"]["parameters"][2]["schema"]
    assert new["properties"]["text"]["maxLength"] == agency_api.LONGEST_TEXT
    assert set(new["allOf"][0]["if"]["properties"]["kind"]["enum"]) == statuses.WITH_WORDS
    assert (limit["default"], limit["maximum"]) == (agency_api.LISTED, agency_api.MOST_LISTED)


def test_its_example_of_a_reference_is_one(document: dict[str, Any]) -> None:
    assert reference.is_reference(document["components"]["parameters"]["Reference"]["example"])


@pytest.mark.long
def test_the_program_does_what_it_says(hub: Station, app: Flask, address: str) -> None:
    """Examples, the edges of each parameter and random requests, good and bad: each answer is held against the
    document, and none is a failure of ours."""
    filed = [hub.store.write(lambda tx: hub.cases.open(tx, APPEAL_TO_HCU)).reference for _ in range(20)]
    document: Any = app.test_client().get("/agency/v1/openapi.json").json
    document["components"]["parameters"]["Reference"]["schema"] = {"enum": [*filed, NOBODYS]}
    answers: set[int] = set()
    for scenario in run(document, address):
        answers |= {sent.response.status_code for sent in scenario.interactions.values() if sent.response}
        assert not list(faults(scenario))
    assert answers >= {200, 201, 400, 401, 404, 405, 409}


def run(document: dict[str, Any], address: str) -> Iterator[ScenarioRecorder]:
    api = schemathesis.openapi.from_dict(document, config=CONFIG)
    api.config.update(base_url=address)
    for event in engine.from_schema(api).execute():
        assert not isinstance(event, events.NonFatalError | events.FatalError), event
        if isinstance(event, events.ScenarioFinished):
            yield event.recorder


def faults(scenario: ScenarioRecorder) -> Iterator[str]:
    """What an answer had that the document lacks, with the request that brings it back."""
    for checks in scenario.checks.values():
        for check in checks:
            if check.failure_info:
                yield f"{check.failure_info.failure} {check.failure_info.code_sample}"
