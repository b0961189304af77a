"""What hops cost a station while strangers do their worst, against the same station left alone.

    python bench/abuse.py [--quick]

`p99_ratio`: the 99th percentile of a hop's time with 1,000 connections that hold half a request or nothing, 50 sign-ins
a second and 20 hostile frames a second (of an unknown station, with a wrong MAC, cut, mutated and too large), over that
of the station left alone. Twenty phones each wait a moment before they go on, as people do; rounds alternate, and every
one lasts the same. `hops_per_s` and `p99_ms` are medians of the rounds. The load and the abuse take the second core
where there is one, the station has the first.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import random
import re
import resource
import selectors
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator

import load
import requests
from serve import VILLAGE

from sado.sync.wire import frame
from sado.sync.wire.frame import Message

IDLE, SIGN_INS, FRAMES = 1000, 50, 20
PHONES, PAUSE_S = 20, 0.1
HALF = b"POST /gateway/x HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n"
TIMEOUT_S = 10


def hops(port: int, seconds: float) -> list[float]:
    """How long each hop of the phones took, in seconds."""
    selector = selectors.DefaultSelector()
    phones = [load.Client(socket.create_connection(("127.0.0.1", port))) for _ in range(PHONES)]
    began = time.perf_counter()
    # Spread over the first pause, so that they do not all come at once.
    due = [(began + PAUSE_S * number / PHONES, phone) for number, phone in enumerate(phones)]
    sent: dict[int, float] = {}
    took = []
    for phone in phones:
        phone.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(phone.connection, selectors.EVENT_READ, phone)
    while (now := time.perf_counter()) < began + seconds:
        while due and due[0][0] <= now:
            _, phone = due.pop(0)
            sent[id(phone)] = time.perf_counter()
            phone.send_next()
        for key, _ in selector.select(max(due[0][0] - now, 0) if due else 0.1):
            if key.data.take():
                took.append(time.perf_counter() - sent[id(key.data)])
                due.append((time.perf_counter() + PAUSE_S, key.data))
    for phone in phones:
        phone.connection.close()
    return took


def abuse(port: int) -> None:
    """Hold connections, sign in and send frames until killed; says on a line that the connections are there."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(2 * IDLE, hard)), hard))
    held = [_idle(port, number) for number in range(IDLE)]
    cookie, form = _form(port)
    frames = itertools.cycle(_hostile())
    print("ready", flush=True)
    busy: list[socket.socket] = []
    began = time.monotonic()
    for number in itertools.count():
        time.sleep(max(began + number / SIGN_INS - time.monotonic(), 0))
        busy.append(_asked(port, "/signin", form, f"Cookie: {cookie}\r\n"))
        if number * FRAMES % SIGN_INS < FRAMES:
            busy.append(_asked(port, "/x", next(frames)))
        while len(busy) > SIGN_INS:
            busy.pop(0).close()
        # What the station has cut off comes back.
        at = number % IDLE
        if _is_left(held[at]):
            held[at].close()
            held[at] = _idle(port, at)


def _idle(port: int, number: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S)
    if number % 2:
        connection.sendall(HALF)
    return connection


def _is_left(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return connection.recv(1) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def _form(port: int) -> tuple[str, bytes]:
    """The cookie and the form of somebody who has the sign-in page before him, with a name and a password."""
    answer = requests.get(f"http://127.0.0.1:{port}/signin", timeout=TIMEOUT_S)
    token = re.search('name="csrf_token" value="([^"]+)"', answer.text)
    assert token is not None, "the page has no form"
    cookie = "; ".join(f"{name}={value}" for name, value in answer.cookies.items())
    return cookie, f"csrf_token={token[1]}&name=operator&password=not+the+password".encode()


def _hostile() -> list[bytes]:
    """Frames as somebody without a key makes them."""
    noise = random.Random(1)
    wrong_key = noise.randbytes(32)
    admitted, unknown = (frame.pack(frame.UP, number, wrong_key, Message(1)) for number in (VILLAGE, VILLAGE + 1))
    large = admitted + noise.randbytes(60_000)
    mutated = [bytes(byte ^ (noise.random() < 0.1) for byte in large[:200]) for _ in range(4)]
    return [admitted, unknown, admitted[:9], b"", large, *mutated]


def _asked(port: int, path: str, body: bytes, headers: str = "") -> socket.socket:
    """A request whose answer nobody reads."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S)
    kind = "Content-Type: application/x-www-form-urlencoded\r\n"
    head = f"POST {path} HTTP/1.1\r\nHost: a\r\n{headers}{kind}Content-Length: {len(body)}\r\n\r\n"
    connection.sendall(head.encode() + body)
    return connection


@contextlib.contextmanager
def abused(port: int) -> Iterator[None]:
    """Strangers at the station, in a process of their own."""
    command = [sys.executable, __file__, "--abuse", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", "the strangers did not get in"
        yield
        assert process.poll() is None, "the strangers have ended"
    finally:
        process.kill()
        process.wait()


def p99_ms(times: list[float]) -> float:
    """The 99th percentile, in milliseconds."""
    return statistics.quantiles(times, n=100)[98] * 1000


def main() -> None:
    """Run the rounds; the last line is one JSON object."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="under 60 seconds")
    parser.add_argument("--abuse", type=int, metavar="PORT", help="be the strangers at this port")
    options = parser.parse_args()
    if options.abuse:
        abuse(options.abuse)
        return
    rounds, seconds = (3, 6.0) if options.quick else (7, 15.0)
    cores = sorted(os.sched_getaffinity(0))
    station = ["taskset", "-c", str(cores[0])] if len(cores) > 1 else []
    times: dict[str, list[list[float]]] = {"alone": [], "abused": []}
    with load.started([*station, *load.command("station", "--pages")]) as (port, _):
        os.sched_setaffinity(0, set(cores[1:2]) or set(cores))
        hops(port, 2)
        for number in range(rounds):
            for name, around in (("alone", contextlib.nullcontext()), ("abused", abused(port))):
                with around:
                    times[name].append(hops(port, seconds))
                rate = len(times[name][-1]) / seconds
                p99 = p99_ms(times[name][-1])
                print(f"round {number + 1}: {name:6} {rate:5.0f} hops/s, p99 {p99:.1f} ms", flush=True)
    medians = {name: statistics.median(map(p99_ms, measured)) for name, measured in times.items()}
    rates = {name: statistics.median(len(one) / seconds for one in measured) for name, measured in times.items()}
    print(
        json.dumps(
            {
                "p99_ratio": round(medians["abused"] / medians["alone"], 2),
                "p99_ms": {name: round(value, 1) for name, value in medians.items()},
                "hops_per_s": {name: round(rate) for name, rate in rates.items()},
                "rounds": rounds,
            }
        )
    )


if __name__ == "__main__":
    main()
