"""How much memory a serving station holds after many hops, and once people have used its pages too.

    python bench/memory.py [--quick]

`rss_mb`: resident memory of the one process, in MB (10^6 bytes), after 10,000 hops (2,000 with --quick) from 16 phones.
`rss_pages_mb`: the same of a station that shows the phone page too, after as many hops and some tens of pages: an
operator's outbox, a case, find, other languages and a dialled phone, then an officer's list and a case.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path

import load
import requests
from serve import PASSWORD


class Visitor:
    """Somebody at a browser who signs in and looks. Every page has to answer."""

    def __init__(self, port: int, name: str) -> None:
        self._base = f"http://127.0.0.1:{port}"
        self._session = requests.Session()
        self._session.trust_env = False
        page = self.open("/signin")
        self.send("/signin", page, name=name, password=PASSWORD)

    @property
    def cookies(self) -> requests.cookies.RequestsCookieJar:
        """What the station knows the visitor by."""
        return self._session.cookies

    def open(self, path: str) -> str:
        """The page at this path."""
        return _text(self._session.get(self._base + path))

    def send(self, path: str, page: str, **fields: str) -> str:
        """Send the form of a page; the page that follows."""
        token = re.search('name="csrf_token" value="([^"]+)"', page)
        assert token is not None, "the page has no form"
        return _text(self._session.post(self._base + path, data={**fields, "csrf_token": token[1]}))


def _text(response: requests.Response) -> str:
    response.raise_for_status()
    return response.text


def rss_mb(pid: int) -> float:
    """Resident memory of a process, from the kernel."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) * 1024 / 1e6


def use_pages(port: int) -> None:
    """What a quiet day's work at the pages is, twice over."""
    found = re.search(r"\d{10}", load.walk(port)[-1])
    assert found is not None, "the walk gave no reference"
    reference = found[0]
    for _ in range(2):
        operator = Visitor(port, "operator")
        for path in ("/operator", "/operator?lang=tg", f"/operator/case/{reference}", "/operator/find"):
            operator.open(path)
        for path in ("/unfinished", "/consultation", "/operator?lang=ru"):
            operator.open(path)
        phone = operator.open("/phone")
        phone = operator.send("/phone/press", phone, typed="*1339#", press="send")
        for answer in load.ANSWERS[:6]:
            phone = operator.send("/phone/press", phone, typed=answer, press="send")
        officer = Visitor(port, "officer")
        for path in ("/agency", "/agency?show=new&lang=tg", f"/agency/cases/{reference}"):
            officer.open(path)


def main() -> None:
    """Load a station, then one with pages, and look; the last line is one JSON object."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="2,000 hops")
    hops = 2_000 if parser.parse_args().quick else 10_000
    with load.served("station") as (port, pid):
        before = rss_mb(pid)
        rate = load.run(port, 16, hops=hops)
        after = rss_mb(pid)
    print(f"before {before:.1f} MB, after {hops} hops {after:.1f} MB, {rate:.0f} hops/s")
    with load.served("station", "--pages") as (port, pid):
        load.run(port, 16, hops=hops)
        use_pages(port)
        pages = rss_mb(pid)
    print(f"with pages, after as many hops and some tens of pages {pages:.1f} MB")
    sizes = {"rss_mb": after, "rss_pages_mb": pages, "rss_mb_before": before}
    print(json.dumps({**{name: round(size, 1) for name, size in sizes.items()}, "hops": hops}))


if __name__ == "__main__":
    main()
