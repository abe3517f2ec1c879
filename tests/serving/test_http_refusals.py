"""What is refused on the wire, how, and who is told."""

import asyncio

import pytest

from serving.server.http_message import Request, Response
from serving.server.http_server import HttpServer
from serving.server.wire_limits import WireLimits
from tests.serving.test_http_server import Asked, Client, serve


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"POST / HTTP/1.1\r\nContent-Length: 5001\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1388\r\n" + b"x" * 5000 + b"\r\n1\r\nx", 413),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\nabc", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: -3\r\n\r\nabc", 400),
        (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 60 + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\na: " + b"b" * 1000, 431),
        (b"GET /x HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\na: " + b"b" * 2000, 431),
        (b"\r\n" * 501, 431),
        (b"CONNECT h:1 HTTP/1.1\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    ],
)
def test_what_is_refused(sent: bytes, status: int) -> None:
    async def scenario(_handler: Asked, _server: HttpServer, client: Client) -> None:
        client.writer.write(sent)
        await client.writer.drain()
        await asyncio.sleep(0.05)
        client.writer.write(b"x" * 3000)  # what is still on its way must not take the answer from the client
        answer = await client.answer()
        if b"/x " in sent:
            answer = await client.answer()
        assert answer[0] == status
        assert answer[1]["connection"] == "close"
        assert await client.is_closed()

    serve(scenario)


@pytest.mark.parametrize(
    ("sent", "known", "status"),
    [
        (b"POST /p?q HTTP/1.1\r\nX-A: b\r\nContent-Length: 5001\r\n\r\n", ("POST", "/p?q", b"b"), 413),
        (b"POST /p HTTP/1.1\r\nX-A: b\r\nContent-Length: 3\r\n\r\nab", ("POST", "/p", b"b"), 408),
        (
            b"GET /x HTTP/1.1\r\nX-A: b\r\n\r\nGET /y HTTP/1.1\r\nA: " + b"b" * 1000 + b"\r\n\r\n",
            ("GET", "/y", b""),
            431,
        ),
        (b"GET /x HTTP/1.1\r\nX-A: b\r\n\r\n\r\nwhat is this\r\n\r\n", ("", "", b""), 400),
        (b"GET /x HTTP/1.1\r\nX-A: b\r\n\r\n|" + b"\r\n" * 501, ("", "", b""), 431),
        (b"GET http://[ HTTP/1.1\r\n\r\n", ("GET", "http://[", b""), 400),
        (b"\x16\x03\x01", ("", "", b""), 400),
    ],
)
def test_who_watches_is_told_what_was_refused(sent: bytes, known: tuple[str, str, bytes], status: int) -> None:
    told: list[tuple[Request, Response]] = []

    def on_refusal(request: Request, response: Response) -> None:
        told.append((request, response))
        response.headers.append((b"x-told", b"yes"))

    async def scenario(handler: Asked, _server: HttpServer, client: Client) -> None:
        first, _, second = sent.partition(b"|")
        client.writer.write(first)
        if b"/x" in sent:
            assert (await client.answer())[0] == 200
        client.writer.write(second)
        code, headers, _ = await client.answer()
        assert (code, headers["x-told"], len(told)) == (status, "yes", 1)
        ((request, response),) = told
        assert (request.method, request.target, request.headers.get(b"x-a", b"")) == known
        assert request.client == "{}:{}".format(*client.writer.get_extra_info("sockname"))
        assert response.status == status
        assert len(handler.requests) == sent.count(b"/x")

    serve(scenario, WireLimits(header_bytes=1000, body_bytes=5000, body_seconds=0.3), on_refusal)
