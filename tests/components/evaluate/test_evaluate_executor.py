"""The Evaluator step, run for real: models whose ranks stand in the examples, and one that an encoder exported."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import json_format
from tfx.types import artifact_utils, standard_artifacts
from tfx.types import standard_component_specs as specs

from components.evaluate.config import eval_config
from components.evaluate.executor import Executor
from components.evaluate.settings import Gate, Metric
from components.evaluate.tfidf import tfidf_ranks
from components.evaluate.verdict import FILE, Verdict
from components.tasks.library import Library
from components.tasks.match import MatchModel

if TYPE_CHECKING:
    from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor

type Row = tuple[str, str, str, str]
type Gates = Mapping[Metric, Gate]
type Judge = Callable[..., tuple[Verdict, bool]]


class Ranks(tf.Module):
    """A model of which every rank is known: `evaluate` gives back a number in the example's id, `5:2` is 5 and 2.

    Args:
        place: which of the numbers.
    """

    def __init__(self, place: int) -> None:
        super().__init__()
        self._place = place

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def evaluate(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        ids = tf.io.parse_example(examples, {"id": tf.io.FixedLenFeature([], tf.string)})["id"]
        return {"rank": tf.strings.to_number(tf.strings.split(ids, ":").to_tensor()[:, self._place])}

    def export(self, folder: Path) -> Path:
        tf.saved_model.save(self, str(folder / "Format-Serving"), signatures={"evaluate": self.evaluate})
        return folder


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two Model artifacts' folders: the first and the second rank of each example."""
    folder = tmp_path_factory.mktemp("known")
    return Ranks(0).export(folder / "first"), Ranks(1).export(folder / "second")


@pytest.fixture
def judge(write_examples: Callable[..., list[str]], tmp_path: Path, beam: "BaseBeamExecutor.Context") -> Judge:
    """Run the executor on test rows; gives the verdict and the blessing that Pusher reads."""

    def run(
        model: Path, production: Path | None, gates: Gates, rows: list[Row], training: list[Row] | None = None
    ) -> tuple[Verdict, bool]:
        examples, candidate, baseline = (
            standard_artifacts.Examples(),
            standard_artifacts.Model(),
            standard_artifacts.Model(),
        )
        evaluation, blessing = standard_artifacts.ModelEvaluation(), standard_artifacts.ModelBlessing()
        examples.uri, candidate.uri, baseline.uri = str(tmp_path / "examples"), str(model), str(production or tmp_path)
        examples.split_names = artifact_utils.encode_split_names(["train", "test"])
        evaluation.uri, blessing.uri = str(tmp_path / "evaluation"), str(tmp_path / "blessing")
        write_examples(tmp_path / "examples" / "Split-train", training or rows)
        write_examples(tmp_path / "examples" / "Split-test", rows)
        if production:
            baseline.set_string_custom_property("production_version", "17")
        config = eval_config(gates, slice_by="category")
        Executor(beam).Do(
            {
                specs.EXAMPLES_KEY: [examples],
                specs.MODEL_KEY: [candidate],
                specs.BASELINE_MODEL_KEY: [baseline],
            },
            {specs.EVALUATION_KEY: [evaluation], specs.BLESSING_KEY: [blessing]},
            {
                specs.EVAL_CONFIG_KEY: json_format.MessageToJson(config),
                specs.EXAMPLE_SPLITS_KEY: json.dumps(["test"]),
            },
        )
        verdict = Verdict.model_validate_json((tmp_path / "evaluation" / FILE).read_text(encoding="utf-8"))
        assert verdict.blessed == (tmp_path / "blessing" / "BLESSED").exists()
        return verdict, blessing.get_int_custom_property("blessed") == 1

    return run


def rows_of(ranks: Mapping[str, list[str]]) -> list[Row]:
    """A row for each pair of ranks of each category."""
    numbered = [(pair, category) for category, pairs in ranks.items() for pair in pairs]
    return [(pair, f"question {at} about word{at}", f"word{at}", where) for at, (pair, where) in enumerate(numbered)]


