import json
from collections.abc import Callable
from pathlib import Path

import pytest
import tensorflow as tf
from tfx.components.trainer.fn_args_utils import FnArgs

from components.encoders.settings import LstmSettings
from components.train.run_fn import RECORD, run_fn
from components.train.settings import ModelSettings, TrainerSettings, TrainSettings

type Row = tuple[str, str, str, str]

SETTINGS = TrainerSettings(
    task="match",
    model=ModelSettings(encoder=LstmSettings(embedding=3, units=4)),
    train=TrainSettings(epochs=1, batch_size=3),
    seed=9,
    candidates=3,
)


@pytest.fixture(scope="module")
def trained(
    transformed: Path, write_examples: Callable[..., list[str]], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """What the Trainer step leaves behind: the model in `model/`, its record and log in `run/`."""
    folder = tmp_path_factory.mktemp("trained")
    test_split = write_examples(folder / "test", [("00", "unseen?", "An answer of the test split.", "how")])
    run_fn(
        FnArgs(
            train_files=[f"{transformed}/examples/Split-train/*"],
            eval_files=[f"{transformed}/examples/Split-test/*", *test_split],
            transform_output=str(transformed / "graph"),
            serving_model_dir=str(folder / "model"),
            model_run_dir=str(folder / "run"),
            custom_config={"settings": SETTINGS.model_dump_json()},
        )
    )
    return folder


def test_the_exported_model_searches_the_answers_of_all_splits(trained: Path, rows: list[Row]) -> None:
    model = tf.saved_model.load(str(trained / "model"))
    assert model.signatures["search"](tf.constant(["a fence"]))["ids"].shape == (1, 3)
    texts = sorted({row[2] for row in rows} | {"An answer of the test split."})
    (stored,) = (value for value in model._all_variables if value.name.startswith("texts"))
    assert sorted(text.decode() for text in stored.numpy()) == texts


def test_the_record_has_the_settings_and_what_they_led_to(trained: Path) -> None:
    record = json.loads((trained / "run" / RECORD).read_text(encoding="utf-8"))
    assert TrainerSettings.model_validate({name: record[name] for name in TrainerSettings.model_fields}) == SETTINGS
    assert record["library"] == 10
    assert record["best_epoch"] in {0, 1}
    assert 0 < record["validation"]["val_mrr"] <= 1
    assert record["parameters"] == 42 * 3 + 4 * (3 + 4 + 1) * 4 + 4 * 5


def test_tensorboards_log_lies_beside_the_record(trained: Path) -> None:
    assert list((trained / "run" / "train").glob("events.*"))
    assert list((trained / "run" / "validation").glob("events.*"))
