"""The Trainer's function on what the Transform step really wrote, for each task and modality."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
import tensorflow as tf
from tfx.components.trainer.fn_args_utils import FnArgs

from components.encoders.settings import CnnSettings, LstmSettings
from components.parts import Modality
from components.tasks.settings import ClassifySettings, MatchSettings
from components.train.job import RECORD
from components.train.run_fn import run_fn
from components.train.settings import (
    ClassifyTrainer,
    ClassifyTrainSettings,
    MatchTrainer,
    MatchTrainSettings,
    TrainerSettings,
    parse_settings,
)
from components.transform.settings import TransformSettings
from tests.components.corpus import LABELS, Row, label_records, labelled, picture, write_records

SETTINGS = MatchTrainer(
    inputs={"question": "text", "answer": "text"},
    model=MatchSettings(encoder=LstmSettings(embedding=3, units=4)),
    train=MatchTrainSettings(epochs=1, batch_size=3),
    seed=9,
    candidates=3,
)


def run(transformed: Path, test_split: list[str], folder: Path, settings: TrainerSettings) -> dict[str, object]:
    """What the Trainer step leaves behind: the model in `model/`, its record and log in `run/`; gives the record."""
    run_fn(
        FnArgs(
            train_files=[f"{transformed}/examples/Split-train/*"],
            eval_files=[f"{transformed}/examples/Split-test/*", *test_split],
            transform_graph_path=str(transformed / "graph"),
            serving_model_dir=str(folder / "model"),
            model_run_dir=str(folder / "run"),
            custom_config={"settings": settings.model_dump_json()},
        )
    )
    record = json.loads((folder / "run" / RECORD).read_text(encoding="utf-8"))
    fields = {name: record[name] for name in type(settings).model_fields}
    assert parse_settings(json.dumps(fields)) == settings
    return record


class Matching(NamedTuple):
    folder: Path
    record: dict[str, object]


@pytest.fixture(scope="module")
def matching(
    transformed: Path, write_examples: Callable[..., list[str]], tmp_path_factory: pytest.TempPathFactory
) -> Matching:
    folder = tmp_path_factory.mktemp("trained")
    test_split = write_examples(folder / "test", [("00", "unseen?", "An answer of the test split.", "how")])
    return Matching(folder, run(transformed, test_split, folder, SETTINGS))


def test_the_exported_model_searches_the_answers_of_all_splits(matching: Matching, rows: list[Row]) -> None:
    model = tf.saved_model.load(str(matching.folder / "model"))
    assert model.signatures["search"](tf.constant(["a fence"]))["ids"].shape == (1, 3)
    texts = sorted({row[2] for row in rows} | {"An answer of the test split."})
    (stored,) = (value for value in model._all_variables if value.name.startswith("shown"))
    assert sorted(text.decode() for text in stored.numpy()) == texts


def test_the_record_has_what_training_led_to(matching: Matching) -> None:
    record = matching.record
    assert record["library"] == 10
    assert record["best_epoch"] in {0, 1}
    assert isinstance(record["validation"], dict)
    assert 0 < record["validation"]["val_mrr"] <= 1
    assert record["parameters"] == 42 * 3 + 4 * (3 + 4 + 1) * 4 + 4 * 5


def test_tensorboards_log_lies_beside_the_record(matching: Matching) -> None:
    assert list((matching.folder / "run" / "train").glob("events.*"))
    assert list((matching.folder / "run" / "validation").glob("events.*"))


@pytest.mark.parametrize("modality", ["text", "image"])
def test_a_classifier_learns_from_what_the_transform_step_wrote(
    transform: Callable[..., Path], modality: Modality, tmp_path: Path
) -> None:
    """Texts by their token ids. The step orders labels by how frequent they are."""
    encoder = LstmSettings(embedding=3, units=4) if modality == "text" else CnnSettings(size=(8, 8), filters=(2,))
    settings = ClassifyTrainer(
        inputs={modality: modality},
        model=ClassifySettings(encoder=encoder),
        train=ClassifyTrainSettings(epochs=1, batch_size=5),
        seed=9,
        neighbors=2,
    )
    records = [
        {name: value for name, value in record.items() if name != "label_id"}
        for record in label_records(labelled(modality, 30), modality)
    ]
    transformed = transform(TransformSettings(), {modality: modality, "label": "label"}, records[:20], records[20:])
    record = run(transformed, write_records(tmp_path / "test", records[20:]), tmp_path, settings)
    assert record["labels"] == list(LABELS)
    assert record["references"] == 20
    model = tf.saved_model.load(str(tmp_path / "model"))
    given = tf.constant([b"brick number 5"] if modality == "text" else [picture("wall", 77)])
    found = model.signatures["classify"](given)
    assert sorted(found["labels"].numpy()[0].tolist()) == sorted(label.encode() for label in LABELS)
    assert found["probabilities"].shape == (1, 3)
    assert model.signatures["neighbors"](given)["ids"].shape == (1, 2)


def test_settings_are_known_by_their_task() -> None:
    classify = ClassifyTrainer(
        inputs={"text": "text"}, model=ClassifySettings(), train=ClassifyTrainSettings(), seed=1, neighbors=5
    )
    for settings in (SETTINGS, classify):
        assert parse_settings(settings.model_dump_json()) == settings
