"""Slow, flooding, vanishing and too many clients of a running server."""

import asyncio
import contextlib
import json
import re
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest

from tests.serving.operated import PREDICT, Operated, predictor, request

pytestmark = pytest.mark.end_to_end


def test_a_large_request_is_split_as_the_batching_file_says(operated: Operated) -> None:
    status, _, body = operated.ask("POST", PREDICT, {"instances": list(range(25))})
    assert (status, json.loads(body)["predictions"]) == (200, [float(number) for number in range(25)])
    status, _, body = operated.ask("POST", PREDICT, {"instances": [1] * 41})  # 40 may wait; alone any number may
    assert status == 200


def test_rows_and_bytes_of_a_request(operated: Operated, operated_channel: grpc.Channel) -> None:
    status, _, body = operated.ask("POST", PREDICT, {"instances": [1] * 1001})
    assert (status, json.loads(body)["error"]) == (400, "Task size 1001 is larger than maximum input batch size 1000")
    with pytest.raises(grpc.RpcError) as caught:
        predictor(operated_channel)(request(*[1.0] * 1001), timeout=20)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    status, _, body = operated.ask("POST", PREDICT, b" " * 100_001)
    assert (status, json.loads(body)["error"]) == (413, "request body is larger than 100000 bytes")


def answer_to(connection: socket.socket) -> tuple[int, str]:
    """Status and text of an answer, up to the end of the connection."""
    received = b""
    while part := connection.recv(65536):
        received += part
    head, _, body = received.partition(b"\r\n\r\n")
    return int(head.split()[1]) if head else 0, body.decode()


HEAD = b"POST /v1/models/slow:predict HTTP/1.1\r\nhost: x\r\n"


@pytest.mark.parametrize(
    ("sent", "status", "error"),
    [
        (HEAD, 408, "the request's headers did not come within 0.5 seconds"),
        (b"", 0, ""),
        (b"\r\n", 408, "the request's headers did not come within 0.5 seconds"),
        (HEAD + b"content-length: 9\r\n\r\n{", 408, "the request's body did not come within 0.7 seconds"),
        (HEAD + b"a: b\r\n" * 300 + b"\r\n", 431, "the request line and the headers are larger than 8192 bytes"),
        (HEAD + b"a: " + b"b" * 9000, 431, "the request line and the headers are larger than 8192 bytes"),
        (b"GET /" + b"b" * 9000, 431, "the request line and the headers are larger than 8192 bytes"),
        (b"what is this\r\n\r\n", 400, "Invalid HTTP request received."),
        (b"CONNECT x:1 HTTP/1.1\r\nhost: x\r\n\r\n", 400, "Invalid HTTP request received."),
    ],
)
def test_slow_and_flooding_clients(operated: Operated, sent: bytes, status: int, error: str) -> None:
    with operated.connect() as connection:
        for start in range(0, len(sent), 4096):
            connection.sendall(sent[start : start + 4096])
            time.sleep(0.01)
        began = time.monotonic()
        got, body = answer_to(connection)
        assert time.monotonic() - began < 3
    assert got == status
    assert not error or json.loads(body) == {"error": error}


def test_drops_of_bytes_do_not_keep_a_connection(operated: Operated) -> None:
    with operated.connect() as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        connection.setblocking(False)
        began = time.monotonic()
        open_still = True
        while open_still and time.monotonic() - began < 5:
            time.sleep(0.05)
            with contextlib.suppress(BlockingIOError):
                open_still = connection.recv(65536) != b""
            with contextlib.suppress(OSError):
                connection.sendall(b"\r\n")
        assert time.monotonic() - began < 3


