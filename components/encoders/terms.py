"""Hashed terms of texts: how often each is there, and how rare it is."""

import functools
from collections.abc import Callable, Iterable

import numpy as np
import tensorflow as tf

from components.transform.tokens import tokenize

type Count = Callable[[tf.Tensor], tf.SparseTensor]


def count_words(text: tf.Tensor, buckets: int) -> tf.SparseTensor:
    """Sublinear frequencies of words.

    Args:
        text: string[N].
        buckets: number of hash buckets.

    Returns:
        float32[N, buckets], sparse in no particular order, values 1 + log(count).
    """
    words = _bucket(tokenize(text), buckets)
    return _frequencies(words.value_rowids(), words.flat_values, text, buckets)


def count_terms(text: tf.Tensor, buckets: int, ngrams: tuple[int, ...]) -> tf.SparseTensor:
    """Sublinear frequencies of words, pairs of neighbouring words, and character n-grams inside words.

    Args:
        text: string[N].
        buckets: number of hash buckets.
        ngrams: lengths of the character n-grams; a word is framed by `<` and `>` first.

    Returns:
        As `count_words`.
    """
    tokens = tokenize(text)
    words, position = tf.unique(tokens.flat_values)
    characters = tf.strings.unicode_split(tf.strings.join(["<", words, ">"]), "UTF-8")
    grams = tf.strings.ngrams(characters, list(ngrams), separator="")
    of_word = tf.concat([tf.strings.join([" ", words])[:, tf.newaxis], grams], axis=1)
    unigrams = tf.gather(_bucket(of_word, buckets), position)
    pairs = _bucket(tf.strings.ngrams(tokens, 2, separator=" "), buckets)
    rows = tf.concat([tf.gather(tokens.value_rowids(), unigrams.value_rowids()), pairs.value_rowids()], axis=0)
    return _frequencies(rows, tf.concat([unigrams.flat_values, pairs.flat_values], axis=0), text, buckets)


@functools.cache
def term_counter(buckets: int, ngrams: tuple[int, ...]) -> Count:
    """`count_terms` with these settings as one graph, which is traced once for all of a process that count so."""
    return tf.function(
        lambda text: count_terms(text, buckets, ngrams), input_signature=[tf.TensorSpec([None], tf.string)]
    )


def inverse_document_frequency(texts: Iterable[tf.Tensor], count: Count, buckets: int) -> np.ndarray:
    """1 + ln((1 + documents) / (1 + document frequency)), scikit-learn's smoothed form, float64[buckets].

    Args:
        texts: batches, string[N] each.
        count: `count_words` or `count_terms`.
        buckets: how many.
    """
    documents, frequency = 0, np.zeros(buckets, np.int64)
    for batch in texts:
        terms = count(batch)
        frequency += np.bincount(terms.indices[:, 1].numpy(), minlength=buckets)
        documents += int(terms.dense_shape[0])
    return smoothed_idf(documents, frequency)


def smoothed_idf(documents: int, frequency: np.ndarray) -> np.ndarray:
    """1 + ln((1 + documents) / (1 + document frequency)), float64, of document frequencies, int[buckets]."""
    return 1.0 + np.log((1.0 + documents) / (1.0 + frequency))


def _bucket(terms: tf.RaggedTensor, buckets: int) -> tf.RaggedTensor:
    return terms.with_flat_values(tf.strings.to_hash_bucket_fast(terms.flat_values, buckets))


def _frequencies(rows: tf.Tensor, terms: tf.Tensor, text: tf.Tensor, buckets: int) -> tf.SparseTensor:
    cells, _, counts = tf.unique_with_counts(rows * buckets + terms)
    return tf.SparseTensor(
        tf.stack([cells // buckets, cells % buckets], axis=1),
        1.0 + tf.math.log(tf.cast(counts, tf.float32)),
        tf.stack([tf.size(text, tf.int64), tf.constant(buckets, tf.int64)]),
    )
