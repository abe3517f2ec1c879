"""Each manifest against its own schema, in which an unknown field is an error."""

import re
from typing import Any

import kserve
from kubernetes import client as kubernetes
from kubernetes_validate.utils import ValidationError as SchemaError
from kubernetes_validate.utils import all_versions, major_minor, validate
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tests.kubeflow.manifests.rendered import Manifest

VERSIONS = [major_minor(version) for version in all_versions()[-2:]]
"""The two newest versions of Kubernetes that the validator knows."""


class WrongManifestError(Exception):
    """A manifest that its schema refuses."""


def check(manifest: Manifest, version: str) -> None:
    """Hold a manifest against its schema.

    Raises:
        WrongManifestError: it says why.
    """
    match manifest["apiVersion"].partition("/")[0]:
        case "serving.kserve.io":
            build(kserve.V1beta1InferenceService, manifest, "InferenceService")
        case "monitoring.coreos.com":
            _check_monitor(manifest)
        case _:
            try:
                validate(manifest, version, strict=True)
            except SchemaError as error:
                raise WrongManifestError(error.message) from None


def build(model: Any, value: Manifest, where: str) -> Any:
    """An object of one of the Python models that KServe and Kubernetes generate from their schemas.

    Raises:
        WrongManifestError: a field is none of the model's, or the model refuses its value.
    """
    names = {field: attribute for attribute, field in model.attribute_map.items()}
    arguments = {}
    for field, inner in value.items():
        if field not in names:
            raise WrongManifestError(f"{where}.{field} is no field of {model.__name__}")
        arguments[names[field]] = _convert(model.openapi_types[names[field]], inner, f"{where}.{field}")
    try:
        return model(**arguments)
    except ValueError as error:
        raise WrongManifestError(f"{where}: {error}") from None


_PLAIN = {"str": str, "int": int, "bool": bool, "float": (int, float), "object": object}


def _convert(kind: str, value: Any, where: str) -> Any:
    if match := re.fullmatch(r"list\[(.+)\]", kind):
        return [_convert(match[1], item, where) for item in _typed(value, list, where)]
    if match := re.fullmatch(r"dict\(str, (.+)\)", kind):
        return {key: _convert(match[1], item, where) for key, item in _typed(value, dict, where).items()}
    if kind in _PLAIN:
        return _typed(value, _PLAIN[kind], where)
    if kind == "ResourceQuantity":
        return _typed(value, (str, int), where)
    model = getattr(kserve, kind, None) or getattr(kubernetes, kind)
    return build(model, _typed(value, dict, where), where)


def _typed(value: Any, kind: Any, where: str) -> Any:
    if not isinstance(value, kind) or (isinstance(value, bool) and kind in (int, (int, float))):
        raise WrongManifestError(f"{where} is {value!r}, not {kind}")
    return value


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Metadata(_Strict):
    name: str
    labels: dict[str, str]


class _Selector(_Strict):
    match_labels: dict[str, str] = Field(alias="matchLabels")


class _Endpoint(_Strict):
    port: str
    path: str
    interval: str = Field(pattern=r"^(\d+[smh])+$")


class _MonitorSpec(_Strict):
    selector: _Selector
    endpoints: list[_Endpoint] = Field(min_length=1)


class _ServiceMonitor(_Strict):
    """The part of the Prometheus Operator's ServiceMonitor that is used here; no package has its schema."""

    api_version: str = Field(alias="apiVersion", pattern="^monitoring.coreos.com/v1$")
    kind: str = Field(pattern="^ServiceMonitor$")
    metadata: _Metadata
    spec: _MonitorSpec


def _check_monitor(manifest: Manifest) -> None:
    try:
        _ServiceMonitor.model_validate(manifest)
    except ValidationError as error:
        raise WrongManifestError(str(error)) from None
