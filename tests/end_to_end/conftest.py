from pathlib import Path

import pytest

from tests.end_to_end.command_line import small_faq, write_faq


@pytest.fixture
def small_config(tmp_path: Path) -> Path:
    """A pipeline over `small_faq` that takes seconds."""
    write_faq(tmp_path / "faq.csv", small_faq())
    config = tmp_path / "faq.yaml"
    config.write_text(
        "name: small\ndata: {path: faq.csv}\nmodel: {encoder: {type: bag, dimensions: 128, buckets: 4096}}\n"
        "train: {epochs: 2}\ngates: {mrr: {min: 0.05, max_drop: 0.02}}\n",
        encoding="utf-8",
    )
    return config
