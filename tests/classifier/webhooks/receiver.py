"""A receiver in a thread: notes what it is sent, answers as it is told, over http or https.

with Receiver(folder, tls=True) as receiver:
    receiver.answers = [(500, b""), (200, b"ok")]      # the last one stays
    receiver.requests[0].headers["webhook-signature"]
"""

from __future__ import annotations

import datetime as dt
import socket
import ssl
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "ehr.example"


@dataclass
class ReceivedRequest:
    path: str
    headers: dict[str, str]
    body: bytes


class Receiver:
    def __init__(self, folder: Path, *, tls: bool = False, names: tuple[str, ...] = (HOST,)) -> None:
        self.requests: list[ReceivedRequest] = []
        self.answers: list[tuple[int, bytes]] = [(200, b"")]
        self.headers: dict[str, str] = {}
        self.delay = 0.0
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.busy, self.most_busy = 0, 0
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._make_handler())
        self._server.daemon_threads = True
        self.server_names: list[str] = []
        if tls:
            self.ca_file = folder / "ca.pem"
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(make_certificate(folder, self.ca_file, names))
            context.sni_callback = lambda _, name, __: self.server_names.append(name)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)

    @property
    def port(self) -> int:
        return self._server.server_address[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _make_handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                with receiver._lock:
                    receiver.requests.append(ReceivedRequest(self.path, headers, body))
                    status, answer = receiver.answers[0]
                    receiver.answers = receiver.answers[1:] or receiver.answers
                    receiver.busy += 1
                    receiver.most_busy = max(receiver.most_busy, receiver.busy)
                time.sleep(receiver.delay)
                receiver.may_answer.wait(60)
                with receiver._lock:
                    receiver.busy -= 1
                try:
                    self.send_response(status)
                    for name, value in receiver.headers.items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(answer)
                except OSError:
                    pass  # the portal had waited long enough

            def log_message(self, *_: object) -> None:
                pass

        return Handler


def make_certificate(folder: Path, ca_file: Path, names: tuple[str, ...]) -> Path:
    """A certificate for `names`, signed by itself; the authority's file and the server's are returned."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Invented authority")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(one) for one in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    ca_file.write_bytes(public)
    server_file = folder / "server.pem"
    server_file.write_bytes(public + private)
    return server_file


def resolve_to(*addresses: str):
    """A resolver that answers `addresses` in turn, the last one for ever; `.calls` counts names."""
    real = socket.getaddrinfo

    def resolve(host, port, *more, **named):
        if host[0].isdigit():
            return real(host, port, *more, **named)
        text = addresses[min(resolve.calls, len(addresses) - 1)]
        resolve.calls += 1
        return [(0, 0, 0, "", (text, port))]

    resolve.calls = 0
    return resolve
