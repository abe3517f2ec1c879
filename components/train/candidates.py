"""The candidates of a `match` task: every different answer of the data, read anew whenever its content is needed."""

from collections.abc import Iterator, Sequence

import numpy as np
import tensorflow as tf

from components.tasks.match import answer_key
from components.train.rows import READ_BATCH, read_batches

type Batch = tuple[np.ndarray, np.ndarray]
"""Places among the candidates, int[N], and their raw values, bytes[N]."""


class Candidates:
    """Every different answer once, by the smallest id of its rows, in the order of these ids; holds no content.

    Args:
        files: patterns of the records.
    """

    def __init__(self, files: Sequence[str]) -> None:
        self._files = files
        best: dict[int, bytes] = {}
        for ids, answers in read_batches(files, ("id", "answer")):
            for key, row_id in zip(answer_key(tf.constant(answers)).numpy().tolist(), ids, strict=True):
                best[key] = min(row_id, best.get(key, row_id))
        ordered = sorted(best.items(), key=lambda item: (item[1], item[0]))
        self.keys = np.array([key for key, _ in ordered], np.int64)
        self.ids = [row_id for _, row_id in ordered]
        self._place = {key: place for place, (key, _) in enumerate(ordered)}

    def __len__(self) -> int:
        return len(self.ids)

    def batches(self, size: int = READ_BATCH) -> Iterator[Batch]:
        """Each candidate once, in the order of the files."""
        seen = np.zeros(len(self), bool)
        for (answers,) in read_batches(self._files, ("answer",), size):
            keys = answer_key(tf.constant(answers)).numpy()
            places, first = np.unique([self._place[key] for key in keys.tolist()], return_index=True)
            new = ~seen[places]
            seen[places] = True
            if new.any():
                yield places[new], answers[first[new]]

    def values(self, places: Sequence[int]) -> list[bytes]:
        """The raw values of some of them."""
        wanted = dict.fromkeys(places, b"")
        for found, answers in self.batches():
            wanted |= {place: answer for place, answer in zip(found.tolist(), answers, strict=True) if place in wanted}
        return list(wanted.values())
