"""Text-format ModelServerConfigs, and the request that makes a server take one."""

from pathlib import Path
from typing import Any

import grpc
from google.protobuf import text_format

from serving.process import ModelServer
from serving.server.silent_tensorflow import model_management_pb2

ALL = "model_version_policy { all {} }"


def model(name: str, path: Path, more: str = "") -> str:
    return f'config {{ name: "{name}" base_path: "{path}" model_platform: "tensorflow" {more} }}'


def models(*configs: str) -> str:
    return f"model_config_list {{ {' '.join(configs)} }}"


def specific(*versions: int) -> str:
    return f"model_version_policy {{ specific {{ {' '.join(f'versions: {number}' for number in versions)} }} }}"


def labels(**numbers: int) -> str:
    return " ".join(f'version_labels {{ key: "{label}" value: {number} }}' for label, number in numbers.items())


def reload(server: ModelServer, config: str) -> str:
    """HandleReloadConfigRequest: OK, or the status and its text."""
    with grpc.insecure_channel(f"{server.host}:{server.grpc_port}") as channel:
        call: Any = channel.unary_unary(
            "/tensorflow.serving.ModelService/HandleReloadConfigRequest",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=model_management_pb2.ReloadConfigResponse.FromString,
        )
        request = text_format.Parse(f"config {{ {config} }}", model_management_pb2.ReloadConfigRequest())
        try:
            answer = call(request, timeout=20)
        except grpc.RpcError as error:
            return f"{error.code().name}: {error.details()}"
    assert (answer.status.error_code, answer.status.error_message) == (0, "")
    return "OK"
