"""The ASGI application by itself: what no well-behaved client on a healthy server would see."""

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from serving.server.errors import Code, StatusError
from serving.server.model_config import ModelConfig
from serving.server.models import Models
from serving.server.rest import RestApp
from serving.server.signature import Signature, TensorSpec

PREDICT = "/v1/models/m:predict"
BODY = b'{"instances": [1.0, 2.0]}'


class Fake:
    """Doubles its input once it may."""

    def __init__(self, _path: Path) -> None:
        spec = TensorSpec("x:0", 1, (None,))
        self.signatures = {"serving_default": Signature("serving_default", "", {"x": spec}, {"y": spec})}
        self.signature_defs: dict[str, Any] = {}
        self.may_run = threading.Event()
        self.error: Exception | None = None
        self.runs = 0

    def run(self, _signature: str, _outputs: tuple[str, ...], inputs: list[np.ndarray]) -> list[np.ndarray]:
        self.runs += 1
        assert self.may_run.wait(20)
        if self.error:
            raise self.error
        return [inputs[0] * 2]

    def close(self) -> None:
        """Nothing to give back."""


@dataclass
class Exchange:
    """One request to the application and what it sent back."""

    messages: list[dict[str, Any]] = field(default_factory=list)
    received: int = 0

    async def __call__(self, app: Any, path: str, *chunks: dict[str, Any], method: str = "POST", **headers: str) -> Any:
        scope = {
            "type": "http",
            "method": method,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
        }

        async def receive() -> dict[str, Any]:
            self.received += 1
            return chunks[self.received - 1]

        async def send(message: dict[str, Any]) -> None:
            self.messages.append(message)

        await app(scope, receive, send)
        return self

    @property
    def status(self) -> int:
        return self.messages[0]["status"]

    @property
    def headers(self) -> dict[bytes, bytes]:
        return dict(self.messages[0]["headers"])

    @property
    def json(self) -> Any:
        return json.loads(self.messages[1]["body"])


def whole(body: bytes) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": False}


def part(body: bytes) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": True}


def run(tmp_path: Path, scenario: Callable[[RestApp, Fake], Awaitable[None]], **settings: Any) -> None:
    (tmp_path / "1").mkdir()

    async def main() -> None:
        models: Models[Any] = Models([ModelConfig("m", tmp_path)], Fake, poll_seconds=0)
        await models.start()
        fake = models.find("m").model
        try:
            await scenario(RestApp(models, **settings), fake)
        finally:
            fake.may_run.set()
            await models.close()

    asyncio.run(main())


def test_a_body_in_parts(tmp_path: Path) -> None:
    async def scenario(app: RestApp, fake: Fake) -> None:
        fake.may_run.set()
        answer = await Exchange()(app, PREDICT, part(BODY[:4]), part(b""), whole(BODY[4:]))
        assert (answer.status, answer.json) == (200, {"predictions": [2.0, 4.0]})
        assert answer.headers == {b"content-type": b"application/json", b"content-length": b"25"}

    run(tmp_path, scenario)


def test_too_slow(tmp_path: Path) -> None:
    async def scenario(app: RestApp, fake: Fake) -> None:
        answers = await asyncio.gather(*(Exchange()(app, PREDICT, whole(BODY)) for _ in range(3)))
        for answer in answers:
            assert (answer.status, answer.json) == (504, {"error": "Timed out waiting for notification"})
        fake.may_run.set()
        await app._models.close()
        assert fake.runs == 1  # the other two had been given up before their turn

    run(tmp_path, scenario, timeout=0.02)


@pytest.mark.parametrize("chunks", [[], [part(b" " * (60 * 2**20))] * 2])
def test_too_large(tmp_path: Path, chunks: list[dict[str, Any]]) -> None:
    async def scenario(app: RestApp, fake: Fake) -> None:
        length = {} if chunks else {"content_length": str(100 * 2**20 + 1)}
        answer = await Exchange()(app, PREDICT, *chunks, **length)
        assert (answer.status, answer.json) == (413, {"error": "request body is larger than 104857600 bytes"})
        assert answer.headers[b"connection"] == b"close"
        assert fake.runs == 0

    run(tmp_path, scenario)


@pytest.mark.parametrize("chunks", [[], [part(b"{")]])
def test_a_client_that_leaves_gets_no_answer(tmp_path: Path, chunks: list[dict[str, Any]]) -> None:
    async def scenario(app: RestApp, fake: Fake) -> None:
        answer = await Exchange()(app, PREDICT, *chunks, {"type": "http.disconnect"})
        assert answer.messages == []
        assert fake.runs == 0

    run(tmp_path, scenario)


def test_a_wrong_path_is_refused_before_its_body_is_read(tmp_path: Path) -> None:
    async def scenario(app: RestApp, _fake: Fake) -> None:
        answer = await Exchange()(app, "/v1/models/m:guess")
        assert (answer.status, answer.received) == (400, 0)

    run(tmp_path, scenario)


def test_what_no_one_expected_is_answered_and_logged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def scenario(app: RestApp, fake: Fake) -> None:
        fake.error = ZeroDivisionError("of all things")
        fake.may_run.set()
        answer = await Exchange()(app, PREDICT, whole(BODY))
        assert (answer.status, answer.json) == (500, {"error": "ZeroDivisionError: of all things"})

    run(tmp_path, scenario)
    assert capsys.readouterr().err.startswith("Traceback (most recent call last):")


@pytest.mark.parametrize(
    ("status", "codes"),
    [
        (400, "INVALID_ARGUMENT FAILED_PRECONDITION OUT_OF_RANGE"),
        (401, "UNAUTHENTICATED"),
        (403, "PERMISSION_DENIED"),
        (404, "NOT_FOUND"),
        (409, "ALREADY_EXISTS ABORTED"),
        (429, "RESOURCE_EXHAUSTED"),
        (499, "CANCELLED"),
        (500, "UNKNOWN INTERNAL DATA_LOSS"),
        (501, "UNIMPLEMENTED"),
        (503, "UNAVAILABLE"),
        (504, "DEADLINE_EXCEEDED"),
    ],
)
def test_status_codes(tmp_path: Path, status: int, codes: str) -> None:
    async def scenario(app: RestApp, fake: Fake) -> None:
        fake.may_run.set()
        for code in codes.split():
            fake.error = StatusError(getattr(Code, code), f"of {code}")
            answer = await Exchange()(app, PREDICT, whole(BODY))
            assert (answer.status, answer.json) == (status, {"error": f"of {code}"})

    run(tmp_path, scenario)


@pytest.mark.parametrize("cors", [False, True])
def test_cors_headers_only_where_asked_for(tmp_path: Path, cors: bool) -> None:
    async def scenario(app: RestApp, fake: Fake) -> None:
        fake.may_run.set()
        answers = [
            await Exchange()(app, PREDICT, whole(BODY)),
            await Exchange()(app, "/v1/foo"),
            await Exchange()(app, PREDICT, method="OPTIONS", origin="https://example.org"),
        ]
        assert [answer.status for answer in answers] == [200, 400, 200]
        expected = {
            b"access-control-allow-origin": b"*",
            b"access-control-allow-methods": b"POST, GET",
            b"access-control-allow-headers": b"Content-Type",
        }
        for answer in answers:
            sent = {name: value for name, value in answer.headers.items() if name.startswith(b"access-control")}
            assert sent == (expected if cors else {})

    run(tmp_path, scenario, cors=cors)
