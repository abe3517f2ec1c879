"""`anchorline serve`: a model server over the pushed models of one or more pipelines."""

import os
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from components.errors import UserError
from components.versions import newest_version, pushed_versions
from pipeline.config import PipelineConfig
from serving.models_file import model_server_config
from serving.programs import as_arguments, find_binary

OWN = "own"
"""In place of a binary's path: our own server."""

LOOPBACK = "127.0.0.1"
_EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104  what TF Serving does anyway

STABLE, CANARY = "stable", "canary"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions:
    """What the command line says.

    Attributes:
        host: address to listen on; none is the loopback interface, as far as the server has a choice.
        port: gRPC port.
        rest_port: REST port.
        binary: TF Serving's binary; `OWN` is our server; none is the binary on PATH, else our server.
        stable: version that gets the label of this name; none with a canary is the newest but it.
        canary: version that gets the label of this name.
    """

    host: str | None = None
    port: int = 8500
    rest_port: int = 8501
    binary: str | None = None
    stable: int | None = None
    canary: int | None = None


def serve(configs: Sequence[PipelineConfig], options: ServeOptions, console: Console) -> None:
    """Become the model server; returns only by raising. Signals reach it, because it has this process's number.

    Raises:
        UserError: a model was not pushed yet, two pipelines have one name, a version is not there, or the binary cannot
            do what is wanted.
    """
    for config in configs:
        if newest_version(config.serving_folder) is None:
            raise UserError(f"{config.serving_folder}: no version was pushed yet; `anchorline run` makes one")
    twice = [name for name, count in Counter(config.name for config in configs).items() if count > 1]
    if twice:
        raise UserError(f"two of the pipelines are named {twice[0]}; a model server tells models apart by name")
    labels = _labels(configs, options)
    program = _program(options)
    flags = {
        "port": str(options.port),
        "rest_api_port": str(options.rest_port),
        "model_config_file": str(_config_file(configs, labels)),
    }
    if labels:
        flags["allow_version_labels_for_unavailable_models"] = "true"  # else TF Serving refuses them as it starts
        _explain(labels, console)
    if program:
        console.print(f"[yellow]![/] {program} listens on all addresses of this machine", soft_wrap=True)
        command = [program, *as_arguments(flags)]
    else:
        flags["host"] = host = options.host or LOOPBACK
        address = f"[{host}]" if ":" in host else host
        console.print(
            f"page to try it: http://{address}:{options.rest_port}/, once the models are loaded", soft_wrap=True
        )
        command = [sys.executable, "-m", "serving.server", *as_arguments(flags)]
    sys.stdout.flush()
    try:
        os.execv(command[0], command)  # noqa: S606  no shell is wanted
    except OSError as error:
        raise UserError(f"{command[0]} cannot be run: {error.strerror}") from error


def _program(options: ServeOptions) -> str | None:
    """Path of TF Serving's binary; none is our own server."""
    if options.binary == OWN:
        return None
    if options.binary and not os.access(options.binary, os.X_OK):
        raise UserError(f"--binary {options.binary}: is no program; give the path of tensorflow_model_server, or {OWN}")
    program = options.binary or find_binary()
    if program and options.host not in (None, *_EVERYWHERE):
        raise UserError(
            f"--host {options.host}: {program} cannot listen on one address alone; --binary {OWN} serves with a server "
            "that can"
        )
    return str(Path(program).absolute()) if program else None


def _labels(configs: Sequence[PipelineConfig], options: ServeOptions) -> dict[str, dict[str, int]]:
    """By model, the versions that have labels."""
    if options.stable is None and options.canary is None:
        return {}
    if len(configs) > 1:
        raise UserError("--stable and --canary are versions of one model; serve one pipeline with them")
    (config,) = configs
    versions = pushed_versions(config.serving_folder)
    for version in (options.stable, options.canary):
        if version is not None and version not in versions:
            there = ", ".join(map(str, versions))
            raise UserError(f"there is no version {version} of {config.name}; there are {there}")
    stable = options.stable
    if stable is None:
        stable = max((version for version in versions if version != options.canary), default=None)
    if stable is None:
        raise UserError(f"{options.canary} is the only version of {config.name}; there is no other to be stable")
    if stable == options.canary:
        raise UserError(f"--stable and --canary are both {stable}; they must differ")
    chosen = {STABLE: stable} | ({CANARY: options.canary} if options.canary is not None else {})
    return {config.name: chosen}


def _explain(labels: dict[str, dict[str, int]], console: Console) -> None:
    for name, versions in labels.items():
        named = ", ".join(f"{label} is {version}" for label, version in versions.items())
        newest = max(versions.values())
        console.print(f"{name}: {named}; requests without a label go to {newest}", soft_wrap=True)
        console.print("  versions that are pushed from now on are not served until this command is run again")


def _config_file(configs: Sequence[PipelineConfig], labels: dict[str, dict[str, int]]) -> Path:
    models = {config.name: config.serving_folder for config in configs}
    descriptor, path = tempfile.mkstemp(prefix="anchorline-serve-", suffix=".config")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(model_server_config(models, labels))
    return Path(path)
