"""Classifiers of texts and of pictures: fit, references, judging, and the export as TensorFlow Serving loads it."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import tensorflow as tf

from components.encoders.settings import CnnSettings, EmbeddingBagSettings, EncoderSettings
from components.errors import UserError
from components.losses.scores import unit_vectors
from components.losses.settings import CenterSettings
from components.parts import INPUT_KEY, Modality
from components.search.settings import IndexSettings
from components.signatures import signature_inputs
from components.tasks.classify import ClassifyModel
from components.tasks.references import References, majority
from components.tasks.settings import ClassifySettings
from components.train import classify as module
from components.train.classify import build_references, export_classify, fit_classify, judge, train
from components.train.files import Files
from components.train.fit import Fitted
from components.train.settings import ClassifyTrainer, ClassifyTrainSettings
from components.train.validation import LabelValidation
from tests.components.corpus import LABELS, Labelled, label_records, labelled, write_labels, write_records
from tests.components.train.served import Served, example, moved_away

ENCODERS: dict[Modality, EncoderSettings] = {
    "text": EmbeddingBagSettings(dimensions=6, buckets=512),
    "image": CnnSettings(dimensions=6, size=(8, 8), filters=(6,)),
}
NAMES = [label.encode() for label in LABELS]


class Task(NamedTuple):
    """Rows in files, and how to learn from them."""

    modality: Modality
    rows: list[Labelled]
    files: Files
    settings: ClassifyTrainer


class Trained(NamedTuple):
    """What training led to, and where it was exported."""

    fitted: Fitted[ClassifyModel]
    references: References
    folder: Path

    @property
    def model(self) -> ClassifyModel:
        return self.fitted.model


@pytest.fixture(scope="module", params=ENCODERS)
def task(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Task:
    """40 rows to learn from and 15 held out, one of which has a label that the 40 do not have."""
    modality: Modality = request.param
    rows = labelled(modality, 55)
    rows[-1] = rows[-1]._replace(label="roof")
    folder = tmp_path_factory.mktemp(modality)
    files = Files(
        train=write_records(folder / "train", label_records(rows[:40], modality)),
        validation=write_records(folder / "validation", label_records(rows[40:], modality)),
        test=[],
        vocabulary="",
        labels=write_labels(folder / "labels"),
    )
    settings = ClassifyTrainer(
        inputs={modality: modality},
        model=ClassifySettings(encoder=ENCODERS[modality], loss=CenterSettings(type="center", smoothing=0.1)),
        train=ClassifyTrainSettings(epochs=25, batch_size=8, learning_rate=0.02),
        seed=5,
        neighbors=4,
    )
    return Task(modality, rows, files, settings)


@pytest.fixture(scope="module")
def trained(task: Task, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    fitted = fit_classify(task.settings, task.files, progress=False)
    references = build_references(fitted.model, task.files, task.settings.index, task.settings.seed)[0]
    folder = tmp_path_factory.mktemp("export") / "model"
    export_classify(fitted.model, references, task.settings, str(folder))
    return Trained(fitted, references, folder)


@pytest.fixture(scope="module")
def served(task: Task, trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Served:
    """Loaded from another place, while nothing is where it was when the model was trained."""
    place = tmp_path_factory.mktemp("serving") / "1"
    shutil.copytree(trained.folder, place)
    with moved_away(trained.folder), moved_away(Path(task.files.labels).parent):
        return Served(place)


def test_it_learns_and_keeps_the_best_epoch(task: Task, trained: Trained) -> None:
    fitted = trained.fitted
    assert set(fitted.history) == {
        "loss",
        "accuracy",
        "cross_entropy",
        "center",
        "val_accuracy",
        "val_cross_entropy",
    }
    assert fitted.history["loss"][-1] < 0.8 * fitted.history["loss"][0]
    assert fitted.validation["val_cross_entropy"] == min(fitted.history["val_cross_entropy"])
    assert fitted.validation["val_accuracy"] > 0.7  # the commonest label alone: 0.53
    assert fitted.model.labels.numpy().tolist() == NAMES
    validation = LabelValidation([(row.raw, row.label.encode()) for row in task.rows[40:]], NAMES, 1)
    validation.set_model(fitted.model)
    assert validation.evaluate() == pytest.approx(fitted.validation)


def test_the_same_seed_gives_the_same_weights(task: Task) -> None:
    brief = task.settings.model_copy(update={"train": ClassifyTrainSettings(epochs=1, batch_size=8)})
    one, same = (fit_classify(brief, task.files, progress=False) for _ in range(2))
    other = fit_classify(brief.model_copy(update={"seed": 6}), task.files, progress=False)
    assert one.history == same.history != other.history
    for first, second in zip(one.model.get_weights(), same.model.get_weights(), strict=True):
        np.testing.assert_array_equal(first, second)


def test_references_are_the_training_rows(task: Task, trained: Trained) -> None:
    references, rows = trained.references, task.rows[:40]
    assert references.ids.numpy().tolist() == [row.id.encode() for row in rows]
    assert references.labels.numpy().tolist() == [row.label.encode() for row in rows]
    vectors = unit_vectors(trained.model.vectors(tf.constant([row.raw for row in rows])))
    np.testing.assert_allclose(tf.transpose(references.index.columns), vectors, atol=1e-5)


def test_of_too_many_rows_a_seeded_sample_is_kept(
    task: Task, trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_REFERENCES", 11)
    one, same, other = (build_references(trained.model, task.files, IndexSettings(), seed)[0] for seed in (1, 1, 2))
    assert one.ids.numpy().tolist() == same.ids.numpy().tolist() != other.ids.numpy().tolist()
    assert len(set(one.ids.numpy())) == one.index.size == 11
    by_id = {row.id.encode(): row for row in task.rows[:40]}
    assert one.labels.numpy().tolist() == [by_id[row_id].label.encode() for row_id in one.ids.numpy()]


def test_judge_compares_by_row(task: Task, trained: Trained) -> None:
    model, rows = trained.model, task.rows[35:]
    vectors = model.vectors(tf.constant([row.raw for row in rows]))
    found = judge(model, trained.references, vectors, tf.constant([row.label for row in rows]))
    probabilities = model.probabilities(vectors).numpy()
    labels = [NAMES.index(row.label.encode()) if row.label in LABELS else -1 for row in rows]
    nearest = trained.references.nearest(vectors, 5).labels
    voted = majority(nearest).numpy().tolist()
    assert labels.count(-1) == 1
    assert found["label"].dtype == tf.int64
    assert found["label"].numpy().tolist() == labels
    assert found["correct"].numpy().tolist() == [
        float(best == label) for best, label in zip(probabilities.argmax(axis=1), labels, strict=True)
    ]
    np.testing.assert_allclose(found["confidence"], probabilities.max(axis=1), rtol=1e-5)
    assert found["neighbor_correct"].numpy().tolist() == [
        float(vote == row.label.encode()) for vote, row in zip(voted, rows, strict=True)
    ]
    np.testing.assert_allclose(found["vector"], unit_vectors(vectors), atol=1e-6)
    assert found["correct"].numpy()[-1] == found["neighbor_correct"].numpy()[-1] == 0
    assert 0 < found["correct"].numpy().mean() < 1


def test_what_is_not_a_number_is_never_right(task: Task, trained: Trained) -> None:
    vectors = np.full((len(NAMES), 6), np.nan, np.float32)
    found = judge(trained.model, trained.references, tf.constant(vectors), tf.constant(NAMES))
    assert found["correct"].numpy().tolist() == found["neighbor_correct"].numpy().tolist() == [0, 0, 0]
    assert found["label"].numpy().tolist() == [0, 1, 2]
    del task


def test_a_model_of_no_numbers_counts_as_wrong_everywhere(task: Task) -> None:
    """A learning rate that spoils every weight: validation keeps the untrained model."""
    spoilt = task.settings.model_copy(
        update={"train": ClassifyTrainSettings(epochs=2, batch_size=8, learning_rate=1e30)}
    )
    fitted = fit_classify(spoilt, task.files, progress=False)
    assert fitted.history["val_accuracy"][-1] <= fitted.validation["val_accuracy"]
    assert all(np.isfinite(weight).all() for weight in fitted.model.get_weights())


def test_signatures_are_those_of_the_contract(task: Task, served: Served) -> None:
    raw = {INPUT_KEY[task.modality]: ("string", [-1])}
    classes = {"labels": ("string", [-1, 3]), "probabilities": ("float32", [-1, 3])}
    neighbors = {"ids": ("string", [-1, 4]), "labels": ("string", [-1, 4]), "scores": ("float32", [-1, 4])}
    one = ("float32", [-1])
    judged = {"label": ("int64", [-1]), "correct": one, "confidence": one, "neighbor_correct": one}
    assert served.described() == {
        "classify": (raw, classes),
        "serving_default": (raw, classes),
        f"{task.modality}_features": (raw, {"vector": ("float32", [-1, 6])}),
        "neighbors": (raw, neighbors),
        "evaluate": ({"examples": ("string", [-1])}, judged | {"vector": ("float32", [-1, 6])}),
    }


def test_what_signatures_read_is_told_without_loading(task: Task, trained: Trained) -> None:
    names = ("classify", f"{task.modality}_features", "neighbors", "serving_default")
    assert signature_inputs(trained.folder) == dict.fromkeys(names, task.modality)


def test_answers_are_the_models_own(task: Task, trained: Trained, served: Served) -> None:
    raw = [row.raw for row in task.rows[38:]]
    vectors = trained.model.vectors(tf.constant(raw))
    np.testing.assert_allclose(served(f"{task.modality}_features", raw)["vector"], vectors, atol=1e-5)
    expected = trained.model.classify(vectors)
    for signature in ("classify", "serving_default"):
        found = served(signature, raw)
        np.testing.assert_allclose(found["probabilities"], expected.probabilities, atol=1e-5)
        assert found["labels"].tolist() == expected.labels.numpy().tolist()
        np.testing.assert_allclose(found["probabilities"].sum(axis=1), 1, rtol=1e-5)
    nearest = trained.references.nearest(vectors, 4)
    found = served("neighbors", raw)
    np.testing.assert_allclose(found["scores"], nearest.scores, atol=1e-5)
    assert found["ids"][:, 0].tolist() == nearest.ids.numpy()[:, 0].tolist()
    assert found["ids"][:2, 0].tolist() == [row.id.encode() for row in task.rows[38:40]]  # they are among them


def test_evaluate_judges_examples(task: Task, trained: Trained, served: Served) -> None:
    rows = task.rows[36:]
    examples = [example({task.modality: row.raw, "label": row.label}) for row in rows]
    found = served("evaluate", examples)
    vectors = trained.model.vectors(tf.constant([row.raw for row in rows]))
    expected = judge(trained.model, trained.references, vectors, tf.constant([row.label for row in rows]))
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, atol=1e-5, err_msg=name)


def test_no_rows(served: Served) -> None:
    for signature in served.described():
        for name, value in served(signature, []).items():
            assert value.shape[0] == 0, f"{signature}.{name}"


def test_no_path_of_the_training_machine_is_left(task: Task, trained: Trained) -> None:
    paths = [str(Path(task.files.labels).parent), str(trained.folder.parent), str(Path.cwd()), " object at 0x"]
    for file in trained.folder.rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            for path in paths:
                assert path.encode() not in content, f"{file.name} holds {path}"


def test_train_does_it_all_and_tells(task: Task, tmp_path: Path) -> None:
    brief = task.settings.model_copy(update={"train": ClassifyTrainSettings(epochs=1, batch_size=20)})
    record = json.loads(json.dumps(train(brief, task.files, str(tmp_path / "model"), str(tmp_path / "log"))))
    assert record["labels"] == list(LABELS)
    assert record["references"] == 40
    assert record["best_epoch"] in {0, 1}
    assert 0 <= record["validation"]["val_accuracy"] <= 1
    assert (tmp_path / "model" / "saved_model.pb").exists()
    assert list((tmp_path / "log" / "train").glob("events.*"))


def test_validation_rows_must_have_labels_that_are_learnt(task: Task, tmp_path: Path) -> None:
    others = [row._replace(label="roof") for row in task.rows[40:]]
    validation = write_records(tmp_path / "validation", label_records(others, task.modality))
    with pytest.raises(UserError, match="no row of the validation split has a label of the training split"):
        fit_classify(task.settings, replace(task.files, validation=validation), progress=False)
