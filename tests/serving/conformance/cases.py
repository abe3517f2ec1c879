"""How the tables of this folder are read: each row is one request to a running server and what must come back."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import pytest


class Case(NamedTuple):
    """`request` is "METHOD path"; `body` is sent as it stands.

    `answer` is the whole body as text; the sentence under "error" where `status` says so; or its JSON, if no text.
    """

    request: str
    body: str | bytes | None
    status: int
    answer: Any


def table(rows: dict[str, Iterable[Any]]) -> pytest.MarkDecorator:
    """Parametrize `case` with the cases of each row of serving.md's tables."""
    cases = [
        pytest.param(Case(*case), id=f"{row}-{number}")
        for row, all_ in rows.items()
        for number, case in enumerate(all_)
    ]
    return pytest.mark.parametrize("case", cases)


def check(rest: Any, case: Case) -> None:
    """Send the request and compare."""
    method, _, path = case.request.partition(" ")
    body = case.body.encode() if isinstance(case.body, str) else case.body
    answer = rest(method, path, body)
    assert answer.headers["content-type"] == "application/json"
    found = answer.text
    if not isinstance(case.answer, str):
        found = answer.json
    elif case.status != 200:
        found = answer.error
    assert (answer.status, found) == (case.status, case.answer)
