"""The push step."""

from tfx.components import Pusher
from tfx.dsl.components.base import executor_spec

from components.push.executor import Executor


class AtomicPusher(Pusher):
    """TFX's Pusher with our executor."""

    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)
