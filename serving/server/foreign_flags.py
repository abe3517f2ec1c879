"""Flags of tensorflow_model_server that set nothing here: taken where that is honest, else refused with the reason."""

from typing import Any, NamedTuple


class ForeignFlag(NamedTuple):
    """A flag's kind of value, why it sets nothing, and the only value that it may have (None: any)."""

    kind: Any
    why: str
    only: Any = None


# Hints on resources: whatever they say, answers are the same.
_IDLE = {
    "rest_api_num_threads": ForeignFlag(int, "one event loop answers all connections"),
    "grpc_max_threads": ForeignFlag(int, "one event loop answers all connections"),
    "tensorflow_inter_op_parallelism": ForeignFlag(int, "the ops of a run go one after another, which is faster"),
    "per_process_gpu_memory_fraction": ForeignFlag(float, "models run on the CPU"),
    "flush_filesystem_caches": ForeignFlag(bool, "left to the kernel"),
    "remove_unused_fields_from_bundle_metagraph": ForeignFlag(bool, "they are always removed"),
    "xla_cpu_compilation_enabled": ForeignFlag(bool, "a model that asks for XLA always gets it"),
    "xla_gpu_compilation_enabled": ForeignFlag(bool, "models run on the CPU"),
    "skip_initialize_tpu": ForeignFlag(bool, "models run on the CPU"),
    "num_tflite_pools": ForeignFlag(int, "TensorFlow Lite models cannot be served"),
    "num_tflite_interpreters_per_pool": ForeignFlag(int, "TensorFlow Lite models cannot be served"),
    "enable_grpc_healthcheck_service": ForeignFlag(bool, "gRPC's health service is always there"),
}

# They would change what is served, so only the value that asks for nothing is taken.
_REFUSED = {
    "use_alts_credentials": ForeignFlag(bool, "ALTS is Google's own network; use --ssl_config_file", only=False),
    "platform_config_file": ForeignFlag(str, "SavedModels in TensorFlow are the only platform", only=""),
    "tensorflow_session_config_file": ForeignFlag(str, "use --tensorflow_intra_op_parallelism", only=""),
    "thread_pool_factory_config_file": ForeignFlag(str, "thread pools of one's own need C++", only=""),
    "enable_profiler": ForeignFlag(bool, "the gRPC port has no profiler; use --profiler_port", only=False),
    "enable_per_model_batching_parameters": ForeignFlag(
        bool, "a batching_params.pbtxt is not read; use --batching_parameters_file", only=False
    ),
    "enable_serialization_as_tensor_content": ForeignFlag(
        bool, "Predict answers numbers in the field of their type, not as tensor_content", only=False
    ),
    "mixed_precision": ForeignFlag(str, "a model runs in the precision it was saved with", only=""),
    "prefer_tflite_model": ForeignFlag(bool, "TensorFlow Lite models cannot be served", only=False),
    "use_tflite_model": ForeignFlag(bool, "TensorFlow Lite models cannot be served", only=False),
}

ALL = _IDLE | _REFUSED


def help_lines() -> list[str]:
    """Two lines for each flag that is taken."""
    return [line for name, flag in _IDLE.items() for line in (f"  --{name}", f"      without effect: {flag.why}")]
