"""The command line: TF Serving's flag names and defaults, read as TF Serving reads them, and a few flags of our own."""

import difflib
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, get_args

from serving.server import foreign_flags

AUTO: Literal["auto"] = "auto"
Port = int | Literal["auto"]
MAX_PORT = 65535


@dataclass(frozen=True, kw_only=True)
class Flags:
    """The server's settings: each attribute is a flag, with its help and its default."""

    port: Annotated[Port, "TCP port of the gRPC API; 0 is off, auto takes a free one"] = 8500
    grpc_socket_path: Annotated[str, "also serve gRPC on this unix socket"] = ""
    rest_api_port: Annotated[Port, "TCP port of the REST API; 0 is off, auto takes a free one"] = 0
    rest_api_timeout_in_ms: Annotated[int, "how long a REST request may take; 0 is without limit"] = 30_000
    rest_api_enable_cors_support: Annotated[bool, "send CORS headers"] = False
    model_name: Annotated[str, "name of the model; ignored with model_config_file"] = "default"
    model_base_path: Annotated[str, "folder of the model's version folders; ignored with model_config_file"] = ""
    model_config_file: Annotated[str, "text-format ModelServerConfig that names several models"] = ""
    model_config_file_poll_wait_seconds: Annotated[float, "seconds between two looks at it; 0 looks once"] = 0.0
    allow_version_labels_for_unavailable_models: Annotated[bool, "let new labels name versions not AVAILABLE"] = False
    force_allow_any_version_labels_for_unavailable_models: Annotated[
        bool, "let labels move onto versions not AVAILABLE, too"
    ] = False
    file_system_poll_wait_seconds: Annotated[float, "seconds between two looks for versions; 0 looks once"] = 1.0
    max_num_load_retries: Annotated[int, "how often a version that fails to load is tried again"] = 5
    load_retry_interval_micros: Annotated[int, "microseconds between these tries"] = 60_000_000
    num_load_threads: Annotated[int, "how many versions are loaded at a time; 0 is one"] = 0
    num_unload_threads: Annotated[int, "how many versions are unloaded at a time; 0 is one"] = 0
    tensorflow_intra_op_parallelism: Annotated[int, "threads of an op; 0 is one, in TF Serving all cores"] = 0
    tensorflow_session_parallelism: Annotated[int, "the same, by its older name"] = 0
    saved_model_tags: Annotated[str, "tags of the MetaGraphDef to load, separated by commas"] = "serve"
    enable_signature_method_name_check: Annotated[
        bool, "let signatures be called only for what their method_name says, as native TensorFlow 2 models do not"
    ] = False
    enable_batching: Annotated[bool, "let concurrent requests share a run; in TF Serving off unless asked for"] = True
    batching_parameters_file: Annotated[str, "text-format BatchingParameters: how requests share runs"] = ""
    monitoring_config_file: Annotated[
        str, "text-format MonitoringConfig: serve Prometheus metrics on the REST port"
    ] = ""
    ssl_config_file: Annotated[str, "text-format SSLConfig: TLS for the gRPC port"] = ""
    grpc_channel_arguments: Annotated[str, "further arguments of the gRPC server, as name=value,name=value"] = ""
    enable_model_warmup: Annotated[bool, "run a version's warm-up requests before it is AVAILABLE"] = True
    num_request_iterations_for_warmup: Annotated[int, "how often each of them is run; 0 is once"] = 0
    # Ours.
    host: Annotated[str, "address to listen on; TF Serving takes all"] = "127.0.0.1"
    web: Annotated[bool, "serve a page to try the models at / of the REST port"] = True
    ports_file: Annotated[str, 'write {"grpc": port, "rest": port} here once every model is available'] = ""
    enable_model_list: Annotated[bool, "list the models at GET /v1/models; in TF Serving an error"] = False
    access_log: Annotated[str, "append a line of JSON for each request to this file; - is the standard output"] = ""
    profiler_port: Annotated[int, "port of TensorFlow's profiler, on ALL addresses and open to anyone; 0 is off"] = 0
    max_concurrent_requests: Annotated[int, "requests being answered at a time, more are refused; 0 is no limit"] = 1024
    max_waiting_rows: Annotated[int, "rows waiting for a version, more are refused; the batching file goes first"] = (
        4096
    )
    max_request_rows: Annotated[int, "rows in a request; 0 is without limit, as in TF Serving"] = 0
    rest_api_max_body_bytes: Annotated[int, "size of a REST request's body, as sent and decompressed"] = 100 * 2**20
    rest_api_max_header_bytes: Annotated[int, "size of a REST request's headers"] = 64 * 2**10
    rest_api_header_timeout_in_ms: Annotated[int, "how long they may take to come; 0 is without limit"] = 10_000
    rest_api_body_timeout_in_ms: Annotated[int, "how long the body may take to come; 0 is without limit"] = 30_000
    rest_api_write_timeout_in_ms: Annotated[int, "how long a client may take nothing of its answer; 0 is no limit"] = (
        30_000
    )
    die_with_parent: Annotated[bool, "stop when the process that started this one ends"] = False


class FlagError(Exception):
    """A command line that cannot be meant; the message says which flag and what is allowed."""


class _Kind(NamedTuple):
    """How the text of a flag is read (ValueError if it cannot be) and what it may be."""

    read: Callable[[str], Any]
    allowed: str


def _port(text: str) -> Port:
    return "auto" if text == AUTO else _whole(text, MAX_PORT)


