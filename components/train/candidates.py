"""The candidates of a `match` task: every different answer of the data, read anew whenever its content is needed."""

from collections.abc import Iterator, Sequence

import numpy as np
import tensorflow as tf

from components.tasks.match import key
from components.tasks.right_answers import RightAnswers
from components.train.rows import READ_BATCH, read_batches

type Batch = tuple[np.ndarray, np.ndarray]
"""Places among the candidates, int[N], and their raw values, bytes[N]."""


class Candidates:
    """Every different answer once, by the smallest id of its rows, in the order of these ids; holds no content.

    Args:
        files: patterns of the records.

    Attributes:
        ids: of each.
        keys: int64, of each; see `match.key`.
        right: which of them are right for a question that has several.
    """

    def __init__(self, files: Sequence[str]) -> None:
        self._files = files
        best: dict[int, bytes] = {}
        questions, answers = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
        for ids, *pair in read_batches(files, ("id", "question", "answer")):
            question_keys, answer_keys = (key(tf.constant(values)).numpy() for values in pair)
            questions.append(question_keys)
            answers.append(answer_keys)
            for answer, row_id in zip(answer_keys.tolist(), ids, strict=True):
                best[answer] = min(row_id, best.get(answer, row_id))
        self.right = RightAnswers(np.concatenate(questions), np.concatenate(answers))
        ordered = sorted(best.items(), key=lambda item: (item[1], item[0]))
        self.keys = np.array([answer for answer, _ in ordered], np.int64)
        self.ids = [row_id for _, row_id in ordered]
        self._place = {answer: place for place, (answer, _) in enumerate(ordered)}

    def __len__(self) -> int:
        return len(self.ids)

    def batches(self, size: int = READ_BATCH) -> Iterator[Batch]:
        """Each candidate once, in the order of the files."""
        seen = np.zeros(len(self), bool)
        for (answers,) in read_batches(self._files, ("answer",), size):
            keys = key(tf.constant(answers)).numpy().tolist()
            places, first = np.unique([self._place[one] for one in keys], return_index=True)
            new = ~seen[places]
            seen[places] = True
            if new.any():
                yield places[new], answers[first[new]]

    def contents(self) -> tf.Tensor:
        """The raw values of all of them, string[C], in the order of the ids."""
        return tf.constant(self.values(range(len(self))), tf.string)

    def values(self, places: Sequence[int]) -> list[bytes]:
        """The raw values of some of them."""
        wanted = dict.fromkeys(places, b"")
        for found, answers in self.batches():
            wanted |= {place: answer for place, answer in zip(found.tolist(), answers, strict=True) if place in wanted}
        return list(wanted.values())