def test_a_connection_is_used_again(operated: Operated) -> None:
    with operated.connect() as connection:
        for _ in range(3):
            connection.sendall(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
            received = b""
            while not received.endswith(b"\r\n\r\nok\n"):
                received += connection.recv(65536)
            time.sleep(0.6)  # longer than headers may take once they have begun


@pytest.mark.parametrize("cut", [0, 60, 146, 155])
def test_an_offer_of_another_protocol_is_passed_over(operated: Operated, cut: int) -> None:
    offer = b"connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAEAAEAA\r\n"
    sent = HEAD + offer + b'content-length: 18\r\n\r\n{"instances": [7]}'
    with operated.connect() as connection:
        for _ in range(2):
            connection.sendall(sent[:cut])
            time.sleep(0.02)
            connection.sendall(sent[cut:])
            received = b""
            while not received.endswith(b"}"):
                received += connection.recv(65536)
            assert received.startswith(b"HTTP/1.1 200 OK\r\n")
            assert received.endswith(b'\r\n\r\n{"predictions":[7.0]}')
        connection.sendall(b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n" + offer + b"\r\n")
        assert answer_to(connection) == (200, "ok\n")


# --- work that nobody waits for -------------------------------------------------------------------------------------


def test_the_work_of_a_client_that_has_gone_is_not_done(operated: Operated) -> None:
    with ThreadPoolExecutor(1) as pool:
        busy = pool.submit(operated.count_to, 500_000)
        time.sleep(0.1)
        with operated.connect() as connection:
            body = b'{"instances": [9e6]}'
            connection.sendall(HEAD + b"x-request-id: gone\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))
            time.sleep(0.1)
        assert operated.logged(id="gone")["code"] == "CANCELLED"
        began = time.monotonic()
        assert operated.count_to(1)[0] == 200
        assert busy.result()[0] == 200
        assert time.monotonic() - began < 10


def test_the_work_of_a_deadline_that_has_passed_is_not_done(operated: Operated, operated_channel: grpc.Channel) -> None:
    with ThreadPoolExecutor(1) as pool:
        busy = pool.submit(operated.count_to, 500_000)
        time.sleep(0.1)
        with pytest.raises(grpc.RpcError) as caught:
            predictor(operated_channel)(request(9e6), timeout=0.1, metadata=[("x-request-id", "late")])
        assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        assert operated.logged(id="late")["code"] in {"CANCELLED", "DEADLINE_EXCEEDED"}  # whichever is noticed first
        began = time.monotonic()
        assert list(predictor(operated_channel)(request(2.0), timeout=20).outputs["y"].float_val) == [2.0]
        assert busy.result()[0] == 200
        assert time.monotonic() - began < 10


def test_an_overloaded_server_refuses_and_recovers_at_once(operated: Operated) -> None:
    statuses: list[int] = []
    end = time.monotonic() + 3

    def hammer(_number: int) -> None:
        while time.monotonic() < end:
            began = time.monotonic()
            status, _, text = operated.ask("POST", PREDICT, {"instances": [3000] * 10})
            assert time.monotonic() - began < 3
            if status == 429:
                assert re.search("rows are waiting, at most 40 may|24 requests are being answered", text)
            statuses.append(status)

    with ThreadPoolExecutor(40) as pool:
        list(pool.map(hammer, range(40)))
    assert set(statuses) == {200, 429}
    began = time.monotonic()
    assert operated.count_to(1)[0] == 200
    assert time.monotonic() - began < 0.5


def test_grpc_refuses_too_many_requests(operated: Operated) -> None:
    async def many() -> list[Any]:
        async with grpc.aio.insecure_channel(f"unix:{operated.socket_path}") as channel:
            call = predictor(channel)
            return await asyncio.gather(
                *(call(request(20_000.0), timeout=20) for _ in range(60)), return_exceptions=True
            )

    answers = asyncio.run(many())
    refused = [answer for answer in answers if isinstance(answer, grpc.RpcError)]
    assert 0 < len(refused) < 60
    assert {error.code() for error in refused} == {grpc.StatusCode.RESOURCE_EXHAUSTED}
    assert any("24 requests are being answered; no more may be" in str(error.details()) for error in refused)
