"""What holds for the client as a whole."""

import asyncio
import gc
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from grpc import StatusCode

from serving.client import AsyncClient, Client, ServingError
from serving.client.async_http_transport import MAX_CONNECTIONS
from serving.client.http_transport import HttpTransport
from serving.process import ModelServer
from tests.serving.client.conftest import KINDS, connect, port_of


def test_import_and_use_need_numpy_and_grpcio_alone(our_server: ModelServer) -> None:
    program = f"""
import sys
from serving.client import Client
for protocol, port in (("grpc", {our_server.grpc_port}), ("rest", {our_server.rest_port})):
    with Client("{our_server.host}", port, protocol=protocol) as client:
        print(client.predict("zoo", {{"x": [1.0, 5.0]}})["y"].tolist())
print(*{{name.split(".")[0] for name in sys.modules}} - {{"__main__", *sys.stdlib_module_names}})
"""
    done = subprocess.run([sys.executable, "-S", "-c", PATHS + program], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[:2] == ["[2.5, 4.5]"] * 2, done.stderr
    names = done.stdout.splitlines()[2].split()
    others = {
        name for name in names if not name.startswith("grpc") and "cython" not in name
    }  # grpcio's, and its add-ons
    assert others <= {"google", "numpy", "serving", "typing_extensions"}


PATHS = f"import sys; sys.path[:] = {sys.path!r}\n"


@pytest.mark.parametrize(("protocol", "kind"), KINDS)
def test_nobody_there(protocol: Any, kind: str) -> None:
    with connect(kind, "127.0.0.1", 1, protocol=protocol, retries=1) as client, pytest.raises(ServingError) as caught:
        client.question("faq", ["a"], timeout=5)
    assert caught.value.code == StatusCode.UNAVAILABLE
    assert "127.0.0.1:1" in caught.value.message


@pytest.mark.parametrize("protocol", ["grpc", "rest"])
def test_threads_share_a_client(our_server: ModelServer, protocol: Any) -> None:
    barrier = threading.Barrier(8)
    with Client(our_server.host, port_of(our_server, protocol), protocol=protocol) as client:

        def ask(number: int) -> float:
            barrier.wait(20)
            return float(client.question("faq", ["x" * number])[0, 0])

        with ThreadPoolExecutor(8) as threads:
            assert list(threads.map(ask, range(1, 65))) == [2.0 * number for number in range(1, 65)]


@pytest.mark.parametrize("protocol", ["grpc", "rest"])
def test_many_calls_on_one_event_loop(our_server: ModelServer, protocol: Any) -> None:
    count = 3 * MAX_CONNECTIONS

    async def ask_all() -> list[float]:
        async with AsyncClient(our_server.host, port_of(our_server, protocol), protocol=protocol) as client:
            asked = (client.question("faq", ["x" * number]) for number in range(1, count))
            return [float(vectors[0, 0]) for vectors in await asyncio.gather(*asked)]

    assert asyncio.run(ask_all()) == [2.0 * number for number in range(1, count)]


@pytest.mark.parametrize(("protocol", "kind"), KINDS)
def test_large_rows_go_both_ways(our_server: ModelServer, protocol: Any, kind: str) -> None:
    text = "né" * 4_000_000
    with connect(kind, our_server.host, port_of(our_server, protocol), protocol=protocol) as client:
        assert client.predict("zoo", {"text": [text]}, "shout")["raw_bytes"][0] == text.encode()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"protocol": "soap"}, "protocol is 'soap'; allowed are grpc, rest"),
        ({"timeout": 0}, "timeout is 0; allowed are seconds above 0"),
        ({"retries": -1}, "retries is -1; allowed are 0 and more"),
    ],
)
def test_arguments_that_are_not_allowed(options: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        Client("127.0.0.1", 1, **options)


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_closing_leaves_no_connection(our_server: ModelServer, kind: str) -> None:
    """A socket that is left open would be a ResourceWarning, and so an error."""
    client = connect(kind, our_server.host, our_server.rest_port, protocol="rest")
    with client:
        client.status("faq")
    del client
    gc.collect()


def test_a_connection_in_use_is_closed_after_its_request(our_server: ModelServer) -> None:
    client = Client(our_server.host, our_server.rest_port, protocol="rest")
    transport = client._transport
    assert isinstance(transport, HttpTransport)
    take = transport._take

    def closing() -> Any:
        taken = take()
        client.close()
        return taken

    transport._take = closing  # type: ignore[method-assign]
    assert client.status("faq")
    assert not transport._idle
