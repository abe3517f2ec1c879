from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import anomalies_pb2
from tfx.types import artifact_utils, standard_artifacts
from tfx.types import standard_component_specs as specs

from components.anomalies.executor import AnomalyError, Executor
from components.errors import UserError

SCHEMA = """
feature { name: "question" type: BYTES presence { min_fraction: 1 } shape { dim { size: 1 } } }
feature { name: "category" type: BYTES domain: "category" presence { min_fraction: 1 } shape { dim { size: 1 } } }
string_domain { name: "category" value: "fences" value: "decks" }
"""
GOOD = {"question": ["a fence?", "a deck?"], "category": ["fences", "decks"]}

type Validate = Callable[..., Path]


@pytest.fixture
def validate(tmp_path: Path) -> Validate:
    """Run the executor over the statistics of some columns by split."""

    def run(**splits: dict[str, list[str]]) -> Path:
        statistics, schema = standard_artifacts.ExampleStatistics(), standard_artifacts.Schema()
        anomalies = standard_artifacts.ExampleAnomalies()
        statistics.uri, schema.uri, anomalies.uri = (str(tmp_path / name) for name in ("statistics", "schema", "found"))
        statistics.split_names = artifact_utils.encode_split_names(list(splits))
        for split, columns in splits.items():
            folder = tmp_path / "statistics" / f"Split-{split}"
            folder.mkdir(parents=True)
            found = tfdv.generate_statistics_from_dataframe(pd.DataFrame(columns))
            (folder / "FeatureStats.pb").write_bytes(found.SerializeToString())
        (tmp_path / "schema").mkdir()
        (tmp_path / "schema" / "schema.pbtxt").write_text(SCHEMA, encoding="utf-8")
        Executor().Do(
            {specs.STATISTICS_KEY: [statistics], specs.SCHEMA_KEY: [schema]}, {specs.ANOMALIES_KEY: [anomalies]}, {}
        )
        return tmp_path / "found"

    return run


def test_data_that_fits_its_schema_goes_on(validate: Validate) -> None:
    found = validate(train=GOOD, test=GOOD)
    for split in ("train", "test"):
        anomalies = anomalies_pb2.Anomalies.FromString((found / f"Split-{split}" / "SchemaDiff.pb").read_bytes())
        assert not anomalies.anomaly_info


def test_every_anomaly_is_listed_by_split_and_feature(validate: Validate) -> None:
    with pytest.raises(AnomalyError) as raised:
        validate(
            train=GOOD,
            validation=GOOD | {"category": ["fences", "sheds"]},
            test={"category": ["decks"], "colour": ["red"]},
        )
    title, *lines = str(raised.value).splitlines()
    assert title == "the data has 3 anomalies:"
    assert [line.split(":")[0] for line in lines] == [
        "  validation, category",
        "  test, colour",
        "  test, question",
    ]
    assert "sheds" in lines[0]
    assert all(len(line.split(": ", 1)[1]) > 10 for line in lines)


def test_one_anomaly_is_one_and_its_text_is_for_the_user(validate: Validate) -> None:
    with pytest.raises(UserError, match=r"^the data has 1 anomaly:\n  train, category: "):
        validate(train=GOOD | {"category": ["fences", "sheds"]})
