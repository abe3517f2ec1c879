"""What a plain method reaches on the rows that a model is judged by."""

from typing import Literal

import numpy as np
import tensorflow as tf
from tfx import types
from tfx.types import artifact_utils

from components.evaluate import retrieval
from components.evaluate.config import METRICS
from components.evaluate.plain_classifiers import MAX_TEST, MAX_TRAIN, naive_bayes_reference, pixel_reference
from components.evaluate.settings import MatchMetric
from components.evaluate.tfidf import tfidf_ranks
from components.evaluate.verdict import Metrics, Reference
from components.pictures.decode import decode_pictures
from components.signatures import signature_inputs
from components.train.rows import read_rows, sample_batches

_SIZE: tuple[int, int, Literal[3]] = (32, 32, 3)
_BATCH = 256
_MATCH: tuple[MatchMetric, ...] = ("recall@1", "recall@5", "recall@10", "mrr")


def reference(model: str, examples: types.Artifact) -> Reference | None:
    """TF-IDF for texts to texts, TF-IDF and naive Bayes for labelled texts, 5-NN on pixels for labelled pictures.

    Args:
        model: folder of the SavedModel; its signatures tell the task.
        examples: of the ingest step, every split.

    Returns:
        None for what has no plain method, such as pictures to texts.
    """
    inputs = signature_inputs(model)
    if inputs.get("question") == inputs.get("answer") == "text":
        return Reference(name="TF-IDF", metrics=_tfidf(examples))
    if inputs.get("classify") == "text":
        return Reference(name="TF-IDF + naive Bayes", metrics=_naive_bayes(examples))
    if inputs.get("classify") == "image":
        return Reference(name="5-NN on pixels", metrics=_pixels(examples))
    return None


def _columns(examples: types.Artifact, split: str, names: tuple[str, ...]) -> tuple[list[bytes], ...]:
    rows = read_rows([f"{artifact_utils.get_split_uri([examples], split)}/*"], names)
    return tuple(list(column) for column in zip(*rows, strict=True))


def _tfidf(examples: types.Artifact) -> Metrics:
    splits = artifact_utils.decode_split_names(examples.split_names)
    questions, answers = _columns(examples, "test", ("question", "answer"))
    right: dict[bytes, set[bytes]] = {}
    for split in splits:
        for question, answer in zip(*_columns(examples, split, ("question", "answer")), strict=True):
            right.setdefault(question, set()).add(answer)
    library = dict.fromkeys(answer for found in right.values() for answer in sorted(found))
    ranks = tfidf_ranks(questions, answers, list(library), right)
    return {name: float(np.mean(_rank_metric(name).value(ranks))) for name in _MATCH}


def _rank_metric(name: MatchMetric) -> retrieval.RankMetric:
    return getattr(retrieval, METRICS[name].class_name)(**METRICS[name].parameters)


def _naive_bayes(examples: types.Artifact) -> Metrics:
    train_texts, train_labels = _columns(examples, "train", ("text", "label"))
    test_texts, test_labels = _columns(examples, "test", ("text", "label"))
    return naive_bayes_reference(train_texts, train_labels, test_texts, test_labels)


def _pixels(examples: types.Artifact) -> Metrics:
    train_pictures, train_labels = _pictures(examples, "train", MAX_TRAIN)
    test_pictures, test_labels = _pictures(examples, "test", MAX_TEST)
    return pixel_reference(train_pictures, train_labels, test_pictures, test_labels)


def _pictures(examples: types.Artifact, split: str, most: int) -> tuple[np.ndarray, list[bytes]]:
    """Decoded pictures of a split, or of a sample of it, and their labels."""
    files = [f"{artifact_utils.get_split_uri([examples], split)}/*"]
    pictures, labels = [], []
    for images, names in sample_batches(files, ("image", "label"), most, seed=0, size=_BATCH):
        pictures.append(decode_pictures(tf.constant(images), *_SIZE).numpy())
        labels += names.tolist()
    return np.concatenate(pictures), labels
