"""Settings of the data: defaults, refusals, order of the roles."""

import subprocess
import sys

import pytest
from pydantic import BaseModel, ValidationError

from components.ingest.settings import Columns, DataSettings, Splits


def test_columns_by_role_puts_the_pair_first_and_leaves_out_what_is_not_mapped() -> None:
    columns = Columns(group="topic", question="q", answer="a")
    assert list(columns.by_role.items()) == [("question", "q"), ("answer", "a"), ("group", "topic")]


def test_shares_are_in_the_order_in_which_buckets_are_dealt() -> None:
    assert list(Splits(train=5, validation=2, test=3).shares.items()) == [("train", 5), ("validation", 2), ("test", 3)]


@pytest.mark.parametrize("model", [Columns, Splits, DataSettings])
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
    ],
)
def test_values_out_of_range_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        DataSettings.model_validate({"path": "x.csv", **wrong})


def test_the_modules_used_before_a_pipeline_import_nothing_heavy() -> None:
    code = (
        "import sys, components.ingest.check, components.ingest.summary;"
        "print([name for name in ('tensorflow', 'tfx', 'apache_beam', 'pyarrow', 'numpy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