def _whole(text: str, most: int = 2**63 - 1) -> int:
    number = int(text)
    if not 0 <= number <= most:
        raise ValueError
    return number


def _seconds(text: str) -> float:
    number = float(text)
    if not 0 <= number < float("inf"):
        raise ValueError
    return number


def _boolean(text: str) -> bool:
    return {"true": True, "1": True, "false": False, "0": False}[text.lower()]


_KINDS = {
    Port: _Kind(_port, f"a port from 0 (off) to {MAX_PORT}, or {AUTO}"),
    str: _Kind(str, "text"),
    int: _Kind(_whole, "a whole number of at least 0"),
    float: _Kind(_seconds, "a number of at least 0"),
    bool: _Kind(_boolean, "true or false"),
}


def parse(arguments: Sequence[str]) -> Flags:
    """Flags from `--flag=value` and `--flag value`; a boolean may stand without a value.

    Raises FlagError: unknown flag (with the nearest known one), missing or wrong value, something that is no flag, or
    flags that leave nothing to serve.
    """
    kinds = {item.name: get_args(item.type)[0] for item in fields(Flags)}
    kinds |= {name: flag.kind for name, flag in foreign_flags.ALL.items()}
    values: dict[str, Any] = {}
    rest = list(arguments)
    while rest:
        argument = rest.pop(0)
        name, equals, text = argument.removeprefix("--").partition("=")
        if not argument.startswith("--"):
            raise FlagError(f"unexpected argument {argument!r}: flags are written --flag=value")
        if name not in kinds:
            raise FlagError(_unknown(name, list(kinds)))
        if not equals and kinds[name] is bool:
            text = "true"
        elif not equals and not rest:
            raise FlagError(f"--{name} needs a value")
        elif not equals:
            text = rest.pop(0)
        value = _read(name, kinds[name], text)
        if name in foreign_flags.ALL:
            _check_foreign(name, value)
        else:
            values[name] = value
    flags = Flags(**values)
    _check(flags)
    return flags


def _read(name: str, kind: Any, text: str) -> Any:
    read, allowed = _KINDS[kind]
    try:
        return read(text)
    except (ValueError, KeyError) as error:
        raise FlagError(f"--{name}={text}: expected {allowed}") from error


def _unknown(name: str, known: list[str]) -> str:
    nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"unknown flag --{name}" + (f"; did you mean --{nearest[0]}?" if nearest else "; --help lists the flags")


def _check_foreign(name: str, value: Any) -> None:
    flag = foreign_flags.ALL[name]
    if flag.only is not None and value != flag.only:
        raise FlagError(f"--{name} is not supported: {flag.why}")


def _check(flags: Flags) -> None:
    if not flags.model_base_path and not flags.model_config_file:
        raise FlagError("nothing to serve: give --model_base_path or --model_config_file")
    if not flags.port and not flags.grpc_socket_path and not flags.rest_api_port:
        raise FlagError("nowhere to serve: --port and --rest_api_port are 0 and --grpc_socket_path is empty")
    if flags.port and flags.port == flags.rest_api_port != AUTO:
        raise FlagError(f"--port and --rest_api_port are both {flags.port}; they must differ")
    if flags.batching_parameters_file and not flags.enable_batching:
        raise FlagError("--batching_parameters_file is set without --enable_batching")
    if flags.ssl_config_file and not flags.port:
        raise FlagError("--ssl_config_file is for the gRPC port, and --port is 0")
    if flags.monitoring_config_file and not flags.rest_api_port:
        raise FlagError("--monitoring_config_file needs --rest_api_port, where the metrics are served")
    if not 0 <= flags.profiler_port <= MAX_PORT:
        raise FlagError(f"--profiler_port={flags.profiler_port}: expected a port from 0 (off) to {MAX_PORT}")
    for name in ("max_waiting_rows", "rest_api_max_body_bytes", "rest_api_max_header_bytes"):
        if not getattr(flags, name):
            raise FlagError(f"--{name}=0: expected a whole number of at least 1")
    if flags.tensorflow_intra_op_parallelism and flags.tensorflow_session_parallelism:
        raise FlagError("give --tensorflow_intra_op_parallelism or --tensorflow_session_parallelism, not both")
    if flags.ports_file and not Path(flags.ports_file).absolute().parent.is_dir():
        raise FlagError(f"--ports_file={flags.ports_file}: its folder does not exist")


def help_text() -> str:
    """Two lines for each flag."""
    lines = ["usage: anchorline-model-server --model_base_path=FOLDER [--flag=value …]", ""]
    for item in fields(Flags):
        kind, text = get_args(item.type)
        default = str(item.default).lower() if kind is bool else item.default
        lines += [f"  --{item.name}={default}", f"      {text}"]
    lines += ["", "Also taken, for command lines written for tensorflow_model_server:", *foreign_flags.help_lines()]
    return "\n".join(lines)


def version_text() -> str:
    """What --version prints."""
    return f"TensorFlow ModelServer: anchorline {version('anchorline')}\nTensorFlow Library: {version('tensorflow')}"


def parse_or_exit(arguments: Sequence[str]) -> Flags:
    """Flags, or the end of the process: 0 after --help and --version, 2 with one line on stderr after a mistake."""
    if "--help" in arguments:
        print(help_text())
        raise SystemExit(0)
    if set(arguments) & {"--version", "--version=true"}:
        print(version_text())
        raise SystemExit(0)
    try:
        return parse(arguments)
    except FlagError as error:
        print(f"anchorline-model-server: {error}", file=sys.stderr)
        raise SystemExit(2) from error
