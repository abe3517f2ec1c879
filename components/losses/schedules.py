"""Numbers of a loss that change while a model is trained."""

from typing import Any

import keras

from components.losses.pairs import Tensor


class Growth(keras.callbacks.Callback):
    """A number that goes evenly from one value to another over the first steps of a training, and stays there.

    A loss reads `value`, also in a graph; `fit` must have this among its callbacks, or it stays at the start. A second
    `fit` starts again.

    Args:
        start: At the first step.
        end: When the time is over.
        steps: How long it takes, at least 1; or else
        epochs: so many rounds of `fit`.

    Raises:
        ValueError: Unless just one of the two durations is given, and is at least 1.
    """

    def __init__(self, start: float, end: float, *, steps: int | None = None, epochs: int | None = None) -> None:
        super().__init__()
        (duration, *both) = [value for value in (steps, epochs) if value is not None] or [0]
        if both or duration < 1:
            raise ValueError(f"steps is {steps!r}, epochs is {epochs!r}: just one must be given, at least 1")
        self.start = start
        self.end = end
        self.steps = steps
        self.epochs = epochs
        self.value = keras.Variable(start, trainable=False, dtype="float32", name="growth")
        self._step = 0

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Start from the start."""
        del logs
        self._step = 0

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Move on."""
        del batch, logs
        duration = self.steps or self.epochs * self.params["steps"]
        if self._step <= duration:
            self.value.assign(self.start + (self.end - self.start) * self._step / duration)
        self._step += 1

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {"start": self.start, "end": self.end, "steps": self.steps, "epochs": self.epochs}


def ends(value: float | str | Growth) -> tuple[float | str, ...]:
    """All that must be allowed where `value` is given: itself, or start and end of its growth."""
    return (value.start, value.end) if isinstance(value, Growth) else (value,)


def described(value: float | str | Growth) -> Any:
    """`value` as a loss's `get_config` has it; `PairLoss.from_config` reads it."""
    return value.get_config() if isinstance(value, Growth) else value


def current(value: Any) -> Tensor:
    """`value`, or what a growth has come to."""
    return value.value if isinstance(value, Growth) else value
