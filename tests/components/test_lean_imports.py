import subprocess
import sys

import pytest

HEAVY = {"tensorflow", "keras", "tfx", "apache_beam", "tensorflow_model_analysis", "sklearn", "numpy"}


@pytest.mark.parametrize(
    "module",
    [
        "components.encoders.settings",
        "components.errors",
        "components.evaluate.settings",
        "components.evaluate.verdict",
        "components.ingest.settings",
        "components.losses.settings",
        "components.parts",
        "components.pictures.settings",
        "components.signatures",
        "components.tasks.settings",
        "components.train.settings",
        "components.transform.settings",
        "components.tune.results",
        "components.tune.settings",
        "components.tune.values",
        "components.versions",
        "pipeline.config",
        "pipeline.tune",
    ],
)
def test_what_the_command_line_reads_imports_nothing_heavy(module: str) -> None:
    code = f"import {module}, sys; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert module in loaded
    assert not HEAVY & set(loaded)
