"""TF-IDF over a library of texts, looked up by term: an inverted index inside the graph."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import scipy.sparse
import tensorflow as tf

from components.encoders.encoding import batches_of
from components.encoders.terms import smoothed_idf, term_counter

MOST = 10_000
"""Candidates that a term may be in. A term that more have tells little apart, and it is what would cost most."""


class Lists(NamedTuple):
    """For each term the candidates that have it."""

    starts: np.ndarray
    """int64[buckets + 1], of each term's entries."""
    places: np.ndarray
    """int32[E], candidates."""
    weights: np.ndarray
    """float16[E], of the term in the candidate, whose weights have length 1."""
    idf: np.ndarray
    """float32[buckets]."""


def list_terms(texts: Sequence[bytes], buckets: int, ngrams: tuple[int, ...]) -> Lists:
    """Weights (1 + log tf) · idf of words, pairs of words and character n-grams, scaled to length 1 a text.

    Args:
        texts: the candidates.
        buckets: terms are hashed into so many.
        ngrams: lengths of the character n-grams inside a word.
    """
    counted = term_counter(buckets, ngrams)
    nothing = scipy.sparse.csr_matrix((0, buckets), dtype=np.float32)
    counts = scipy.sparse.vstack([nothing, *(_rows(counted(batch)) for batch in batches_of(texts))], format="csc")
    frequency = np.diff(counts.indptr)
    idf = smoothed_idf(len(texts), frequency).astype(np.float32)
    counts.data *= np.repeat(idf, frequency)
    length = np.sqrt(np.bincount(counts.indices, counts.data**2, minlength=len(texts)))
    counts.data /= length[counts.indices]
    kept = np.repeat(frequency <= MOST, frequency)
    starts = np.concatenate([[0], np.cumsum(np.where(frequency <= MOST, frequency, 0))])
    places, weights = counts.indices[kept].astype(np.int32), counts.data[kept].astype(np.float16)
    return Lists(starts.astype(np.int64), places, weights, idf)


def _rows(terms: tf.SparseTensor) -> scipy.sparse.csr_matrix:
    rows, columns = terms.indices.numpy().T
    return scipy.sparse.csr_matrix((terms.values.numpy(), (rows, columns)), shape=terms.dense_shape.numpy())


class Postings(tf.Module):
    """Scores every candidate by the terms that it has in common with a text.

    Args:
        texts: string[C], the candidates.
        buckets: terms are hashed into so many.
        ngrams: lengths of the character n-grams inside a word.
    """

    def __init__(self, texts: Sequence[bytes], buckets: int, ngrams: tuple[int, ...]) -> None:
        super().__init__(name="postings")
        self.size = len(texts)
        self._buckets, self._ngrams = buckets, ngrams
        lists = list_terms(texts, buckets, ngrams)
        self.starts = tf.Variable(lists.starts, trainable=False, name="starts")
        self.places = tf.Variable(lists.places, trainable=False, name="places")
        self.weights = tf.Variable(lists.weights, trainable=False, name="weights")
        self.idf = tf.Variable(lists.idf, trainable=False, name="idf")

    def scores(self, texts: tf.Tensor) -> tf.Tensor:
        """Cosines of TF-IDF, float32[N, C], of texts, string[N]; terms of more than MOST candidates add nothing."""
        terms = term_counter(self._buckets, self._ngrams)(texts)
        row, term = terms.indices[:, 0], terms.indices[:, 1]
        weight = terms.values * tf.gather(self.idf, term)
        square = tf.math.unsorted_segment_sum(tf.square(weight), row, terms.dense_shape[0])
        weight *= tf.gather(tf.math.rsqrt(square), row)  # a row without terms is gathered by none
        entries = tf.ragged.range(tf.gather(self.starts, term), tf.gather(self.starts, term + 1))
        of_term = entries.value_rowids()
        place = tf.cast(tf.gather(self.places, entries.flat_values), tf.int64)
        cell = tf.gather(row, of_term) * self.size + place
        value = tf.gather(weight, of_term) * tf.cast(tf.gather(self.weights, entries.flat_values), tf.float32)
        flat = tf.math.unsorted_segment_sum(value, cell, terms.dense_shape[0] * self.size)
        return tf.reshape(flat, [terms.dense_shape[0], self.size])
