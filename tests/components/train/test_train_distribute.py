"""One model learns in two replicas, on two devices of a process or in two processes, what it learns in one.

Batches are as large as the data, so that every step sees all rows in whatever order they come, and the model must be
that of a training in one process. It would not be if both replicas had the same share, or if gradients were added
up without being scaled.
"""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from components.encoders.settings import EmbeddingBagSettings
from components.errors import UserError
from components.losses.settings import CenterSettings
from components.tasks.settings import ClassifySettings
from components.train import worker
from components.train.distribute import CLUSTER, cluster, distributed
from components.train.files import Files
from components.train.job import RECORD, Job
from components.train.settings import ClassifyTrainer, ClassifyTrainSettings, Distribute
from tests.components.corpus import label_records, labelled, write_labels, write_records
from tests.components.train.served import Served
from tests.components.train.workers import describe, free_addresses, start_worker

ROWS = 40
ENCODER = EmbeddingBagSettings(dimensions=6, buckets=512, word_dropout=0)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    folder = tmp_path_factory.mktemp("records")
    rows = labelled("text", ROWS + 15)
    return Files(
        train=write_records(folder / "train", label_records(rows[:ROWS], "text")),
        validation=write_records(folder / "validation", label_records(rows[ROWS:], "text")),
        test=[],
        vocabulary="",
        labels=write_labels(folder / "labels"),
    )


def job(files: Files, folder: Path, distribute: Distribute = "none", **changes: object) -> Job:
    shared = {"shared_folder": str(folder / "shared")} if distribute == "multi_worker" else {}
    train = {"epochs": 4, "batch_size": ROWS, "learning_rate": 0.05, "distribute": distribute} | shared | changes
    settings = ClassifyTrainer(
        inputs={"text": "text"},
        model=ClassifySettings(encoder=ENCODER, loss=CenterSettings(type="center", weight=0.1)),
        train=ClassifyTrainSettings.model_validate(train),
        seed=5,
        neighbors=2,
    )
    (folder / "log").mkdir(parents=True)
    return Job(settings=settings, files=files, folder=str(folder / "model"), log_dir=str(folder / "log"))


@pytest.fixture(scope="module")
def alone(files: Files, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the training of one process left its model and record."""
    folder = tmp_path_factory.mktemp("alone")
    train_alone(job(files, folder))
    return folder


def train_alone(task: Job) -> None:
    """Train in a process of its own, in which nothing else was computed."""
    file = Path(task.log_dir) / "job.json"
    file.write_text(task.model_dump_json(), encoding="utf-8")
    subprocess.run([sys.executable, "-m", "tests.components.train.alone", file], check=True)


def assert_same(folder: Path, alone: Path) -> None:
    record, expected = (json.loads((one / "log" / RECORD).read_text(encoding="utf-8")) for one in (folder, alone))
    assert (record["replicas"], expected["replicas"]) == (2, 1)
    assert record["history"]["loss"] == pytest.approx(expected["history"]["loss"], rel=1e-4)
    assert record["validation"] == pytest.approx(expected["validation"], rel=1e-3)
    assert expected["best_epoch"] == record["best_epoch"] > 0
    texts = ["brick number 3 of a", "parquet tiles", "point spot number 5"]
    for signature, output in (("text_features", "vector"), ("classify", "probabilities")):
        found, wanted = (Served(one / "model")(signature, texts)[output] for one in (folder, alone))
        np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-5)


def test_two_devices_learn_what_one_learns(files: Files, alone: Path, tmp_path: Path) -> None:
    train_alone(job(files, tmp_path, "mirrored"))
    assert_same(tmp_path, alone)


def test_two_processes_learn_what_one_learns(
    files: Files, alone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    addresses = free_addresses()
    describe(monkeypatch, 1, addresses)
    with start_worker(tmp_path / "shared") as other:  # it is there before its job is
        describe(monkeypatch, 0, addresses)
        worker.run_with_workers(job(files, tmp_path, "multi_worker"))
        _, log = other.communicate(timeout=60)
    assert other.returncode == 0, log
    assert_same(tmp_path, alone)
    assert {path.name for path in tmp_path.iterdir()} == {"model", "log", "shared"}
    assert not list((tmp_path / "shared").iterdir())


def test_workers_with_different_jobs_stop(files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    addresses = free_addresses()
    started = []
    for index, epochs in enumerate((3, 4)):
        folder = tmp_path / str(index)
        text = job(files, folder, "multi_worker", epochs=epochs).model_dump_json()
        (folder / worker.JOB).write_text(text, encoding="utf-8")
        describe(monkeypatch, index, addresses)
        started.append(start_worker(folder))
    for process in started:
        with process:
            _, log = process.communicate(timeout=60)
        assert process.returncode == 1
        assert "the workers of TF_CONFIG have different jobs" in log


def test_the_pipeline_runs_where_worker_0_is(files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    describe(monkeypatch, 1, ["a:1", "b:1"])
    with pytest.raises(UserError, match=r"this machine is worker 1.*python -m components\.train\.worker"):
        worker.run_with_workers(job(files, tmp_path, "multi_worker"))
    assert not (tmp_path / "shared").exists()


@pytest.mark.parametrize(
    "text",
    [
        "worker",
        "[]",
        '{"cluster": {"worker": ["a:1"]}}',
        '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}',
        '{"cluster": {"worker": ["a:1"], "ps": ["b:1"]}, "task": {"type": "worker", "index": 0}}',
        '{"cluster": {"worker": ["a:1"]}, "task": {"type": "evaluator", "index": 0}}',
        '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": "0"}}',
    ],
)
def test_a_cluster_that_is_described_wrongly_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CLUSTER, text)
    with pytest.raises(UserError, match=r"TF_CONFIG: got .*; it must look like"):
        cluster()
    monkeypatch.delenv(CLUSTER)
    with pytest.raises(UserError, match="TF_CONFIG is not set; it must look like"):
        cluster()


def test_a_batch_that_cannot_be_shared_out_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("components.train.distribute.replicas", lambda: 3)
    with pytest.raises(UserError, match="batch_size is 64; with 3 replicas it must be a multiple of 3"):
        distributed(lambda _: tf.data.Dataset.range(3), 64)


@pytest.mark.parametrize("train", [{"distribute": "multi_worker"}, {"shared_folder": "/x"}])
def test_several_workers_and_a_shared_folder_go_together(train: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="multi_worker needs shared_folder, and nothing else does"):
        ClassifyTrainSettings.model_validate(train)
