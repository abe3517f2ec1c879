"""The models to serve: from the flags, or from a text-format `tensorflow.serving.ModelServerConfig`."""

import asyncio
import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from google.protobuf import text_format

from serving.server import versions
from serving.server.errors import StatusError
from serving.server.flags import Flags
from serving.server.log import log
from serving.server.model_config import ModelConfig
from serving.server.models import Models
from serving.server.silent_tensorflow import model_server_config_pb2
from serving.server.versions import Folder, Policy


class ConfigError(Exception):
    """A model configuration that cannot be served; the message says where and why."""


def from_flags(flags: Flags) -> list[ModelConfig]:
    """The models that the flags name. Raises ConfigError."""
    if flags.model_config_file:
        return read_file(Path(flags.model_config_file))
    return [ModelConfig(flags.model_name, Path(flags.model_base_path).absolute())]


def read_file(path: Path) -> list[ModelConfig]:
    """The models of a config file. Raises ConfigError."""
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read model_config_file {path}: {error}") from error
    try:
        return parse(text)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


async def follow(flags: Flags, models: Models[Any]) -> None:
    """Read model_config_file again and again, and reload where it says something new; until cancelled.

    Returns at once if that is not asked for. A file that cannot be used is logged, once, and what is served stays. What
    was refused is tried again when the file, the versions below its base paths or what is served have changed.
    """
    complaint, refused = "", None
    while flags.model_config_file and flags.model_config_file_poll_wait_seconds:
        await asyncio.sleep(flags.model_config_file_poll_wait_seconds)
        attempt = None
        try:
            found = await asyncio.to_thread(read_file, Path(flags.model_config_file))
            if {config.name: config for config in found} != models.configs:
                attempt = (found, await asyncio.to_thread(_folders, found), models.configs, models.summary())
                if attempt == refused:
                    continue
                await models.reload(found)
        except Exception as error:  # noqa: BLE001  (what is being served goes on being served)
            refused, before, complaint = attempt, complaint, _sentence(error)
            if complaint != before:
                log(f"the models stay as they are; reloading {flags.model_config_file} failed: {complaint}")
        else:
            complaint, refused = "", None


def _sentence(error: Exception) -> str:
    """What is wrong with a file; of a mistake of our own, where it is."""
    if isinstance(error, ConfigError | StatusError):
        return str(error)
    return "".join(traceback.format_exception(error)).rstrip()


def _folders(configs: Iterable[ModelConfig]) -> list[dict[int, Folder] | str]:
    """What lies under each base path, or why that cannot be told."""
    return [_below(config.base_path) for config in configs]


def _below(base_path: Path) -> dict[int, Folder] | str:
    try:
        return versions.find(base_path)
    except OSError as error:
        return str(error)


def parse(text: str) -> list[ModelConfig]:
    """The models of a text-format ModelServerConfig. Raises ConfigError."""
    try:
        message = text_format.Parse(text, model_server_config_pb2.ModelServerConfig())
    except text_format.ParseError as error:
        raise ConfigError(f"Error parsing text-format tensorflow.serving.ModelServerConfig: {error}") from error
    return from_message(message)


def from_message(message: Any) -> list[ModelConfig]:
    """The models of a ModelServerConfig; an empty list only if it says so. Raises ConfigError."""
    if message.HasField("custom_model_config"):
        raise ConfigError("custom_model_config is not supported; list the models in model_config_list")
    if not message.HasField("model_config_list"):
        raise ConfigError("model_config_list names no model")
    models = [_model(proto) for proto in message.model_config_list.config]
    for name in {model.name for model in models}:
        if sum(model.name == name for model in models) > 1:
            raise ConfigError(f"Illegal to list model {name} multiple times in config list")
    return models


def _model(proto: Any) -> ModelConfig:
    if not proto.name:
        raise ConfigError("a model in model_config_list has no name")
    if not proto.base_path.startswith("/") or "\0" in proto.base_path:
        raise ConfigError(
            f"Expected model {proto.name} to have an absolute path or URI; got base_path()={proto.base_path}"
            + (" (of URIs, none is supported here)" if "://" in proto.base_path else "")
        )
    if proto.model_platform not in {"", "tensorflow"}:
        raise ConfigError(f"Model {proto.name} requests unsupported platform {proto.model_platform}")
    return ModelConfig(proto.name, Path(proto.base_path), _policy(proto), dict(proto.version_labels))


def _policy(proto: Any) -> Policy:
    policy = proto.model_version_policy
    choice = policy.WhichOneof("policy_choice")
    if choice == "all":
        return Policy(latest=None)
    if choice == "specific":
        if not policy.specific.versions:
            raise ConfigError(f"model {proto.name}: model_version_policy.specific lists no versions")
        return Policy(specific=frozenset(policy.specific.versions))
    if choice == "latest":
        return Policy(latest=max(1, policy.latest.num_versions))
    return Policy()
