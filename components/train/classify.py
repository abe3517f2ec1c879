"""Trains and exports a `classify` model."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from components.encoders.encoding import Encoder
from components.encoders.settings import EncoderSettings
from components.errors import UserError
from components.losses.scores import unit_vectors
from components.losses.settings import ClassifyLossSettings
from components.search.choose import MAX_QUERIES, choose_index, is_exact
from components.search.settings import IndexSettings
from components.tasks.classify import ClassifyModel
from components.tasks.references import References, majority
from components.train.data import training_batches
from components.train.distribute import is_chief, scope
from components.train.export import export
from components.train.files import Files
from components.train.fit import Fitted, fit
from components.train.rows import READ_BATCH, read_batches, read_rows, records, sample_batches
from components.train.sampler import ClassSampler
from components.train.settings import ClassifyTrainer
from components.train.signal_settings import SamplerSettings
from components.train.validation import LabelValidation
from components.transform.vocabulary import read_vocabulary

MAX_REFERENCES = 1_000_000
"""Training rows among which neighbours are found; of more a seeded sample."""

JUDGED_NEIGHBORS = 5
"""How many neighbours vote when a model is judged."""

_MIN_LABELS = 2
_LABEL = {"label_id": tf.io.FixedLenFeature([], tf.int64)}


def train(settings: ClassifyTrainer, files: Files, folder: str, log_dir: str) -> dict[str, Any]:
    """Fit, export to `folder`, which only the chief does, and tell how it went."""
    distribute = settings.train.distribute
    with scope(distribute):
        fitted = fit_classify(settings, files, log_dir=log_dir)
    if not is_chief(distribute):
        return fitted.record()
    references, index = build_references(fitted.model, files, settings.index, settings.seed)
    export_classify(fitted.model, references, settings, folder)
    labels = [label.decode() for label in fitted.model.labels.numpy()]
    return {"labels": labels, "references": int(references.ids.shape[0]), "chosen_index": index, **fitted.record()}


def fit_classify(
    settings: ClassifyTrainer, files: Files, *, log_dir: str | None = None, progress: bool = True
) -> Fitted[ClassifyModel]:
    """Train one tower with early stopping on the cross-entropy of the validation rows.

    Args:
        settings: encoder, loss, pace and seed.
        files: what to learn from, and what to validate on.
        log_dir: where TensorBoard's log goes, if anywhere.
        progress: show how it goes.

    Raises:
        UserError: there are too few labels to learn, or none of them to validate on.
    """
    keras.utils.set_random_seed(settings.seed)
    ((name, encoder),) = settings.model.encoders(settings.inputs).items()
    model = build_model(encoder, settings.model.loss, name, files)
    rows = list(read_rows(files.validation, (name, "label")))
    labels = model.labels.numpy().tolist()
    if not {label for _, label in rows} & set(labels):
        raise UserError("no row of the validation split has a label of the training split; see data.columns.group")
    validation = LabelValidation(rows, labels, settings.seed)
    batches = label_batches(model, files, settings.train.batch_size, settings.seed, settings.train.sampler)
    return fit(
        model,
        batches,
        validation,
        settings.train,
        rate=encoder.learning_rate,
        least_steps=encoder.least_steps,
        callbacks=model.objective.schedules,
        log_dir=log_dir,
        progress=progress,
    )


def build_model(encoder: EncoderSettings, loss: ClassifyLossSettings, name: str, files: Files) -> ClassifyModel:
    """An untrained model of the part `name`, adapted to the training rows."""
    tower = encoder.build([name], files.vocabulary)[name]
    tower.adapt(tf.constant(raw) for (raw,) in read_batches(files.train, (name,)))
    labels = read_vocabulary(files.labels)
    if len(labels) < _MIN_LABELS:
        raise UserError(f"The training split has only the label {labels[0].decode()!r}; add rows of other labels.")
    return ClassifyModel(tower, loss.build(len(labels), tower.dimensions), labels)


def label_batches(
    model: ClassifyModel, files: Files, batch_size: int, seed: int, sampler: SamplerSettings | None = None
) -> tuple[tf.data.Dataset, int]:
    """Batches of (features, label ids) of the training rows without end, and how many make one pass."""
    columns = (_LABEL, lambda examples: examples["label_id"])
    balanced = None if sampler is None else ClassSampler(sampler, _label_ids(files.train), seed)
    return training_batches(files.train, {model.tower.name: model.tower}, columns, batch_size, seed, sampler=balanced)


def _label_ids(train_files: Sequence[str]) -> np.ndarray:
    """Of each record, in the order of the files."""
    parsed = records(train_files).batch(READ_BATCH).map(lambda batch: tf.io.parse_example(batch, _LABEL)["label_id"])
    return np.concatenate(list(parsed.as_numpy_iterator()))


def build_references(
    model: ClassifyModel, files: Files, settings: IndexSettings, seed: int
) -> tuple[References, Mapping[str, Any]]:
    """The training rows with their vectors, at most MAX_REFERENCES of them, and what is to be known of the index.

    Raises:
        UserError: the index finds too little.
    """
    encoder = Encoder(model.tower)
    name = model.tower.name
    ids: list[bytes] = []
    labels: list[bytes] = []
    vectors = []
    for row_ids, raw, row_labels in sample_batches(files.train, ("id", name, "label"), MAX_REFERENCES, seed):
        ids += row_ids.tolist()
        labels += row_labels.tolist()
        vectors.append(unit_vectors(encoder(raw)).numpy())
    judging = [] if is_exact(settings, len(ids)) else files.validation
    held = [unit_vectors(encoder(raw)) for (raw,) in sample_batches(judging, (name,), MAX_QUERIES, seed)]
    queries = np.concatenate([np.zeros((0, model.tower.dimensions), np.float32), *held])
    chosen = choose_index(np.concatenate(vectors), queries, settings, seed)
    references = References(
        [ids[place] for place in chosen.order], [labels[place] for place in chosen.order], chosen.index
    )
    return references, chosen.record


def export_classify(model: ClassifyModel, references: References, settings: ClassifyTrainer, folder: str) -> None:
    """Write a SavedModel with the signatures classify (the default), neighbors, evaluate, and INPUT_features."""
    ((name, modality),) = settings.inputs.items()

    def features(raw: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"vector": model.vectors(raw)}

    def classify(raw: tf.Tensor) -> dict[str, tf.Tensor]:
        return model.classify(model.vectors(raw))._asdict()

    def neighbors(raw: tf.Tensor) -> dict[str, tf.Tensor]:
        return references.nearest(model.vectors(raw), settings.neighbors)._asdict()

    def evaluate(examples: tf.Tensor) -> dict[str, tf.Tensor]:
        spec = {key: tf.io.FixedLenFeature([], tf.string) for key in (name, "label")}
        rows = tf.io.parse_example(examples, spec)
        return judge(model, references, model.vectors(rows[name]), rows["label"])

    signatures = {
        "classify": (modality, classify),
        f"{name}_features": (modality, features),
        "neighbors": (modality, neighbors),
    }
    tracked = [model.tower, model.objective, references]
    export(tracked, signatures, "classify", evaluate, folder, weights=settings.export.weights)


def judge(model: ClassifyModel, references: References, vectors: tf.Tensor, labels: tf.Tensor) -> dict[str, tf.Tensor]:
    """What metrics are computed of, by row; see `components.evaluate.classification`."""
    probabilities = model.probabilities(vectors)
    confidence = tf.reduce_max(probabilities, axis=1)
    predicted = tf.gather(model.labels, tf.argmax(probabilities, axis=1))
    known = tf.equal(labels[:, tf.newaxis], model.labels[tf.newaxis, :])
    finite = tf.reduce_all(tf.math.is_finite(probabilities), axis=1)  # the largest of no numbers would be the first
    voted = majority(references.nearest(vectors, JUDGED_NEIGHBORS).labels)
    return {
        "label": tf.where(tf.reduce_any(known, axis=1), tf.argmax(tf.cast(known, tf.int32), axis=1), -1),
        "correct": tf.cast(tf.logical_and(finite, tf.equal(predicted, labels)), tf.float32),
        "confidence": confidence,
        "neighbor_correct": tf.cast(tf.logical_and(finite, tf.equal(voted, labels)), tf.float32),
        "vector": unit_vectors(vectors),
    }
