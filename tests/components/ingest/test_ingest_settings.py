"""Settings of the data: defaults, refusals, order of the roles."""

import subprocess
import sys

import pytest
from pydantic import BaseModel, ValidationError

from components.ingest.settings import LabelColumns, LabelData, PairColumns, PairData, Splits
from components.parts import Side


def test_roles_put_the_parts_first_and_leave_out_what_is_not_mapped() -> None:
    pairs = PairData(path="x.csv", columns=PairColumns(group="topic", question="q", answer="a"))
    assert list(pairs.by_role.items()) == [("question", "q"), ("answer", "a"), ("group", "topic")]
    labels = LabelData(path="x.csv", columns=LabelColumns(id="n", image="file", label="kind"))
    assert list(labels.by_role.items()) == [("image", "file"), ("label", "kind"), ("id", "n")]
    assert list(LabelData(path="x.csv").by_role.items()) == [("text", "text"), ("label", "label")]


def test_the_roles_of_a_folder_are_what_its_paths_tell_whatever_the_columns() -> None:
    columns = LabelColumns(text="t", image="i", label="l", category="c", group="g")
    for format_, part in (("images", "image"), ("texts", "text")):
        data = LabelData.model_validate({"path": "x", "format": format_, "columns": columns})
        assert list(data.by_role.items()) == [(part, part), ("label", "label"), ("id", "id")]


@pytest.mark.parametrize(
    ("images", "parts", "inputs"),
    [
        ((), ["text", "text"], ["question", "answer"]),
        (("question",), ["image", "text"], ["question", "answer"]),
        (("answer",), ["text", "image"], ["question", "answer"]),
        (("answer", "question"), ["image", "image"], ["question", "answer"]),
    ],
)
def test_sides_that_are_pictures(images: tuple[Side, ...], parts: list[str], inputs: list[str]) -> None:
    data = PairData(path="x.csv", images=images)
    assert list(data.parts) == ["question", "answer"]
    assert list(data.parts.values()) == parts
    assert list(data.inputs) == inputs


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        ({}, "text"),
        ({"columns": {"image": "file"}}, "image"),
        ({"format": "csv", "columns": {"image": "file"}}, "image"),
        ({"format": "images"}, "image"),
        ({"format": "texts", "columns": {"image": "file"}}, "text"),
    ],
)
def test_what_is_classified(settings: dict[str, object], part: str) -> None:
    data = LabelData.model_validate({"path": "x", **settings})
    assert list(data.parts.items()) == [(part, part), ("label", "label")]
    assert data.inputs == {part: part}


def test_shares_are_in_the_order_in_which_buckets_are_dealt() -> None:
    assert list(Splits(train=5, validation=2, test=3).shares.items()) == [("train", 5), ("validation", 2), ("test", 3)]


@pytest.mark.parametrize("model", [PairColumns, LabelColumns, Splits, PairData, LabelData])
def test_every_field_is_described_and_unknown_ones_are_refused(model: type[BaseModel]) -> None:
    assert all(field.description for field in model.model_fields.values())
    with pytest.raises(ValidationError, match="quesion"):
        model.model_validate({"path": "x.csv", "quesion": "q"})


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_bad_fraction": 1.01},
        {"max_bad_fraction": -0.01},
        {"max_text_length": 0},
        {"format": "xlsx"},
        {"splits": {"test": 0}},
        {"path": ""},
        {"columns": {"answer": ""}},
        {"columns": {"label": "kind"}},
        {"images": ["label"]},
        {"format": "images"},
        {"max_pixels": 0},
        {"max_pixels": 25_000_001},
    ],
)
def test_values_out_of_range_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        PairData.model_validate({"path": "x.csv", **wrong})


def test_the_modules_used_before_a_pipeline_import_nothing_heavy() -> None:
    code = (
        "import sys, components.ingest.check, components.ingest.summary;"
        "print([name for name in ('tensorflow', 'tfx', 'apache_beam', 'pyarrow', 'numpy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
