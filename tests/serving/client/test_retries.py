"""What is tried again, how often and for how long: against servers that fail on purpose."""

import asyncio
import contextlib
import itertools
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import contextmanager
from typing import Any

import grpc
import pytest
from grpc import StatusCode

from serving.client import AsyncClient, ServingError
from serving.client.retry import Tries
from serving.process import ModelServer
from tests.serving.client.conftest import KINDS, connect, port_of

HTTP = {StatusCode.UNAVAILABLE: 503, StatusCode.RESOURCE_EXHAUSTED: 429}
OTHERS = [
    (StatusCode.INVALID_ARGUMENT, 400),
    (StatusCode.NOT_FOUND, 404),
    (StatusCode.INTERNAL, 500),
    (StatusCode.DEADLINE_EXCEEDED, 504),
    (StatusCode.UNIMPLEMENTED, 501),
]
STATUS = {"model_version_status": [{"version": "3", "state": "AVAILABLE", "status": {}}]}


class Failing:
    """Fails the first `failures` requests with `code`, then says that version 3 is available."""

    def __init__(self, code: StatusCode, http_status: int, failures: int):
        self.code, self.http_status, self.failures = code, http_status, failures
        self.requests: list[float] = []

    def fails(self) -> bool:
        self.requests.append(time.monotonic())
        return len(self.requests) <= self.failures

    def grpc_status(self, _request: bytes, context: grpc.ServicerContext) -> bytes:
        if self.fails():
            context.abort(self.code, "on purpose")
        return b"\x0a\x04\x08\x03\x10\x1e"  # model_version_status { version: 3 state: AVAILABLE }

    def http_answer(self) -> bytes:
        status, body = (self.http_status, {"error": "on purpose"}) if self.fails() else (200, STATUS)
        raw = json.dumps(body).encode()
        return b"HTTP/1.1 %d Whatever\r\nContent-Length: %d\r\n\r\n%b" % (status, len(raw), raw)


@contextmanager
def http_server(answer: Callable[[], bytes | None]) -> Iterator[int]:
    """Answers each request with what `answer` returns; None closes the connection. Its port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(connection: socket.socket) -> None:
        with connection:
            while b"\r\n\r\n" in connection.recv(2**16):
                raw = answer()
                if raw is None:
                    return
                connection.sendall(raw)

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


@contextmanager
def failing_server(protocol: str, failing: Failing) -> Iterator[int]:
    if protocol == "rest":
        with http_server(failing.http_answer) as port:
            yield port
        return
    server = grpc.server(futures.ThreadPoolExecutor(2))
    handler: Any = grpc.unary_unary_rpc_method_handler(failing.grpc_status)
    service = grpc.method_handlers_generic_handler("tensorflow.serving.ModelService", {"GetModelStatus": handler})
    server.add_generic_rpc_handlers([service])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield port
    finally:
        server.stop(0).wait()


@pytest.mark.parametrize(("protocol", "kind"), KINDS)
@pytest.mark.parametrize("code", HTTP)
def test_what_may_pass_is_tried_again(protocol: Any, kind: str, code: StatusCode) -> None:
    failing = Failing(code, HTTP[code], failures=2)
    with failing_server(protocol, failing) as port, connect(kind, "127.0.0.1", port, protocol=protocol) as client:
        assert client.status("m")[0].version == 3
    first, second = (later - earlier for earlier, later in itertools.pairwise(failing.requests))
    assert first >= 0.05
    assert second >= 0.1


@pytest.mark.parametrize(("protocol", "kind"), KINDS)
@pytest.mark.parametrize(("code", "http_status"), OTHERS)
def test_nothing_else_is(protocol: Any, kind: str, code: StatusCode, http_status: int) -> None:
    failing = Failing(code, http_status, failures=1)
    with failing_server(protocol, failing) as port, connect(kind, "127.0.0.1", port, protocol=protocol) as client:
        with pytest.raises(ServingError) as caught:
            client.status("m")
        assert (caught.value.code, caught.value.message) == (code, "on purpose")
    assert len(failing.requests) == 1


@pytest.mark.parametrize(("protocol", "kind"), KINDS)
def test_there_are_no_more_tries_than_wanted(protocol: Any, kind: str) -> None:
    failing = Failing(StatusCode.UNAVAILABLE, 503, failures=9)
    with (
        failing_server(protocol, failing) as port,
        connect(kind, "127.0.0.1", port, protocol=protocol, retries=1) as client,
        pytest.raises(ServingError, match="UNAVAILABLE: on purpose"),
    ):
        client.status("m")
    assert len(failing.requests) == 2


def test_no_pause_outlasts_the_deadline() -> None:
    error = ServingError(StatusCode.UNAVAILABLE, "x")
    assert Tries(5.0, 9).pause_after(error) >= 0.05
    with pytest.raises(ServingError, match="UNAVAILABLE: x"):
        Tries(0.04, 9).pause_after(error)


def test_pauses_double_up_to_a_bound() -> None:
    tries, error = Tries(1000, 8), ServingError(StatusCode.UNAVAILABLE, "x")
    for longest in (0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0, 2.0):
        assert longest / 2 <= tries.pause_after(error) <= longest
    with pytest.raises(ServingError):
        tries.pause_after(error)


@pytest.mark.parametrize(("protocol", "kind"), KINDS)
def test_a_server_that_comes_up_late_is_waited_for(our_server: ModelServer, protocol: Any, kind: str) -> None:
    """The port refuses connections at first, and then leads to the real server."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    late = threading.Timer(0.3, forward, (port, port_of(our_server, protocol)))
    late.start()
    with connect(kind, "127.0.0.1", port, protocol=protocol, retries=9) as client:
        assert client.question("faq", ["abc"], timeout=20)[0, 0] == 6.0
    late.join()


