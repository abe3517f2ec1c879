"""What is to be served of one model."""

from dataclasses import dataclass, field
from pathlib import Path

from serving.server.versions import Policy


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """One model: its name, where its version folders are, which versions to serve, and names for some of them."""

    name: str
    base_path: Path
    policy: Policy = field(default_factory=Policy)
    labels: dict[str, int] = field(default_factory=dict)
