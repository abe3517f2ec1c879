"""Real fits on toy tasks: texts that no untrained encoder can match, and pictures on either side."""

import itertools
import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.encoders.settings import BagSettings, CnnSettings, EncoderSettings, LstmSettings
from components.losses.settings import (
    CircleSettings,
    GrowthSettings,
    InfoNCESettings,
    MatchLossSettings,
    MultiSimilaritySettings,
    PairContrastiveSettings,
    RankingSettings,
    TripletSettings,
)
from components.parts import Modality
from components.signatures import signature_inputs
from components.tasks.match import MatchModel
from components.tasks.settings import MatchSettings
from components.train import match as module
from components.train.candidates import Candidates
from components.train.data import training_batches
from components.train.files import Files
from components.train.fit import Fitted
from components.train.library import build_library
from components.train.match import fit_match, train
from components.train.rows import read_batches, read_rows
from components.train.settings import MatchExportSettings, MatchTrainer, MatchTrainSettings
from components.train.validation import RetrievalValidation
from tests.components.corpus import LABELS, Row, pair_records, picture, write_records

TEXTS: dict[str, Modality] = {"question": "text", "answer": "text"}
ENCODERS: dict[str, tuple[EncoderSettings, float]] = {
    "bag": (BagSettings(dimensions=256, buckets=4096), 0.1),
    "lstm": (LstmSettings(embedding=24, units=24), 0.01),
}
FILLERS = {"bag": 10, "lstm": 1}
"""How many words beside the key: enough to lead an untrained encoder astray."""
EPOCHS = {"bag": 10, "lstm": 12}
LOSSES: dict[str, MatchLossSettings] = {
    "ranking": RankingSettings(type="multiple_negatives_ranking"),
    "triplet": TripletSettings(type="cosine_triplet", margin=0.4),
    "info_nce": InfoNCESettings(type="info_nce"),
    "contrastive": PairContrastiveSettings(type="supervised_contrastive"),
    "circle": CircleSettings(type="circle", scale=16),
    "multi_similarity": MultiSimilaritySettings(type="multi_similarity", push=20),
}


@dataclass(frozen=True)
class Task:
    """Training rows and held-out ones, in files, and what may answer them."""

    files: Files
    candidates: Candidates

    def validate(self, model: MatchModel) -> dict[str, float]:
        pairs = list(read_rows(self.files.validation, ("question", "answer")))
        validation = RetrievalValidation(pairs, self.candidates, 1)
        validation.set_model(model)
        return validation.evaluate()


