"""What the two values of a row are: the parts that tasks, steps and signatures speak of by name."""

from typing import Literal

Modality = Literal["text", "image"]
"""What an encoder reads: a text, or a picture's encoded bytes (PNG, JPEG, GIF, BMP)."""

Kind = Literal[Modality, "label"]
Side = Literal["question", "answer"]

INPUT_KEY: dict[Modality, str] = {"text": "text", "image": "image_bytes"}
"""What signatures call an input; REST tells {"b64": …} apart from text by the ending `_bytes`."""
