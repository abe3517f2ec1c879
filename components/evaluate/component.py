"""The Evaluator step."""

from tfx.components import Evaluator
from tfx.dsl.components.base import executor_spec

from components.evaluate.executor import Executor


class JudgingEvaluator(Evaluator):
    """TFX's Evaluator with our executor."""

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)