def forward(port: int, target: int) -> None:
    """Lead one connection at `port` to `target`, until either side ends it."""

    def copy(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):  # either side may end without a word
            while data := source.recv(2**16):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    with socket.create_server(("127.0.0.1", port)) as listener:
        near, _ = listener.accept()
    with near, socket.create_connection(("127.0.0.1", target)) as far:
        back = threading.Thread(target=copy, args=(far, near))
        back.start()
        copy(near, far)
        back.join()


@pytest.mark.parametrize(("protocol", "kind"), KINDS)
def test_a_silent_server_is_not_waited_for_beyond_the_deadline(protocol: Any, kind: str) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        connect(kind, "127.0.0.1", silent.getsockname()[1], protocol=protocol) as client,
    ):
        start = time.monotonic()
        with pytest.raises(ServingError) as caught:
            client.status("m", timeout=0.3)
        assert caught.value.code in {StatusCode.DEADLINE_EXCEEDED, StatusCode.UNAVAILABLE}
        assert 0.25 <= time.monotonic() - start < 5


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_server_that_answers_drop_by_drop_is_not_waited_for_either(kind: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
                try:
                    while True:
                        connection.sendall(b" ")
                        time.sleep(0.02)
                except OSError:
                    return

        dripping = threading.Thread(target=drip)
        dripping.start()
        with connect(kind, "127.0.0.1", listener.getsockname()[1], protocol="rest") as client:
            start = time.monotonic()
            with pytest.raises(ServingError, match=r"DEADLINE_EXCEEDED: no answer within 0\.3 s"):
                client.status("m", timeout=0.3)
            assert time.monotonic() - start < 5
        dripping.join(20)
        assert not dripping.is_alive()


def test_a_call_that_is_cancelled_cuts_its_connection() -> None:
    async def cancel() -> bytes:
        seen: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            asked.set()
            try:
                seen.set_result(await reader.read())
            except ConnectionError:
                seen.set_result(b"")
            writer.close()

        asked = asyncio.Event()
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with AsyncClient("127.0.0.1", server.sockets[0].getsockname()[1], protocol="rest") as client:
            call = asyncio.create_task(client.status("m"))
            await asked.wait()
            call.cancel()
            ended = await asyncio.wait_for(seen, 10)
        server.close()
        await server.wait_closed()
        return ended

    assert asyncio.run(cancel()) == b""
