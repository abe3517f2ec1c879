"""Writes scikit-learn's handwritten digits as PNG files, `LABEL/NUMBER.png`."""

from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

_LEVELS = 16


def load(folder: Path) -> None:
    """Write all of them below `folder`."""
    digits = load_digits()
    for number, (pixels, label) in enumerate(zip(digits.images, digits.target, strict=True)):
        file = folder / str(label) / f"{number:04d}.png"
        file.parent.mkdir(exist_ok=True)
        Image.fromarray(np.uint8(np.round(pixels * 255 / _LEVELS))).save(file)
