"""Small models, artifacts and pages to report on, with texts that would be markup if they were not escaped."""

import datetime
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from markupsafe import Markup
from ml_metadata.proto import metadata_store_pb2 as mlmd
from PIL import Image

from components.evaluate.verdict import Check, Reference, Slice, Verdict
from components.ingest.summary import Rejected, Summary
from pipeline.facts import Facts
from pipeline.history import Run
from pipeline.report.calibration import calibration
from pipeline.report.confusion import confusion
from pipeline.report.curves import curves
from pipeline.report.distribution import distribution
from pipeline.report.figures import decisions, figures, weak_slices
from pipeline.report.page import (
    Candidate,
    Case,
    CaseGroup,
    Classified,
    LegendEntry,
    Lineage,
    Map,
    Matched,
    Neighbor,
    Page,
    Question,
    Sampled,
    Training,
)
from pipeline.report.ranking import rank_histogram
from pipeline.report.show import Shown
from pipeline.report.stored import Step, StoredRun

HOSTILE = '<script>alert("1")</script>'
METRICS = ("accuracy", "neighbor_accuracy", "ece", "distance_ratio")
RANKED = ("recall@1", "recall@5", "recall@10", "mrr")
STARTED = datetime.datetime(2026, 2, 3, 4, 5, 6, tzinfo=datetime.UTC)
HISTORY = {
    "accuracy": [0.5, 0.75, 0.875],
    "loss": [2.0, 1.0, 0.5],
    "val_accuracy": [0.25, 0.625, 0.5],
    "val_cross_entropy": [1.5, 1.25, 1.375],
}


def judged(names: Sequence[str], first: float = 0.9) -> dict[str, float]:
    """A metric each, falling by 0.1."""
    return {name: first - place / 10 for place, name in enumerate(names)}


def verdict(names: Sequence[str] = METRICS, *, blessed: bool = False) -> Verdict:
    """With a production version, a plain method, a gate that fails and one that passes, and slices."""
    undefined = judged(names) | {names[-1]: float("nan")}
    return Verdict(
        blessed=blessed,
        production_version="1700",
        rows=60,
        metrics=judged(names),
        production=judged(names, 0.95),
        reference=Reference(name="a plain method", metrics={names[0]: 0.85}),
        checks=[
            Check(metric=names[0], kind="max_drop", bound=0.01, value=0.9, against=0.95),
            Check(metric=names[1], kind="min", bound=0.5, value=0.8),
        ],
        slices=[
            Slice(by="label", name="good", rows=30, metrics=undefined | {names[0]: 0.95}),
            Slice(by="label", name=HOSTILE, rows=20, metrics=undefined | {names[0]: 0.7}),
            Slice(by="label", name="rare", rows=2, metrics=undefined | {names[0]: 0.0}),
            Slice(by="label", name="weak", rows=8, metrics=undefined | {names[0]: 0.8}),
        ],
    )


INGEST = Summary(
    files=["news.csv"],
    rows=100,
    kept={"train": 70, "validation": 15, "test": 12},
    duplicates=1,
    rejected={f"odd {HOSTILE}": Rejected(rows=2, first="news.csv:7")},
    distinct={"text": 97, "label": 2, "group": 97},
)


def facts(**changes: Any) -> Facts:
    """Of a run that a gate refused."""
    known: dict[str, Any] = {
        "ingest": INGEST,
        "training": None,
        "verdict": verdict(),
        "serves": True,
        "refusal": "",
        "pushed": None,
        "unchanged": None,
    }
    return Facts(**known | changes)


def run(known: Facts, failed_step: str | None = None) -> Run:
    """A run of a minute and a half."""
    return Run(id="20260203-040506-1", started=STARTED, seconds=95.5, failed_step=failed_step, facts=known)


