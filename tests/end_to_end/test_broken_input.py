"""Broken input: one clear sentence, an exit code, no traceback, nothing left half-made."""

from pathlib import Path
from typing import NamedTuple

import pytest

from tests.end_to_end.command_line import anchorline, small_faq, versions, write_faq

CONFIG = "name: broken\ndata: {path: faq.csv}\n"


class Case(NamedTuple):
    """What is wrong, and the sentence that says so."""

    name: str
    config: str
    data: bytes | None
    sentence: str


def csv(*rows: str) -> bytes:
    return "\n".join(["question,answer", *rows, ""]).encode()


GOOD = None
CASES = [
    Case("missing column", CONFIG, b"query,answer\nWhen?,Now.\n", "faq.csv has no column 'question'"),
    Case("wrong type", CONFIG + "train: {epochs: many}\n", GOOD, "train.epochs: got 'many'; should be a valid integer"),
    Case("misspelt key", CONFIG + "trian: {epochs: 3}\n", GOOD, "trian: unknown key; did you mean train?"),
    Case("binary file", CONFIG, bytes(range(256)) * 40, "faq.csv is not CSV but a binary file"),
    Case("empty file", CONFIG, b"", "faq.csv is empty"),
    Case("one row", CONFIG, csv("When?,Now."), "All 1 rows left have the same answer"),
    Case("one answer", CONFIG, csv(*(f"Question {i}?,Yes." for i in range(50))), "have the same answer"),
    Case("one question", CONFIG, csv(*(f"When?,Answer {i}." for i in range(50))), "have the same question"),
    Case("unknown loss", CONFIG + "model: {loss: {type: hinge}}\n", GOOD, "model.loss.type: got 'hinge'; allowed are"),
    Case(
        "negative margin",
        CONFIG + "model: {loss: {type: cosine_triplet, margin: -1}}\n",
        GOOD,
        "model.loss.margin: got -1;",
    ),
    Case("no write permission", CONFIG + "output: /sys/anchorline\n", GOOD, "/sys/anchorline: cannot be written"),
    Case(
        "too many bad rows", CONFIG, csv("When?,", *(f"Q{i}?,A{i}." for i in range(9))), "1 of 10 rows (10.0%) are bad"
    ),
    Case("no such file", "name: broken\ndata: {path: none.csv}\n", GOOD, "There is no file"),
    Case("not YAML", "name: [broken\n", GOOD, "is not valid YAML in line"),
]


@pytest.mark.end_to_end
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "-"))
def test_it_is_one_clear_sentence(tmp_path: Path, case: Case) -> None:
    config = tmp_path / "broken.yaml"
    config.write_text(case.config, encoding="utf-8")
    write_faq(tmp_path / "faq.csv", small_faq())
    if case.data is not None:
        (tmp_path / "faq.csv").write_bytes(case.data)
    result = anchorline("run", config)
    assert result.returncode == 1
    assert case.sentence in result.stderr
    assert "Traceback" not in result.stdout + result.stderr
    assert result.stderr.count("\n") == 1
    assert versions(tmp_path / "out" / "broken" / "serving" / "broken") == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["ask", "CONFIG", "When?"], "no version was pushed yet"),
        (["ask", "CONFIG", " "], "an empty text cannot be asked about"),
        (["run", "CONFIG", "--set", "schema_path=nope.pbtxt"], "nope.pbtxt: there is no such file (schema_path)"),
        (["serve", "CONFIG"], "no version was pushed yet"),
        (["ask", "CONFIG", "When?", "--server", "nowhere"], "--server nowhere: must look like HOST:PORT"),
        (["ask", "CONFIG", "When?", "--server", "127.0.0.1:1"], "the model server did not answer"),
        (["run", "CONFIG", "--set", "train"], "--set train: must look like a.b=value"),
        (["data", "missing.yaml"], "missing.yaml: there is no such file"),
    ],
)
def test_commands_say_what_is_missing(small_config: Path, arguments: list[str], sentence: str) -> None:
    result = anchorline(*[str(small_config) if argument == "CONFIG" else argument for argument in arguments])
    assert result.returncode == 1
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr
