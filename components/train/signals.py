"""What becomes of a batch of pairs on its way from the records to the model."""

import tensorflow as tf

from components.train.cloze import ClozePairs
from components.train.hard_negatives import HardNegatives
from components.train.text_dropout import drop_span, drop_words

type Pairs = dict[str, tf.Tensor]
"""`question`, string[B], and `answer`, string[C], of which the first B go with the questions."""


class Signals:
    """Adds pairs and candidates to a batch, and takes words from its texts; draws depend on the step and a seed alone.

    Args:
        texts: the sides that are texts.
        seed: of all draws.
        cloze: what makes further pairs, if anything.
        negatives: what makes further candidates, if anything.
        word_dropout: see `text_dropout.drop_words`.
        span_dropout: see `text_dropout.drop_span`.
    """

    def __init__(
        self,
        texts: list[str],
        seed: int,
        *,
        cloze: ClozePairs | None = None,
        negatives: HardNegatives | None = None,
        word_dropout: float = 0.0,
        span_dropout: float = 0.0,
    ) -> None:
        self._texts = texts
        self._seed = seed
        self._cloze = cloze
        self._negatives = negatives
        self._word_dropout = word_dropout
        self._span_dropout = span_dropout

    @property
    def reads_ahead(self) -> bool:
        """Whether batches may be made before they are asked for: not where they depend on what was learnt so far."""
        return self._negatives is None

    def own_rows(self, batch: int) -> int:
        """How many rows of a batch are pairs of the records."""
        return batch if self._cloze is None else batch - self._cloze.rows(batch)

    def extend(self, pairs: Pairs, batch: int, step: tf.Tensor) -> Pairs:
        """The pairs and what is added to them.

        Args:
            pairs: of the records, `own_rows(batch)` or fewer.
            batch: how many there are to be.
            step: int64[], counted from the start of training.
        """
        parts = [{side: pairs[side] for side in ("question", "answer")}]
        if self._cloze is not None:
            parts.append(self._cloze.draw(self._cloze.rows(batch), step))
        if self._negatives is not None:
            parts.append({"question": parts[0]["question"][:0], "answer": self._negatives.draw(parts[0], step)})
        return {side: tf.concat([part[side] for part in parts], axis=0) for side in parts[0]}

    def alter(self, pairs: Pairs, step: tf.Tensor) -> Pairs:
        """The pairs as they are read in this step: texts less some words."""
        return {side: self._less(raw, side, step) if side in self._texts else raw for side, raw in pairs.items()}

    def _less(self, text: tf.Tensor, side: str, step: tf.Tensor) -> tf.Tensor:
        number = 2 * (2 * step + self._texts.index(side))
        if self._span_dropout:
            text = drop_span(text, self._span_dropout, tf.stack([self._seed, number]))
        if self._word_dropout:
            text = drop_words(text, self._word_dropout, tf.stack([self._seed, number + 1]))
        return text
