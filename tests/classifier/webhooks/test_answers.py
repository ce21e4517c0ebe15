"""What a receiver may answer, and how long it may take."""

import socket
import threading
import time

import pytest

from classifier.webhooks.signing import Signer
from classifier.webhooks.transport import ANSWER_LIMIT, DeliveryRequest, send
from tests.support.webhooks import SECRET


def request(url):
    return DeliveryRequest(url, "event-1", "review.signed", b"{}", Signer((SECRET,)))


class TestAnswers:
    def test_redirect_is_not_followed(self, receiver):
        receiver.answers, receiver.headers = [(302, b"")], {"Location": "http://127.0.0.1/inner"}
        result = send(request(receiver.url))
        assert (result.error_code, result.status_code) == ("redirected", 302)
        assert len(receiver.requests) == 1

    @pytest.mark.parametrize("status", [400, 404, 410, 500, 503])
    def test_refused(self, receiver, status):
        receiver.answers = [(status, "no\x00\x1b[31m ä".encode())]
        result = send(request(receiver.url))
        assert (result.error_code, result.status_code) == ("status_refused", status)
        assert result.answer == "no��[31m ä"

    def test_only_the_start_is_read(self, receiver):
        receiver.answers = [(200, b"a" * 5_000_000)]
        result = send(request(receiver.url))
        assert result.error_code == ""
        assert result.answer == "a" * ANSWER_LIMIT

    def test_nothing_is_unpacked(self, receiver):
        receiver.answers, receiver.headers = [(200, b"\x1f\x8b packed")], {"Content-Encoding": "gzip"}
        assert "packed" in send(request(receiver.url)).answer

    def test_repr_holds_neither_secret_nor_address(self, receiver):
        one = request(receiver.url)
        assert SECRET not in repr(one)
        assert "127.0.0.1" not in repr(one)


class TestTime:
    def test_slow_answer(self, receiver, settings):
        settings.DERMAPORT_WEBHOOK_SECONDS = 0.3
        receiver.delay = 4.0
        started = time.monotonic()
        assert send(request(receiver.url)).error_code == "timed_out"
        assert time.monotonic() - started < 3

    def test_a_byte_now_and_then_gains_no_time(self, settings):
        settings.DERMAPORT_WEBHOOK_LOOPBACK = True
        settings.DERMAPORT_WEBHOOK_SECONDS = 0.5
        with socket.create_server(("127.0.0.1", 0)) as server:

            def drip() -> None:
                connection, _ = server.accept()
                try:
                    for _ in range(200):
                        connection.sendall(b"H")
                        time.sleep(0.05)
                except OSError:
                    pass

            threading.Thread(target=drip, daemon=True).start()
            started = time.monotonic()
            result = send(request(f"http://127.0.0.1:{server.getsockname()[1]}/"))
        assert result.error_code in ("timed_out", "answer_broken")
        assert time.monotonic() - started < 4

    def test_nobody_there(self, receiver):
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        assert send(request(f"http://127.0.0.1:{port}/")).error_code == "connection_failed"

    def test_no_http(self, settings):
        settings.DERMAPORT_WEBHOOK_LOOPBACK = True
        with socket.create_server(("127.0.0.1", 0)) as server:

            def answer() -> None:
                connection, _ = server.accept()
                connection.recv(9999)
                connection.sendall(b"SSH-2.0-invented\r\n\r\n")
                connection.close()

            threading.Thread(target=answer, daemon=True).start()
            url = f"http://127.0.0.1:{server.getsockname()[1]}/"
            assert send(request(url)).error_code == "answer_broken"
