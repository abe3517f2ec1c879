"""The Evaluator step."""

from typing import Any

from tfx.components import Evaluator
from tfx.dsl.components.base import executor_spec
from tfx.orchestration.data_types import RuntimeParameter

from components.evaluate.executor import GATES, Executor


class JudgingEvaluator(Evaluator):
    """TFX's Evaluator with our executor."""

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(self, gates: RuntimeParameter | None = None, **options: Any) -> None:
        """TFX's options, and `gates`: bounds in JSON, known when the step runs, in place of those of `eval_config`."""
        super().__init__(**options)
        if gates is not None:
            self.exec_properties[GATES] = gates
