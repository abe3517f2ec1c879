"""What a signature takes and gives, free of TensorFlow, so that JSON can be checked against it without a model."""

from dataclasses import dataclass, field
from functools import cached_property

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
        """Whether the number of rows, the first dimension, is left open."""
        return bool(self.shape) and self.shape is not None and self.shape[0] is None

    @property
    def has_fixed_rows(self) -> bool:
        """Whether nothing else is left open: the size of a row cannot depend on the rows beside it."""
        return self.has_free_rows and self.shape is not None and None not in self.shape[1:]

    def fixed_sizes(self, shape: tuple[int, ...]) -> tuple[int | None, ...]:
        """`shape` of an array for this input, but None for rows and where this input leaves the size free."""
        if self.shape is None or len(self.shape) != len(shape):
            return shape
        return tuple(
            None if free is None or not axis else size
            for axis, (free, size) in enumerate(zip(self.shape, shape, strict=True))
        )


@dataclass(frozen=True)
class Signature:
    """One entry of a SavedModel's signature map; names in alphabetical order.

    Its method name says what it may be called for, but only if it is binding: TensorFlow 2 saves all as predict.
    """

    name: str
    method: str
    inputs: dict[str, TensorSpec] = field(default_factory=dict)
    outputs: dict[str, TensorSpec] = field(default_factory=dict)
    method_is_binding: bool = field(default=False, kw_only=True)

    @cached_property
    def can_batch(self) -> bool:
        """Whether rows of several requests can be put together and the outputs taken apart again.

        An output such as `[None, None]` might be padded to the longest row, so a request would see that it had company.
        """
        return (
            bool(self.inputs)
            and all(spec.has_free_rows for spec in self.inputs.values())
            and all(spec.has_fixed_rows for spec in self.outputs.values())
        )

    @cached_property
    def can_batch_padded(self) -> bool:
        """The same if whoever asks has agreed to be padded: free sizes of inputs and outputs may be any."""
        specs = [*self.inputs.values(), *self.outputs.values()]
        return bool(self.inputs) and all(spec.has_free_rows for spec in specs)
