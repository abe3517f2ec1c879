"""The Tuner's function on what the Transform step really wrote, for each task."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tfx.components.trainer.fn_args_utils import FnArgs

from components.encoders.settings import BagSettings, EmbeddingBagSettings
from components.tasks.settings import ClassifySettings, MatchSettings
from components.train.settings import (
    ClassifyTrainer,
    ClassifyTrainSettings,
    MatchTrainer,
    MatchTrainSettings,
    TrainerSettings,
)
from components.transform.settings import TransformSettings
from components.tune.results import read_results
from components.tune.tuner_fn import tuner_fn
from components.tune.values import given
from tests.components.corpus import label_records, labelled

pytestmark = pytest.mark.filterwarnings("ignore:(currentThread|getName):DeprecationWarning:keras_tuner")

PACE = {"epochs": 1, "batch_size": 4}
MATCH = MatchTrainer(
    inputs={"question": "text", "answer": "text"},
    model=MatchSettings(encoder=BagSettings(dimensions=16, buckets=1024)),
    train=MatchTrainSettings.model_validate(PACE),
    seed=9,
    candidates=3,
)
CLASSIFY = ClassifyTrainer(
    inputs={"text": "text"},
    model=ClassifySettings(encoder=EmbeddingBagSettings(dimensions=6, buckets=512)),
    train=ClassifyTrainSettings.model_validate(PACE),
    seed=9,
    neighbors=3,
)


def labelled_texts(transform: Callable[..., Path]) -> Path:
    records = [
        {name: value for name, value in record.items() if name != "label_id"}
        for record in label_records(labelled("text", 30), "text")
    ]
    return transform(TransformSettings(), {"text": "text", "label": "label"}, records[:20], records[20:])


def search(transformed: Path, folder: Path, settings: TrainerSettings, trials: int, *, fresh: bool = False) -> Any:
    tune = {"trials": trials, "algorithm": "random", "ranges": {"train.learning_rate": {"min": 1e-3, "max": 0.1}}}
    made = tuner_fn(
        FnArgs(
            working_dir=str(folder / "scratch"),
            train_files=[f"{transformed}/examples/Split-train/*"],
            eval_files=[f"{transformed}/examples/Split-test/*"] * 2,
            transform_graph_path=str(transformed / "graph"),
            custom_config={
                "settings": json.dumps(given(settings)),
                "folder": str(folder / "searches"),
                "search": {"settings": given(settings)},
                "tune": json.dumps(tune),
                "fresh": fresh,
            },
        )
    )
    made.tuner.search(**made.fit_kwargs)
    return made.tuner


@pytest.mark.parametrize("settings", [MATCH, CLASSIFY], ids=["match", "classify"])
def test_it_trains_goes_on_and_starts_afresh(
    settings: TrainerSettings, transformed: Path, transform: Callable[..., Path], tmp_path: Path
) -> None:
    found = transformed if settings.task == "match" else labelled_texts(transform)
    tuner = search(found, tmp_path, settings, 1)
    (folder,) = (tmp_path / "searches").iterdir()
    first = read_results(folder)
    assert [result.number for result in first] == [0, 1]
    assert tuner.get_best_hyperparameters()[0].values == pytest.approx(first[1].values, rel=1e-3)
    search(found, tmp_path, settings, 2)
    assert read_results(folder)[:2] == first
    assert len(read_results(folder)) == 3
    search(found, tmp_path, settings, 1, fresh=True)
    again = read_results(folder)
    assert [(result.values, result.scores) for result in again] == [
        (result.values, pytest.approx(result.scores)) for result in first
    ]
    assert again != first  # trained anew, in other seconds
