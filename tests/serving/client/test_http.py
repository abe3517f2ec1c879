"""What HTTP answers may look like, from a real model server, a proxy in front of it, or something else altogether."""

import asyncio
import http.client
from typing import Any

import pytest
from grpc import StatusCode

from serving.client import ServingError
from serving.process import ModelServer
from tests.serving.client.background import background
from tests.serving.client.conftest import connect
from tests.serving.client.test_retries import http_server

STATUS = b'{"model_version_status": [{"version": "3", "state": "AVAILABLE", "status": {}}]}'
HALF = len(STATUS) // 2
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n%x;why=not\r\n%b\r\n%X\r\n%b\r\n0\r\nTrailer: x\r\n\r\n" % (
    HALF,
    STATUS[:HALF],
    len(STATUS) - HALF,
    STATUS[HALF:],
)
both = pytest.mark.parametrize("kind", ["sync", "async"])


def answer(head: bytes, body: bytes = STATUS) -> bytes:
    return b"HTTP/1.1 " + head + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body


@both
@pytest.mark.parametrize(
    "raw",
    [
        answer(b"200 OK"),
        answer(b"200"),
        b"HTTP/1.1 200 OK\r\n" + CHUNKED,
        b"HTTP/1.1 100 Continue\r\n\r\n" + answer(b"200 OK"),
        answer(b"200 OK\r\nConnection: close"),
    ],
    ids=["length", "no phrase", "chunks", "informational", "close"],
)
def test_answers_that_are_understood(kind: str, raw: bytes) -> None:
    with http_server(lambda: raw) as port, connect(kind, "127.0.0.1", port, protocol="rest") as client:
        for _ in range(3):
            assert client.status("m")[0].version == 3


@both
def test_an_answer_that_ends_with_its_connection(kind: str) -> None:
    answers = iter([b"HTTP/1.1 200 OK\r\n\r\n" + STATUS])

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(next(answers))
        writer.close()

    with background(serve) as port, connect(kind, "127.0.0.1", port, protocol="rest") as client:
        assert client.status("m")[0].version == 3


@both
@pytest.mark.parametrize(
    ("raw", "code", "text"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", StatusCode.UNAVAILABLE, "SSH-2.0"),
        (answer(b"502 Bad Gateway", b"<h1>no backend</h1>"), StatusCode.UNAVAILABLE, "HTTP 502 Bad Gateway: <h1>"),
        (answer(b"413 X", b'{"error": "too large"}'), StatusCode.INVALID_ARGUMENT, "too large"),
        (answer(b"302 Found", b""), StatusCode.UNKNOWN, "HTTP 302 Found"),
        (answer(b"299 X", b"[]"), StatusCode.UNKNOWN, "HTTP 299: []"),
        (answer(b"200 OK", b"<html>hello"), StatusCode.UNKNOWN, "this is no answer of a model server: <html>hello"),
        (answer(b"200 OK", b"[1]"), StatusCode.UNKNOWN, "this is no answer of a model server: [1]"),
    ],
)
def test_answers_that_are_not(kind: str, raw: bytes, code: StatusCode, text: str) -> None:
    with http_server(lambda: raw) as port, connect(kind, "127.0.0.1", port, protocol="rest", retries=0) as client:
        with pytest.raises(ServingError) as caught:
            client.status("m")
        assert caught.value.code == code
        assert text in caught.value.message


@both
def test_an_answer_that_breaks_off(kind: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer(b"200 OK")[:-5])
        writer.close()

    with background(serve) as port, connect(kind, "127.0.0.1", port, protocol="rest", retries=0) as client:
        with pytest.raises(ServingError) as caught:
            client.status("m")
        assert caught.value.code == StatusCode.UNAVAILABLE


@both
def test_a_connection_is_used_again_and_replaced_when_the_server_has_closed_it(kind: str) -> None:
    connections: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(0)
        for _ in range(2):
            await reader.readuntil(b"\r\n\r\n")
            connections[-1] += 1
            writer.write(answer(b"200 OK"))
        writer.close()

    with background(serve) as port, connect(kind, "127.0.0.1", port, protocol="rest", retries=0) as client:
        for _ in range(6):
            assert client.status("m")[0].version == 3
    assert connections == [2, 2, 2]


@both
def test_a_real_server_keeps_the_connection(
    kind: str, our_server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Any] = []
    connect_sync, connect_async = http.client.HTTPConnection.connect, asyncio.open_connection

    def counted(self: http.client.HTTPConnection) -> None:
        made.append(self)
        connect_sync(self)

    async def counted_async(*arguments: Any, **options: Any) -> Any:
        made.append(arguments)
        return await connect_async(*arguments, **options)

    monkeypatch.setattr(http.client.HTTPConnection, "connect", counted)
    monkeypatch.setattr(asyncio, "open_connection", counted_async)
    with connect(kind, our_server.host, our_server.rest_port, protocol="rest") as client:
        for _ in range(5):
            client.question("faq", ["a"])
            with pytest.raises(ServingError):
                client.status("nobody")
    assert len(made) == 1
