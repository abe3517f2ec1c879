"""The manifests as files and as kustomize makes them."""

import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

import kubeflow

Manifest = dict[str, Any]

MANIFESTS = Path(kubeflow.__file__).parent / "manifests"
FILES = sorted(file for file in MANIFESTS.rglob("*.yaml") if file.name != "kustomization.yaml")
KUSTOMIZATIONS = sorted(str(file.parent.relative_to(MANIFESTS)) for file in MANIFESTS.rglob("kustomization.yaml"))
DEPLOYMENTS = ["base", "overlays/local", "overlays/own-server"]

needs_kubectl = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl, and so kustomize, is not here")


def documents(text: str) -> list[Manifest]:
    """All manifests in a stream of YAML."""
    return [document for document in yaml.safe_load_all(text) if document]


@cache
def _rendered(kustomization: str) -> str:
    command = ["kubectl", "kustomize", str(MANIFESTS / kustomization)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def rendered(kustomization: str) -> list[Manifest]:
    """What kustomize makes of a folder."""
    return documents(_rendered(kustomization))


def only(kustomization: str, kind: str) -> Manifest:
    """The one manifest of a kind."""
    (found,) = [manifest for manifest in rendered(kustomization) if manifest["kind"] == kind]
    return found


def pod(kustomization: str) -> Manifest:
    """Specification of the server's pods."""
    spec: Manifest = only(kustomization, "Deployment")["spec"]["template"]["spec"]
    return spec


def container(kustomization: str) -> Manifest:
    """Their one container."""
    (found,) = pod(kustomization)["containers"]
    return dict(found)
