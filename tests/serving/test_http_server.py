"""HTTP/1.1 on the wire, with a handler that tells what it was asked."""

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import uvloop

from serving.server.http_message import OnRefusal, Request, Response
from serving.server.http_server import HttpServer
from serving.server.wire_limits import WireLimits

LIMITS = WireLimits(header_bytes=1000, body_bytes=5000)


class Asked:
    """Answers with the request's own line and body; /wait waits for `go_on`, /large is larger than any buffer."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.go_on = asyncio.Event()
        self.cancelled = 0

    async def __call__(self, request: Request) -> Response:
        self.requests.append(request)
        if request.target == "/fail":
            raise ZeroDivisionError("of all things")
        if request.target == "/large":
            return Response(200, b"x" * 50_000_000)
        if request.target == "/wait":
            try:
                await self.go_on.wait()
            except asyncio.CancelledError:
                self.cancelled += 1
                raise
        return Response(200, f"{request.method} {request.target} ".encode() + request.body, headers=[(b"a", b"b")])


Scenario = Callable[[Asked, HttpServer, "Client"], Awaitable[None]]


class Client:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        self.reader = reader
        self.writer = writer

    async def answer(self, *, has_body: bool = True) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of the next answer."""
        head = (await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 10)).decode().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in head[1:] if line)}
        length = int(headers.get("content-length", "0")) if has_body else 0
        return int(head[0].split()[1]), headers, await asyncio.wait_for(self.reader.readexactly(length), 10)

    async def ask(self, sent: bytes, *, has_body: bool = True) -> tuple[int, dict[str, str], bytes]:
        self.writer.write(sent)
        return await self.answer(has_body=has_body)

    async def is_closed(self) -> bool:
        return await asyncio.wait_for(self.reader.read(), 10) == b""


def serve(scenario: Scenario, limits: WireLimits = LIMITS, on_refusal: OnRefusal | None = None) -> Asked:
    async def main() -> Asked:
        handler = Asked()
        bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        bound.bind(("127.0.0.1", 0))
        server = HttpServer(handler, bound, limits, on_refusal)
        await server.start()
        try:
            client = Client(*await asyncio.open_connection(*bound.getsockname()))
            await scenario(handler, server, client)
            client.writer.close()
        finally:
            await server.stop(grace_seconds=1)
        return handler

    return uvloop.run(main())


def test_requests_in_turn_on_one_connection() -> None:
    async def scenario(handler: Asked, _server: HttpServer, client: Client) -> None:
        status, headers, body = await client.ask(
            b"POST /v1?x=%20y HTTP/1.1\r\nHost: h\r\nX-One: 1\r\nx-one: 2\r\ncontent-LENGTH: 5\r\n\r\nhello"
        )
        assert (status, body, headers["a"]) == (200, b"POST /v1?x=%20y hello", "b")
        assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", headers["date"])
        assert "connection" not in headers
        status, headers, body = await client.ask(b"HEAD /two HTTP/1.1\r\n\r\n", has_body=False)
        assert (status, headers["content-length"]) == (200, "10")
        assert (await client.ask(b"GET /three HTTP/1.1\r\n\r\n"))[2] == b"GET /three "
        first, second, _ = handler.requests
        assert first.headers == {b"host": b"h", b"x-one": b"1, 2", b"content-length": b"5"}
        assert (second.headers, second.body, second.path) == ({}, b"", "/two")
        assert first.client == "{}:{}".format(*client.writer.get_extra_info("sockname"))

    serve(scenario)


def test_answers_come_in_the_order_of_the_requests() -> None:
    async def scenario(handler: Asked, _server: HttpServer, client: Client) -> None:
        client.writer.write(b"".join(b"GET /%b HTTP/1.1\r\n\r\n" % path for path in (b"a", b"wait", b"b", b"c")))
        assert (await client.answer())[2] == b"GET /a "
        await asyncio.sleep(0.05)
        assert len(handler.requests) == 2
        client.writer.write(b"what is this\r\n\r\n")
        handler.go_on.set()
        assert [(await client.answer())[2] for _ in range(3)] == [b"GET /wait ", b"GET /b ", b"GET /c "]
        status, headers, body = await client.answer()
        assert (status, body, headers["connection"]) == (400, b'{"error":"Invalid HTTP request received."}', "close")
        assert await client.is_closed()

    serve(scenario)


def test_many_requests_at_once() -> None:
    async def scenario(_handler: Asked, _server: HttpServer, client: Client) -> None:
        client.writer.write(b"GET /x HTTP/1.1\r\n\r\n" * 5000)
        assert {(await client.answer())[2] for _ in range(5000)} == {b"GET /x "}

    serve(scenario)


