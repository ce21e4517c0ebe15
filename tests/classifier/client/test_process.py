"""The command as a process: stopped by a signal it goes on, and on a terminal it shows a bar."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from tests.classifier.client.shapes import ID, example

# What was started in the background ignores SIGINT, and so would its children.
COMMAND = ["env", "--default-signal=INT", sys.executable, "-m", "classifier.client", "submit"]
ACCEPTED = {**example({"$ref": "#/components/schemas/Accepted"}), "id": ID}
BUSY = {"code": "too_many_active", "status": 429, "detail": "", "fields": []}


@dataclass
class Server:
    """Tells everybody to wait a minute until `is_open`."""

    is_open: bool = False
    keys: list[str] = field(default_factory=list)
    port: int = 0

    @contextlib.contextmanager
    def run(self) -> Iterator[None]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                outer.keys.append(self.headers["Idempotency-Key"])
                body = json.dumps(ACCEPTED if outer.is_open else BUSY).encode()
                self.send_response(202 if outer.is_open else 429)
                self.send_header("Retry-After", "60")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = server.server_address[1]
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield
        server.shutdown()
        server.server_close()


@pytest.fixture
def server():
    made = Server()
    with made.run():
        yield made


@pytest.fixture
def environment(server):
    return {
        **os.environ,
        "DERMAPORT_URL": f"http://127.0.0.1:{server.port}",
        "DERMAPORT_TOKEN": "dp_invented",
    }


@pytest.fixture
def folder(tmp_path):
    home = tmp_path / "images"
    home.mkdir()
    for name in "abc":
        (home / f"{name}.jpg").write_bytes(name.encode())
    return home


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_stopped_by_a_signal_it_goes_on_with_the_same_keys(server, environment, folder, number):
    running = subprocess.Popen([*COMMAND, folder], env=environment, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not server.keys:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    time.sleep(0.2)
    running.send_signal(number)
    _, told = running.communicate(timeout=20)
    assert running.returncode == (130 if number == signal.SIGINT else -number)
    assert ("Run the same command again" in told) == (number == signal.SIGINT)

    before, server.is_open, server.keys = set(server.keys), True, []
    done = subprocess.run(
        [*COMMAND, folder], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    assert before <= set(server.keys)
    assert len(server.keys) == len(set(server.keys)) == 3
    assert "3 submitted, 0 submitted before, 0 refused." in done.stderr


def test_bar_on_a_terminal(server, environment, folder):
    server.is_open = True
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 100))
    done = subprocess.run(
        [*COMMAND, folder], env=environment, stdout=subprocess.PIPE, stderr=theirs, check=True, timeout=60
    )
    os.close(theirs)
    shown = os.read(ours, 65536).decode()
    os.close(ours)
    assert "Submitting: 100%" in shown
    assert "a.jpg" not in shown
    assert done.stdout.decode().split() == [ID] * 3
