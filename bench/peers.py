"""What others would send of the same appeals: the bodies of their requests, made as their libraries make them.

Only the body of a request is counted, but in `post_with_headers`. Each carries the fields of an appeal with an id that
was drawn by chance and a reference, as services without a station of their own make them; a station of ours derives
both. The channel is left out everywhere, since our events do not say it.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from xml.etree import ElementTree

import requests
import zstandard
from appeals import Record

from sado.sync.wire import text

try:
    import pyppmd
except ImportError:
    pyppmd = None

FIELDS = ("id", "ref", "service", "district", "phone", "created", "lang", "text")
URL = "https://hub.example.tj/api/appeals"
# The letters that a text of one's own alphabet begins a context with, and the memory of the coder's model.
ORDER, MODEL_BYTES = 8, 16 << 20


def said(record: Record) -> dict[str, str]:
    """The fields that everybody sends."""
    return {name: record[name] for name in FIELDS}


def post(batch: Sequence[Record]) -> int:
    """A request with JSON for each appeal, as `requests.post(json=...)` writes it."""
    return sum(len(_request(record).body or b"") for record in batch)


def post_with_headers(batch: Sequence[Record]) -> int:
    """The same with the request's line and headers, on a connection that is kept."""
    return sum(_size(_request(record)) for record in batch)


def _request(record: Record) -> requests.PreparedRequest:
    return requests.Session().prepare_request(requests.Request("POST", URL, json=said(record)))


def _size(request: requests.PreparedRequest) -> int:
    headers = {"Host": "hub.example.tj", **request.headers}
    lines = [f"POST {request.path_url} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return len("\r\n".join([*lines, "", ""])) + len(request.body or b"")


def json_gzip(batch: Sequence[Record]) -> int:
    """A list of all in JSON, gzip -9."""
    return len(gzip.compress(_json([said(record) for record in batch]), 9))


def ndjson_zstd(batch: Sequence[Record]) -> int:
    """A line of JSON for each, zstd -19, no dictionary."""
    lines = b"\n".join(_json(said(record)) for record in batch)
    return len(zstandard.ZstdCompressor(level=19).compress(lines))


def couchdb(batch: Sequence[Record]) -> int:
    """A push of CouchDB's replication: what is missing is asked, the documents, and a checkpoint."""
    revisions = {record["id"]: hashlib.md5(_json(said(record))).hexdigest() for record in batch}
    asked = {name: [f"1-{revision}"] for name, revision in revisions.items()}
    documents = [_document(record, revisions[record["id"]]) for record in batch]
    replication = base64.b64encode(hashlib.md5(b"replication").digest()).decode()
    checkpoint = {
        "_id": f"_local/{replication}",
        "_rev": "0-1",
        "session_id": "7f0d33a2-6a6d-4f8b-9f7b-0f6a3a6a3a51",
        "history": [{"last_seq": len(batch), "session_id": "7f0d33a2-6a6d-4f8b-9f7b-0f6a3a6a3a51"}],
        "replicator": "pouchdb",
        "version": 1,
        "last_seq": len(batch),
    }
    return sum(len(_json(body)) for body in (asked, {"docs": documents, "new_edits": False}, checkpoint))


def _document(record: Record, revision: str) -> dict[str, object]:
    fields = {name: value for name, value in said(record).items() if name != "id"}
    history = {"start": 1, "ids": [revision]}
    return {**fields, "_id": record["id"], "_rev": f"1-{revision}", "_revisions": history}


def openrosa(batch: Sequence[Record]) -> int:
    """A submission of OpenRosa (ODK Collect) for each: XML as a part of a form."""
    return sum(len(_submission(record)) for record in batch)


def _submission(record: Record) -> bytes:
    data = ElementTree.Element("data", {"id": "appeal", "version": "2026030201"})
    for name in FIELDS[1:]:
        ElementTree.SubElement(data, name).text = record[name]
    meta = ElementTree.SubElement(data, "meta")
    ElementTree.SubElement(meta, "instanceID").text = f"uuid:{record['id']}"
    files = {"xml_submission_file": ("submission.xml", ElementTree.tostring(data, "utf-8"), "text/xml")}
    body = requests.Request("POST", URL, files=files).prepare().body
    assert isinstance(body, bytes)
    return body


def floor(records: Sequence[Record], skip: int = 0) -> float | None:
    """Bytes for each appeal after the first `skip` ones that no coder known to us goes below: the text by PPMd over all
    texts before it, and what the other fields say by chance. None without pyppmd."""
    if pyppmd is None:
        return None
    coded = _ppmd(records) - (_ppmd(records[:skip]) if skip else 0)
    return coded / (len(records) - skip) + _chance_bits(records) / 8


def _ppmd(records: Iterable[Record]) -> int:
    coder = pyppmd.Ppmd7Encoder(ORDER, MODEL_BYTES)
    written = b"".join(text.pack(record["text"]) + text.END for record in records)
    return len(coder.encode(written) + coder.flush())


def _chance_bits(records: Sequence[Record]) -> float:
    """The entropy of the fields beside the text: each by how often its values come, a new number as nine digits, a
    time by the mean pause."""
    listed = sum(_entropy(record[name] for record in records) for name in ("service", "district", "lang"))
    new = len({record["phone"] for record in records}) / len(records)
    phone = new * 9 * math.log2(10) + (1 - new) * math.log2(len(records))
    begin, end = (datetime.fromisoformat(records[at]["created"]).timestamp() for at in (0, -1))
    pause_ms = max(1000 * (end - begin) / len(records), 1)
    return listed + phone + math.log2(math.e * pause_ms)


def _entropy(values: Iterable[str]) -> float:
    counts = Counter(values)
    total = counts.total()
    return -sum(count / total * math.log2(count / total) for count in counts.values())


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


PEERS: dict[str, Callable[[Sequence[Record]], int]] = {
    "post_with_headers": post_with_headers,
    "post": post,
    "openrosa": openrosa,
    "couchdb": couchdb,
    "json_gzip": json_gzip,
    "ndjson_zstd": ndjson_zstd,
}
