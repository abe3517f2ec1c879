"""A real server with a model of each kind that the page knows, and one that it does not."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from serving.process import ModelServer
from tests.serving.encoder import save_encoder

MODELS = {
    "faq": {"search": "text", "question": "text"},
    "pictures": {"classify": "image_bytes", "neighbors": "image_bytes"},
    "names": {"search": "image_bytes"},
    "news": {"classify": "text"},
}


@pytest.fixture(scope="session")
def web_server(saved_models: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelServer]:
    """Serves `MODELS`, two versions of `faq` with labels, and `zoo`."""
    root = tmp_path_factory.mktemp("web")
    for name, reads in MODELS.items():
        save_encoder(root / name / "7", 0.0625, reads)
    save_encoder(root / "faq" / "9", 0.03125, MODELS["faq"])
    entries = "\n".join(
        f'config {{ name: "{name}" base_path: "{root / name}" {_LABELS.get(name, "")} }}' for name in MODELS
    )
    config = root / "models.config"
    zoo = f'config {{ name: "zoo" base_path: "{saved_models.zoo}" }}'
    config.write_text(f"model_config_list {{ {entries} {zoo} }}", encoding="utf-8")
    with ModelServer({"faq": root / "faq"}, flags={"model_config_file": str(config)}) as running:
        yield running


_LABELS = {
    "faq": 'model_version_policy { all {} } version_labels { key: "stable" value: 7 }'
    ' version_labels { key: "canary" value: 9 }'
}


@pytest.fixture
def png(tmp_path: Path) -> Path:
    """A file that begins as PNG does; what follows says how the model answers."""
    return write_png(tmp_path / "seven.png")


def write_png(path: Path) -> Path:
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"x" * 12)
    return path
