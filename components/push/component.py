"""The push step."""

from typing import Any

from tfx.components import Pusher
from tfx.dsl.components.base import executor_spec
from tfx.orchestration.data_types import RuntimeParameter

from components.push.executor import RUN, Executor


class AtomicPusher(Pusher):
    """TFX's Pusher with our executor."""

    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(self, run_name: RuntimeParameter | None = None, **options: Any) -> None:
        """TFX's options, and `run_name`, which the PushedModel then carries."""
        super().__init__(**options)
        if run_name is not None:
            self.exec_properties[RUN] = run_name
