"""From a trained `match` model to the library that is exported: vectors, index, and the weight of TF-IDF."""

import random
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from components.encoders.encoding import Encoder
from components.losses.scores import unit_vectors
from components.search.choose import choose_index, is_exact
from components.search.postings import Postings
from components.search.similarity import Lexical, Similarity
from components.tasks.library import Library
from components.tasks.match import MatchModel, key
from components.train.candidates import Candidates
from components.train.rows import read_rows
from components.train.settings import MatchTrainer

WEIGHTS = tuple(tenth / 10 for tenth in range(11))
"""Of TF-IDF, that `auto` tries."""

MAX_QUESTIONS = 2_000
_CELLS = 200_000_000  # scores for each weight, at most


class Built(NamedTuple):
    """A library, and what is to be known of it."""

    library: Library
    record: Mapping[str, Any]
    """Its size, the index with its recall, and the weight of TF-IDF with the MRR of those that were tried."""


class _Held(NamedTuple):
    """Questions that were not learnt from."""

    questions: list[bytes]
    answers: list[bytes]
    vectors: np.ndarray


def build_library(
    model: MatchModel, candidates: Candidates, settings: MatchTrainer, validation: Sequence[str]
) -> Built:
    """Every candidate with its vector; of a picture its id is shown, not its content.

    Args:
        model: trained.
        candidates: the whole library.
        settings: index, TF-IDF, and to how many numbers vectors are cut.
        validation: patterns of the records on which the index is judged and the weight of TF-IDF tuned.

    Raises:
        UserError: the index finds too little.
    """
    dimensions = settings.export.dimensions
    is_judged = settings.search.lexical == "auto" or not is_exact(settings.index, len(candidates))
    held = _held_out(model, validation if is_judged else [], settings.seed, dimensions)
    vectors, shown = _encode(model, candidates, dimensions, pictures=settings.inputs["answer"] == "image")
    chosen = choose_index(vectors, held.vectors, settings.index, settings.seed)
    del vectors  # the index has them
    texts = [shown[place] for place in chosen.order]
    lexical = None
    if settings.search.lexical != "none":
        postings = Postings(texts, settings.search.buckets, settings.search.ngrams)
        weight = settings.search.lexical
        lexical = Lexical(postings, 0.0 if weight == "auto" else weight)
    library = Library(
        [candidates.ids[place] for place in chosen.order],
        texts,
        candidates.keys[chosen.order],
        Similarity(chosen.index, lexical),
        candidates.right,
    )
    record: dict[str, Any] = {"library": library.size, "chosen_index": chosen.record}
    if lexical is not None:
        tried = tune(library, lexical, held) if settings.search.lexical == "auto" else {}
        record["lexical"] = {"weight": round(float(lexical.weight), 3), "mrr_by_weight": tried}
    return Built(library, record)


def _held_out(model: MatchModel, validation: Sequence[str], seed: int, dimensions: int | None) -> _Held:
    pairs = list(read_rows(validation, ("question", "answer")))
    pairs = random.Random(seed).sample(pairs, min(len(pairs), MAX_QUESTIONS))  # noqa: S311
    questions, answers = [question for question, _ in pairs], [answer for _, answer in pairs]
    size = dimensions or model.question.dimensions
    vectors = unit_vectors(Encoder(model.question)(questions)[:, :size]) if pairs else np.zeros((0, size))
    return _Held(questions, answers, np.asarray(vectors, np.float32))


def _encode(
    model: MatchModel, candidates: Candidates, dimensions: int | None, *, pictures: bool
) -> tuple[np.ndarray, list[bytes]]:
    """Unit vectors, float32[C, D], and what is shown of each candidate."""
    encoder = Encoder(model.answer)
    size = dimensions or model.answer.dimensions
    vectors = np.zeros((len(candidates), size), np.float32)
    shown = list(candidates.ids)
    for places, answers in candidates.batches():
        vectors[places] = unit_vectors(encoder(answers)[:, :size])
        if not pictures:
            for place, answer in zip(places.tolist(), answers, strict=True):
                shown[place] = answer
    return vectors, shown


def tune(library: Library, lexical: Lexical, held: _Held) -> dict[str, float]:
    """Set the weight with the best MRR, the smallest of equally good ones; returns the MRR by weight."""
    most = max(1, _CELLS // max(1, library.size))
    questions, answers = tf.constant(held.questions[:most], tf.string), tf.constant(held.answers[:most], tf.string)
    asked = tf.constant(held.vectors[:most]), key(questions), key(answers), questions
    rank = tf.function(library.rank)
    tried = {}
    for weight in WEIGHTS:
        lexical.weight.assign(weight)
        tried[weight] = float(np.mean(1 / rank(*asked))) if len(held.questions) else 0.0
    lexical.weight.assign(max(tried, key=lambda weight: (tried[weight], -weight)))
    return {str(weight): round(mrr, 4) for weight, mrr in tried.items()}
