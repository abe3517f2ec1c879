"""Submit, schedule and look, by KFP's own client, on a server that holds every request against the published API."""

import io
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from rich.console import Console

from components.errors import UserError
from kubeflow.client import schedule, status, submit, unschedule
from kubeflow.connection import Server, connected
from pipeline.config import PipelineConfig
from tests.end_to_end.command_line import anchorline
from tests.kubeflow.openapi import SchemaError
from tests.kubeflow.server.kfp_server import KfpServer
from tests.kubeflow.server.published_api import checked


@pytest.fixture
def kfp(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[KfpServer]:
    monkeypatch.setenv("HOME", str(tmp_path))  # kfp looks for its context there
    with KfpServer() as server:
        yield server
    assert server.wrong == []


def console() -> Console:
    return Console(file=io.StringIO(), width=120, highlight=False)


def text(printed: Console) -> str:
    assert isinstance(printed.file, io.StringIO)
    return printed.file.getvalue()


@pytest.fixture
def place(kfp: KfpServer) -> Server:
    return Server(host=kfp.url)


def test_a_run_is_submitted_with_its_spec_and_parameters(
    kfp: KfpServer, place: Server, config: PipelineConfig, capsys: pytest.CaptureFixture[str]
) -> None:
    printed = console()
    assert submit(config, place, {"data_path": "/data/today"}, printed)
    (experiment,) = kfp.experiments
    assert experiment["display_name"] == "small_faq"
    (run,) = kfp.runs
    assert run["experiment_id"] == experiment["experiment_id"]
    assert run["display_name"].startswith("small_faq 20")
    spec = run["pipeline_spec"]["pipeline_spec"]
    assert "serving-check" in spec["root"]["dag"]["tasks"]
    assert run["runtime_config"]["parameters"]["data_path"] == "/data/today"
    assert run["runtime_config"]["parameters"].keys() == spec["root"]["inputDefinitions"]["parameters"].keys()
    assert f"submitted as run {run['run_id']}: {kfp.url}/#/runs/details/{run['run_id']}" in text(printed)
    assert "run_service_get_run" not in kfp.seen
    submit(config, place, {}, console())
    assert len(kfp.experiments) == 1
    assert capsys.readouterr().out == ""  # of links to experiments that kfp prints


def test_a_parameter_that_the_pipeline_has_not_is_refused_before_anything_is_sent(
    kfp: KfpServer, place: Server, config: PipelineConfig
) -> None:
    with pytest.raises(UserError, match="--parameter epochs: the pipeline has none of this name; it has "):
        submit(config, place, {"epochs": "3"}, console())
    assert kfp.seen == []


def test_waiting_says_how_it_ended(kfp: KfpServer, place: Server, config: PipelineConfig) -> None:
    printed = console()
    assert submit(config, place, {}, printed, wait=0.01)
    assert text(printed).endswith("succeeded\n")
    kfp.states = ["PENDING", "RUNNING", "CANCELED"]
    assert not submit(config, place, {}, console(), wait=0.01)
    kfp.states = ["PENDING", "FAILED"]
    tasks = [
        {"display_name": "ingest", "state": "SUCCEEDED"},
        {"display_name": "root", "state": "FAILED", "child_tasks": [{"pod_name": "x"}]},
        {"display_name": "transform", "state": "FAILED"},
    ]
    kfp.end = {"run_details": {"task_details": tasks}, "error": {"message": "workflow failed\nno space left"}}
    printed = console()
    assert not submit(config, place, {}, printed, wait=0.01)
    assert text(printed).endswith("failed in transform: no space left\n")
    printed = console()
    status(config, place, printed)
    lines = text(printed).splitlines()
    assert lines[0] == "not scheduled"
    assert [line.split()[2:4] for line in lines[2:5]] == [["83", "failed"], ["83", "canceled"], ["83", "succeeded"]]
    assert lines[-1] == "the newest run failed in transform: no space left"


def test_a_schedule_takes_the_place_of_the_one_before(kfp: KfpServer, place: Server, config: PipelineConfig) -> None:
    printed = console()
    schedule(config, place, "0 3 * * 7", {}, printed)
    (first,) = kfp.recurring
    assert first["display_name"] == "small_faq"
    assert first["trigger"] == {"cron_schedule": {"cron": "0 0 3 * * 0"}}
    assert (first["max_concurrency"], first["no_catchup"], first["mode"]) == (1, True, "ENABLE")
    assert first["pipeline_spec"]["pipeline_spec"]["root"]["dag"]["tasks"].keys() >= {"train", "push"}
    assert f"scheduled as {first['recurring_run_id']}: 0 0 3 * * 0" in text(printed)
    # Two more, as a command that was interrupted or someone else may have left them; one of another name.
    kfp.recurring += [first | {"recurring_run_id": "left"}, first | {"recurring_run_id": "x", "display_name": "other"}]
    printed = console()
    schedule(config, place, "30 4 * * *", {"data_path": "/data"}, printed)
    kept = {one["recurring_run_id"]: one for one in kfp.recurring}
    assert len(kept) == 2
    (new,) = kept.keys() - {"x"}
    assert kept[new]["trigger"]["cron_schedule"]["cron"] == "0 30 4 * * *"
    assert kept[new]["runtime_config"]["parameters"]["data_path"] == "/data"
    assert f"in place of {first['recurring_run_id']}, left" in text(printed)
    deletions = [name for name in kfp.seen if "recurring_run_service" in name and "list" not in name]
    assert [name.rpartition("service_")[2].partition("_")[0] for name in deletions] == [
        "create",
        "create",
        "delete",
        "delete",
    ]
    printed = console()
    status(config, place, printed)
    assert text(printed).splitlines() == [f"scheduled as {new}: 0 30 4 * * *", "no run yet"]
    unschedule(config, place, console())
    assert [one["recurring_run_id"] for one in kfp.recurring] == ["x"]
    with pytest.raises(UserError, match=f"small_faq has no schedule on {kfp.url}"):
        unschedule(config, place, console())


def test_what_the_schedule_cannot_be_is_said_before_anything_is_sent(
    kfp: KfpServer, place: Server, config: PipelineConfig
) -> None:
    for cron, sentence in {"0 25 * * *": "hour 25", "0 0 30 2 *": "no such date", "0 0 */2 * 1": "Kubeflow"}.items():
        with pytest.raises(UserError, match=sentence):
            schedule(config, place, cron, {}, console())
    assert kfp.seen == []


def test_nothing_is_made_by_looking(kfp: KfpServer, place: Server, config: PipelineConfig) -> None:
    printed = console()
    status(config, place, printed)
    assert text(printed) == f"small_faq was not submitted to {kfp.url} yet\n"
    with pytest.raises(UserError, match="has no schedule"):
        unschedule(config, place, console())
    assert kfp.experiments == []


def test_a_namespace_is_asked_for_where_there_are_many(kfp: KfpServer, config: PipelineConfig) -> None:
    kfp.multi_user = True
    with pytest.raises(
        UserError, match=rf"^{kfp.url} answered 400: Invalid input error: A namespace must be specified"
    ):
        schedule(config, Server(host=kfp.url), "@daily", {}, console())
    for namespace in ("team-a", "team-b"):
        schedule(config, Server(host=kfp.url, namespace=namespace), "@daily", {}, console())
    assert [one["namespace"] for one in kfp.experiments] == ["team-a", "team-b"]
    unschedule(config, Server(host=kfp.url, namespace="team-a"), console())
    assert [one["experiment_id"] for one in kfp.recurring] == [kfp.experiments[1]["experiment_id"]]


def test_a_token_is_read_from_its_file(
    kfp: KfpServer, place: Server, config: PipelineConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kfp.token = "s3cret"  # noqa: S105
    with pytest.raises(UserError, match=r"answered 401: Request header error.*KF_PIPELINES_SA_TOKEN_PATH names a file"):
        status(config, place, console())
    monkeypatch.setenv("KF_PIPELINES_SA_TOKEN_PATH", str(tmp_path / "token"))
    with pytest.raises(UserError, match="token: cannot be read"):
        status(config, place, console())
    (tmp_path / "token").write_text("s3cret\n", encoding="utf-8")
    status(config, place, console())
    assert kfp.seen[-1] == "experiment_service_list_experiments"


def test_a_page_to_log_in_is_taken_for_what_it_is(kfp: KfpServer, place: Server, config: PipelineConfig) -> None:
    kfp.login_page = True
    for command in (lambda: submit(config, place, {}, console()), lambda: status(config, place, console())):
        with pytest.raises(UserError, match="something else than Kubeflow Pipelines; is it behind a login"):
            command()
    kfp.wrong.clear()


def test_a_server_that_is_not_there_is_one_sentence(config: PipelineConfig) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"  # nobody listens
        with pytest.raises(UserError) as caught:
            status(config, Server(host=url), console())
    assert str(caught.value) == f"{url} cannot be reached: [Errno 111] Connection refused"


def test_certificates_of_an_own_authority_are_trusted_where_they_are_named(
    config: PipelineConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with KfpServer(context) as server:
        with pytest.raises(UserError, match=f"{server.url} cannot be reached: unable to get local issuer certificate"):
            status(config, Server(host=server.url), console())
        with pytest.raises(UserError, match=r"none\.pem: cannot be read"):
            status(config, Server(host=server.url, ca_file=tmp_path / "none.pem"), console())
        status(config, Server(host=server.url, ca_file=tmp_path / "ca.pem"), console())
        assert "experiment_service_list_experiments" in server.seen


def test_without_a_host_and_a_cluster_it_says_what_to_give(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    sentence = "no Kubeflow Pipelines to talk to; give --host or KF_PIPELINES_ENDPOINT"
    with pytest.raises(UserError, match=sentence), connected(Server()):
        pytest.fail("there is none")


def test_the_commands_take_host_and_namespace(kfp: KfpServer, config: PipelineConfig, tmp_path: Path) -> None:
    file = tmp_path / "faq.yaml"
    file.write_text(f"name: small_faq\noutput: {tmp_path}/out\ndata: {{path: faq.csv}}\n", encoding="utf-8")
    submit(config, Server(host=kfp.url), {}, console())
    done = anchorline("kubeflow", "status", file, "--host", kfp.url)
    assert (done.returncode, done.stderr) == (0, "")
    assert kfp.runs[0]["run_id"] in done.stdout
    done = anchorline("kubeflow", "unschedule", file, "--host", f"{kfp.url}/", "--namespace", "team-a")
    assert done.returncode == 1
    assert done.stderr == f"error: small_faq has no schedule on {kfp.url}/\n"
    done = anchorline("kubeflow", "schedule", file, "--cron", "0 3 * *", "--host", kfp.url)
    assert done.returncode == 1
    assert done.stderr.startswith("error: --cron '0 3 * *': must be minute, hour, day, month and weekday")


def test_help_loads_nothing_heavy() -> None:
    script = (
        "import sys, kubeflow.cli; print(sorted({'kfp', 'tfx', 'yaml', 'kubernetes', 'requests'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[]\n", "")


@pytest.mark.parametrize(
    ("method", "path", "query", "body", "sentence"),
    [
        ("GET", "/apis/v1beta1/jobs", {}, None, "there is no GET /apis/v1beta1/jobs"),
        ("POST", "/apis/v2beta1/recurringruns", {}, {"cron": "x"}, "cron is no field"),
        ("POST", "/apis/v2beta1/recurringruns", {}, {"mode": "ON"}, "is 'ON', not one of"),
        ("POST", "/apis/v2beta1/runs", {}, None, "takes V2beta1Run"),
        ("GET", "/apis/v2beta1/runs", {"name": "x"}, None, "has no query parameters"),
        ("GET", "/apis/v2beta1/runs", {"filter": '{"predicates": [{"op": "EQUALS"}]}'}, None, "op is no field"),
    ],
)
def test_the_server_notices_what_is_not_in_the_api(
    method: str, path: str, query: dict[str, str], body: dict[str, str] | None, sentence: str
) -> None:
    with pytest.raises(SchemaError, match=sentence):
        checked(method, path, query, body)