@pytest.fixture(scope="module", params=ENCODERS)
def encoder(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def task(encoder: str, tmp_path_factory: pytest.TempPathFactory) -> Task:
    """24 answers by key word, three questions each to learn from and one held out, every one with other fillers."""
    draw = random.Random(6)
    keys = ["".join(draw.choices("abcdefghijklmnopqrst", k=3)) for _ in range(24)]
    fillers = ["".join(draw.choices("abcdefghijklmnopqrst", k=9)) for _ in range(16)]
    assert len(set(keys)) == 24

    def text(key: str) -> str:
        return " ".join([key, *draw.sample(fillers, FILLERS[encoder])])

    answers = [text(key) for key in keys]
    rows: list[Row] = [(str(at), text(key), answers[at], "") for _ in range(3) for at, key in enumerate(keys)]
    held_out: list[Row] = [(f"v{at}", text(key), answers[at], "") for at, key in enumerate(keys)]
    folder = tmp_path_factory.mktemp("task")
    vocabulary = folder / "tokens"
    vocabulary.write_text("\n".join(keys + fillers), encoding="utf-8")
    files = Files(
        train=write_records(folder / "train", pair_records(rows, vocabulary)),
        validation=write_records(folder / "validation", pair_records(held_out, vocabulary)),
        test=[],
        vocabulary=str(vocabulary),
        labels="",
    )
    return Task(files, Candidates(files.all))


@pytest.fixture
def fit(task: Task, encoder: str, tmp_path: Path) -> Callable[..., Fitted[MatchModel]]:
    settings, rate = ENCODERS[encoder]

    def run(loss: str, epochs: int, seed: int = 7, **train: Any) -> Fitted[MatchModel]:
        trainer = MatchTrainer(
            inputs=TEXTS,
            model=MatchSettings(encoder=settings, loss=LOSSES[loss]),
            train=MatchTrainSettings(epochs=epochs, **{"batch_size": 24, "learning_rate": rate} | train),
            seed=seed,
            candidates=5,
        )
        return fit_match(trainer, task.files, task.candidates, log_dir=str(tmp_path / "log"), progress=False)

    return run


@pytest.fixture(scope="module")
def start(task: Task, encoder: str) -> dict[str, float]:
    """How well the untrained model does."""
    keras.utils.set_random_seed(7)
    towers = ENCODERS[encoder][0].build(["question", "answer"], task.files.vocabulary)
    questions = read_batches(task.files.train, ("question",))
    library = task.candidates.batches()
    towers["answer"].adapt(tf.constant(texts) for *_, texts in itertools.chain(library, questions))
    return task.validate(MatchModel(towers))


@pytest.mark.parametrize("loss", LOSSES)
def test_learns(
    task: Task, encoder: str, fit: Callable[..., Fitted[MatchModel]], start: dict[str, float], loss: str
) -> None:
    fitted = fit(loss, epochs=EPOCHS[encoder])
    losses = fitted.history["loss"]
    if loss == "multi_similarity":  # what is mined changes with the model, and the loss with it
        assert min(losses[1:]) < 0.95 * losses[0]
    else:
        assert losses[-1] < 0.85 * losses[0]
    assert fitted.validation["val_recall@1"] > start["val_recall@1"] + 0.3
    assert fitted.validation["val_mrr"] > start["val_mrr"] + 0.2
    assert fitted.validation["val_mrr"] == max(fitted.history["val_mrr"])
    assert task.validate(fitted.model) == pytest.approx(fitted.validation)


def test_a_temperature_is_learnt_with_the_towers(fit: Callable[..., Fitted[MatchModel]]) -> None:
    fitted = fit("info_nce", epochs=3)
    (temperature,) = fitted.model.loss_parts
    assert any(temperature.logit is value for value in fitted.model.trainable_variables)
    assert abs(float(temperature.value()) - 0.05) > 1e-3


def test_the_same_seed_gives_the_same_weights(fit: Callable[..., Fitted[MatchModel]]) -> None:
    one, same = (fit("triplet", epochs=1) for _ in range(2))  # its negatives are drawn at random
    assert one.history == same.history
    for first, second in zip(one.model.get_weights(), same.model.get_weights(), strict=True):
        np.testing.assert_array_equal(first, second)


def test_a_rate_that_spoils_the_model_leaves_the_untrained_one_and_a_record_of_it(
    task: Task, fit: Callable[..., Fitted[MatchModel]], start: dict[str, float], tmp_path: Path
) -> None:
    fitted = fit("ranking", epochs=2, learning_rate=1e30)
    assert task.validate(fitted.model) == pytest.approx(start)
    record = json.loads(json.dumps(fitted.record()))
    assert record["parameters"] == sum(weight.size for weight in fitted.model.get_weights())
    assert record["best_epoch"] == fitted.best_epoch == 0
    assert record["validation"] == pytest.approx(start)
    lengths = {name: len(values) for name, values in record["history"].items()}
    assert lengths == {"loss": 2, "val_recall@1": 2, "val_mrr": 2}
    assert {folder.name for folder in (tmp_path / "log").iterdir()} == {"train", "validation"}


BAG = BagSettings(dimensions=8, buckets=1024, ngrams=(2,))
PAIRS: list[Row] = [
    ("1", "one", "1 uno", ""),
    ("2", "one", "eins", ""),
    ("3", "two", "zwei dos", ""),
    ("4", "2", "zwei dos", ""),
    ("5", "three", "drei", ""),
]


@pytest.fixture
def files(tmp_path: Path, vocabulary_file: Path) -> Files:
    """Four rows to learn from, one held out."""
    train, validation = (
        write_records(tmp_path / name, pair_records(rows, vocabulary_file))
        for name, rows in (("train", PAIRS[:4]), ("validation", PAIRS[4:]))
    )
    return Files(train=train, validation=validation, test=[], vocabulary=str(vocabulary_file), labels="")


def brief(model: MatchSettings) -> MatchTrainer:
    return MatchTrainer(
        inputs=TEXTS, model=model, train=MatchTrainSettings(epochs=1, batch_size=4), seed=2, candidates=1
    )


def test_in_a_batch_every_right_answer_of_a_question_is_right(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []

    def noted(*arguments: Any, **more: Any) -> Any:
        made.append(arguments)
        return training_batches(*arguments, **more)

    monkeypatch.setattr(module, "training_batches", noted)
    fit_match(brief(MatchSettings(encoder=BAG)), files, Candidates(files.all), progress=False)
    ((_, _, (_, labels), _, _),) = made
    rows = {side: tf.constant([row[column] for row in PAIRS]) for side, column in (("question", 1), ("answer", 2))}
    assert labels(rows).numpy().astype(int).tolist() == [
        [1, 1, 0, 0, 0],
        [1, 1, 0, 0, 0],
        [0, 0, 1, 1, 0],
        [0, 0, 1, 1, 0],
        [0, 0, 0, 0, 1],
    ]


def test_a_margin_grows_and_what_a_step_costs_with_it(files: Files) -> None:
    growing = TripletSettings(
        type="cosine_triplet", margin=2, negatives="all", margin_growth=GrowthSettings(start=1, epochs=2)
    )
    still = BAG.model_copy(update={"term_dropout": 0.0})
    settings = brief(MatchSettings(encoder=still, loss=growing))
    settings = settings.model_copy(update={"train": MatchTrainSettings(epochs=3, batch_size=4, learning_rate=1e-9)})
    losses = fit_match(settings, files, Candidates(files.all), progress=False).history["loss"]
    np.testing.assert_allclose(np.diff(losses), [0.5, 0.5], atol=0.02)  # one step an epoch: margin 1, 1.5, 2


def test_vectors_are_learnt_at_every_size(files: Files) -> None:
    settings = brief(MatchSettings(encoder=BAG, loss=InfoNCESettings(type="info_nce"), nested_dimensions=(2, 4)))
    fitted = fit_match(settings, files, Candidates(files.all), progress=False)
    assert fitted.model.sizes == (8, 4, 2)
    assert len(fitted.model.loss_parts) == 1
    cut = settings.model_copy(update={"export": MatchExportSettings(dimensions=4)})
    library = build_library(fitted.model, Candidates(files.all), cut, files.validation).library
    expected = fitted.model.encode("answer", library.shown, 4)
    np.testing.assert_allclose(tf.transpose(library.similarity.index.columns), expected, atol=1e-6)
    assert expected.shape == (4, 4)


def test_signals_and_what_the_loss_learns_go_together(files: Files) -> None:
    """Negatives of the library and of earlier batches, at every size, encoded in parts, under a learnt temperature."""
    model = MatchSettings(encoder=BAG, loss=InfoNCESettings(type="info_nce"), nested_dimensions=(4,))
    signals = {"inverse_cloze": {}, "hard_negatives": {}, "memory": 8, "micro_batch": 3}
    train = MatchTrainSettings.model_validate({"epochs": 2, "batch_size": 4, "learning_rate": 0.1} | signals)
    untrained, trained = (
        fit_match(
            brief(model).model_copy(update={"train": train.model_copy(update=pace)}),
            files,
            Candidates(files.all),
            progress=False,
        )
        for pace in ({"learning_rate": 1e-12}, {"patience": 2})
    )
    before, after = (fitted.model.loss_parts[0].get_weights()[0] for fitted in (untrained, trained))
    assert np.isfinite(trained.history["loss"]).all()
    assert trained.best_epoch == 0 or abs(after - before) > 1e-3


@pytest.mark.parametrize("shared", [True, False])
def test_encoders_are_adapted_to_what_they_read_and_a_shared_one_to_both_sides(files: Files, shared: bool) -> None:
    """The library has the answers of every split, each once; questions are those of the training rows."""
    both = MatchSettings(encoder=BAG) if shared else MatchSettings(question_encoder=BAG, answer_encoder=BAG)
    fitted = fit_match(brief(both), files, Candidates(files.all), progress=False)
    texts = {"question": ["one", "one", "two", "2"], "answer": ["1 uno", "eins", "zwei dos", "drei"]}
    both_sides = [text for own in texts.values() for text in own]
    for side, own in texts.items():
        expected = BAG.build([side], "")[side]
        expected.adapt([tf.constant(both_sides if shared else own)])
        found = getattr(fitted.model, side)
        np.testing.assert_allclose(found.lexicon.idf, expected.lexicon.idf, rtol=1e-6)


NAMES = {"wall": "a brick wall", "floor": "a floor of tiles", "dot": "one blue dot"}
CNN = CnnSettings(dimensions=16, size=(8, 8), filters=(8,), dropout=0)
CROSSING: dict[str, tuple[dict[str, Modality], MatchSettings]] = {
    "picture to text": (
        {"question": "image", "answer": "text"},
        MatchSettings(question_encoder=CNN, answer_encoder=BagSettings(dimensions=16, buckets=1024)),
    ),
    "text to picture": (
        {"question": "text", "answer": "image"},
        MatchSettings(question_encoder=BagSettings(dimensions=16, buckets=1024), answer_encoder=CNN),
    ),
    "picture to picture": ({"question": "image", "answer": "image"}, MatchSettings(encoder=CNN)),
}


@pytest.fixture(scope="module", params=CROSSING)
def crossing(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[MatchTrainer, Files]:
    """Rows whose pictures are of three kinds, and whose texts name the kind; answers are three."""
    inputs, model = CROSSING[request.param]

    def value(side: str, label: str, row: int) -> str | bytes:
        if inputs[side] == "text":
            return NAMES[label] + (f" number {row}" if side == "question" else "")
        return picture(label, row if side == "question" else 999)

    labels = list(LABELS)
    splits = {"train": range(36), "validation": range(36, 48), "test": range(48, 54)}
    folder = tmp_path_factory.mktemp("crossing")
    files = {
        split: write_records(
            folder / split,
            [
                {"id": f"{row:02}", **{side: value(side, labels[row % 3], row) for side in inputs}, "category": ""}
                for row in rows
            ],
        )
        for split, rows in splits.items()
    }
    train = MatchTrainSettings(epochs=8, batch_size=12, learning_rate=0.02)
    settings = MatchTrainer(inputs=inputs, model=model, train=train, seed=3, candidates=2)
    return settings, Files(**files, vocabulary="", labels="")


def test_pictures_are_matched_on_either_side(crossing: tuple[MatchTrainer, Files], tmp_path: Path) -> None:
    settings, files = crossing
    record = train(settings, files, str(tmp_path / "model"), str(tmp_path / "log"))
    assert record["library"] == 3
    assert record["validation"]["val_recall@1"] > 0.9
    inputs: Mapping[str, Modality] = settings.inputs
    assert signature_inputs(tmp_path / "model") == {
        "answer": inputs["answer"],
        "question": inputs["question"],
        "search": inputs["question"],
        "serving_default": inputs["question"],
    }
    asked = tf.constant([picture("dot", 5_000), picture("wall", 5_001)])
    if inputs["question"] == "text":
        asked = tf.constant(["one blue dot at last", "brick wall"])
    found = tf.saved_model.load(str(tmp_path / "model")).signatures["search"](asked)
    assert found["candidates"].shape == found["ids"].shape == (2, 2)
    assert found["ids"].numpy()[:, 0].tolist() == [b"02", b"00"]  # the smallest row of each kind
    names = [NAMES["dot"].encode(), NAMES["wall"].encode()]
    first = found["candidates"].numpy()[:, 0].tolist()
    assert first == (names if inputs["answer"] == "text" else [b"02", b"00"])


def test_a_library_of_pictures_shows_ids(crossing: tuple[MatchTrainer, Files]) -> None:
    settings, files = crossing
    candidates = Candidates(files.all)
    groups = settings.model.build(settings.inputs, "")
    model = MatchModel({side: tower for group in groups for side, tower in group.items()})
    pictures = settings.inputs["answer"] == "image"
    library = build_library(model, candidates, settings, files.validation).library
    assert (library.shown.numpy().tolist() == candidates.ids) == pictures
    answers = tf.constant(candidates.values(range(3)))
    np.testing.assert_allclose(
        tf.transpose(library.similarity.index.columns), model.encode("answer", answers), atol=1e-5
    )
    np.testing.assert_array_equal(library.keys, candidates.keys)
