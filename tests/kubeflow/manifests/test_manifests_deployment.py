"""What the manifests say fits together, and with the server that they start."""

import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from components.ingest.settings import PairData
from pipeline.config import MatchConfig
from serving.server.flags import parse
from tests.end_to_end.test_commands import free_port
from tests.kubeflow.manifests.rendered import (
    DEPLOYMENTS,
    Manifest,
    container,
    needs_kubectl,
    only,
    pod,
    rendered,
)
from tests.serving.saved_models import save_adder
from tests.serving.stand_in import FLAGS

pytestmark = needs_kubectl

CONTAINERFILE = (Path(__file__).parents[3] / "Containerfile").read_text(encoding="utf-8")
MODEL = "adder"
EVERYWHERE = "0.0.0.0"  # noqa: S104  as a pod must


@pytest.mark.parametrize("kustomization", DEPLOYMENTS)
def test_nothing_runs_as_root_or_may_write(kustomization: str) -> None:
    allowed, server = pod(kustomization)["securityContext"], container(kustomization)
    assert allowed["runAsNonRoot"] is True
    assert allowed["seccompProfile"] == {"type": "RuntimeDefault"}
    assert server["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    writable = {mount["name"] for mount in server["volumeMounts"] if not mount.get("readOnly")}
    assert writable == {"tmp"}
    assert pod(kustomization)["automountServiceAccountToken"] is False
    assert server["resources"]["requests"].keys() == {"cpu", "memory"}
    assert server["resources"]["limits"].keys() == {"memory"}


@pytest.mark.parametrize("kustomization", DEPLOYMENTS)
def test_names_lead_to_what_is_there(kustomization: str) -> None:
    manifests = {(one["kind"], one["metadata"]["name"]): one for one in rendered(kustomization)}
    spec, server = pod(kustomization), container(kustomization)
    labels = only(kustomization, "Deployment")["spec"]["template"]["metadata"]["labels"]
    ports = {port["name"] for port in server["ports"]}
    assert only(kustomization, "Service")["spec"]["selector"].items() <= labels.items()
    assert {port["targetPort"] for port in only(kustomization, "Service")["spec"]["ports"]} == ports
    policy = only(kustomization, "NetworkPolicy")["spec"]
    assert policy["podSelector"]["matchLabels"].items() <= labels.items()
    assert {port["port"] for rule in policy["ingress"] for port in rule["ports"]} == ports
    assert (policy["policyTypes"], policy.get("egress")) == (["Ingress", "Egress"], None)
    assert ("ServiceAccount", spec["serviceAccountName"]) in manifests
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    assert {mount["name"] for mount in server["volumeMounts"]} == volumes.keys()
    assert ("PersistentVolumeClaim", volumes["models"]["persistentVolumeClaim"]["claimName"]) in manifests
    config = manifests["ConfigMap", volumes["config"]["configMap"]["name"]]["data"]
    assert {item["key"] for item in volumes["config"]["configMap"]["items"]} == {"monitoring.config"} <= config.keys()
    (variable,) = server["env"]
    reference = variable["valueFrom"]["configMapKeyRef"]
    assert manifests["ConfigMap", reference["name"]]["data"][reference["key"]] == "building-permits"


@pytest.mark.parametrize("kustomization", ["base", "overlays/own-server"])
def test_what_watches_the_pods_finds_them(kustomization: str) -> None:
    deployment = only(kustomization, "Deployment")
    target = only(kustomization, "HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]
    assert target == {"apiVersion": "apps/v1", "kind": "Deployment", "name": deployment["metadata"]["name"]}
    assert "replicas" not in deployment["spec"]  # else each `kubectl apply` undoes what the autoscaler did
    assert only(kustomization, "PodDisruptionBudget")["spec"]["selector"] == deployment["spec"]["selector"]
    service, monitor = only(kustomization, "Service"), only(kustomization, "ServiceMonitor")["spec"]
    assert monitor["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert {endpoint["port"] for endpoint in monitor["endpoints"]} <= {
        port["name"] for port in service["spec"]["ports"]
    }


def test_local_has_one_pod_and_needs_no_operator() -> None:
    kinds = {manifest["kind"] for manifest in rendered("overlays/local")}
    assert kinds.isdisjoint({"ServiceMonitor", "HorizontalPodAutoscaler", "PodDisruptionBudget"})
    assert only("overlays/local", "Deployment")["spec"]["replicas"] == 1
    assert only("overlays/local", "PersistentVolumeClaim")["spec"]["accessModes"] == ["ReadWriteOnce"]


def test_base_starts_the_official_image_with_flags_that_it_has() -> None:
    server = container("base")
    assert server["image"] == "tensorflow/serving:2.21.0"
    assert server["command"] == ["tensorflow_model_server"]
    assert {argument.removeprefix("--").partition("=")[0] for argument in server["args"]} <= FLAGS


def test_the_overlay_starts_our_server_with_flags_that_it_has() -> None:
    server = container("overlays/own-server")
    assert server["image"].startswith("localhost/anchorline-server:")
    (image,) = re.findall(r"^FROM runtime AS server\n(?:(?!FROM).+\n)*ENTRYPOINT (.+)", CONTAINERFILE, re.MULTILINE)
    assert server["command"] == [part for part in json.loads(image) if not part.startswith("--")]
    flags = parse([argument.replace("$(MODEL_NAME)", MODEL) for argument in server["args"]])
    ports = {port["name"]: port["containerPort"] for port in server["ports"]}
    assert (flags.host, flags.port, flags.rest_api_port) == (EVERYWHERE, ports["grpc"], ports["rest"])
    assert "exec" not in server["readinessProbe"] | server["startupProbe"]


def test_models_are_mounted_where_the_pipeline_pushes_them() -> None:
    """The steps on Kubeflow write to a folder of the same claim."""
    config = MatchConfig(name="faq", data=PairData(path="faq.csv"))
    ((claim, inside),) = config.kubeflow.volumes.items()
    volumes = {volume["name"]: volume for volume in pod("base")["volumes"]}
    (mount,) = [mount for mount in container("base")["volumeMounts"] if mount["mountPath"] == "/models"]
    assert volumes[mount["name"]]["persistentVolumeClaim"]["claimName"] == claim
    assert f"{inside}/{mount['subPath']}" == config.kubeflow.serving_folder
    predictor = only("kserve", "InferenceService")["spec"]["predictor"]
    name = only("kserve", "InferenceService")["metadata"]["name"]
    assert predictor["model"]["storageUri"] == f"pvc://{claim}/{mount['subPath']}/{name}"
    assert predictor["model"]["readinessProbe"]["httpGet"]["path"] == f"/v1/models/{name}/metadata"


@contextmanager
def deployed(models: Path, config: Path) -> Iterator[tuple[Manifest, int, int]]:
    """The overlay's container as a process: its arguments, with paths and ports of this machine."""
    server = container("overlays/own-server")
    grpc, rest = free_port(), free_port()
    moved = {"$(MODEL_NAME)": MODEL, "/models": str(models), "/etc/anchorline": str(config), EVERYWHERE: "127.0.0.1"}
    moved |= {"=8500": f"={grpc}", "=8501": f"={rest}"}
    arguments = server["args"]
    for old, new in moved.items():
        arguments = [argument.replace(old, new) for argument in arguments]
    command = [sys.executable, *server["command"][1:], *arguments]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            yield server, rest, process.pid
        finally:
            process.terminate()


def status(port: int, path: str) -> int | None:
    """Of an answer; none where nobody answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None


def probe_succeeds(rest: int, model: str) -> bool:
    """The readiness probe of the base, which asks inside the container by its shell."""
    command = [part.replace("/8501 ", f"/{rest} ") for part in container("base")["readinessProbe"]["exec"]["command"]]
    environment = {"PATH": os.environ["PATH"], "MODEL_NAME": model}
    return subprocess.run(command, env=environment, capture_output=True, check=False).returncode == 0


def test_the_server_starts_with_these_arguments_and_the_probes_tell_its_state(tmp_path: Path) -> None:
    config = only("overlays/own-server", "ConfigMap")
    (tmp_path / "monitoring.config").write_text(config["data"]["monitoring.config"], encoding="utf-8")
    save_adder(tmp_path / "models" / MODEL / "3", 3.0)
    with deployed(tmp_path / "models", tmp_path) as (server, rest, _):
        assert not probe_succeeds(rest, MODEL)
        ready, alive = (server[f"{kind}Probe"]["httpGet"]["path"] for kind in ("readiness", "liveness"))
        deadline = time.monotonic() + 60
        while status(rest, ready) != 200:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert status(rest, alive) == 200
        assert probe_succeeds(rest, MODEL)
        assert not probe_succeeds(rest, "another")
        (endpoint,) = only("overlays/own-server", "ServiceMonitor")["spec"]["endpoints"]
        assert status(rest, endpoint["path"]) == 200
        kserve = only("kserve", "InferenceService")["spec"]["predictor"]["model"]["readinessProbe"]["httpGet"]["path"]
        assert status(rest, kserve.replace("building-permits", MODEL)) == 200
        assert status(rest, kserve) == 404
