"""What a signature takes and gives, free of TensorFlow, so that JSON can be checked against it without a model."""

from dataclasses import dataclass, field

DEFAULT_SIGNATURE = "serving_default"


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """One input or output: its name in the graph, its DataType number, and its shape, with None where a size is free.

    The shape itself is None where not even the rank is known.
    """

    tensor: str
    dtype: int
    shape: tuple[int | None, ...] | None = None

    @property
    def has_free_rows(self) -> bool:
        """Whether the first dimension is left open, so that rows of several requests can be put together."""
        return bool(self.shape) and self.shape is not None and self.shape[0] is None


@dataclass(frozen=True)
class Signature:
    """One entry of a SavedModel's signature map; names in alphabetical order."""

    name: str
    method: str
    inputs: dict[str, TensorSpec] = field(default_factory=dict)
    outputs: dict[str, TensorSpec] = field(default_factory=dict)

    @property
    def can_batch(self) -> bool:
        """Whether every input and output has rows that may be counted together."""
        return bool(self.inputs) and all(spec.has_free_rows for spec in (*self.inputs.values(), *self.outputs.values()))
