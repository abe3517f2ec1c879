"""Writes scikit-learn's handwritten digits as PNG files, and their names in three languages as a table."""

import csv
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

_LEVELS = 16
_NAMES = [
    ("zero", "null", "cero"),
    ("one", "eins", "uno"),
    ("two", "zwei", "dos"),
    ("three", "drei", "tres"),
    ("four", "vier", "cuatro"),
    ("five", "fünf", "cinco"),
    ("six", "sechs", "seis"),
    ("seven", "sieben", "siete"),
    ("eight", "acht", "ocho"),
    ("nine", "neun", "nueve"),
]


def load(folder: Path) -> None:
    """Write `pictures/NUMBER.png` and `names.csv` below `folder`."""
    digits = load_digits()
    (folder / "pictures").mkdir()
    with (folder / "names.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(("picture", "name", "digit"))
        for number, (pixels, label) in enumerate(zip(digits.images, digits.target, strict=True)):
            picture = f"pictures/{number:04d}.png"
            Image.fromarray(np.uint8(np.round(pixels * 255 / _LEVELS))).save(folder / picture)
            table.writerows((picture, name, label) for name in _NAMES[label])
