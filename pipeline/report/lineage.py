"""Where a model comes from: libraries, the configuration, and whether that has changed since."""

import platform
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import yaml

from pipeline.config import PipelineConfig

LIBRARIES = (
    "anchorline",
    "tfx",
    "tensorflow",
    "keras",
    "apache-beam",
    "tensorflow-transform",
    "tensorflow-model-analysis",
    "ml-metadata",
    "scikit-learn",
    "numpy",
)


def library_versions() -> dict[str, str]:
    """Versions in this environment, Python's first."""
    return {"python": platform.python_version()} | {name: version(name) for name in LIBRARIES}


def config_text(config: PipelineConfig) -> str:
    """The whole configuration in YAML, defaults filled in."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=100)


def changed_keys(config: PipelineConfig, training: Mapping[str, Any]) -> list[str]:
    """What the Trainer would be told otherwise now, by the top keys of its settings.

    Args:
        config: as it is now.
        training: what the Trainer noted.
    """
    now = config.trainer_settings.model_dump(mode="json")
    return [key for key, value in now.items() if key not in training or training[key] != value]
