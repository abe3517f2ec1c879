"""The models to serve: from the flags, or from a text-format `tensorflow.serving.ModelServerConfig`."""

from pathlib import Path
from typing import Any

from google.protobuf import text_format

from serving.server.flags import Flags
from serving.server.model_config import ModelConfig
from serving.server.silent_tensorflow import model_server_config_pb2
from serving.server.versions import Policy


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


def parse(text: str) -> list[ModelConfig]:
    """The models of a text-format ModelServerConfig. Raises ConfigError."""
    try:
        message = text_format.Parse(text, model_server_config_pb2.ModelServerConfig())
    except text_format.ParseError as error:
        raise ConfigError(f"Error parsing text-format tensorflow.serving.ModelServerConfig: {error}") from error
    if message.HasField("custom_model_config"):
        raise ConfigError("custom_model_config is not supported; list the models in model_config_list")
    models = [_model(proto) for proto in message.model_config_list.config]
    for name in {model.name for model in models}:
        if sum(model.name == name for model in models) > 1:
            raise ConfigError(f"Illegal to list model {name} multiple times in config list")
    if not models:
        raise ConfigError("model_config_list names no model")
    return models


def _model(proto: Any) -> ModelConfig:
    if not proto.name:
        raise ConfigError("a model in model_config_list has no name")
    if not proto.base_path.startswith("/"):
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
