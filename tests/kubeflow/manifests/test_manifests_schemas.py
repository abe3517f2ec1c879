"""Every manifest is valid, as a file and as kustomize makes it, and a field that does not exist is noticed."""

import copy
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.kubeflow.manifests.rendered import (
    FILES,
    KUSTOMIZATIONS,
    MANIFESTS,
    Manifest,
    documents,
    needs_kubectl,
    rendered,
)
from tests.kubeflow.manifests.schemas import VERSIONS, check
from tests.kubeflow.openapi import SchemaError

WHOLE = [file for file in FILES if "overlays" not in file.parts]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("file", WHOLE, ids=lambda file: file.stem)
def test_files_are_valid(file: Path, version: str) -> None:
    (manifest,) = documents(file.read_text(encoding="utf-8"))
    check(manifest, version)


@needs_kubectl
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kustomization", KUSTOMIZATIONS)
def test_what_kustomize_makes_is_valid(kustomization: str, version: str) -> None:
    manifests = rendered(kustomization)
    assert manifests
    for manifest in manifests:
        check(manifest, version)


def _groups(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Paths of all mappings with fields of a fixed set of names."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    if isinstance(node, dict):
        yield path
    for key, value in items:
        plain_selector = key == "selector" and "matchLabels" not in value  # a Service's
        if (
            key not in ("labels", "matchLabels", "requests", "limits") and not plain_selector
        ):  # there any name may stand
            yield from _groups(value, (*path, key))


@pytest.mark.parametrize("file", WHOLE, ids=lambda file: file.stem)
def test_an_unknown_field_is_noticed_wherever_it_stands(file: Path) -> None:
    (manifest,) = documents(file.read_text(encoding="utf-8"))
    for path in _groups(manifest):
        wrong = copy.deepcopy(manifest)
        group: Manifest = wrong
        for key in path:
            group = group[key]
        group["replcias"] = 2
        with pytest.raises(SchemaError, match="replcias"):
            check(wrong, VERSIONS[-1])


@pytest.mark.parametrize(
    ("file", "path", "value"),
    [
        ("base/deployment.yaml", ("spec", "template", "spec", "automountServiceAccountToken"), "false"),
        ("base/autoscaler.yaml", ("spec", "maxReplicas"), "8"),
        ("base/service-monitor.yaml", ("spec", "endpoints"), []),
        ("kserve/inference-service.yaml", ("spec", "predictor", "maxReplicas"), "8"),
        ("kserve/inference-service.yaml", ("spec", "predictor", "model", "modelFormat"), "tensorflow"),
    ],
)
def test_a_value_of_the_wrong_kind_is_noticed(file: str, path: tuple[str, ...], value: Any) -> None:
    (manifest,) = documents((MANIFESTS / file).read_text(encoding="utf-8"))
    group = manifest
    for key in path[:-1]:
        group = group[key]
    assert path[-1] in group
    group[path[-1]] = value
    with pytest.raises(SchemaError):
        check(manifest, VERSIONS[-1])


@pytest.mark.parametrize("kustomization", KUSTOMIZATIONS)
def test_every_file_is_used(kustomization: str) -> None:
    folder = MANIFESTS / kustomization
    text = yaml.safe_load((folder / "kustomization.yaml").read_text(encoding="utf-8"))
    patches = [patch["path"] for patch in text.get("patches", []) if "path" in patch]
    used = [*text["resources"], *patches]
    assert all((folder / name).exists() for name in used)
    here = {file.name for file in folder.glob("*.yaml")} - {"kustomization.yaml"}
    assert here == {name for name in used if name.endswith(".yaml")}


@needs_kubectl
def test_the_overlay_of_the_readme_names_the_model(tmp_path: Path) -> None:
    readme = (MANIFESTS / "README.md").read_text(encoding="utf-8")
    text = readme.partition("```yaml\n")[2].partition("```")[0]
    base = os.path.relpath(MANIFESTS / "base", tmp_path)
    (tmp_path / "kustomization.yaml").write_text(text.replace("ANCHORLINE/kubeflow/manifests/base", base))
    command = ["kubectl", "kustomize", str(tmp_path)]
    manifests = documents(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    (config,) = [manifest for manifest in manifests if manifest["kind"] == "ConfigMap"]
    assert config["data"]["MODEL_NAME"] == "faq"
    assert "prometheus_config" in config["data"]["monitoring.config"]
    (deployment,) = [manifest for manifest in manifests if manifest["kind"] == "Deployment"]
    (server,) = deployment["spec"]["template"]["spec"]["containers"]
    assert server["env"][0]["valueFrom"]["configMapKeyRef"]["name"] == config["metadata"]["name"]
    assert {manifest["metadata"]["namespace"] for manifest in manifests} == {"faq"}
