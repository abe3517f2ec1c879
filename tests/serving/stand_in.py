"""A program that stands in for TF Serving's binary: it notes how it was called, takes its flags alone, and serves."""

import json
import sys
from pathlib import Path

from serving.programs import BINARY

# Of tensorflow_serving/model_servers/main.cc; those that anyone here might come to use.
FLAGS = {
    "allow_version_labels_for_unavailable_models",
    "batching_parameters_file",
    "enable_batching",
    "enable_model_warmup",
    "file_system_poll_wait_seconds",
    "grpc_channel_arguments",
    "grpc_socket_path",
    "load_retry_interval_micros",
    "max_num_load_retries",
    "model_base_path",
    "model_config_file",
    "model_config_file_poll_wait_seconds",
    "model_name",
    "monitoring_config_file",
    "num_load_threads",
    "num_unload_threads",
    "port",
    "rest_api_enable_cors_support",
    "rest_api_num_threads",
    "rest_api_port",
    "rest_api_timeout_in_ms",
    "ssl_config_file",
}

_PROGRAM = """\
#!{python}
import json, os, sys
with open({calls!r}, "a") as file:
    file.write(json.dumps({{"pid": os.getpid(), "arguments": sys.argv[1:]}}) + "\\n")
unknown = {{argument.removeprefix("--").partition("=")[0] for argument in sys.argv[1:]}} - set({flags!r})
if unknown:
    sys.exit(f"unknown flags {{unknown}}")
os.execv(sys.executable, [sys.executable, "-m", "serving.server", *sys.argv[1:]])
"""


class StandIn:
    """An executable in `folder`, under the binary's own name."""

    def __init__(self, folder: Path):
        self.path = folder / BINARY
        self._calls = folder / "calls"
        self.path.write_text(_PROGRAM.format(python=sys.executable, calls=str(self._calls), flags=sorted(FLAGS)))
        self.path.chmod(0o755)

    @property
    def calls(self) -> list[dict[str, str]]:
        """The flags of each call so far; `pid` is the process that was called."""
        found = []
        for line in self._calls.read_text().splitlines():
            call = json.loads(line)
            flags = dict(argument.removeprefix("--").split("=", 1) for argument in call["arguments"])
            found.append({"pid": str(call["pid"]), **flags})
        return found
