"""What a Trainer reads."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Files:
    """Patterns of the Transform step's records by split, and its vocabularies."""

    train: Sequence[str]
    validation: Sequence[str]
    test: Sequence[str]
    vocabulary: str
    """Tokens, one a line; empty where no part is a text."""
    labels: str
    """Labels, one a line; empty where no part is a label."""

    @property
    def all(self) -> list[str]:
        """Of every split."""
        return [*self.train, *self.validation, *self.test]