def test_the_end_of_a_client_that_sends_far_ahead_is_seen() -> None:
    async def scenario(handler: Asked, server: HttpServer, client: Client) -> None:
        ahead = b"GET /x HTTP/1.1\r\n\r\n" * 20
        client.writer.write(b"GET /wait HTTP/1.1\r\n\r\n" + ahead + b"GET /x HTTP/1.1\r\nConnection: close\r\n\r\n")
        await asyncio.sleep(0.05)
        handler.go_on.set()
        assert [(await client.answer())[0] for _ in range(22)] == [200] * 22
        assert await client.is_closed()
        client.writer.close()
        await asyncio.sleep(0.05)
        assert not server._shared.connections

    serve(scenario)


def test_a_body_in_chunks_byte_by_byte() -> None:
    async def scenario(_handler: Asked, _server: HttpServer, client: Client) -> None:
        sent = b"POST /p HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1;e=f\r\nd\r\n0\r\nt: v\r\n\r\n"
        for place in range(len(sent)):
            client.writer.write(sent[place : place + 1])
            await client.writer.drain()
            await asyncio.sleep(0)
        assert (await client.answer())[2] == b"POST /p abcd"

    serve(scenario)


def test_trailers_are_no_headers_and_have_their_limit() -> None:
    head = b"POST /p HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n"

    async def scenario(handler: Asked, _server: HttpServer, client: Client) -> None:
        assert (await client.ask(head + b"Content-Encoding: gzip\r\n\r\n"))[2] == b"POST /p a"
        assert handler.requests[0].headers == {b"transfer-encoding": b"chunked"}
        client.writer.write(head + b"x: ")
        for _ in range(20):
            client.writer.write(b"y" * 100)
            await asyncio.sleep(0.01)
        assert (await client.answer())[0] == 431

    serve(scenario)


def test_leave_to_send_is_given_when_its_turn_has_come() -> None:
    async def scenario(handler: Asked, _server: HttpServer, client: Client) -> None:
        client.writer.write(b"GET /wait HTTP/1.1\r\n\r\nPOST /p HTTP/1.1\r\nExpect: 100-continue\r\n")
        client.writer.write(b"Content-Length: 2\r\n\r\n")
        await asyncio.sleep(0.05)
        handler.go_on.set()
        assert [(await client.answer())[0] for _ in range(2)] == [200, 100]
        assert (await client.ask(b"ok"))[2] == b"POST /p ok"

    serve(scenario)


def test_many_offers_of_another_protocol_at_once() -> None:
    async def scenario(_handler: Asked, _server: HttpServer, client: Client) -> None:
        client.writer.write(b"GET /x HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n" * 2000)
        assert {(await client.answer())[0] for _ in range(2000)} == {200}

    serve(scenario)


@pytest.mark.parametrize("ahead", [b"GET /wait HTTP/1.1\r\n\r\n", b"GET /y HT"])
def test_an_answer_that_takes_long_is_waited_for(ahead: bytes) -> None:
    async def scenario(handler: Asked, _server: HttpServer, client: Client) -> None:
        client.writer.write((b"GET /x HTTP/1.1\r\n\r\n" if b"wait" in ahead else b"GET /wait HTTP/1.1\r\n\r\n") + ahead)
        await asyncio.sleep(0.9)  # longer than the client might be idle, or take for headers
        handler.go_on.set()
        answers = [await client.answer() for _ in range(2)]
        assert [status for status, _, _ in answers] == ([200, 200] if b"wait" in ahead else [200, 408])
        assert not handler.cancelled

    serve(scenario, WireLimits(idle_seconds=0.3, header_seconds=0.3))


def test_a_client_that_waits_for_leave_to_send() -> None:
    head = b"POST /p HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n"

    async def scenario(_handler: Asked, _server: HttpServer, client: Client) -> None:
        assert (await client.ask(head % 2))[0] == 100
        assert (await client.ask(b"ok"))[::2] == (200, b"POST /p ok")
        status, headers, _ = await client.ask(head % 5001)
        assert (status, headers["connection"]) == (413, "close")

    serve(scenario)


