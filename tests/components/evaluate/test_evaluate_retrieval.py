from functools import reduce
from typing import Any

import numpy as np
import pytest
from tensorflow_model_analysis.metrics import metric_types

from components.evaluate.retrieval import RANK, MeanReciprocalRank, RankMetric, RecallAtK

RANKS = np.array([1, 3, 2, 8, 1, 5, 11, 2, 1, 504], np.float32)


def computed(metric: RankMetric, batches: list[Any], model: str = "") -> dict[metric_types.MetricKey, float]:
    """The combiner over batches of predictions, each accumulated by itself, as Beam's workers do."""
    (computation,) = metric.computations(model_names=[model])
    combiner = computation.combiner
    totals = [
        combiner.add_input(combiner.create_accumulator(), metric_types.StandardMetricInputs(prediction=batch))
        for batch in batches
    ]
    return combiner.extract_output(combiner.merge_accumulators([combiner.create_accumulator(), *totals]))


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        (RecallAtK(k=1), 0.3),
        (RecallAtK(k=2), 0.5),
        (RecallAtK(k=5), 0.7),
        (RecallAtK(k=10), 0.8),
        (MeanReciprocalRank(), (1 + 1 / 3 + 1 / 2 + 1 / 8 + 1 + 1 / 5 + 1 / 11 + 1 / 2 + 1 + 1 / 504) / 10),
    ],
)
def test_means_over_ranks(metric: RankMetric, expected: float) -> None:
    for batches in ([RANKS], [RANKS[:3], RANKS[3:4], RANKS[4:]], [{RANK: RANKS[:7]}, {RANK: RANKS[7:]}]):
        assert list(computed(metric, batches).values()) == [pytest.approx(expected, rel=1e-6)]


def test_nothing_to_average_is_not_a_number() -> None:
    assert np.isnan(list(computed(MeanReciprocalRank(), []).values())).all()


def test_several_inputs_add_up_in_one_accumulator() -> None:
    (computation,) = RecallAtK(k=2).computations()
    combiner = computation.combiner
    inputs = [metric_types.StandardMetricInputs(prediction=RANKS[at : at + 1]) for at in range(10)]
    (value,) = combiner.extract_output(reduce(combiner.add_input, inputs, combiner.create_accumulator())).values()
    assert value == pytest.approx(0.5)


def test_the_key_names_metric_and_model() -> None:
    (key,) = computed(RecallAtK(k=5, name="recall@5"), [{"candidate": RANKS}], "candidate")
    assert (key.name, key.model_name) == ("recall@5", "candidate")


def test_each_models_ranks_are_its_own() -> None:
    both = {"candidate": {RANK: np.array([1.0, 1.0])}, "production": {RANK: np.array([2.0, 4.0])}}
    for model, expected in (("candidate", 1.0), ("production", 0.375)):
        assert list(computed(MeanReciprocalRank(), [both], model).values()) == [expected]


def test_metrics_are_made_again_from_their_configuration() -> None:
    config = RecallAtK(k=5, name="recall@5").get_config()
    assert config == {"name": "recall@5", "k": 5}
    assert RecallAtK.from_config(config).value(np.array([5.0, 6.0])).tolist() == [True, False]