def picture(shade: int, size: int = 8) -> bytes:
    """A grey PNG."""
    file = io.BytesIO()
    Image.new("L", (size, size // 2), shade).save(file, "PNG")
    return file.getvalue()


def write_split(folder: Path, rows: Sequence[Mapping[str, str | bytes]]) -> None:
    """Rows as the ingest step writes them."""
    folder.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(folder / "data-00000-of-00001.gz"), "GZIP") as writer:
        for row in rows:
            example = tf.train.Example()
            for name, value in ({"category": "", "group": "g"} | dict(row)).items():
                content = value.encode() if isinstance(value, str) else value
                example.features.feature[name].bytes_list.value.append(content)
            writer.write(example.SerializeToString())


def stored_run(root: Path, known: Facts, failed_step: str | None = None) -> StoredRun:
    """A run whose artifacts are in `root`: `examples`, `model`, `statistics`."""
    examples = mlmd.Artifact(uri=str(root / "examples"))
    examples.properties["input_fingerprint"].string_value = "num_files:3"
    return StoredRun(
        run=run(known, failed_step),
        steps=(Step("ingest", "done", 1.5, "abc123"), Step("train", "from the cache", 0.0, "")),
        artifacts={
            "ingest": {"examples": examples},
            "statistics": {"statistics": mlmd.Artifact(uri=str(root / "statistics"))},
            "train": {"model": mlmd.Artifact(uri=str(root / "model"))},
        },
    )


class ByLength(tf.Module):
    """Signatures of a classifier that calls what has fewer bytes than `border` short, and all else `other`."""

    def __init__(self, part: str, border: int, other: str, neighbors: Sequence[str]) -> None:
        super().__init__()
        self.part, self.border, self.other = part, border, other
        self.neighbors = tf.constant(list(neighbors))

    def save(self, folder: Path) -> None:
        """Write the SavedModel."""
        functions = {"evaluate": self.evaluate, "classify": self.classify, "neighbors": self.nearest}
        _save(self, functions, {"evaluate": "examples"}, folder)

    def classify(self, raw: tf.Tensor) -> dict[str, tf.Tensor]:
        short = tf.strings.length(raw) < self.border
        labels = tf.where(short[:, tf.newaxis], [["short", self.other]], [[self.other, "short"]])
        return {"labels": labels, "probabilities": tf.ones_like(short, tf.float32)[:, tf.newaxis] * [[0.75, 0.25]]}

    def nearest(self, raw: tf.Tensor) -> dict[str, tf.Tensor]:
        rows = tf.shape(raw)[0]
        ids = tf.tile(self.neighbors[tf.newaxis], [rows, 1])
        return {
            "ids": ids,
            "labels": tf.tile([["short", self.other]], [rows, 1]),
            "scores": tf.tile([[0.9, 0.8]], [rows, 1]),
        }

    def evaluate(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        spec = {name: tf.io.FixedLenFeature([], tf.string) for name in (self.part, "label")}
        rows = tf.io.parse_example(examples, spec)
        right = tf.cast(self.classify(rows[self.part])["labels"][:, 0] == rows["label"], tf.float32)
        length = tf.cast(tf.strings.length(rows[self.part]), tf.float32)
        return {
            "label": tf.zeros_like(right, tf.int64),
            "correct": right,
            "confidence": 0.75 * tf.ones_like(right),
            "neighbor_correct": tf.cast(rows["label"] == "short", tf.float32),
            "vector": tf.stack([tf.cos(length), tf.sin(length), 0.1 * length], axis=1),
        }


class Ranks(tf.Module):
    """Signatures of a matcher that finds the same two answers for everything; a row's category is its rank."""

    def __init__(self, found: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self.ids = tf.constant([key for key, _ in found])
        self.shown = tf.constant([shown for _, shown in found])

    def save(self, folder: Path) -> None:
        """Write the SavedModel."""
        functions = {"evaluate": self.evaluate, "question": self.vector, "answer": self.vector, "search": self.search}
        _save(self, functions, {"evaluate": "examples"}, folder)

    def vector(self, raw: tf.Tensor) -> dict[str, tf.Tensor]:
        length = tf.cast(tf.strings.length(raw), tf.float32)
        return {"vector": tf.stack([tf.cos(length), tf.sin(length)], axis=1)}

    def search(self, raw: tf.Tensor) -> dict[str, tf.Tensor]:
        rows = tf.shape(raw)[0]
        return {
            "ids": tf.tile(self.ids[tf.newaxis], [rows, 1]),
            "candidates": tf.tile(self.shown[tf.newaxis], [rows, 1]),
            "scores": tf.tile([[0.5, 0.25]], [rows, 1]),
        }

    def evaluate(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        rows = tf.io.parse_example(examples, {"category": tf.io.FixedLenFeature([], tf.string)})
        return {"rank": tf.strings.to_number(rows["category"])}


def _save(module: tf.Module, functions: Mapping[str, Any], keys: Mapping[str, str], folder: Path) -> None:
    signatures = {
        name: tf.function(
            function, input_signature=[tf.TensorSpec([None], tf.string, name=keys.get(name, "raw"))], autograph=False
        )
        for name, function in functions.items()
    }
    tf.saved_model.save(module, str(folder), signatures=signatures)


def classified() -> Classified:
    """Two rows, one of them wrong, with texts and pictures."""
    near = Neighbor(Shown("near", "data:image/png;base64,AAAA", 8, 8), "n1", HOSTILE, 0.5, same=False)
    cases = [
        Case(Shown(HOSTILE), "t1", HOSTILE, "b", 0.75, [near]),
        Case(Shown("picture", "data:image/png;base64,AAAA", 200, 100), "t2", "b", "b", 0.5, [near]),
    ]
    return Classified(
        calibration(np.array([0.75, 0.5]), np.array([0, 1])),
        confusion([HOSTILE, "b"], ["b", "b"]),
        [CaseGroup("all kinds", cases, 5)],
    )


def matched() -> Matched:
    """A question that is answered and one that is not."""
    right = Candidate(Shown("Yes."), "a1", 0.5, right=True, also_right=False)
    wrong = Candidate(Shown(HOSTILE), "a2", 0.25, right=False, also_right=False)
    also = Candidate(Shown("Indeed."), "a3", 0.125, right=False, also_right=True)
    return Matched(
        rank_histogram(np.array([1, 7])),
        worst=[Question(Shown(HOSTILE), "q2", Shown("The answer wanted."), 7, -0.5, [wrong, also])],
        best=[Question(Shown("Is it?"), "q1", Shown("Yes."), 1, 0.5, [right, wrong])],
    )


def page(result: Classified | Matched | None = None, **changes: Any) -> Page:
    """A page with everything on it."""
    names = RANKED if isinstance(result, Matched) else METRICS
    known = facts(verdict=verdict(names))
    assert known.verdict is not None
    drawn = Map(
        chart=Markup("<svg></svg>"),
        method="PCA",
        rows=2,
        explained=0.625,
        what="test rows",
        by="label",
        legend=[LegendEntry(Markup("<svg></svg>"), HOSTILE, 2)],
        ringed="predicted label wrong",
    )
    made: dict[str, Any] = {
        "name": "news",
        "sentence": "classifies texts",
        "outcome": "refused by gate",
        "tone": "bad",
        "started": STARTED,
        "seconds": 95.5,
        "notices": [f"Odd: {HOSTILE}"],
        "metrics": names,
        "headline": names[0],
        "figures": figures(known.verdict, names),
        "production_version": "1700",
        "reference": "a plain method",
        "test_rows": 60,
        "decisions": decisions(known),
        "ingest": INGEST,
        "distribution": distribution("label", {"train": {HOSTILE: 40, "b": 30}, "test": {"b": 12}}),
        "training": Training(
            1234567, {"text": "bag"}, "softmax", curves(HISTORY, 2), 2, 3, "A search compares with every vector."
        ),
        "sampled": Sampled(2, 60, result or classified(), drawn),
        "slices": weak_slices(known.verdict, names),
        "lineage": Lineage(
            run="20260203-040506-1",
            steps=[Step("ingest", "done", 1.5, "abc123"), Step("train", "failed", 62.0, "")],
            data_fingerprint="num_files:3",
            versions={"python": "3.13.0"},
            config=f"name: {HOSTILE}\n",
            model="none, because it was not pushed",
            artifacts="/models/1",
        ),
    }
    return Page(**made | changes)
