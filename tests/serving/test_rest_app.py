"""The REST handler by itself: what no well-behaved client on a healthy server would see."""

import asyncio
import gzip
import json
import pkgutil
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from serving.server import request_record
from serving.server.errors import Code, StatusError
from serving.server.http_message import Request, Response
from serving.server.model_config import ModelConfig
from serving.server.models import Models
from serving.server.request_record import RequestRecord
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
class Answer:
    """What the handler made of a request."""

    response: Response

    @property
    def status(self) -> int:
        return self.response.status

    @property
    def json(self) -> Any:
        return json.loads(self.response.body)


async def ask(app: RestApp, path: str, body: bytes = b"", method: str = "POST", **headers: str) -> Answer:
    named = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
    return Answer(await app(Request(method, path, named, body)))


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


def test_a_bomb_of_gzip(tmp_path: Path) -> None:
    async def scenario(app: RestApp, fake: Fake) -> None:
        bomb = gzip.compress(b" " * 5001)
        answer = await ask(app, PREDICT, bomb, content_encoding="gzip")
        assert len(bomb) < 100
        assert (answer.status, answer.json) == (413, {"error": "request body is larger than 5000 bytes"})
        assert fake.runs == 0

    run(tmp_path, scenario, max_body_bytes=5000)


def test_what_no_one_expected_is_answered_and_logged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def scenario(app: RestApp, fake: Fake) -> None:
        fake.error = ZeroDivisionError("of all things")
        fake.may_run.set()
        answer = await ask(app, PREDICT, BODY)
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
            answer = await ask(app, PREDICT, BODY)
            assert (answer.status, answer.json) == (status, {"error": f"of {code}"})

    run(tmp_path, scenario)


@pytest.mark.parametrize("cors", [False, True])
def test_cors_headers_only_where_asked_for(tmp_path: Path, cors: bool) -> None:
    async def scenario(app: RestApp, fake: Fake) -> None:
        fake.may_run.set()
        answers = [
            await ask(app, PREDICT, BODY),
            await ask(app, "/v1/foo"),
            await ask(app, PREDICT, method="OPTIONS", origin="https://example.org"),
        ]
        assert [answer.status for answer in answers] == [200, 400, 200]
        expected = {
            b"access-control-allow-origin": b"*",
            b"access-control-allow-methods": b"POST, GET",
            b"access-control-allow-headers": b"Content-Type",
        }
        for answer in answers:
            sent = {name: value for name, value in answer.response.headers if name.startswith(b"access-control")}
            assert sent == (expected if cors else {})

    run(tmp_path, scenario, cors=cors)


# Large, and in turn: refused by orjson, refused by the standard library too, and in many members.
LONG_WORK = {
    "NaN": (b'{"instances": [NaN' + b", 1" * 10_000 + b"]}", "json_parse.parse_thoroughly", 200),
    "-NaN": (b'{"instances": [-NaN' + b", 1" * 10_000 + b"]}", "json_parse.parse_thoroughly", 200),
    "bad": (b'{"instances": [' + b"1, " * 10_000 + b"]}", "json_parse.parse_thoroughly", 400),
    "gzip": (gzip.compress(b"") * 1000 + gzip.compress(BODY), "rest_body.decoded", 200),
}


@pytest.mark.parametrize(("body", "name", "status"), LONG_WORK.values(), ids=LONG_WORK)
def test_what_takes_long_keeps_nobody_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: bytes, name: str, status: int
) -> None:
    may_work = threading.Event()
    work = pkgutil.resolve_name(f"serving.server.{name}")

    def held(*args: Any, **options: Any) -> Any:
        assert may_work.wait(20)
        return work(*args, **options)

    monkeypatch.setattr(f"serving.server.{name}", held)
    headers = {"content_encoding": "gzip"} if name == "rest_body.decoded" else {}

    async def scenario(app: RestApp, fake: Fake) -> None:
        fake.may_run.set()
        long = asyncio.create_task(ask(app, PREDICT, body, **headers))
        await asyncio.sleep(0)
        assert (await ask(app, PREDICT, BODY)).json == {"predictions": [2.0, 4.0]}
        large = json.dumps({"instances": [1.0] * 10_000}).encode()
        assert (await ask(app, PREDICT, large)).status == 200
        assert not long.done()
        may_work.set()
        assert (await long).status == status

    run(tmp_path, scenario)


def test_who_sends_what_takes_long_to_refuse_does_not_keep_others_waiting_past_the_deadline(tmp_path: Path) -> None:
    async def scenario(app: RestApp, fake: Fake) -> None:
        fake.may_run.set()
        bad = b'{"instances": [' + b"1, " * 10_000 + b"]}"
        request_record.current.set(RequestRecord("REST", "predict", "id", deadline=time.monotonic()))
        answer = await ask(app, PREDICT, bad)
        assert (answer.status, answer.json) == (504, {"error": "Timed out waiting for notification"})
        request_record.current.set(RequestRecord("REST", "predict", "id", deadline=time.monotonic() + 60))
        answer = await ask(app, PREDICT, bad)
        assert (answer.status, answer.json) == (400, {"error": "JSON Parse error: Invalid value. at offset: 30015"})

    run(tmp_path, scenario)
