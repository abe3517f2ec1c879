"""What the commands print of a model's answers, and what they refuse; the server is end_to_end's business."""

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from components.errors import UserError
from pipeline import ask as module
from pipeline.ask import ask, classify, similar
from pipeline.config import ClassifyConfig, MatchConfig
from pipeline.query import query

MATCH = MatchConfig.model_validate({"name": "faq", "output": "out", "data": {"path": "x.csv"}})
CLASSIFY = ClassifyConfig.model_validate(
    {"name": "digits", "task": "classify", "output": "out", "data": {"path": "x", "format": "images"}}
)
ANSWERS: dict[str, dict[str, np.ndarray]] = {
    "search": {
        "ids": np.array([[b"7", b"p.png"]], object),
        "candidates": np.array([[b"A [fence].", b"p.png"]], object),
        "scores": np.array([[0.91, 0.5]], np.float32),
    },
    "classify": {
        "labels": np.array([[b"8", b"3", "ö".encode()]], object),
        "probabilities": np.array([[0.75, 0.2, 0.05]], np.float32),
    },
    "neighbors": {
        "ids": np.array([[b"8/1.png", b"3/2.png", b"3/5.png", b"8/9.png"]], object),
        "labels": np.array([[b"8", b"3", b"3", b"8"]], object),
        "scores": np.array([[0.99, 0.9, 0.8, 0.7]], np.float32),
    },
}


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Runs a command against ANSWERS; tells what it printed."""

    def answer(_: object, signature: str, __: Sequence[str], **___: object) -> dict[str, np.ndarray]:
        return ANSWERS[signature]

    monkeypatch.setattr(module, "query", answer)

    def run(command: Callable[..., None], config: Any, given: str, top: int) -> list[str]:
        console = Console(file=io.StringIO(), width=100)
        command(config, [given], top, None, console)
        assert isinstance(console.file, io.StringIO)
        return [line.rstrip() for line in console.file.getvalue().splitlines()]

    return run


def test_answers_are_ranked_and_named_by_their_rows(shown: Callable[..., list[str]]) -> None:
    assert shown(ask, MATCH, "a [b]?", 2) == ["", "a [b]?", "1.  0.910  A [fence].  7", "2.  0.500  p.png"]
    assert shown(ask, MATCH, "a?", 1) == ["", "a?", "1.  0.910  A [fence].  7"]


def test_that_fewer_come_than_asked_for_is_said(shown: Callable[..., list[str]]) -> None:
    assert shown(ask, MATCH, "a?", 3)[-1] == "! the pushed model returns 2 and no more; candidates says how many"
    assert shown(similar, CLASSIFY, "a", 5)[-1] == "! the pushed model returns 4 and no more; neighbors says how many"
    assert len(shown(classify, CLASSIFY, "a", 9)) == 2 + 3, "there are no more labels"


def test_labels_are_told_with_their_probabilities(shown: Callable[..., list[str]]) -> None:
    assert shown(classify, CLASSIFY, "a.png", 2) == ["", "a.png", "0.750  8", "0.200  3"]
    assert shown(classify, CLASSIFY, "a.png", 9)[-1] == "0.050  ö"


def test_similar_rows_vote_and_of_equals_the_nearest_wins(shown: Callable[..., list[str]]) -> None:
    lines = shown(similar, CLASSIFY, "a.png", 4)
    assert lines[2:4] == ["1.  0.990  8  8/1.png", "2.  0.900  3  3/2.png"]
    assert lines[-1] == "8, 2 of 4"
    assert shown(similar, CLASSIFY, "a.png", 3)[-1] == "3, 2 of 3"


@pytest.mark.parametrize(
    ("command", "config", "sentence"),
    [
        (ask, CLASSIFY, "digits is a classify pipeline and answers no questions; use classify or similar"),
        (classify, MATCH, "faq is a match pipeline and knows no labels; use ask"),
        (similar, MATCH, "faq is a match pipeline and knows no labels; use ask"),
    ],
)
def test_a_command_for_the_other_task_is_refused(
    shown: Callable[..., list[str]], command: Callable[..., None], config: Any, sentence: str
) -> None:
    with pytest.raises(UserError, match=sentence):
        shown(command, config, "x", 1)


@pytest.mark.parametrize(
    ("config", "given", "sentence"),
    [
        (MATCH, "  ", "an empty text cannot be asked about; give a text"),
        (CLASSIFY, "none.png", "none.png: cannot be read: No such file or directory; give the path of a picture"),
        (MATCH, "a?", "no version was pushed yet; `anchorline run` makes one"),
    ],
)
def test_what_cannot_be_asked_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: Any, given: str, sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=sentence):
        query(config, "search", [given], server=None, console=Console(file=io.StringIO()))


@pytest.mark.parametrize("server", ["localhost", "localhost:", ":8500", "host:http"])
def test_a_server_is_host_and_port(server: str) -> None:
    with pytest.raises(UserError, match=f"--server {server}: must look like HOST:PORT"):
        query(MATCH, "search", ["a?"], server=server, console=Console(file=io.StringIO()))
