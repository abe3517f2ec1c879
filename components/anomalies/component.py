"""The anomalies step."""

from tfx.components import ExampleValidator
from tfx.dsl.components.base import executor_spec

from components.anomalies.executor import Executor


class StrictExampleValidator(ExampleValidator):
    """TFX's ExampleValidator with our executor."""

    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)
