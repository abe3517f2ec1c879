"""Losses and metrics by epoch, as the Trainer noted them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_VALIDATION = "val_"


@dataclass(frozen=True)
class Curve:
    """One quantity over the epochs, of the training rows, the validation rows or both."""

    name: str
    train: tuple[float, ...]
    validation: tuple[float, ...]
    best_epoch: int
    """From 1; 0 where no epoch was better than the untrained model."""


def curves(history: Mapping[str, Sequence[float]], best_epoch: int) -> list[Curve]:
    """Curves by name, first what was validated; a loss that is the same as its only part is left out.

    Args:
        history: values by epoch; `val_NAME` belongs to `NAME`.
        best_epoch: which was kept.
    """
    names = {name.removeprefix(_VALIDATION): None for name in history}
    found = [
        Curve(name, tuple(history.get(name, ())), tuple(history.get(_VALIDATION + name, ())), best_epoch)
        for name in names
    ]
    parts = {curve.train for curve in found if curve.name != "loss"}
    kept = [curve for curve in found if curve.name != "loss" or curve.validation or curve.train not in parts]
    return sorted(kept, key=lambda curve: (not curve.validation, curve.name != "loss"))