@pytest.mark.parametrize(
    ("sent", "target", "stays_open"),
    [
        (b"GET /x HTTP/1.0\r\n\r\n", "/x", False),
        (b"GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "/x", True),
        (b"GET /x HTTP/1.1\r\nConnection: close\r\n\r\n", "/x", False),
        (b"GET /x HTTP/1.1\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n", "/x", True),
        (b"GET http://example.org:80/x?y=z HTTP/1.1\r\n\r\n", "/x?y=z", True),
        (b"GET http://example.org HTTP/1.1\r\n\r\n", "/", True),
        (b"\r\n\r\nGET /x HTTP/1.1\r\n\r\n", "/x", True),
    ],
)
def test_what_else_a_client_may_send(sent: bytes, target: str, stays_open: bool) -> None:
    async def scenario(handler: Asked, _server: HttpServer, client: Client) -> None:
        status, headers, _ = await client.ask(sent)
        assert (status, handler.requests[0].target) == (200, target)
        expected = "close" if not stays_open else "keep-alive" if b"HTTP/1.0" in sent else None
        assert headers.get("connection") == expected
        if stays_open:
            assert (await client.ask(b"GET /again HTTP/1.1\r\n\r\n"))[0] == 200
        else:
            assert await client.is_closed()

    serve(scenario)


def test_a_handler_that_fails_is_told_and_logged(capsys: pytest.CaptureFixture[str]) -> None:
    async def scenario(_handler: Asked, _server: HttpServer, client: Client) -> None:
        status, _, body = await client.ask(b"GET /fail HTTP/1.1\r\n\r\n")
        assert (status, body) == (500, b'{"error":"ZeroDivisionError: of all things"}')

    serve(scenario)
    assert capsys.readouterr().err.startswith("Traceback (most recent call last):")


def test_what_is_asked_by_a_client_that_has_gone_is_given_up() -> None:
    async def scenario(handler: Asked, _server: HttpServer, client: Client) -> None:
        client.writer.write(b"GET /wait HTTP/1.1\r\n\r\nGET /never HTTP/1.1\r\n\r\n")
        while not handler.requests:
            await asyncio.sleep(0.01)
        client.writer.close()
        while not handler.cancelled:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)

    assert [request.target for request in serve(scenario).requests] == ["/wait"]


@pytest.mark.parametrize(
    ("sent", "limits", "expected"),
    [
        (b"GET / HT", WireLimits(header_seconds=0.3), 408),
        (b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nab", WireLimits(body_seconds=0.3), 408),
        (b"", WireLimits(header_seconds=0.3), None),
        (b"GET /x HTTP/1.1\r\n\r\n", WireLimits(idle_seconds=0.3), 200),
    ],
)
def test_a_client_that_takes_too_long(sent: bytes, limits: WireLimits, expected: int | None) -> None:
    async def scenario(_handler: Asked, _server: HttpServer, client: Client) -> None:
        client.writer.write(sent)
        if expected:
            assert (await client.answer())[0] == expected
        assert await client.is_closed()

    serve(scenario, limits)


def test_a_client_that_does_not_read_is_cut_off() -> None:
    async def scenario(handler: Asked, server: HttpServer, client: Client) -> None:
        client.writer.write(b"GET /large HTTP/1.1\r\n\r\n" * 20)
        await asyncio.sleep(1.5)
        assert not server._shared.connections
        assert len(handler.requests) == 1  # the next is not even begun while an answer waits to be taken

    serve(scenario, WireLimits(write_seconds=0.3))


def test_one_that_reads_slowly_is_not() -> None:
    async def scenario(_handler: Asked, _server: HttpServer, client: Client) -> None:
        client.writer.write(b"GET /large HTTP/1.1\r\n\r\n")
        received = 0
        while received < 50_000_000:
            part = await client.reader.read(5_000_000)
            assert part
            received += len(part)
            await asyncio.sleep(0.001)

    serve(scenario, WireLimits(write_seconds=0.5))


@pytest.mark.parametrize(
    ("sent", "rest"),
    [
        (b"GET /wait HTTP/1.1\r\n\r\n", b""),
        (b"POST / HTTP/1.1\r\ncontent-length: 2\r\n\r\na", b"b"),
        (b"GET / HT", b"TP/1.1\r\n\r\n"),
        (b"GET /wait HTTP/1.1\r\n\r\nGET / HT", b"TP/1.1\r\n\r\n"),
        (b"", None),
    ],
)
def test_stopping_answers_what_has_begun(sent: bytes, rest: bytes | None) -> None:
    async def scenario(handler: Asked, server: HttpServer, client: Client) -> None:
        client.writer.write(sent)
        await asyncio.sleep(0.05)
        stopping = asyncio.create_task(server.stop(grace_seconds=10))
        await asyncio.sleep(0.05)
        assert stopping.done() is (rest is None)
        if rest is not None:
            handler.go_on.set()
            client.writer.write(rest)
            *_, (status, headers, _) = [await client.answer() for _ in range(sent.count(b"GET") or 1)]
            assert (status, headers["connection"]) == (200, "close")
        assert await client.is_closed()
        client.writer.close()
        await stopping

    serve(scenario)


def test_stopping_does_not_wait_for_ever() -> None:
    async def scenario(handler: Asked, server: HttpServer, client: Client) -> Any:
        client.writer.write(b"GET /wait HTTP/1.1\r\n\r\n")
        await asyncio.sleep(0.05)
        await server.stop(grace_seconds=0.1)
        await asyncio.sleep(0.05)
        assert handler.cancelled == 1

    serve(scenario)
