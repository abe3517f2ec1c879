"""What a match loss learns, or what changes with its training, is the same in every replica."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from components.encoders.settings import BagSettings
from components.losses.settings import GrowthSettings, InfoNCESettings, MatchLossSettings, TripletSettings
from components.tasks.settings import MatchSettings
from components.train.files import Files
from components.train.job import Job
from components.train.settings import MatchTrainer, MatchTrainSettings
from tests.components.corpus import Row, pair_records, write_records

ROWS: list[Row] = [(str(number), f"question {number}", f"answer {number} of all", "") for number in range(16)]


def fit_mirrored(
    folder: Path, vocabulary_file: Path, loss: MatchLossSettings, rate: float, dimensions: int = 32
) -> dict[str, Any]:
    train, validation = (
        write_records(folder / name, pair_records(rows, vocabulary_file))
        for name, rows in (("train", ROWS[:12]), ("validation", ROWS[12:]))
    )
    settings = MatchTrainer(
        inputs={"question": "text", "answer": "text"},
        model=MatchSettings(encoder=BagSettings(dimensions=dimensions, buckets=1024, term_dropout=0), loss=loss),
        train=MatchTrainSettings(epochs=3, batch_size=12, learning_rate=rate, distribute="mirrored", patience=9),
        seed=2,
        candidates=1,
    )
    files = Files(train=train, validation=validation, test=[], vocabulary=str(vocabulary_file), labels="")
    file = folder / "job.json"
    file.write_text(Job(settings=settings, files=files, folder="", log_dir="").model_dump_json(), encoding="utf-8")
    command = [sys.executable, "-m", "tests.components.train.mirrored", str(file)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(run.stdout.splitlines()[-1])


def test_a_temperature_is_learnt_by_all_replicas_alike(tmp_path: Path, vocabulary_file: Path) -> None:
    loss = InfoNCESettings(type="info_nce", temperature=0.1)
    found = fit_mirrored(tmp_path, vocabulary_file, loss, rate=0.1, dimensions=16)  # with 32 nothing is left to learn
    assert found["replicas"] == 2
    ((one, other),) = found["learnt"]
    assert one == other
    assert abs(one) > 0.01  # 0.1 is half-way between the bounds, where the variable is 0


def test_a_margin_grows_in_all_replicas(tmp_path: Path, vocabulary_file: Path) -> None:
    growing = TripletSettings(
        type="cosine_triplet", margin=2, negatives="all", margin_growth=GrowthSettings(start=1, epochs=2)
    )
    losses = fit_mirrored(tmp_path, vocabulary_file, growing, rate=1e-9)["losses"]
    np.testing.assert_allclose(np.diff(losses), [0.5, 0.5], atol=0.02)  # one step an epoch: margin 1, 1.5, 2
