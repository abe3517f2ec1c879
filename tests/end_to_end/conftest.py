from pathlib import Path

import pytest

from tests.end_to_end.command_line import anchorline, small_faq, write_faq

SMALL = """\
name: small
data: {path: faq.csv}
model: {encoder: {type: bag, buckets: 4096}}
train: {epochs: 2}
gates: {mrr: {min: 0.05, max_drop: 0.02}}
"""


def write_small_config(folder: Path) -> Path:
    write_faq(folder / "faq.csv", small_faq())
    config = folder / "faq.yaml"
    config.write_text(SMALL, encoding="utf-8")
    return config


@pytest.fixture
def small_config(tmp_path: Path) -> Path:
    """A pipeline over `small_faq` that takes seconds and was not run yet."""
    return write_small_config(tmp_path)


@pytest.fixture(scope="session")
def pushed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same pipeline after a run that pushed; tests leave what it pushed alone."""
    config = write_small_config(tmp_path_factory.mktemp("pushed"))
    run = anchorline("run", config)
    assert run.returncode == 0, run.stdout + run.stderr
    return config
