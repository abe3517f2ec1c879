import json
from pathlib import Path
from typing import Any

import pytest

from kubeflow.compile import compile_spec
from pipeline.config import PipelineConfig, load_config
from pipeline.create import Elsewhere
from tests.end_to_end.command_line import small_faq, write_faq

Json = dict[str, Any]

CONFIG = {
    "name": "small_faq",
    "data": {"path": "faq.csv"},
    "model": {"encoder": {"type": "bag", "dimensions": 128, "buckets": 4096}},
    "train": {"epochs": 2},
    "gates": {"mrr": {"min": 0.05, "max_drop": 0.02}},
}


def write_config(folder: Path, **changes: Any) -> Path:
    file = folder / "faq.yaml"
    file.write_text(json.dumps(CONFIG | changes), encoding="utf-8")
    return file


@pytest.fixture(scope="session")
def config(tmp_path_factory: pytest.TempPathFactory) -> PipelineConfig:
    """A `match` pipeline over 110 pairs."""
    folder = tmp_path_factory.mktemp("kubeflow")
    write_faq(folder / "faq.csv", small_faq())
    return load_config(write_config(folder))


@pytest.fixture(scope="session")
def spec(config: PipelineConfig) -> Json:
    """Its spec, for steps that find data and serving folder where they are here."""
    return compile_spec(config, Elsewhere(config.data.path, str(config.serving_folder)))
