"""Each manifest against its own schema, in which an unknown field is an error."""

import kserve
from kubernetes import client as kubernetes
from kubernetes_validate.utils import ValidationError as WrongFieldError
from kubernetes_validate.utils import all_versions, major_minor, validate
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tests.kubeflow.manifests.rendered import Manifest
from tests.kubeflow.openapi import SchemaError, build

VERSIONS = [major_minor(version) for version in all_versions()[-2:]]
"""The two newest versions of Kubernetes that the validator knows."""


def check(manifest: Manifest, version: str) -> None:
    """Hold a manifest against its schema.

    Raises:
        SchemaError: it says why.
    """
    match manifest["apiVersion"].partition("/")[0]:
        case "serving.kserve.io":
            build(kserve.V1beta1InferenceService, manifest, "InferenceService", kserve, kubernetes)
        case "monitoring.coreos.com":
            _check_monitor(manifest)
        case _:
            try:
                validate(manifest, version, strict=True)
            except WrongFieldError as error:
                raise SchemaError(error.message) from None


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
        raise SchemaError(str(error)) from None
