"""Trains and exports a `match` model."""

import itertools
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from components.encoders.tower import Tower
from components.tasks.library import Library
from components.tasks.match import MatchModel, key
from components.train.candidates import Candidates
from components.train.cloze import ClozePairs
from components.train.data import training_batches
from components.train.distribute import is_chief, scope
from components.train.export import export
from components.train.files import Files
from components.train.fit import Fitted, fit
from components.train.hard_negatives import HardNegatives
from components.train.learner import KEYS, SIDES, MatchLearner
from components.train.library import build_library
from components.train.memory import CandidateMemory
from components.train.rows import read_batches, read_rows
from components.train.settings import MatchTrainer
from components.train.signals import Signals
from components.train.validation import RetrievalValidation

_PAIR = {side: tf.io.FixedLenFeature([], tf.string) for side in ("question", "answer")}


def train(settings: MatchTrainer, files: Files, folder: str, log_dir: str) -> dict[str, Any]:
    """Fit, export to `folder`, which only the chief does, and tell how it went."""
    candidates = Candidates(files.all)
    distribute = settings.train.distribute
    with scope(distribute):
        fitted = fit_match(settings, files, candidates, log_dir=log_dir)
    if not is_chief(distribute):
        return fitted.record()
    library, record = build_library(fitted.model, candidates, settings, files.validation)
    export_match(fitted.model, library, settings, folder)
    return {**record, **fitted.record()}


def fit_match(
    settings: MatchTrainer,
    files: Files,
    candidates: Candidates,
    *,
    log_dir: str | None = None,
    progress: bool = True,
) -> Fitted[MatchModel]:
    """Train two towers with early stopping on retrieval of the validation questions.

    Args:
        settings: encoders, loss, pace and seed.
        files: what to learn from, and what to validate on.
        candidates: the whole library.
        log_dir: where TensorBoard's log goes, if anywhere.
        progress: show how it goes.
    """
    keras.utils.set_random_seed(settings.seed)
    groups = settings.model.build(settings.inputs, files.vocabulary)
    for group in groups:
        raw = [_raw(side, files.train, candidates) for side in reversed(group)]  # the library first: some read no more
        next(iter(group.values())).adapt(itertools.chain.from_iterable(raw))  # all of a group share what is adapted
    towers = {side: tower for group in groups for side, tower in group.items()}
    loss = settings.model.build_loss(settings.inputs)
    model = _model(settings, towers, loss.parts, candidates)
    negatives = _negatives(settings, files, candidates)

    def labels(examples: dict[str, Any]) -> tf.Tensor:
        questions, answers = key(examples["question"]), key(examples["answer"])
        own = answers[: tf.size(questions)]  # behind them come candidates without a question
        same_answer = tf.equal(own[:, tf.newaxis], answers[tf.newaxis, :])
        return tf.logical_or(same_answer, candidates.right.matrix(questions, answers))

    def keys(examples: dict[str, Any]) -> dict[str, Any]:
        return {KEYS: {side: key(examples[side]) for side in SIDES}} if settings.train.memory else {}

    batches = training_batches(
        files.train,
        towers,
        (_PAIR, labels),
        settings.train.batch_size,
        settings.seed,
        signals=_signals(settings, candidates, negatives),
        more=keys,
    )
    pairs = list(read_rows(files.validation, ("question", "answer")))
    validation = RetrievalValidation(pairs, candidates, settings.seed)
    encoders = settings.model.encoders(settings.inputs).values()
    return fit(
        model,
        batches,
        validation,
        settings.train,
        rate=min(encoder.learning_rate for encoder in encoders),
        least_steps=max(encoder.least_steps for encoder in encoders),
        loss=loss,
        callbacks=[*loss.schedules, *([negatives] if negatives else [])],
        log_dir=log_dir,
        progress=progress,
    )


def _model(
    settings: MatchTrainer, towers: dict[str, Tower], loss_parts: Sequence[keras.layers.Layer], candidates: Candidates
) -> MatchModel:
    train, sizes = settings.train, settings.model.sizes(settings.inputs)
    if train.memory is None and train.micro_batch is None:
        return MatchModel(towers, sizes, loss_parts)
    memory = None
    if train.memory is not None:
        memory = CandidateMemory(train.memory, towers["answer"].dimensions, candidates.right)
    return MatchLearner(towers, sizes, loss_parts, memory=memory, micro_batch=train.micro_batch)


def _negatives(settings: MatchTrainer, files: Files, candidates: Candidates) -> HardNegatives | None:
    if settings.train.hard_negatives is None:
        return None
    pairs = list(read_rows(files.train, ("question", "answer")))
    return HardNegatives(settings.train.hard_negatives, pairs, candidates, settings.seed + 1)


def _signals(settings: MatchTrainer, candidates: Candidates, negatives: HardNegatives | None) -> Signals | None:
    """What is done to batches beside reading them; None if nothing is."""
    train = settings.train
    if not (train.inverse_cloze or negatives or train.word_dropout or train.span_dropout):
        return None
    cloze = None
    if train.inverse_cloze is not None:
        cloze = ClozePairs(train.inverse_cloze, candidates.contents(), settings.seed + 2)
    return Signals(
        [side for side, modality in settings.inputs.items() if modality == "text"],
        settings.seed,
        cloze=cloze,
        negatives=negatives,
        word_dropout=train.word_dropout,
        span_dropout=train.span_dropout,
    )


def _raw(side: str, train_files: Sequence[str], candidates: Candidates) -> Any:
    if side == "answer":
        return (tf.constant(answers) for _, answers in candidates.batches())
    return (tf.constant(questions) for (questions,) in read_batches(train_files, ("question",)))


def export_match(model: MatchModel, library: Library, settings: MatchTrainer, folder: str) -> None:
    """Write a SavedModel with the signatures question, answer, search (the default) and evaluate."""
    dimensions = settings.export.dimensions

    def question(raw: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"vector": model.encode("question", raw, dimensions)}

    def answer(raw: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"vector": model.encode("answer", raw, dimensions)}

    def search(raw: tf.Tensor) -> dict[str, tf.Tensor]:
        return library.search(model.encode("question", raw, dimensions), settings.candidates, raw)._asdict()

    def evaluate(examples: tf.Tensor) -> dict[str, tf.Tensor]:
        pairs = tf.io.parse_example(examples, _PAIR)
        question, answer = pairs["question"], pairs["answer"]
        vectors = model.encode("question", question, dimensions)
        return {"rank": library.rank(vectors, key(question), key(answer), question)}

    inputs = settings.inputs
    signatures = {
        "question": (inputs["question"], question),
        "answer": (inputs["answer"], answer),
        "search": (inputs["question"], search),
    }
    tracked = [model.question, model.answer, library]
    export(tracked, signatures, "search", evaluate, folder, weights=settings.export.weights)