RANKS = rows_of({"good": ["1:2", "1:1", "2:1", "1:4", "1:1", "1:5"], "bad": ["20:10", "8:50"]})
FIRST = {"recall@1": 5 / 8, "recall@5": 6 / 8, "recall@10": 7 / 8, "mrr": (5 + 1 / 2 + 1 / 20 + 1 / 8) / 8}
SECOND = {
    "recall@1": 3 / 8,
    "recall@5": 6 / 8,
    "recall@10": 7 / 8,
    "mrr": (3 + 1 / 2 + 1 / 4 + 1 / 5 + 1 / 10 + 1 / 50) / 8,
}


def test_a_better_model_passes_though_a_slice_is_below_the_bounds(judge: Judge, known: tuple[Path, Path]) -> None:
    gates: Gates = {"recall@1": Gate(min=0.6), "mrr": Gate(min=0.5, max_drop=0.0)}
    verdict, blessed = judge(known[0], known[1], gates, RANKS)
    assert blessed
    assert verdict.metrics == pytest.approx(FIRST)
    assert verdict.production == pytest.approx(SECOND)
    assert verdict.production_version == "17"
    assert verdict.questions == 8
    bad, good = verdict.slices
    assert (bad.name, bad.questions, good.name, good.questions) == ("bad", 2, "good", 6)
    assert bad.metrics == pytest.approx({"recall@1": 0, "recall@5": 0, "recall@10": 0.5, "mrr": (1 / 20 + 1 / 8) / 2})
    assert good.metrics["recall@1"] == pytest.approx(5 / 6)
    assert [(check.metric, check.kind, check.bound, check.passed) for check in verdict.checks] == [
        ("recall@1", "min", 0.6, True),
        ("mrr", "min", 0.5, True),
        ("mrr", "max_drop", 0.0, True),
    ]


def test_a_worse_model_is_refused_by_name_and_difference(judge: Judge, known: tuple[Path, Path]) -> None:
    gates: Gates = {"recall@1": Gate(min=0.3, max_drop=0.24), "recall@5": Gate(max_drop=0.0), "mrr": Gate(min=0.6)}
    verdict, blessed = judge(known[1], known[0], gates, RANKS)
    assert not blessed
    assert [check.sentence() for check in verdict.checks if not check.passed] == [
        "recall@1 0.375 is -0.250 against 0.625 in production, may fall by 0.240",
        "mrr 0.509, at least 0.600 wanted, short by 0.091",
    ]
    assert [check.metric for check in verdict.checks] == ["recall@1", "recall@1", "recall@5", "mrr"]


def test_with_nothing_in_production_there_is_nothing_to_fall_behind(judge: Judge, known: tuple[Path, Path]) -> None:
    verdict, blessed = judge(known[0], None, {"mrr": Gate(max_drop=0.01)}, RANKS)
    assert blessed
    assert verdict.production_version is verdict.production is None
    assert verdict.metrics == pytest.approx(FIRST)
    assert [check.sentence() for check in verdict.checks] == ["mrr 0.709, no version in production to compare with"]


def test_an_exported_model_is_judged_by_its_library_beside_tf_idf(
    judge: Judge, export: Path, model: MatchModel, library: Library, rows: list[Row]
) -> None:
    held_out = rows[6:]
    verdict, blessed = judge(export.parent, None, {"mrr": Gate(min=0.99)}, held_out, training=rows[:6])
    questions, answers = [row[1] for row in held_out], [row[2] for row in held_out]
    ranks = library.rank(model.encode("question", tf.constant(questions)), tf.constant(answers)).numpy()
    assert verdict.metrics == pytest.approx(figures(ranks))
    assert verdict.tfidf == pytest.approx(figures(tfidf_ranks(questions, answers, sorted({row[2] for row in rows}))))
    assert not blessed
    assert [check.passed for check in verdict.checks] == [False]


def figures(ranks: np.ndarray) -> dict[str, float]:
    return {f"recall@{k}": float(np.mean(ranks <= k)) for k in (1, 5, 10)} | {"mrr": float(np.mean(1 / ranks))}
