"""By what candidates are ranked: the cosine of vectors and, with a weight, that of TF-IDF."""

import tensorflow as tf

from components.search.index import Found, Index
from components.search.postings import Postings


class Lexical(tf.Module):
    """TF-IDF and how much of it.

    Args:
        postings: over the candidates, in the order of the index.
        weight: from 0 to 1; the cosine has the rest.
    """

    def __init__(self, postings: Postings, weight: float) -> None:
        super().__init__(name="lexical")
        self.postings = postings
        self.weight = tf.Variable(weight, dtype=tf.float32, trainable=False, name="weight")

    def bonus(self, texts: tf.Tensor) -> tf.Tensor:
        """What TF-IDF adds to the score of every candidate, float32[N, C]."""
        return self.weight * self.postings.scores(texts)


class Similarity(tf.Module):
    """Scores of candidates for questions; the same for search and for ranks.

    Args:
        index: the candidates' vectors.
        lexical: TF-IDF, or none.
    """

    def __init__(self, index: Index, lexical: Lexical | None = None) -> None:
        super().__init__(name="similarity")
        self.index = index
        self.lexical = lexical

    def scores(self, vectors: tf.Tensor, texts: tf.Tensor) -> tf.Tensor:
        """Exact scores of all candidates, float32[N, C].

        Args:
            vectors: float32[N, D], unit length, of questions.
            texts: string[N], the questions; read only for TF-IDF.
        """
        if self.lexical is None:
            return self.index.products(vectors)
        return self.index.products((1 - self.lexical.weight) * vectors) + self.lexical.bonus(texts)

    def nearest(self, vectors: tf.Tensor, texts: tf.Tensor, k: int) -> Found:
        """The k (or as many as there are) best candidates that the index finds, with their exact scores."""
        if self.lexical is None:
            return self.index.nearest(vectors, k)
        return self.index.nearest((1 - self.lexical.weight) * vectors, k, self.lexical.bonus(texts))
