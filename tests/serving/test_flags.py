"""The command line."""

from pathlib import Path
from typing import Any

import pytest

from serving.server.flags import FlagError, Flags, help_text, parse, parse_or_exit

BASE = "--model_base_path=/models/m"


def test_defaults_are_tf_servings() -> None:
    flags = parse([BASE])
    assert (flags.port, flags.rest_api_port, flags.model_name) == (8500, 0, "default")
    assert (flags.rest_api_timeout_in_ms, flags.file_system_poll_wait_seconds) == (30_000, 1)
    assert (flags.max_num_load_retries, flags.load_retry_interval_micros) == (5, 60_000_000)
    assert flags.host == "127.0.0.1"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--port=9000"], {"port": 9000}),
        (["--port", "9000"], {"port": 9000}),
        (["--port=auto", "--rest_api_port=auto"], {"port": "auto", "rest_api_port": "auto"}),
        (["--model_name=a=b"], {"model_name": "a=b"}),
        (["--file_system_poll_wait_seconds=0.25"], {"file_system_poll_wait_seconds": 0.25}),
        (["--die_with_parent"], {"die_with_parent": True}),
        (["--die_with_parent=true"], {"die_with_parent": True}),
        (["--die_with_parent=1"], {"die_with_parent": True}),
        (["--enable_batching=False"], {"enable_batching": False}),
        (["--enable_batching=0"], {"enable_batching": False}),
        (["--port=1", "--port=2"], {"port": 2}),
        (["--model_config_file_poll_wait_seconds=5"], {"model_config_file_poll_wait_seconds": 5.0}),
        (["--num_load_threads=4", "--num_unload_threads", "2"], {"num_load_threads": 4, "num_unload_threads": 2}),
        (["--tensorflow_session_parallelism=2"], {"tensorflow_session_parallelism": 2}),
        (["--rest_api_num_threads=16", "--flush_filesystem_caches", "--per_process_gpu_memory_fraction=0.5"], {}),
        (["--prefer_tflite_model=false", "--platform_config_file="], {}),
        (["--num_request_iterations_for_warmup=3"], {"num_request_iterations_for_warmup": 3}),
        (["--num_tflite_pools=4"], {}),
        (["--num_tflite_interpreters_per_pool", "2", "--skip_initialize_tpu"], {}),
        (["--enable_grpc_healthcheck_service", "--xla_gpu_compilation_enabled"], {}),
        (["--enable_profiler=false", "--mixed_precision=", "--enable_per_model_batching_parameters=false"], {}),
        (["--enable_serialization_as_tensor_content=0"], {}),
    ],
)
def test_values(arguments: list[str], expected: dict[str, Any]) -> None:
    assert parse([BASE, *arguments]) == Flags(model_base_path="/models/m", **expected)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--modle_name=x"], "unknown flag --modle_name; did you mean --model_name?"),
        (["--xyzzy=1"], "unknown flag --xyzzy; --help lists the flags"),
        (["extra"], "unexpected argument 'extra': flags are written --flag=value"),
        (["--port=70000"], "--port=70000: expected a port from 0 (off) to 65535, or auto"),
        (["--rest_api_timeout_in_ms=-1"], "--rest_api_timeout_in_ms=-1: expected a whole number of at least 0"),
        (
            ["--file_system_poll_wait_seconds=inf"],
            "--file_system_poll_wait_seconds=inf: expected a number of at least 0",
        ),
        (["--enable_batching=maybe"], "--enable_batching=maybe: expected true or false"),
        (["--model_name"], "--model_name needs a value"),
        (["--model_base_path="], "nothing to serve: give --model_base_path or --model_config_file"),
        (["--rest_api_port=8500"], "--port and --rest_api_port are both 8500; they must differ"),
        (["--port=0"], "nowhere to serve: --port and --rest_api_port are 0 and --grpc_socket_path is empty"),
        (
            ["--batching_parameters_file=b", "--enable_batching=false"],
            "--batching_parameters_file is set without --enable_batching",
        ),
        (
            ["--ssl_config_file=s", "--port=0", "--grpc_socket_path=x"],
            "--ssl_config_file is for the gRPC port, and --port is 0",
        ),
        (
            ["--monitoring_config_file=m"],
            "--monitoring_config_file needs --rest_api_port, where the metrics are served",
        ),
        (["--profiler_port=70000"], "--profiler_port=70000: expected a port from 0 (off) to 65535"),
        (["--max_waiting_rows=0"], "--max_waiting_rows=0: expected a whole number of at least 1"),
        (["--rest_api_num_threads=many"], "--rest_api_num_threads=many: expected a whole number of at least 0"),
        (["--rest_api_num_thread=4"], "unknown flag --rest_api_num_thread; did you mean --rest_api_num_threads?"),
        (["--prefer_tflite_model"], "--prefer_tflite_model is not supported: TensorFlow Lite models cannot be served"),
        (
            ["--enable_profiler"],
            "--enable_profiler is not supported: the gRPC port has no profiler; use --profiler_port",
        ),
        (
            ["--enable_per_model_batching_parameters"],
            "--enable_per_model_batching_parameters is not supported: a batching_params.pbtxt is not read;"
            " use --batching_parameters_file",
        ),
        (
            ["--enable_serialization_as_tensor_content"],
            "--enable_serialization_as_tensor_content is not supported: Predict answers numbers in the field of their"
            " type, not as tensor_content",
        ),
        (
            ["--mixed_precision=bfloat16"],
            "--mixed_precision is not supported: a model runs in the precision it was saved with",
        ),
        (["--num_tflite_pools=x"], "--num_tflite_pools=x: expected a whole number of at least 0"),
        (
            ["--tensorflow_session_parallelism=2", "--tensorflow_intra_op_parallelism=2"],
            "give --tensorflow_intra_op_parallelism or --tensorflow_session_parallelism, not both",
        ),
        (["--ports_file=/no/such/place/p"], "--ports_file=/no/such/place/p: its folder does not exist"),
    ],
)
def test_mistakes(arguments: list[str], message: str) -> None:
    with pytest.raises(FlagError) as caught:
        parse([BASE, *arguments])
    assert str(caught.value) == message


def test_help_names_every_flag(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse_or_exit(["--port=x", "--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert shown == help_text() + "\n"
    assert all(f"  --{name}=" in shown for name in vars(Flags()))
    assert "  --grpc_max_threads\n      without effect: one event loop answers all connections" in shown


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse_or_exit(["--version"])
    assert ended.value.code == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("TensorFlow ModelServer: anchorline ")
    assert second.startswith("TensorFlow Library: 2.")


def test_a_mistake_ends_the_process_with_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as ended:
        parse_or_exit([f"--model_base_path={tmp_path}", "--prot=1"])
    assert ended.value.code == 2
    assert capsys.readouterr().err == "anchorline-model-server: unknown flag --prot; did you mean --port?\n"
